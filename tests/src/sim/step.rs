//! What happens in a simulation, as data: a step can be left out, and the others still mean something.

/// What a step does; `who` and all other choices follow from the step's numbers, counted modulo what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum What {
    /// Somebody does something out of the whole model.
    Wish,
    /// A scene that is aimed at a row of the merge table.
    Aim(usize),
    /// Somebody reads cards into records.
    Import,
    /// Somebody undoes an import.
    UndoBatch,
    /// Somebody attaches a file.
    Attach,
    /// Somebody asks again for what was already done, by the same intent id.
    Repeat,

    /// A machine loses power now.
    Unplug,
    /// A machine stops at one of its next operations on the disk.
    DieSoon,
    /// A machine stops at one of its first operations when it starts the next time.
    DieAtStart,
    /// An operation on a disk fails once.
    FailDisk,
    /// Somebody copies a home.
    KeepImage,
    /// A home is put back to an older copy.
    PutBack,
    /// A home is copied to another machine, and both are used.
    Clone,
    /// A clock jumps.
    Jump,
    /// Nothing gets through to a device for a while.
    CutOff,
    /// Nothing gets through to half of the devices for a while.
    CutOffHalf,
    /// A connection becomes slow.
    Slow,
    /// A connection breaks after some more frames on the way up.
    BreakUp,
    /// A connection breaks after some more frames on the way down.
    BreakDown,
    /// A connection repeats and reorders frames for a while, which no real one does.
    Unruly,
    /// The network of a device is as it should be again.
    Mend,

    /// The relay loses power now.
    RelayUnplug,
    /// The relay stops at one of its next operations on the disk.
    RelayDiesSoon,
    /// The relay is stopped and started in an orderly way.
    RelayRestart,
    /// Somebody copies the relay's file.
    RelayKeepImage,
    /// The relay's file is put back to an older copy.
    RelayPutBack,
    /// The relay loses its disk.
    RelayLost,
    /// The relay's clock jumps.
    RelayJump,
    /// Another relay takes its place, at another address; the members move there one by one.
    RelayReplaced,
    /// A device is told of the newest relay.
    MoveToRelay,

    /// An admin invites a person.
    Invite,
    /// Somebody invites a second device of his.
    SecondDevice,
    /// An admin changes a role.
    ChangeRole,
    /// An admin revokes a device.
    Revoke,
    /// An admin accepts what is held.
    AcceptHeld,
}

#[cfg(test)]
impl What {
    /// Tells whether it is an intent.
    pub(crate) fn is_intent(self) -> bool {
        matches!(
            self,
            What::Wish
                | What::Aim(_)
                | What::Import
                | What::UndoBatch
                | What::Attach
                | What::Repeat
        )
    }
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// What happens.
    pub(crate) what: What,
    /// Who does it or meets it, counted modulo those who could.
    pub(crate) who: usize,
    /// The number from which everything random in it follows.
    pub(crate) number: u64,
    /// How much time passes after it (ms).
    pub(crate) pause_ms: i64,
}
