//! How a set, tuple or custom value learns that its serializer is ours.
//!
//! Such a value holds others, and serde has no word for it. Our serializer lets it write its items in place; to any
//! other it must give a finished extension. Serde offers a value no way to ask its serializer, so ours leaves a word
//! on this thread, right before the call that picks it up.

use std::cell::Cell;

thread_local! {
    static OFFERED: Cell<bool> = const { Cell::new(false) };
}

/// Tells the value that is serialized next that it may write its items in place.
pub(crate) fn offer() {
    OFFERED.set(true);
}

/// Returns whether the serializer at hand has made the offer, and takes it up.
pub(crate) fn take() -> bool {
    OFFERED.take()
}
