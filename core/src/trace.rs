//! The spans of the feature `tracing`, all of target `annals` and level debug: names, positions and
//! sizes, never a value. Without the feature there is nothing of it in the program.

use std::sync::Arc;

use crate::error::Error;
use crate::log::{Batch, CommitEntries, Conflict, Driver, Durability, Position, Receipt};

type Answers = Result<Vec<Result<Receipt, Conflict>>, Error>;
type Next = Result<Option<CommitEntries>, Error>;

/// Returns the driver, its reads and flushes told of where they are to be.
pub(crate) fn driver(driver: impl Driver + 'static) -> Arc<dyn Driver> {
    #[cfg(feature = "tracing")]
    let driver = spans::Traced(driver);
    Arc::new(driver)
}

/// Runs the append of `batches`.
pub(crate) fn append(
    batches: Vec<Batch>,
    durability: Durability,
    append: impl FnOnce(Vec<Batch>, Durability) -> Answers,
) -> Answers {
    #[cfg(feature = "tracing")]
    let span = spans::append(&batches, durability);
    let answers = append(batches, durability);
    #[cfg(feature = "tracing")]
    spans::appended(&span, &answers);
    answers
}

/// Runs the wait of a subscription that has reached `after`.
pub(crate) fn subscribe(after: Position, next: impl FnOnce() -> Next) -> Next {
    #[cfg(feature = "tracing")]
    let span = spans::subscribe(after);
    let next = next();
    #[cfg(feature = "tracing")]
    spans::received(&span, &next);
    #[cfg(not(feature = "tracing"))]
    let _ = after;
    next
}

#[cfg(feature = "tracing")]
mod spans {
    use std::fmt::Debug;

    use tracing::field::{Empty, debug};
    use tracing::span::EnteredSpan;
    use tracing::{Span, debug_span};

    use super::{Answers, Next};
    use crate::error::Error;
    use crate::forward_driver;
    use crate::log::{
        Batch, Change, CommitEntries, Driver, Durability, Entry, Key, Namespace, Order, Position,
        PositionRange, Scope,
    };

    pub(super) fn append(batches: &[Batch], durability: Durability) -> EnteredSpan {
        let writes = || batches.iter().flat_map(|batch| &batch.writes);
        debug_span!(
            target: "annals", "append",
            batches = batches.len(),
            entries = writes().count(),
            bytes = writes().filter_map(|write| write.action.bytes()).map(|bytes| bytes.len()).sum::<usize>(),
            durability = ?durability,
            last = Empty,
            reached = Empty,
            conflicts = Empty,
            error = Empty,
        )
        .entered()
    }

    pub(super) fn appended(span: &Span, answers: &Answers) {
        match answers {
            Err(error) => failed(span, error),
            Ok(answers) => {
                span.record("conflicts", answers.iter().filter(|answer| answer.is_err()).count());
                if let Some(last) = answers.iter().flatten().last() {
                    span.record("last", last.position().get());
                    span.record("reached", debug(last.durability));
                }
            }
        }
    }

    pub(super) fn subscribe(after: Position) -> EnteredSpan {
        debug_span!(
            target: "annals", "subscribe",
            after = after.get(), last = Empty, found = Empty, bytes = Empty, error = Empty,
        )
        .entered()
    }

    pub(super) fn received(span: &Span, next: &Next) {
        match next {
            Err(error) => failed(span, error),
            Ok(None) => {}
            Ok(Some(commit)) => {
                span.record("last", commit.commit.last.get());
                commit.record(span);
            }
        }
    }

    fn read<T: Found>(
        what: &'static str,
        of: &dyn Debug,
        read: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let span = debug_span!(
            target: "annals", "read", what, ?of, found = Empty, bytes = Empty, error = Empty,
        )
        .entered();
        let answer = read();
        match &answer {
            Ok(found) => found.record(&span),
            Err(error) => failed(&span, error),
        }
        answer
    }

    fn failed(span: &Span, error: &Error) {
        span.record("error", debug(error.kind()));
    }

    /// What a read has found, as its number and the bytes of its values.
    trait Found {
        fn record(&self, span: &Span);
    }

    fn record<'a>(span: &Span, entries: impl Iterator<Item = &'a Entry>) {
        let sizes = entries.map(|entry| entry.action.bytes().map_or(0, |bytes| bytes.len()));
        let (found, bytes) = sizes.fold((0_usize, 0), |(found, bytes), size| (found + 1, bytes + size));
        span.record("found", found).record("bytes", bytes);
    }

    impl Found for Option<Entry> {
        fn record(&self, span: &Span) {
            record(span, self.iter());
        }
    }

    impl Found for CommitEntries {
        fn record(&self, span: &Span) {
            record(span, self.entries.iter());
        }
    }

    impl Found for Vec<CommitEntries> {
        fn record(&self, span: &Span) {
            record(span, self.iter().flat_map(|commit| &commit.entries));
        }
    }

    impl Found for Vec<Change> {
        fn record(&self, span: &Span) {
            record(span, self.iter().map(|change| &change.entry));
        }
    }

    impl Found for Vec<Namespace> {
        fn record(&self, span: &Span) {
            span.record("found", self.len());
        }
    }

    /// A driver that tells of its reads of entries and of what is flushed; asking how far the log has come is no such.
    pub(super) struct Traced<D>(pub(super) D);

    impl<D: Driver> Driver for Traced<D> {
        forward_driver!(append, last_position, boundary, restore, abilities => self.0);

        fn sync(&self) -> Result<(), Error> {
            let span = debug_span!(target: "annals", "flush", error = Empty).entered();
            self.0.sync().inspect_err(|error| failed(&span, error))
        }

        fn commits(
            &self,
            range: PositionRange,
            order: Order,
            limit: usize,
        ) -> Result<Vec<CommitEntries>, Error> {
            read("commits", &range, || self.0.commits(range, order, limit))
        }

        fn entry(&self, key: &Key, at: Position) -> Result<Option<Entry>, Error> {
            read("entry", key, || self.0.entry(key, at))
        }

        fn history(
            &self,
            key: &Key,
            range: PositionRange,
            order: Order,
            skip: usize,
            limit: usize,
        ) -> Result<Vec<Change>, Error> {
            read("history", key, || self.0.history(key, range, order, skip, limit))
        }

        fn state(
            &self,
            scope: &Scope,
            at: Position,
            after: Option<&Key>,
            limit: usize,
        ) -> Result<Vec<Change>, Error> {
            read("state", scope, || self.0.state(scope, at, after, limit))
        }

        fn namespaces(
            &self,
            scope: &Scope,
            after: Option<&Namespace>,
            limit: usize,
        ) -> Result<Vec<Namespace>, Error> {
            read("namespaces", scope, || self.0.namespaces(scope, after, limit))
        }
    }
}
