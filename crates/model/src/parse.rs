//! Reading values as people type them.

use jiff::ToSpan;
use jiff::civil::{Date, Time, Weekday};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::kind::FieldSpec;
use crate::status::Status;
use crate::value::{
    Address, CUSTOM_FORMS, Consent, CustomField, Form, Labelled, LineItem, Money, PhaseSetting,
    Planned, Value,
};

/// What reading depends on beside the text.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The device's civil date.
    pub today: Date,
    /// The device's moment (ms since 1970).
    pub now_ms: i64,
    /// The device's IANA zone.
    pub zone: String,
    /// The workspace's currency (ISO 4217).
    pub currency: String,
}

/// Reads text as a value of a field; the error says what was expected.
///
/// References are not read here, since looking them up needs the replica.
pub fn value(spec: &FieldSpec, text: &str, around: &Surroundings) -> Result<Value, String> {
    let text = text.trim();
    Ok(match spec.form {
        Form::Text if spec.name == "email" && !text.is_empty() => Value::Text(email(text)?),
        Form::Text if spec.words.is_empty() => Value::Text(text.to_owned()),
        Form::Text => Value::Text(word(spec.words, text)?),
        Form::Date => Value::Date(date(text, around.today)?),
        Form::Planned => Value::Planned(planned(text, around)?),
        Form::Instant => Value::Instant(
            text.parse()
                .map_err(|_| "milliseconds since 1970 are expected")?,
        ),
        Form::Money => Value::Money(money(text, &around.currency)?),
        Form::Decimal => Value::Decimal(decimal(text)?),
        Form::Integer => Value::Integer(text.parse().map_err(|_| "a whole number is expected")?),
        Form::Flag => Value::Flag(matches!(text, "true" | "yes" | "1")),
        Form::Address => Value::Address(address(text)),
        Form::Labelled => Value::Labelled(labelled(spec.name, text)?),
        Form::Status => Value::Status(Status::of(&text.to_lowercase(), 0)),
        Form::Item => Value::Item(line_item(text, &around.currency)?),
        Form::Consent => Value::Consent(consent(text, around.now_ms)),
        Form::Phase => Value::Phase(phase(text)?),
        Form::Custom => Value::Custom(custom(text)?),
        Form::Own => Value::Text(text.to_owned()),
        _ => return Err("this field is not typed in".to_owned()),
    })
}

/// Finds a word, however it is capitalised.
pub fn word(words: &[&str], text: &str) -> Result<String, String> {
    let folded = text.to_lowercase().replace([' ', '_'], "-");
    words
        .iter()
        .find(|word| word.to_lowercase() == folded)
        .map(|word| (*word).to_owned())
        .ok_or_else(|| format!("one of {} is expected", words.join(", ")))
}

const DATE_FORMS: &str =
    "a date is expected, such as today, tomorrow, +3d, +2w, monday, 2026-12-03 or 3.12.2026";

/// Reads a date: words, distances, weekdays, ISO and German forms.
pub fn date(text: &str, today: Date) -> Result<Date, String> {
    let folded = text.trim().to_lowercase();
    let beyond = |_| "the date is too far away".to_owned();
    match folded.as_str() {
        "today" | "heute" => return Ok(today),
        "tomorrow" | "morgen" => return today.checked_add(1.day()).map_err(beyond),
        "yesterday" | "gestern" => return today.checked_sub(1.day()).map_err(beyond),
        "next week" => return today.checked_add(7.days()).map_err(beyond),
        _ => {}
    }
    if let Some(distance) = folded.strip_prefix('+') {
        return distance_from(today, distance);
    }
    let day = folded.strip_prefix("next ").unwrap_or(&folded);
    if let Some(weekday) = weekday(day) {
        return today
            .nth_weekday(1, weekday)
            .map_err(|_| "the date is too far away".to_owned());
    }
    if let Ok(date) = folded.parse::<Date>() {
        return Ok(date);
    }
    german_date(&folded, today).ok_or_else(|| DATE_FORMS.to_owned())
}

