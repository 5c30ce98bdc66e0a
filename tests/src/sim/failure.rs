//! What a simulation that failed says: the panic's words and place, kept until the run looks at them.

use std::cell::RefCell;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;

/// Why a simulation failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// What did not hold.
    pub text: String,
    /// Where in the code that was found.
    pub place: String,
}

thread_local! {
    static LAST: RefCell<Option<Failure>> = const { RefCell::new(None) };
    static NOTES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static IS_WATCHED: RefCell<bool> = const { RefCell::new(false) };
}

static HOOK: Once = Once::new();

/// Keeps panics of this thread instead of printing them while `what` runs.
///
/// # Errors
/// `what` panicked; this is what it said.
pub(crate) fn watch<T>(what: impl FnOnce() -> T) -> Result<T, Failure> {
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IS_WATCHED.with_borrow(|is_watched| *is_watched) {
                keep(info);
            } else {
                before(info);
            }
        }));
    });
    LAST.set(None);
    NOTES.take();
    IS_WATCHED.set(true);
    let result = panic::catch_unwind(panic::AssertUnwindSafe(what));
    IS_WATCHED.set(false);
    result.map_err(|_| {
        let mut failure = LAST.take().unwrap_or_default();
        for note in NOTES.take() {
            failure.text = format!("{note}: {}", failure.text);
        }
        failure
    })
}

/// Adds to what the panic that is under way said.
pub(crate) fn note(text: String) {
    NOTES.with_borrow_mut(|notes| notes.push(text));
}

fn keep(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let text = match (
        payload.downcast_ref::<&str>(),
        payload.downcast_ref::<String>(),
    ) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without words".to_owned(),
    };
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    LAST.with_borrow_mut(|last| {
        // The first one is the cause.
        last.get_or_insert(Failure { text, place });
    });
}
