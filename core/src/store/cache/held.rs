use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::footprint;

/// Bytes at rest: a few stand in place, more of them are shared.
///
/// Most names, numbers and flags fit in place, which spares an allocation each, and on a hit the
/// counting of references.
#[derive(Clone)]
pub(crate) enum Held {
    Short { length: u8, bytes: [u8; Held::IN_PLACE] },
    Long(Arc<[u8]>),
}

impl Held {
    /// The most bytes that stand in place: what makes the whole three words.
    const IN_PLACE: usize = 22;

    #[inline]
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Held::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Held::Long(bytes) => bytes,
        }
    }

    /// Returns what is allocated for them, in bytes: nothing where they stand in place.
    pub(crate) fn shared_bytes(&self) -> usize {
        match self {
            Held::Short { .. } => 0,
            Held::Long(bytes) => footprint::shared(bytes.len()),
        }
    }

    fn in_place(bytes: &[u8]) -> Option<Held> {
        let mut place = [0; Held::IN_PLACE];
        place.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Held::Short { length: u8::try_from(bytes.len()).ok()?, bytes: place })
    }
}

impl From<&[u8]> for Held {
    fn from(bytes: &[u8]) -> Held {
        Held::in_place(bytes).unwrap_or_else(|| Held::Long(bytes.into()))
    }
}

impl From<&Arc<[u8]>> for Held {
    fn from(bytes: &Arc<[u8]>) -> Held {
        Held::in_place(bytes).unwrap_or_else(|| Held::Long(Arc::clone(bytes)))
    }
}

impl Borrow<[u8]> for Held {
    fn borrow(&self) -> &[u8] {
        self.as_slice()
    }
}

impl Hash for Held {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Held) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Held {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_any_length_come_back() {
        for length in [0, 1, 21, 22, 23, 1000] {
            let bytes: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let held = Held::from(&bytes[..]);
            assert_eq!(held.as_slice(), bytes);
            assert_eq!(held.shared_bytes(), if length > 22 { footprint::shared(length) } else { 0 });
        }
        assert_eq!(size_of::<Held>(), 24);
    }

    #[test]
    fn many_bytes_are_shared_not_copied() {
        let bytes: Arc<[u8]> = vec![7; 100].into();
        let held = Held::from(&bytes);
        assert_eq!((Arc::strong_count(&bytes), held.as_slice().as_ptr()), (2, bytes.as_ptr()));
    }
}
