/// How much a read of the present knows of what other processes have appended.
///
/// What was appended or loaded through the same store is always seen, by either, and so is the commit
/// that a [repeated](crate::Receipt::repeated) receipt names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// A read first learns whether the log moved on, and answers as of its end.
    #[default]
    Checked,
    /// A read asks nobody: it answers as of the position that the store knows, which is that of the
    /// last commit of its own, or what [`Store::refresh`](crate::Store::refresh) or a checked read
    /// came to, whichever is last. A value that was erased meanwhile is gone all the same, unless it is
    /// held. Without a cache a read is as fresh as the log.
    ///
    /// A [`Subscription`](crate::Subscription) does not move that position: who reads more than the
    /// commits that it gives refreshes first.
    Cached,
}
