//! Plays the story with real processes and prints who does what and what merged: `cargo xtask demo`.

use std::io::{self, IsTerminal, Write};

use handschlag_tests::harness::Dice;
use handschlag_tests::story::{self, Told};

/// How many lines of a long answer are shown.
const LINES_MAX: usize = 24;

fn main() {
    let mut dice = Dice::throw();
    let printer = Printer {
        is_colourful: io::stdout().is_terminal(),
    };
    printer.line(&format!(
        "The story from first contact to order. To repeat it: HANDSCHLAG_SEED={}",
        dice.seed()
    ));
    story::play(&mut dice, &mut |told| printer.print(told));
    printer.line("\nThe story is at its end; all that was to hold holds.");
}

struct Printer {
    is_colourful: bool,
}

impl Printer {
    fn print(&self, told: Told<'_>) {
        match told {
            Told::Chapter(text) => self.line(&format!("\n{}", self.style("1", text))),
            Told::Did {
                who,
                command,
                outcome,
            } => {
                self.line(&format!(
                    "  {} {command}",
                    self.style("36", &format!("{who} $"))
                ));
                if !outcome.is_empty() {
                    self.line(&format!("      {outcome}"));
                }
            }
            Told::Saw { who, command, text } => {
                self.line(&format!(
                    "\n  {} {command}",
                    self.style("36", &format!("{who} $"))
                ));
                let count = text.lines().count();
                for line in text.lines().take(LINES_MAX) {
                    self.line(&format!("      {line}"));
                }
                if count > LINES_MAX {
                    self.line(&format!("      … and {} lines more", count - LINES_MAX));
                }
            }
            Told::Holds(text) => self.line(&format!("  {} {text}", self.style("32", "holds:"))),
        }
    }

    fn style(&self, code: &str, text: &str) -> String {
        if self.is_colourful {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// Writes a line; a reader that has gone does not end the story.
    fn line(&self, text: &str) {
        drop(writeln!(io::stdout(), "{text}"));
    }
}
