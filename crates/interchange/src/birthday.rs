//! Birthdays, in the forms that people and programs write.

/// Reads the forms of a date that vCard and spreadsheets use; `None` when it is no possible date.
///
/// `19800322`, `1980-03-22`, `1980-03-22T00:00:00Z`, `--0322`, `--03-22`, and the German `22.03.1980`.
pub(crate) fn birthday(text: &str) -> Option<String> {
    let date = text.split(['T', ' ']).next().unwrap_or_default();
    let (year, rest) = match date.strip_prefix("--") {
        Some(rest) => ("-", rest.to_owned()),
        None if date.contains('.') => {
            let parts: Vec<&str> = date.split('.').collect();
            let [day, month, year] = parts.as_slice() else {
                return None;
            };
            (*year, format!("{month:0>2}{day:0>2}"))
        }
        None => (date.get(..4)?, date.get(4..)?.to_owned()),
    };
    let rest: String = rest.chars().filter(|letter| *letter != '-').collect();
    let all_digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    let is_year = year == "-" || (year.len() == 4 && all_digits(year) && year != "0000");
    if !is_year || rest.len() != 4 || !all_digits(&rest) {
        return None;
    }
    let (month, day) = rest.split_at(2);
    let days = match month.parse::<u8>().ok()? {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year == "-" || is_leap(year.parse().ok()?) => 29,
        2 => 28,
        _ => return None,
    };
    (1..=days)
        .contains(&day.parse::<u8>().ok()?)
        .then(|| format!("{year}-{month}-{day}"))
}

fn is_leap(year: u16) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn birthdays_are_dates_or_nothing() {
        let check = |text, expected: Option<&str>| {
            assert_eq!(birthday(text).as_deref(), expected, "{text}")
        };
        check("19800322", Some("1980-03-22"));
        check("1980-03-22", Some("1980-03-22"));
        check("1980-03-22T12:00:00Z", Some("1980-03-22"));
        check("22.3.1980", Some("1980-03-22"));
        check("--0229", Some("--02-29"));
        check("--02-03", Some("--02-03"));
        for text in [
            "19723101",
            "1981-02-29",
            "",
            "soon",
            "ÄÖÜÄÖÜ",
            "1980",
            "----",
            "0000-01-01",
            "1.2",
            "--",
        ] {
            check(text, None);
        }
    }
}
