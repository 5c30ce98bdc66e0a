//! Why a command did not do what was asked, and how that is told.

use std::io::{self, Write};

use engine::interface::{Answer, Failure};
use serde_json::json;

/// Says why a command ended without having done what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// What was typed has no meaning; nothing was asked of the engine, or nothing was changed.
    #[error("{reason}")]
    Usage {
        /// What is wrong.
        reason: String,
        /// The form that is expected.
        expected: String,
    },
    /// It was refused or failed.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The output could not be written.
    #[error("cannot write the output: {source}")]
    Output {
        /// Why.
        #[from]
        source: io::Error,
    },
}

impl CommandError {
    /// Says that a typed value does not fit.
    pub(crate) fn usage(what: &str, typed: &str, expected: impl Into<String>) -> Self {
        Self::Usage {
            reason: format!("'{typed}' is not a {what}"),
            expected: expected.into(),
        }
    }

    /// Says that the engine answered something else than the request has for an answer.
    pub(crate) fn unexpected(answer: &Answer) -> Self {
        let word = serde_json::to_value(answer)
            .ok()
            .and_then(|value| Some(value.get("answer")?.as_str()?.to_owned()))
            .unwrap_or_default();
        Self::Failed(Failure::new(
            "unexpected-answer",
            format!("the engine answered with '{word}', which this command does not know"),
            Some("end other handschlag processes of another version that use this home"),
        ))
    }

    /// Tells whether the reader of the output has gone, which is no failure.
    pub(crate) fn is_reader_gone(&self) -> bool {
        matches!(self, Self::Output { source } if source.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Gives the exit code: 1 refused or failed, 2 wrong usage.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } => 2,
            Self::Failed(_) | Self::Output { .. } => 1,
        }
    }

    fn as_failure(&self) -> Failure {
        match self {
            Self::Usage { reason, expected } => Failure::new("usage", reason, Some(expected)),
            Self::Failed(failure) => failure.clone(),
            Self::Output { .. } => Failure::new("output", self.to_string(), None),
        }
    }

    /// Tells a person, or a script, what is wrong and what to do next.
    pub(crate) fn tell(&self, err: &mut dyn Write, is_json: bool) -> io::Result<()> {
        let failure = self.as_failure();
        if is_json {
            let error = json!({
                "code": failure.code,
                "reason": failure.reason,
                "way_out": failure.way_out,
            });
            return writeln!(err, "{}", json!({ "error": error }));
        }
        let way_out = failure.way_out.as_deref().unwrap_or("");
        let mut text = format!("handschlag: {}\n", failure.reason.trim());
        for line in way_out.lines().filter(|line| !line.trim().is_empty()) {
            text.push_str(&format!("  {}\n", line.trim()));
        }
        err.write_all(crate::output::clean(&text).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: &CommandError, is_json: bool) -> String {
        let mut out = Vec::new();
        error.tell(&mut out, is_json).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn errors_say_what_is_wrong_and_what_to_do() {
        let error = CommandError::Failed(Failure::new(
            "archived",
            "Mueller GmbH is archived",
            Some("take it back into use first: handschlag restore 1a2b3c4d"),
        ));
        assert_eq!(
            told(&error, false),
            "handschlag: Mueller GmbH is archived\n  take it back into use first: handschlag restore 1a2b3c4d\n"
        );
        assert_eq!(
            told(&error, true),
            "{\"error\":{\"code\":\"archived\",\"reason\":\"Mueller GmbH is archived\",\"way_out\":\"take it back into use first: handschlag restore 1a2b3c4d\"}}\n"
        );
        assert_eq!(error.exit_code(), 1);
    }

    #[test]
    fn wrong_usage_has_a_code_of_its_own() {
        let error = CommandError::usage("date", "someday", "a date is expected");
        assert_eq!(
            told(&error, false),
            "handschlag: 'someday' is not a date\n  a date is expected\n"
        );
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn text_of_others_cannot_steer_the_terminal() {
        let error = CommandError::Failed(Failure::new("x", "a\u{1b}[2Jb", None));
        assert!(!told(&error, false).contains('\u{1b}'));
    }
}
