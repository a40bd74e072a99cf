use std::sync::PoisonError;

use super::footprint;
use super::slot::{Newest, Slot};
use super::slots::Slots;
use crate::log::{Field, Namespace, Position};
use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};
use crate::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What the cache knows of one record: a slot for each field that was asked for.
///
/// Every slot holds the newest entry of its field at the position that the cache is true up to.
/// What is written at every hit stands first and together, so that two shelves have no line of
/// memory in common there.
#[repr(C)]
pub(crate) struct Shelf {
    hits: AtomicU64,
    contents: RwLock<Contents>,
}

pub(crate) struct Contents {
    slots: Slots,
    /// The last commit that changed the record, or may have while the shelf was not there: what was
    /// read before it is not true any more.
    changed: Position,
    /// What the shelf takes beside its slots.
    own_bytes: u32,
}

/// How much a change adds to what is held, or takes from it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Growth {
    pub(crate) slots: isize,
    pub(crate) bytes: isize,
}

impl Growth {
    pub(crate) fn add(&mut self, other: Growth) {
        self.slots += other.slots;
        self.bytes += other.bytes;
    }

    /// Returns the bytes that were taken away.
    pub(crate) fn gained(self) -> usize {
        usize::try_from(-self.bytes).unwrap_or(0)
    }
}

impl Shelf {
    /// Returns an empty shelf of `namespace`, which may have changed at `changed` last.
    pub(crate) fn new(namespace: &Namespace, changed: Position) -> Shelf {
        let own = footprint::shared(size_of::<Shelf>()) + footprint::shared(namespace.as_str().len());
        let own_bytes = u32::try_from(own + Self::PLACE).unwrap_or(u32::MAX);
        let contents = Contents { slots: Slots::new(), changed, own_bytes };
        Shelf { hits: AtomicU64::new(0), contents: RwLock::new(contents) }
    }

    /// What the place among the shelves takes: 32 bytes, 9 in the index, and room to grow.
    const PLACE: usize = 64;

    /// Puts what is known of `field` into `place`: its newest entry, or that it has none. Returns whether
    /// the field is on the shelf, and not with an entry after `at`.
    ///
    /// A place, and no answer: to move what was found would take half as long as to find it.
    #[inline]
    pub(crate) fn find(&self, place: &mut Option<Newest>, field: &str, at: Position) -> bool {
        let contents = self.read();
        let Some(slot) = contents.slots.get(field).filter(|slot| slot.position() <= at) else { return false };
        place.clone_from(slot.read());
        drop(contents);
        // No addition that others would have to wait for; of two at the same moment one may be lost.
        self.hits.store(self.hits.load(Relaxed) + 1, Relaxed);
        true
    }

    pub(crate) fn hits(&self) -> u64 {
        self.hits.load(Relaxed)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Contents> {
        self.contents.write().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn read(&self) -> RwLockReadGuard<'_, Contents> {
        self.contents.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    /// Returns whether what was read at `at` still holds.
    pub(crate) fn unchanged_since(&self, at: Position) -> bool {
        self.changed <= at
    }

    /// Adds what was read of a field.
    pub(crate) fn keep(&mut self, field: &Field, newest: Option<Newest>) -> Growth {
        self.change(|slots| slots.put(field.as_str(), Slot::new(newest)))
    }

    /// Takes in an entry of a commit: it replaces what was known of the field, if anything was.
    pub(crate) fn take_in(&mut self, field: &Field, newest: Newest, largest: usize) -> Growth {
        self.changed = self.changed.max(newest.position);
        if self.slots.get(field.as_str()).is_none() {
            return Growth::default();
        }
        let slot = Slot::new(Some(newest));
        self.change(|slots| match slot.shared_bytes() > largest {
            true => slots.retain(|name, _| name.as_slice() != field.as_str().as_bytes()),
            false => slots.put(field.as_str(), slot),
        })
    }

    /// Empties the shelf; what was read before `to` may not be put there any more.
    pub(crate) fn forget(&mut self, to: Position) -> Growth {
        self.changed = to;
        self.change(|slots| *slots = Slots::new())
    }

    /// Removes slots that were not read since the last sweep, or, if it is not to `spare` any, others
    /// too, until `excess` bytes are gained.
    pub(crate) fn sweep(&mut self, excess: usize, spare: bool) -> Growth {
        let mut gained = 0;
        self.change(|slots| {
            slots.retain(|name, slot| {
                let stays = gained >= excess || (slot.take_used() && spare);
                gained +=
                    if stays { 0 } else { size_of::<Slot>() + name.shared_bytes() + slot.shared_bytes() };
                stays
            });
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.len() == 0
    }

    /// Returns the bytes that all of it takes: none without slots, since an empty shelf stays only
    /// while a handle holds it.
    pub(crate) fn bytes(&self) -> usize {
        if self.is_empty() { 0 } else { self.own_bytes as usize + self.slots.bytes() }
    }

    fn change(&mut self, change: impl FnOnce(&mut Slots)) -> Growth {
        let (slots, bytes) = (self.slots.len(), self.bytes());
        change(&mut self.slots);
        Growth { slots: difference(slots, self.slots.len()), bytes: difference(bytes, self.bytes()) }
    }
}

fn difference(before: usize, after: usize) -> isize {
    after.cast_signed() - before.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Action;

    fn find(shelf: &Shelf, field: &str) -> bool {
        shelf.find(&mut None, field, Position::MAX)
    }

    #[test]
    fn a_sweep_spares_what_was_read_once_and_if_it_may() {
        let shelf = Shelf::new(&Namespace::new("a").unwrap(), Position::START);
        let one = Position::new(1).unwrap();
        for field in ["x", "y", "z"] {
            let newest = Newest::new(one, &Action::Set([1].as_slice().into()));
            assert_eq!(shelf.write().keep(&Field::new(field).unwrap(), Some(newest)).slots, 1);
        }
        assert!(find(&shelf, "y"));
        assert_eq!(shelf.write().sweep(usize::MAX, true).slots, -2);
        assert!(find(&shelf, "y") && !find(&shelf, "x") && !find(&shelf, "z"));
        assert_eq!(shelf.write().sweep(usize::MAX, false).slots, -1);
        assert_eq!((find(&shelf, "y"), shelf.write().bytes(), shelf.hits()), (false, 0, 2));
    }
}
