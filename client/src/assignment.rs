//! `FIELD=VALUE` as people type it: `=` replaces, `+=` adds, `-=` removes.

use std::str::FromStr;

use model::intent::{Assignment, Change};

/// One change of a field as it was typed; records in it are not looked up yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The field as it was typed.
    pub field: String,
    /// How it changes.
    pub change: Change,
    /// What stands behind the sign.
    pub text: String,
}

/// Says that a text is no change of a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "FIELD=VALUE is expected: = replaces, += adds to a list, -= removes from it, such as priority=A, phone+=mobile:+491701234567 or tag-=fair"
)]
pub struct WrittenError;

impl FromStr for Written {
    type Err = WrittenError;

    fn from_str(text: &str) -> Result<Self, WrittenError> {
        let (left, value) = text.split_once('=').ok_or(WrittenError)?;
        let (field, change) = match left.as_bytes().last() {
            Some(b'+') => (&left[..left.len() - 1], Change::Add),
            Some(b'-') => (&left[..left.len() - 1], Change::Remove),
            _ => (left, Change::Set),
        };
        let field = field.trim();
        let fits = field.chars().next().is_some_and(char::is_alphanumeric)
            && field
                .chars()
                .all(|letter| letter.is_alphanumeric() || "_-/.".contains(letter));
        if !fits {
            return Err(WrittenError);
        }
        Ok(Self {
            field: field.to_owned(),
            change,
            text: value.to_owned(),
        })
    }
}

impl Written {
    /// Gives what goes to the engine, with the text that the records in it were looked up to.
    pub fn assignment(&self, text: String) -> Assignment {
        Assignment {
            field: field_name(&self.field),
            change: self.change,
            value: text.as_str().into(),
            seen: None,
        }
    }
}

/// Gives a field's name as records have it: `Job-Title` is `job_title`; what stands behind `/` stays.
pub fn field_name(typed: &str) -> String {
    let (name, rest) = match typed.find('/') {
        Some(at) => typed.split_at(at),
        None => (typed, ""),
    };
    format!("{}{rest}", name.trim().to_lowercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_says_how_a_field_changes() {
        use Change::{Add, Remove, Set};
        for (text, expected) in [
            (
                "company=Mueller GmbH",
                Some(("company", Set, "Mueller GmbH")),
            ),
            ("tag+=fair", Some(("tag", Add, "fair"))),
            ("tag-=fair", Some(("tag", Remove, "fair"))),
            ("job-title=CEO", Some(("job-title", Set, "CEO"))),
            ("note=1+1=2", Some(("note", Set, "1+1=2"))),
            ("note=a-=b", Some(("note", Set, "a-=b"))),
            ("priority=", Some(("priority", Set, ""))),
            (
                "custom/machine=X-200",
                Some(("custom/machine", Set, "X-200")),
            ),
            ("phone/0a1b=+49 30 1", Some(("phone/0a1b", Set, "+49 30 1"))),
            ("company", None),
            ("=A", None),
            ("+=A", None),
            ("-=A", None),
            ("two words=A", None),
            ("a++=b", None),
        ] {
            let read = text.parse::<Written>().ok();
            let read = read
                .as_ref()
                .map(|one| (one.field.as_str(), one.change, one.text.as_str()));
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn field_names_are_those_of_records() {
        assert_eq!(field_name("Job-Title"), "job_title");
        assert_eq!(field_name("custom/X-ray"), "custom/X-ray");
    }
}
