//! Breaks on purpose, one at a time, so that tests can show that they catch them.
//!
//! Each crate with a break has a feature `sabotage`, which compiles its breaks in; all of them are off until a test turns
//! one on for its thread. Nothing that ships can have the feature: only the tests package names it, and the binaries do
//! not compile with it. `docs/testing.md` says what catches each.

use std::cell::Cell;

macro_rules! breaks {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// A way in which the code is broken on purpose.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Break {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Break {
            /// All of them.
            pub const ALL: &[Break] = &[$(Break::$name),+];
        }
    };
}

breaks! {
    /// A device answers a press before the store has synced it.
    AnswerBeforeSync,
    /// The relay acknowledges before its log is synced.
    AcknowledgeBeforeSync,
    /// The relay appends what does not continue its feed.
    FeedUnchecked,
    /// The relay accepts a cut that is not where the feed stands.
    CutUnchecked,
    /// The cursor is durable before the batch that it stands for.
    CursorBeforeBatch,
    /// The records of a transaction that are ready are applied, and the others are forgotten.
    PartsApart,
    /// What waited for a dependency is not tried again when that has come.
    WaitingForgotten,
    /// A device that finds another branch of its own feed at the relay goes on as if there were none.
    ForkUnseen,
    /// A device whose commit failed goes on with what it had in memory.
    MemoryKeptAfterFailure,
    /// An actor is the same after each start.
    ActorKept,
    /// An intent that is repeated is carried out again.
    IntentTwice,
    /// A number is minted without counting on.
    NumberTwice,
    /// The code of another device is given out again, and nobody minds.
    CodeTwice,
    /// What a conversion makes has ids from randomness.
    RandomIds,
    /// A write does not keep what it supersedes unseen.
    NoAside,
    /// Registers do not say which press wrote them.
    NoStamp,
    /// Which of several references counts is up to the order in which automerge has them.
    TieByAutomerge,
    /// Of several statuses of a sales project the newest counts.
    NewestStatus,
    /// Archived beside an edit means archived.
    ArchivedWins,
    /// What was undone is gone, whatever others did under it.
    UndoneWins,
    /// Only touched records are worked out anew, not what follows from them.
    NeighboursStale,
    /// A device brings a relay that lost its log nothing of others.
    NothingCarried,
}

thread_local! {
    static NOW: Cell<Option<Break>> = const { Cell::new(None) };
}

/// Tells whether something is broken now, on this thread.
pub fn is(what: Break) -> bool {
    NOW.get() == Some(what)
}

/// Breaks something on this thread while a closure runs, also when that panics.
pub fn with<T>(what: Break, run: impl FnOnce() -> T) -> T {
    struct Mended(Option<Break>);
    impl Drop for Mended {
        fn drop(&mut self) {
            NOW.set(self.0);
        }
    }
    let _mended = Mended(NOW.replace(Some(what)));
    run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_broken_at_a_time_and_mended_after_a_panic() {
        assert!(!is(Break::NoAside));
        let caught = std::panic::catch_unwind(|| {
            with(Break::NoAside, || {
                assert!(is(Break::NoAside) && !is(Break::NoStamp));
                with(Break::NoStamp, || {
                    assert!(is(Break::NoStamp) && !is(Break::NoAside));
                });
                assert!(is(Break::NoAside));
                std::panic::resume_unwind(Box::new(()));
            });
        });
        assert!(caught.is_err());
        assert!(!is(Break::NoAside));
    }

    #[test]
    fn what_is_broken_here_is_whole_on_another_thread() {
        with(Break::NoAside, || {
            let other = std::thread::spawn(|| is(Break::NoAside));
            assert_eq!(other.join().ok(), Some(false));
        });
    }
}
