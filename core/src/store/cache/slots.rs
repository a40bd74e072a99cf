use std::collections::HashMap;
use std::mem;

use foldhash::fast::RandomState;

use super::footprint;
use super::held::Held;
use super::slot::Slot;

/// The slots of one record, by field, and the bytes that they take.
pub(crate) struct Slots {
    places: Places,
    /// What names and values take that do not stand in place.
    shared_bytes: usize,
}

/// Few slots are searched one by one, which takes less memory and less time than a table.
enum Places {
    Few(Vec<Place>),
    #[expect(clippy::box_collection, reason = "a table is rare and would make every shelf larger")]
    Many(Box<HashMap<Held, Slot, RandomState>>),
}

type Place = (Held, Slot);

impl Slots {
    const FEW: usize = 16;

    pub(crate) const fn new() -> Slots {
        Slots { places: Places::Few(Vec::new()), shared_bytes: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        match &self.places {
            Places::Few(places) => places.len(),
            Places::Many(places) => places.len(),
        }
    }

    #[inline]
    pub(crate) fn get(&self, field: &str) -> Option<&Slot> {
        let field = field.as_bytes();
        match &self.places {
            Places::Few(places) => {
                places.iter().find(|(name, _)| name.as_slice() == field).map(|(_, slot)| slot)
            }
            Places::Many(places) => places.get(field),
        }
    }

    /// Puts a slot in the place of the one of that field, or beside the others.
    pub(crate) fn put(&mut self, field: &str, slot: Slot) {
        self.shared_bytes += slot.shared_bytes();
        match self.get_mut(field) {
            Some(place) => {
                let replaced = mem::replace(place, slot);
                self.shared_bytes -= replaced.shared_bytes();
            }
            None => {
                let name = Held::from(field.as_bytes());
                self.shared_bytes += name.shared_bytes();
                self.add((name, slot));
            }
        }
    }

    /// Leaves only the slots that `keep` answers for, and gives back what room that leaves.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Held, &Slot) -> bool) {
        let shared_bytes = &mut self.shared_bytes;
        let mut keep = |name: &Held, slot: &Slot| {
            let kept = keep(name, slot);
            *shared_bytes -= if kept { 0 } else { name.shared_bytes() + slot.shared_bytes() };
            kept
        };
        match &mut self.places {
            Places::Few(places) => {
                places.retain(|(name, slot)| keep(name, slot));
                places.shrink_to_fit();
            }
            Places::Many(places) => {
                places.retain(|name, slot| keep(name, slot));
                if places.len() <= Slots::FEW {
                    self.places = Places::Few(mem::take(&mut **places).into_iter().collect());
                } else if places.len() < places.capacity() / 4 {
                    places.shrink_to(places.len() * 2);
                }
            }
        }
    }

    /// Returns the bytes that the slots take, with names and values.
    pub(crate) fn bytes(&self) -> usize {
        let places = match &self.places {
            Places::Few(places) => footprint::allocated(places.capacity() * size_of::<Place>()),
            Places::Many(places) => {
                footprint::allocated(size_of::<HashMap<Held, Slot, RandomState>>())
                    + footprint::table(places.capacity(), size_of::<Place>())
            }
        };
        places + self.shared_bytes
    }

    fn get_mut(&mut self, field: &str) -> Option<&mut Slot> {
        let field = field.as_bytes();
        match &mut self.places {
            Places::Few(places) => {
                places.iter_mut().find(|(name, _)| name.as_slice() == field).map(|(_, slot)| slot)
            }
            Places::Many(places) => places.get_mut(field),
        }
    }

    fn add(&mut self, (name, slot): Place) {
        match &mut self.places {
            Places::Few(places) if places.len() < Slots::FEW => {
                places.reserve_exact(1);
                places.push((name, slot));
            }
            Places::Few(places) => {
                let many = mem::take(places).into_iter().chain([(name, slot)]).collect();
                self.places = Places::Many(Box::new(many));
            }
            Places::Many(places) => drop(places.insert(name, slot)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Action, Position};
    use crate::store::cache::slot::Newest;

    fn slot(position: u64, value: &[u8]) -> Slot {
        let position = Position::new(position).unwrap();
        Slot::new(Some(Newest::new(position, &Action::Set(value.into()))))
    }

    fn position(slots: &Slots, number: usize) -> Option<u64> {
        slots.get(&format!("f{number}")).map(|slot| slot.position().get())
    }

    #[test]
    fn few_slots_become_many_and_few_again() {
        let mut slots = Slots::new();
        let empty = slots.bytes();
        for number in 0..1000 {
            slots.put(&format!("f{number}"), slot(1, &[0; 30]));
            slots.put(&format!("f{number}"), slot(2, &[0; 100]));
        }
        assert_eq!((slots.len(), position(&slots, 999), position(&slots, 1000)), (1000, Some(2), None));
        let least = 1000 * (size_of::<Place>() + 100);
        assert!((least..2 * least).contains(&slots.bytes()), "{}", slots.bytes());

        slots.retain(|name, _| matches!(name.as_slice(), b"f0" | b"f1"));
        assert_eq!((slots.len(), position(&slots, 1), position(&slots, 2)), (2, Some(2), None));
        slots.retain(|_, _| false);
        assert_eq!((slots.len(), slots.bytes()), (0, empty));
    }
}
