//! Whether both sides answered alike.

use annals::{Change, Entry};

pub(crate) fn value<V: AsRef<[u8]>>(entry: &Option<Entry>, by_hand: &Option<V>) -> bool {
    entry.as_ref().map(bytes) == by_hand.as_ref().map(AsRef::as_ref)
}

pub(crate) fn versions<V: AsRef<[u8]>>(changes: &[Change], by_hand: &[(u64, V)]) -> bool {
    let ours = changes.iter().map(|change| (change.position().get(), bytes(&change.entry)));
    ours.eq(by_hand.iter().map(|(position, value)| (*position, value.as_ref())))
}

fn bytes(entry: &Entry) -> &[u8] {
    entry.action.bytes().unwrap()
}
