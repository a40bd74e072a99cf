//! Complex numbers.

use std::hash::{Hash, Hasher};

use crate::float;

/// A complex number of two 64-bit floats.
///
/// Two are equal if their bytes are: NaN equals NaN, and `0.0` differs from `-0.0`.
#[derive(Clone, Copy, Debug)]
pub struct Complex {
    /// The real part.
    pub re: f64,
    /// The imaginary part.
    pub im: f64,
}

impl Complex {
    pub(crate) fn canonical_bits(self) -> (u64, u64) {
        (float::canonical_bits(self.re), float::canonical_bits(self.im))
    }
}

impl PartialEq for Complex {
    fn eq(&self, other: &Self) -> bool {
        self.canonical_bits() == other.canonical_bits()
    }
}

impl Eq for Complex {}

impl Hash for Complex {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical_bits().hash(state);
    }
}
