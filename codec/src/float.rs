//! The one form of a float.

/// The bits of the only NaN that is written: quiet, positive, without payload.
pub(crate) const NAN_BITS: u64 = 0x7ff8_0000_0000_0000;

/// Returns the bits by which a float is written and compared.
pub(crate) fn canonical_bits(number: f64) -> u64 {
    if number.is_nan() { NAN_BITS } else { number.to_bits() }
}

/// Returns the float, or the only NaN in place of any.
pub(crate) fn canonical(number: f64) -> f64 {
    f64::from_bits(canonical_bits(number))
}