fn distance_from(today: Date, distance: &str) -> Result<Date, String> {
    let digits = distance
        .trim_end_matches(|letter: char| letter.is_alphabetic())
        .trim();
    let unit = distance[digits.len()..].trim();
    let count: i32 = digits.parse().map_err(|_| DATE_FORMS.to_owned())?;
    if !(0..=40_000).contains(&count) {
        return Err("the date is too far away".to_owned());
    }
    let span = match unit {
        "" | "d" | "day" | "days" | "t" | "tage" => count.days(),
        "w" | "week" | "weeks" => count.weeks(),
        "m" | "month" | "months" => count.months(),
        _ => return Err(DATE_FORMS.to_owned()),
    };
    today
        .checked_add(span)
        .map_err(|_| "the date is too far away".to_owned())
}

fn weekday(text: &str) -> Option<Weekday> {
    let days = [
        (Weekday::Monday, "monday", "montag"),
        (Weekday::Tuesday, "tuesday", "dienstag"),
        (Weekday::Wednesday, "wednesday", "mittwoch"),
        (Weekday::Thursday, "thursday", "donnerstag"),
        (Weekday::Friday, "friday", "freitag"),
        (Weekday::Saturday, "saturday", "samstag"),
        (Weekday::Sunday, "sunday", "sonntag"),
    ];
    days.into_iter()
        .find(|(_, english, german)| {
            text == *english || text == *german || (text.len() == 3 && english.starts_with(text))
        })
        .map(|(day, _, _)| day)
}

fn german_date(text: &str, today: Date) -> Option<Date> {
    let parts: Vec<&str> = text.trim_end_matches('.').split('.').collect();
    let (day, month, year) = match parts.as_slice() {
        [day, month] => (day, month, today.year()),
        [day, month, year] if year.len() == 2 => (day, month, 2000 + year.parse::<i16>().ok()?),
        [day, month, year] => (day, month, year.parse().ok()?),
        _ => return None,
    };
    Date::new(year, month.trim().parse().ok()?, day.trim().parse().ok()?).ok()
}

/// Reads a planned moment: a date, and a time behind it if there is one (`tomorrow 9:30`).
pub fn planned(text: &str, around: &Surroundings) -> Result<Planned, String> {
    let text = text.trim();
    let (day, clock) = match text.split_once('T').or_else(|| text.rsplit_once(' ')) {
        Some((day, clock)) if clock.starts_with(|first: char| first.is_ascii_digit()) => {
            (day, Some(clock))
        }
        _ => (text, None),
    };
    let time = match clock {
        Some(clock) => Some(clock_time(clock)?),
        None => None,
    };
    Ok(Planned {
        date: date(day, around.today)?,
        time,
        zone: around.zone.clone(),
    })
}

fn clock_time(text: &str) -> Result<Time, String> {
    let wrong = || format!("'{text}' is no time of day; 9, 9:30 or 14:00 are");
    let mut parts = text.trim_end_matches('h').split(':');
    let mut next = || {
        parts
            .next()
            .map(|part| part.parse::<i8>().map_err(|_| wrong()))
    };
    let hour = next().ok_or_else(wrong)??;
    let minute = next().transpose()?.unwrap_or(0);
    let second = next().transpose()?.unwrap_or(0);
    Time::new(hour, minute, second, 0).map_err(|_| wrong())
}

/// Reads a decimal number in English or German form (`1,234.50`, `1.234,50`, `12,5`).
pub fn decimal(text: &str) -> Result<Decimal, String> {
    let wrong = || "a number is expected, such as 12.50 or 12,50".to_owned();
    let digits: String = text
        .chars()
        .filter(|letter| !letter.is_whitespace() && !matches!(letter, '\'' | '\u{a0}'))
        .collect();
    let plain = match (digits.rfind('.'), digits.rfind(',')) {
        (Some(dot), Some(comma)) if dot < comma => digits.replace('.', "").replace(',', "."),
        (Some(_), Some(_)) => digits.replace(',', ""),
        (None, Some(_)) if digits.matches(',').count() > 1 => digits.replace(',', ""),
        (None, Some(_)) => digits.replace(',', "."),
        (Some(_), None) if digits.matches('.').count() > 1 => digits.replace('.', ""),
        _ => digits,
    };
    plain.parse().map_err(|_| wrong())
}

