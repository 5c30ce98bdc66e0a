//! Phone numbers reduced to what two spellings of the same number have in common.

/// Folds a phone number for finding duplicates; the result is never shown.
///
/// Only the digits remain, with a `+` in front when the number is international (`+` or `00`).
/// In an international number the trunk zero in brackets goes: `+49 (0) 611` and `+49 (0611)` are `+49611`.
/// With `country` (a calling code such as `"49"`, `"+49"` or `"0049"`), a national number, which begins with
/// one zero, becomes international: `0611 12` is `+4961112`; countries that keep the zero abroad (Italy) and numbers
/// without a zero (North America, numbers within a town) are not completed.
/// Digits of an extension are kept, since two extensions are two phones. A text without digits folds to "".
#[must_use]
pub fn fold_phone(text: &str, country: Option<&str>) -> String {
    let mut digits = String::with_capacity(text.len() + 1);
    let mut has_plus = false;
    let mut after_bracket = false;
    for letter in text.chars() {
        match letter {
            '+' | '＋' if digits.is_empty() => has_plus = true,
            '0' if after_bracket
                && (has_plus || digits.starts_with("00"))
                && !digits.is_empty() => {}
            '0'..='9' => digits.push(letter),
            _ => {}
        }
        after_bracket = matches!(letter, '(' | '[') || (after_bracket && letter.is_whitespace());
    }
    if has_plus || digits.starts_with("00") {
        let mut rest = digits.as_str();
        while let Some(shorter) = rest.strip_prefix("00") {
            rest = shorter;
        }
        return if rest.is_empty() {
            String::new()
        } else {
            format!("+{rest}")
        };
    }
    let country: String = country
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let country = country.trim_start_matches('0');
    match digits.strip_prefix('0') {
        Some(rest) if !country.is_empty() && !rest.is_empty() => format!("+{country}{rest}"),
        _ => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_number_are_equal() {
        let check = |text: &str, expected: &str| {
            assert_eq!(fold_phone(text, Some("+49")), expected, "{text}")
        };
        check("+49 (0611) 123456 - 11", "+4961112345611");
        check("+49 (0) 611 / 123456-11", "+4961112345611");
        check("0049 611 123456 11", "+4961112345611");
        check("0049 (0)611 123456 11", "+4961112345611");
        check("0611-123456-11", "+4961112345611");
        check("tel:+49-611-123456-11", "+4961112345611");
        check("(0611) 123456 11", "+4961112345611");
        check("1-955-371-0847 x371", "19553710847371");
        check("no number", "");
        check("", "");
        assert_eq!(fold_phone("00", None), "");
        assert_eq!(fold_phone("0611 12", None), "061112");
    }
}
