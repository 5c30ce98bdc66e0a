//! The stages of a long task, with their times.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// Collects the stages of a task and what became of each.
pub(crate) struct Stages {
    ended: Vec<Ended>,
}

struct Ended {
    name: String,
    took: Duration,
    remark: String,
}

impl Stages {
    /// Starts with no stage.
    pub(crate) fn new() -> Self {
        Self { ended: Vec::new() }
    }

    /// Runs one stage and keeps its time; a failure names the stage.
    ///
    /// The body answers with a remark for the summary, empty when all went as usual.
    pub(crate) fn stage(
        &mut self,
        name: &str,
        body: impl FnOnce() -> Result<String, Failure>,
    ) -> Result<(), Failure> {
        eprintln!("\n== {name}");
        let began = now();
        let result = body();
        let took = began.elapsed();
        let remark = match &result {
            Ok(remark) => remark.clone(),
            Err(_) => "FAILED".to_owned(),
        };
        eprintln!("== {name}: {}", seconds(took));
        self.ended.push(Ended {
            name: name.to_owned(),
            took,
            remark,
        });
        result.map(|_| ()).map_err(|failure| failure.in_stage(name))
    }

    /// Sums up the times of all stages so far.
    pub(crate) fn total(&self) -> Duration {
        self.ended.iter().map(|ended| ended.took).sum()
    }

    /// Writes one line per stage and the total.
    pub(crate) fn summary(&self, task: &str) -> String {
        let width = self
            .ended
            .iter()
            .map(|ended| ended.name.len())
            .chain([task.len() + " total".len()])
            .max()
            .unwrap_or(0);
        let mut text = String::new();
        for ended in &self.ended {
            let line = format!(
                "{:width$}  {:>8}  {}",
                ended.name,
                seconds(ended.took),
                ended.remark
            );
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{}", line.trim_end());
        }
        let name = format!("{task} total");
        let _ = write!(text, "{name:width$}  {:>8}", seconds(self.total()));
        text
    }
}

/// Writes a duration in seconds with one decimal.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tasks measure how long their stages take; nothing of the product depends on it"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_stage_is_named_and_stays_in_the_summary() {
        let mut stages = Stages::new();
        stages
            .stage("fmt", || Ok(String::new()))
            .expect("this stage succeeds");
        let failure = stages
            .stage("clippy", || Err(Failure::new("two warnings")))
            .expect_err("this stage fails");
        assert_eq!(
            failure.to_string(),
            "error: stage clippy failed: two warnings"
        );
        let summary = stages.summary("ci");
        let lines: Vec<&str> = summary.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("fmt "), "{summary}");
        assert!(lines[1].ends_with("FAILED"), "{summary}");
        assert!(lines[2].starts_with("ci total"), "{summary}");
    }
}
