//! The progress of long work, on a terminal only.

use engine::interface::Event;
use indicatif::{ProgressBar, ProgressStyle};

/// Shows how far a request is; shows nothing where nobody looks.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins to show progress on stderr, or none.
    pub(crate) fn begin(shows: bool, text: &str) -> Self {
        let bar = shows.then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_message(text.to_owned());
            bar
        });
        Self { bar }
    }

    /// Takes what the engine says while it works.
    pub(crate) fn take(&mut self, event: &Event) {
        let (
            Some(bar),
            Event::Progress {
                done, total, text, ..
            },
        ) = (&self.bar, event)
        else {
            return;
        };
        if let Some(total) = total
            && bar.length() != Some(*total)
        {
            bar.set_length(*total);
            // A template that does not parse leaves the plain form, which also shows how far it is.
            if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}") {
                bar.set_style(style);
            }
        }
        bar.set_message(crate::output::clean(text));
        bar.set_position(*done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