/// Reads an amount with or without its currency (`12,50 EUR`, `€ 1.234,56`).
pub fn money(text: &str, currency: &str) -> Result<Money, String> {
    let symbols = [("€", "EUR"), ("$", "USD"), ("£", "GBP")];
    let mut number = text.trim().to_owned();
    let mut found = currency.to_owned();
    for (symbol, code) in symbols {
        if number.contains(symbol) {
            number = number.replace(symbol, "");
            found = code.to_owned();
        }
    }
    let letters: String = number.chars().filter(char::is_ascii_alphabetic).collect();
    if letters.len() == 3 {
        found = letters.to_uppercase();
        number = number.replace(&letters, "");
    } else if !letters.is_empty() {
        return Err("an amount is expected, such as 1250 or 12.50 EUR".to_owned());
    }
    minor(decimal(number.trim())?, found)
}

fn minor(amount: Decimal, currency: String) -> Result<Money, String> {
    let digits = minor_digits(&currency);
    let whole = amount
        .checked_mul(Decimal::from(10_i64.pow(digits)))
        .map(|whole| whole.normalize());
    match whole
        .filter(|whole| whole.scale() == 0)
        .and_then(|whole| whole.to_i64())
    {
        Some(minor) => Ok(Money { minor, currency }),
        None => Err(format!(
            "an amount in {currency} has {digits} digits behind the point"
        )),
    }
}

