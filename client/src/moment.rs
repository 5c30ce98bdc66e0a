//! The moment and zone in which a command runs, and dates as people say them.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use model::parse::{self, Surroundings};
use model::value::Planned;

/// When and where a command runs; read once, so that one command knows one today.
#[derive(Debug, Clone)]
pub struct Moment {
    now: Zoned,
}

impl Moment {
    /// Reads the system's clock and zone (`TZ` counts).
    #[expect(
        clippy::disallowed_methods,
        reason = "the command line is a shell: it is here that dates people type get their today"
    )]
    pub fn read() -> Self {
        Self::of(Timestamp::now().to_zoned(TimeZone::system()))
    }

    /// Takes a moment as given.
    pub fn of(now: Zoned) -> Self {
        Self { now }
    }

    /// Gives the device's civil date.
    pub fn today(&self) -> Date {
        self.now.date()
    }

    /// Gives the moment (ms since 1970).
    pub fn now_ms(&self) -> i64 {
        self.now.timestamp().as_millisecond()
    }

    /// Gives what reading typed values depends on.
    pub fn surroundings(&self, currency: &str) -> Surroundings {
        let zone = self.now.time_zone().iana_name().unwrap_or("UTC");
        Surroundings {
            today: self.today(),
            now_ms: self.now_ms(),
            zone: zone.to_owned(),
            currency: currency.to_owned(),
        }
    }

    /// Reads a planned moment as a person types it.
    pub fn planned(&self, text: &str) -> Result<Planned, String> {
        parse::planned(text, &self.surroundings(""))
    }

    /// Reads a date as a person types it.
    pub fn date(&self, text: &str) -> Result<Date, String> {
        parse::date(text, self.today())
    }

    /// Says a date: in a word near today, with its weekday within half a year, else in ISO form.
    pub fn say_date(&self, date: Date) -> String {
        let days = (date - self.today()).get_days();
        match days {
            0 => "today".to_owned(),
            1 => "tomorrow".to_owned(),
            -1 => "yesterday".to_owned(),
            -180..=180 => date.strftime("%a %-d %b").to_string(),
            _ => date.to_string(),
        }
    }

    /// Says a planned moment.
    pub fn say_planned(&self, planned: &Planned) -> String {
        let date = self.say_date(planned.date);
        let here = self.now.time_zone().iana_name();
        match planned.time {
            None => date,
            Some(time) if here.is_none_or(|here| here == planned.zone) => {
                format!("{date} {}", say_time(time))
            }
            Some(time) => format!("{date} {} ({})", say_time(time), planned.zone),
        }
    }

    /// Says a past moment (ms since 1970) in the device's zone.
    pub fn say_ms(&self, ms: i64) -> String {
        match Timestamp::from_millisecond(ms) {
            Ok(timestamp) => {
                let zoned = timestamp.to_zoned(self.now.time_zone().clone());
                format!("{} {}", self.say_date(zoned.date()), say_time(zoned.time()))
            }
            Err(_) => "at an unknown time".to_owned(),
        }
    }
}

fn say_time(time: Time) -> String {
    time.strftime("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment() -> Moment {
        Moment::of("2026-12-03T10:00[Europe/Berlin]".parse().unwrap())
    }

    #[test]
    fn dates_near_today_are_words() {
        for (date, said) in [
            ("2026-12-03", "today"),
            ("2026-12-04", "tomorrow"),
            ("2026-12-02", "yesterday"),
            ("2026-12-07", "Mon 7 Dec"),
            ("2026-11-03", "Tue 3 Nov"),
            ("2027-12-03", "2027-12-03"),
        ] {
            assert_eq!(moment().say_date(date.parse().unwrap()), said);
        }
    }

    #[test]
    fn moments_are_said_in_the_zone_of_the_device() {
        let planned = moment().planned("tomorrow 9:30").unwrap();
        assert_eq!(planned.zone, "Europe/Berlin");
        assert_eq!(moment().say_planned(&planned), "tomorrow 09:30");
        let elsewhere = Planned {
            zone: "Asia/Tokyo".to_owned(),
            ..planned
        };
        assert_eq!(
            moment().say_planned(&elsewhere),
            "tomorrow 09:30 (Asia/Tokyo)"
        );
        assert_eq!(moment().say_ms(1_796_256_000_000), "today 01:00");
        assert_eq!(moment().say_ms(i64::MAX), "at an unknown time");
    }
}
