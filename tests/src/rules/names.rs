use std::collections::BTreeMap;

use annals_core::{Batch, Key, Position, Scope};

use crate::samples::{DriverExt, batch};
use crate::{Places, hostile_names};

/// Thousands of names that are made to be mistaken for something else, or for one another, are each
/// refused as a name or kept apart from all others, byte for byte and in byte order, after reopening too.
pub fn hostile_names_are_kept_apart(places: &Places) {
    let log = places.open_empty();
    let names = hostile_names(3000);
    let keys = names.iter().flat_map(|name| [Key::parse(name, "x"), Key::parse("a", name)]);
    let mut numbers = BTreeMap::new();
    // What the log keeps for itself, `Log` lets nobody append.
    let keys = keys.flatten().filter(|key| !key.namespace().is_reserved());
    // Keys that come out twice keep the number that they got first.
    for (key, number) in keys.zip(0_u32..) {
        numbers.entry(key).or_insert(number);
    }
    assert!(numbers.len() > 1000, "{} of the names are allowed", numbers.len());
    let mut in_turn: Vec<(&Key, &u32)> = numbers.iter().collect();
    in_turn.sort_by_key(|(_, number)| **number);
    for some in in_turn.chunks(250) {
        let set =
            |batch: Batch, (key, number): &(&Key, &u32)| batch.set((*key).clone(), number.to_be_bytes());
        log.commit(some.iter().fold(batch(), set));
    }
    let log = log.reopen();
    let found = log.state_at(&Scope::All, Position::MAX).into_iter().map(|change| {
        let value = change.entry.action.bytes().unwrap()[..].try_into().unwrap();
        (change.entry.key, u32::from_be_bytes(value))
    });
    assert!(found.eq(numbers.clone()), "not all keys have the value that they were given, in order");
    for (key, number) in &numbers {
        let entry = log.entry(key, Position::MAX).unwrap().unwrap();
        assert_eq!((&entry.key, &entry.action.bytes().unwrap()[..]), (key, &number.to_be_bytes()[..]));
    }
}
