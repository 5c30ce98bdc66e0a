//! Activities.

use clap::Args;

/// Flags of `note`, `call`, `email`, `task`, `appointment` and `follow-up`.
#[derive(Debug, Args)]
pub struct Add {
    /// The record that it regards.
    #[arg(value_name = "ID")]
    pub id: String,
    /// What it is about; the first line is the subject, further lines are the text.
    #[arg(value_name = "TEXT")]
    pub about: Option<String>,
    /// The subject, in one line.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub subject: Option<String>,
    /// The long text.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub text: Option<String>,
    /// When it was, or is due: tomorrow, +3d, monday, 2026-12-03, 3.12.2026, with a time behind it or not.
    #[arg(long, value_name = "DATE")]
    pub on: Option<String>,
    /// How long it takes, such as 30, 45m, 2h or 1h30m.
    #[arg(long, value_name = "TIME", value_parser = minutes)]
    pub duration: Option<i64>,
    /// Who does it, by id or name; oneself without it.
    #[arg(long, value_name = "MEMBER")]
    pub responsible: Option<String>,
    /// Another record that it regards; may be repeated.
    #[arg(long, value_name = "ID")]
    pub regards: Vec<String>,
    /// in or out, for calls and e-mails.
    #[arg(long, value_name = "in|out")]
    pub direction: Option<String>,
    /// What came of it.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub outcome: Option<String>,
    /// How long before it to remind, such as 15, 2h or 1d.
    #[arg(long, value_name = "TIME", value_parser = minutes)]
    pub reminder: Option<i64>,
}

/// Flags of `done`.
#[derive(Debug, Args)]
pub struct Done {
    /// The activities.
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
    /// Done for everybody, not only for oneself.
    #[arg(long)]
    pub all: bool,
}

/// Flags of `postpone`.
#[derive(Debug, Args)]
pub struct Postpone {
    /// The activity.
    #[arg(value_name = "ID")]
    pub id: String,
    /// Until when: tomorrow, +3d, monday, 2026-12-03, 3.12.2026, with a time behind it or not.
    #[arg(value_name = "DATE", required = true)]
    pub until: Vec<String>,
}

/// Flags of `reopen`.
#[derive(Debug, Args)]
pub struct Reopen {
    /// The activities.
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
}

/// The longest time that a flag takes, in minutes: a year.
const MINUTES_MAX: i64 = 366 * 24 * 60;

/// Reads a length of time in minutes: `30`, `45m`, `2h`, `1h30m`, `1d`.
fn minutes(text: &str) -> Result<i64, String> {
    let wrong = || "a length of time is expected, such as 30, 45m, 2h, 1h30m or 1d".to_owned();
    let mut total = 0_i64;
    let mut digits = String::new();
    for letter in text.trim().to_lowercase().chars() {
        let unit = match letter {
            '0'..='9' if digits.len() < 6 => {
                digits.push(letter);
                continue;
            }
            'm' => 1,
            'h' => 60,
            'd' => 24 * 60,
            _ => return Err(wrong()),
        };
        total += digits.parse::<i64>().map_err(|_| wrong())? * unit;
        digits.clear();
    }
    if !digits.is_empty() {
        total += digits.parse::<i64>().map_err(|_| wrong())?;
    } else if text.trim().is_empty() {
        return Err(wrong());
    }
    (total <= MINUTES_MAX).then_some(total).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::minutes;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        for (text, expected) in [
            ("30", Some(30)),
            ("45m", Some(45)),
            ("2h", Some(120)),
            ("1h30m", Some(90)),
            ("1h30", Some(90)),
            ("1d", Some(1440)),
            ("", None),
            ("h", None),
            ("-5", None),
            ("soon", None),
            ("999999d", None),
        ] {
            assert_eq!(minutes(text).ok(), expected, "{text}");
        }
    }
}
