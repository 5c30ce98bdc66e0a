//! Numbers without a server: series, year, device code, counter (design section 6).

use std::cmp::Ordering;

/// A number taken apart, as `AF-2026-K3-0007`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number<'a> {
    /// The series or the workspace's own prefix for it.
    pub prefix: &'a str,
    /// The year of the device's civil date.
    pub year: i16,
    /// The code of the device entry in the roster.
    pub code: &'a str,
    /// The counter of that code and year, over all series.
    pub count: u32,
}

/// Writes a number.
pub fn write(prefix: &str, year: i16, code: &str, count: u32) -> String {
    format!("{prefix}-{year:04}-{code}-{count:04}")
}

/// Takes a number apart; `None` when it is not one of ours.
pub fn parse(text: &str) -> Option<Number<'_>> {
    let (rest, count) = text.trim().rsplit_once('-')?;
    let (rest, code) = rest.rsplit_once('-')?;
    let (prefix, year) = rest.rsplit_once('-')?;
    let code_fits = !code.is_empty()
        && code.len() <= 4
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if prefix.is_empty()
        || !code_fits
        || year.len() != 4
        || !digits(year)
        || count.len() < 4
        || !digits(count)
    {
        return None;
    }
    Some(Number {
        prefix,
        year: year.parse().ok()?,
        code,
        count: count.parse().ok()?,
    })
}

/// Gives the number that a derived record takes: the same one in its own series.
pub fn derived(number: &str, prefix: &str) -> Option<String> {
    let Number {
        year, code, count, ..
    } = parse(number)?;
    Some(write(prefix, year, code, count))
}

/// Where a number stands among others: by year, counter and code, as numbers; what is no number of ours comes last, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place<'a> {
    /// One of ours: year, counter, length of the code, code, prefix.
    Ours(i16, u32, usize, &'a str, &'a str),
    /// Any other text.
    Other(&'a str),
}

impl<'a> Place<'a> {
    /// Finds the place of a number.
    pub fn of(text: &'a str) -> Self {
        match parse(text) {
            Some(one) => Place::Ours(one.year, one.count, one.code.len(), one.code, one.prefix),
            None => Place::Other(text),
        }
    }
}

/// Orders two numbers by their places.
pub fn compare(one: &str, other: &str) -> Ordering {
    Place::of(one).cmp(&Place::of(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_derived_takes_the_same_number_in_its_own_series() {
        assert_eq!(
            derived("AF-2026-K3-0007", "KD").as_deref(),
            Some("KD-2026-K3-0007")
        );
        assert_eq!(derived("hand-written", "KD"), None);
    }

    #[test]
    fn numbers_are_ordered_as_numbers() {
        let mut numbers = [
            "AF-2026-B-0010",
            "AF-2026-A2-0002",
            "AF-2025-C-0999",
            "AF-2026-B-0002",
            "AF-2026-A-12345",
        ];
        numbers.sort_by(|a, b| compare(a, b));
        assert_eq!(
            numbers,
            [
                "AF-2025-C-0999",
                "AF-2026-B-0002",
                "AF-2026-A2-0002",
                "AF-2026-B-0010",
                "AF-2026-A-12345"
            ]
        );
    }

    #[test]
    fn what_only_looks_like_a_number_is_none() {
        for text in [
            "",
            "-",
            "AF-2026-A",
            "AF-26-A-0001",
            "AF-2026--0001",
            "AF-2026-A-1",
            "-2026-A-0001",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
