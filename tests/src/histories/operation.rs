use std::fmt;

/// A key of the round, by number; a value, `None` where there is none.
pub(super) type KeyValue = (usize, Option<u32>);

/// What was asked for, and what was answered.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    /// No thread did this: the log ended here before they began.
    Begin(u64),
    /// The newest value of a key.
    Read(KeyValue),
    /// The position of the newest entry of a key, 0 if there is none, and its value.
    ReadEntry(u64, KeyValue),
    /// The value of a key as of a position, which may lie inside a commit.
    ReadAsOf(u64, KeyValue),
    /// The values of several keys at one moment.
    ReadTogether(Vec<KeyValue>),
    /// The values of all keys at the position of a snapshot.
    Snapshot(u64, Vec<KeyValue>),
    Write {
        on: Vec<Premise>,
        writes: Vec<KeyValue>,
        outcome: Outcome,
    },
}

/// What a write relies on at the moment when it takes effect.
#[derive(Clone, Debug)]
pub(super) enum Premise {
    /// The key has this value: it was read in the same transaction.
    Value(KeyValue),
    /// The key has a value: it is to be deleted or edited, or was listed.
    Present(usize),
    /// The key has no value: it is to be set for the first time, or was not listed.
    Absent(usize),
    /// The key has no entry after the position.
    UnchangedSince(usize, u64),
}

#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// It was appended at these positions, the first and the last.
    Appended(u64, u64),
    /// There was nothing to write.
    Nothing,
    /// A premise did not hold, because of the commit that ends here.
    LostTo(u64),
    /// There was no value to delete or to edit.
    NoValue,
    /// It was appended, or not.
    Open,
}

/// An operation, and when it was called and returned.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) thread: usize,
    pub(super) called: u64,
    /// [`Recorded::NEVER`] if the outcome is open: it may take effect at any time.
    pub(super) returned: u64,
    pub(super) operation: Operation,
}

impl Recorded {
    pub(super) const NEVER: u64 = u64::MAX;
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Recorded { thread, called, returned, operation } = self;
        match *returned {
            Self::NEVER => write!(f, "thread {thread}, from {called}: {operation:?}"),
            returned => write!(f, "thread {thread}, from {called} to {returned}: {operation:?}"),
        }
    }
}
