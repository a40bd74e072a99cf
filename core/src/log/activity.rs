use std::iter::Peekable;
use std::sync::Arc;

use annals_codec::{Uuid, Value};

use super::{Commit, CommitEntries, CommitId, Context};
use crate::error::Error;

/// The tags of a commit that belongs to an activity.
pub(super) const NAME_TAG: &str = "__annals.activity";
pub(super) const ID_TAG: &str = "__annals.activity_id";

impl Context {
    /// Makes everything that is committed under this context one activity: `import of 12 May`.
    ///
    /// Each call names a new activity. Its name and id stand in two tags of each of its commits,
    /// `__annals.activity` and `__annals.activity_id`; an activity in which nothing is committed leaves
    /// nothing. Inside another activity the inner one counts. [`Activities`] lists the log by
    /// them. (The word is that of W3C PROV-DM.)
    ///
    /// ```
    /// use annals_core::{Context, Order, PositionRange, Store};
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let people = store.record("people")?;
    /// Context::new().actor("import").activity("import of 12 May").in_scope(|| {
    ///     people.set("ann", &31)?;
    ///     people.set("ben", &28)
    /// })?;
    /// people.set("ann", &32)?;
    ///
    /// let newest_first = store.activities(PositionRange::ALL, Order::NewestFirst);
    /// let listed: Vec<_> = newest_first.map(|activity| {
    ///     let activity = activity.unwrap();
    ///     (activity.name().map(str::to_owned), activity.commits)
    /// }).collect();
    /// assert_eq!(listed, [(None, 1), (Some("import of 12 May".to_owned()), 2)]);
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    #[must_use]
    pub fn activity(self, name: impl Into<String>) -> Context {
        let name: String = name.into();
        self.tag(NAME_TAG, name).tag(ID_TAG, Value::Uuid(CommitId::make().uuid()))
    }

    /// Returns the name of the [activity](Context::activity) that this belongs to.
    #[must_use]
    pub fn activity_name(&self) -> Option<&str> {
        self.tags.get(NAME_TAG)?.as_text()
    }

    /// Returns the id of the [activity](Context::activity) that this belongs to.
    #[must_use]
    pub fn activity_id(&self) -> Option<Uuid> {
        match self.tags.get(ID_TAG)? {
            Value::Uuid(id) => Some(*id),
            _ => None,
        }
    }
}

/// What was done together: commits of one activity that follow one another, or one commit that
/// belongs to none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// The commit with the smallest position.
    pub first: Arc<Commit>,
    /// The commit with the greatest position.
    pub last: Arc<Commit>,
    /// How many commits it has, at least 1.
    pub commits: u64,
    /// How many entries they have, of those that were listed.
    pub entries: u64,
}

impl Activity {
    /// Returns the name, `None` for a commit that belongs to no activity.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.last.context.activity_name()
    }

    /// Returns the id, `None` for a commit that belongs to no activity.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        self.last.context.activity_id()
    }

    fn of(CommitEntries { commit, entries }: CommitEntries) -> Activity {
        let entries = entries.len() as u64;
        Activity { first: Arc::clone(&commit), last: commit, commits: 1, entries }
    }

    fn has(&self, commit: &Commit) -> bool {
        self.id().is_some_and(|id| commit.context.activity_id() == Some(id))
    }

    fn add(&mut self, CommitEntries { commit, entries }: CommitEntries) {
        self.commits += 1;
        self.entries += entries.len() as u64;
        if commit.last < self.first.first { self.first = commit } else { self.last = commit }
    }
}

/// Lists commits by [activity](Context::activity); holds one at a time, however long the log is.
///
/// An activity that others came between is listed in parts, all with the same id. Ends after the first
/// error.
#[derive(Debug)]
#[must_use = "nothing is read until the activities are walked"]
pub struct Activities<I: Iterator<Item = Result<CommitEntries, Error>>> {
    commits: Peekable<I>,
}

impl<I: Iterator<Item = Result<CommitEntries, Error>>> Activities<I> {
    /// Returns the activities of `commits`, which come in either order.
    pub fn of(commits: impl IntoIterator<IntoIter = I>) -> Activities<I> {
        Activities { commits: commits.into_iter().peekable() }
    }
}

impl<I: Iterator<Item = Result<CommitEntries, Error>>> Iterator for Activities<I> {
    type Item = Result<Activity, Error>;

    fn next(&mut self) -> Option<Result<Activity, Error>> {
        let mut activity = match self.commits.next()? {
            Ok(commit) => Activity::of(commit),
            Err(error) => return Some(Err(error)),
        };
        let belongs = |activity: &Activity, next: &Result<CommitEntries, Error>| {
            next.as_ref().is_ok_and(|next| activity.has(&next.commit))
        };
        while let Some(Ok(next)) = self.commits.next_if(|next| belongs(&activity, next)) {
            activity.add(next);
        }
        Some(Ok(activity))
    }
}