/// Tells how many digits behind the point a currency has (ISO 4217).
pub fn minor_digits(currency: &str) -> u32 {
    match currency {
        "JPY" | "KRW" | "ISK" | "CLP" | "VND" | "XAF" | "XOF" | "XPF" | "PYG" | "UGX" | "RWF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

const EMAIL_FORM: &str = "an e-mail address has something before and behind its @";

/// Reads an e-mail address: as it is typed, but for what no mail could reach.
pub fn email(text: &str) -> Result<String, String> {
    let text = text.trim();
    let (person, place) = text.rsplit_once('@').ok_or(EMAIL_FORM)?;
    let is_place = !place.is_empty() && !place.starts_with('.') && !place.ends_with('.');
    if person.is_empty() || !is_place {
        return Err(EMAIL_FORM.to_owned());
    }
    if text.contains(char::is_whitespace) {
        return Err("an e-mail address has no spaces; several are given one by one".to_owned());
    }
    Ok(text.to_owned())
}

fn labelled(field: &str, text: &str) -> Result<Labelled, String> {
    let labels = ["work", "home", "mobile", "fax", "other"];
    let (label, value) = match text.split_once(':') {
        Some((label, value)) if label.chars().all(char::is_alphabetic) => {
            (label.trim().to_lowercase(), value.trim())
        }
        _ => (labels[0].to_owned(), text),
    };
    match field {
        "email" => Ok(Labelled {
            value: email(value)?,
            label,
        }),
        "phone" if !value.chars().any(|letter| letter.is_ascii_digit()) => {
            Err("a phone number has digits".to_owned())
        }
        _ => Ok(Labelled {
            value: value.to_owned(),
            label,
        }),
    }
}

/// Reads an address typed in one line: parts between semicolons are street, postal code and city, country.
fn address(text: &str) -> Address {
    let mut parts = text.split(';').map(str::trim);
    let mut address = Address {
        street: parts.next().unwrap_or("").to_owned(),
        ..Address::default()
    };
    let city = parts.next().unwrap_or("");
    match city.split_once(' ') {
        Some((code, name)) if code.bytes().any(|byte| byte.is_ascii_digit()) => {
            address.postal_code = code.to_owned();
            address.city = name.trim().to_owned();
        }
        _ => address.city = city.to_owned(),
    }
    address.country = parts.next().unwrap_or("").to_owned();
    address.label = parts.next().unwrap_or("").to_owned();
    address
}

/// Reads a line item: `text;quantity;unit;price;discount;vat`, the last four optional.
pub fn line_item(text: &str, currency: &str) -> Result<LineItem, String> {
    let parts: Vec<&str> = text.split(';').map(str::trim).collect();
    let form = "a line item is 'text;quantity;unit;price;discount;vat'";
    let [name, quantity, rest @ ..] = parts.as_slice() else {
        return Err(form.to_owned());
    };
    if name.is_empty() || rest.len() > 4 {
        return Err(form.to_owned());
    }
    let part = |at: usize, name: &str| {
        let text = rest
            .get(at)
            .copied()
            .filter(|text| !text.is_empty())
            .unwrap_or("0")
            .trim_end_matches('%');
        decimal(text).map_err(|error| format!("{name}: {error}"))
    };
    let price = rest
        .get(1)
        .copied()
        .filter(|text| !text.is_empty())
        .unwrap_or("0");
    let discount = part(2, "discount")?;
    if discount > Decimal::ONE_HUNDRED || discount.is_sign_negative() && !discount.is_zero() {
        return Err("a discount is between 0 and 100 percent".to_owned());
    }
    Ok(LineItem {
        text: (*name).to_owned(),
        quantity: decimal(quantity).map_err(|error| format!("quantity: {error}"))?,
        unit: rest
            .first()
            .map_or(String::new(), |unit| (*unit).to_owned()),
        price: money(price, currency).map_err(|error| format!("price: {error}"))?,
        discount,
        vat: part(3, "vat")?,
        position: 0,
    })
}

fn consent(text: &str, now_ms: i64) -> Consent {
    let (basis, wording) = text.split_once(':').unwrap_or((text, ""));
    Consent {
        basis: basis.trim().to_owned(),
        when_ms: now_ms,
        wording: wording.trim().to_owned(),
    }
}

fn phase(text: &str) -> Result<PhaseSetting, String> {
    let parts: Vec<&str> = text.split(';').map(str::trim).collect();
    let form = || "a phase is 'title;chance in percent;rank'".to_owned();
    let [title, chance, rank] = parts.as_slice() else {
        return Err(form());
    };
    let chance: i64 = chance.trim_end_matches('%').parse().map_err(|_| form())?;
    if !(0..=100).contains(&chance) {
        return Err("a chance is between 0 and 100 percent".to_owned());
    }
    Ok(PhaseSetting {
        title: (*title).to_owned(),
        chance,
        rank: rank.parse().map_err(|_| form())?,
    })
}

/// Reads the definition of a workspace's own field: 'title;kinds;form;choices', of which the title must be there.
fn custom(text: &str) -> Result<CustomField, String> {
    let mut parts = text.split(';').map(str::trim);
    let mut next = || parts.next().unwrap_or_default();
    let words = |text: &str| -> Vec<String> {
        let words = text.split(',').map(str::trim);
        words
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (title, kinds, form) = (next(), words(next()), next());
    let form = match form {
        "" => String::new(),
        form => word(&CUSTOM_FORMS, form)?,
    };
    let choices = words(next());
    if (form == "choice") == choices.is_empty() {
        return Err(
            "a choice, and nothing else, has words: 'title;kinds;choice;one,two'".to_owned(),
        );
    }
    Ok(CustomField {
        title: title.to_owned(),
        kinds,
        form,
        choices,
    })
}

/// Reads text as a value of a workspace's own field.
pub fn own(field: &CustomField, text: &str, around: &Surroundings) -> Result<Value, String> {
    let text = text.trim();
    Ok(match field.form.as_str() {
        "date" => Value::Text(date(text, around.today)?.to_string()),
        "money" => Value::Money(money(text, &around.currency)?),
        "decimal" => Value::Text(decimal(text)?.normalize().to_string()),
        "flag" => Value::Flag(matches!(text, "true" | "yes" | "1")),
        "choice" => {
            let words: Vec<&str> = field.choices.iter().map(String::as_str).collect();
            Value::Text(word(&words, text)?)
        }
        // A form that only a newer version knows takes any text here.
        _ => Value::Text(text.to_owned()),
    })
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
