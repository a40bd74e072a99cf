//! Universally unique identifiers.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Kind};

/// A universally unique identifier: 16 bytes, spelled `8-4-4-4-12` in hexadecimal digits.
///
/// ```
/// use annals_codec::Uuid;
///
/// let id: Uuid = "0190163d-8694-739B-aea5-966c26f8ad91".parse()?;
/// assert_eq!(id.to_string(), "0190163d-8694-739b-aea5-966c26f8ad91");
/// assert_eq!(id.as_bytes()[0], 0x01);
/// # Ok::<(), annals_codec::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

const HYPHENATED_LEN: usize = 36;
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

impl Uuid {
    /// Returns the identifier of these bytes, whatever its version.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the 16 bytes, most significant first.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for Uuid {
    type Err = Error;

    /// Returns the identifier that hyphenated hexadecimal digits of either case spell.
    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text.as_bytes()).map(Self).ok_or(Error::Spelling { kind: Kind::Uuid })
    }
}

fn parse(text: &[u8]) -> Option<[u8; 16]> {
    let hyphens_stand_right = HYPHENS.iter().all(|at| text.get(*at) == Some(&b'-'));
    if text.len() != HYPHENATED_LEN || !hyphens_stand_right {
        return None;
    }
    let mut digits = text.iter().filter(|byte| **byte != b'-').map(|byte| char::from(*byte).to_digit(16));
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        let (high, low) = (digits.next()??, digits.next()??);
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    digits.next().is_none().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_are_not_hyphenated_hex_are_refused() {
        for text in [
            "",
            "0190163d8694739baea5966c26f8ad91",
            "0190163d-8694-739b-aea5-966c26f8ad9",
            "0190163d-8694-739b-aea5-966c26f8ad9g",
            "-190163d-8694-739b-aea5-966c26f8ad91",
            "{0190163d-8694-739b-aea5-966c26f8ad91}",
        ] {
            assert_eq!(text.parse::<Uuid>(), Err(Error::Spelling { kind: Kind::Uuid }), "{text}");
        }
    }
}
