use std::cmp::Ordering;
use std::iter::Peekable;

use crate::error::Error;
use crate::log::{Change, Key, Pages};

/// A field whose value is not the same at two moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field.
    pub key: Key,
    /// What had set the value at the first moment; `None` if there was no value.
    pub before: Option<Change>,
    /// What had set the value at the second moment; `None` if there was no value.
    pub after: Option<Change>,
}

/// The changes of one key on both sides.
type Pair = (Option<Change>, Option<Change>);

/// The differences between two snapshots, in key order; ends after the first error.
///
/// A field that was set again to an equal value does not differ, nor does one that had no value at
/// either moment.
#[derive(Debug)]
pub struct Differences {
    before: Peekable<Pages<Change>>,
    after: Peekable<Pages<Change>>,
    /// After an error the other side would be compared with nothing.
    has_failed: bool,
}

impl Differences {
    pub(crate) fn new(before: Pages<Change>, after: Pages<Change>) -> Differences {
        Differences { before: before.peekable(), after: after.peekable(), has_failed: false }
    }

    /// Returns the next key's changes on both sides, whether or not they differ.
    fn next_pair(&mut self) -> Option<Result<Pair, Error>> {
        let order = match (self.before.peek(), self.after.peek()) {
            (None, None) => return None,
            (Some(Ok(before)), Some(Ok(after))) => before.key().cmp(after.key()),
            (Some(_), None) | (Some(Err(_)), Some(_)) => Ordering::Less,
            (None, Some(_)) | (Some(_), Some(Err(_))) => Ordering::Greater,
        };
        let before = if order.is_le() { self.before.next().transpose() } else { Ok(None) };
        let after = if order.is_ge() { self.after.next().transpose() } else { Ok(None) };
        Some(before.and_then(|before| Ok((before, after?))))
    }
}

impl Iterator for Differences {
    type Item = Result<Difference, Error>;

    fn next(&mut self) -> Option<Result<Difference, Error>> {
        while !self.has_failed {
            let (before, after) = match self.next_pair()? {
                Ok((before, after)) => (before.filter(Change::has_value), after.filter(Change::has_value)),
                Err(error) => {
                    self.has_failed = true;
                    return Some(Err(error));
                }
            };
            let action = |side: &Option<Change>| side.as_ref().map(|change| change.entry.action.clone());
            if action(&before) == action(&after) {
                continue;
            }
            let key = before.as_ref().or(after.as_ref())?.key().clone();
            return Some(Ok(Difference { key, before, after }));
        }
        None
    }
}
