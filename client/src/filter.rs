//! Conditions and orders of lists as people type them.

use std::str::FromStr;

use engine::interface::{Compare, Sort};

use crate::assignment::field_name;

/// A condition as it was typed; records and dates in it are not looked up yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The field.
    pub field: String,
    /// How it is compared.
    pub compare: Compare,
    /// With what; empty for [`Compare::Empty`] and [`Compare::Filled`].
    pub value: String,
}

/// Says that a text is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a condition is expected: field=value, field!=value, field~text, field<value, field>value, field:empty or field:filled"
)]
pub struct ConditionError;

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let end = text
            .find(|letter: char| !(letter.is_alphanumeric() || "_-/.".contains(letter)))
            .ok_or(ConditionError)?;
        let (field, rest) = text.split_at(end);
        if field.is_empty() {
            return Err(ConditionError);
        }
        let (compare, value) = match rest {
            ":empty" => (Compare::Empty, ""),
            ":filled" => (Compare::Filled, ""),
            _ => [
                ("!=", Compare::IsNot),
                ("=", Compare::Is),
                ("~", Compare::Contains),
                ("<", Compare::Before),
                (">", Compare::After),
            ]
            .into_iter()
            .find_map(|(sign, compare)| Some((compare, rest.strip_prefix(sign)?)))
            .ok_or(ConditionError)?,
        };
        Ok(Self {
            field: field_name(field),
            compare,
            value: value.trim().to_owned(),
        })
    }
}

/// The order of a list as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order(pub Sort);

/// Says that a text is no order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a field is expected, with - before it for the largest first, such as company or -changed")]
pub struct OrderError;

impl FromStr for Order {
    type Err = OrderError;

    fn from_str(text: &str) -> Result<Self, OrderError> {
        let (field, descending) = match text.strip_prefix('-') {
            Some(field) => (field, true),
            None => (text, false),
        };
        let fits = field.chars().next().is_some_and(char::is_alphanumeric)
            && field
                .chars()
                .all(|letter| letter.is_alphanumeric() || "_-/.".contains(letter));
        fits.then(|| {
            Self(Sort {
                field: field_name(field),
                descending,
            })
        })
        .ok_or(OrderError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read() {
        for (text, expected) in [
            ("status=new", Some(("status", Compare::Is, "new"))),
            ("status!=new", Some(("status", Compare::IsNot, "new"))),
            (
                "company~mueller",
                Some(("company", Compare::Contains, "mueller")),
            ),
            (
                "closing-date<+2w",
                Some(("closing_date", Compare::Before, "+2w")),
            ),
            (
                "revenue>10000 EUR",
                Some(("revenue", Compare::After, "10000 EUR")),
            ),
            ("next-step=late", Some(("next_step", Compare::Is, "late"))),
            ("email:empty", Some(("email", Compare::Empty, ""))),
            ("email:filled", Some(("email", Compare::Filled, ""))),
            ("text~a=b", Some(("text", Compare::Contains, "a=b"))),
            (
                "custom/machine=X",
                Some(("custom/machine", Compare::Is, "X")),
            ),
            ("email:gone", None),
            ("status", None),
            ("=new", None),
            ("two words=new", None),
            ("", None),
        ] {
            let read = text.parse::<Condition>().ok();
            let read = read
                .as_ref()
                .map(|one| (one.field.as_str(), one.compare, one.value.as_str()));
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn orders_are_read() {
        for (text, expected) in [
            ("company", Some(("company", false))),
            ("-changed", Some(("changed", true))),
            ("next-step", Some(("next_step", false))),
            ("--x", None),
            ("", None),
            ("a b", None),
        ] {
            let read = text.parse::<Order>().ok();
            let read = read
                .as_ref()
                .map(|order| (order.0.field.as_str(), order.0.descending));
            assert_eq!(read, expected, "{text}");
        }
    }
}
