//! Conversions for the `uuid` crate.

use crate::Uuid;

impl From<uuid::Uuid> for Uuid {
    fn from(theirs: uuid::Uuid) -> Self {
        Self::from_bytes(theirs.into_bytes())
    }
}

impl From<Uuid> for uuid::Uuid {
    fn from(ours: Uuid) -> Self {
        Self::from_bytes(*ours.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_go_both_ways() {
        let text = "0190163d-8694-739b-aea5-966c26f8ad91";
        let theirs: uuid::Uuid = text.parse().unwrap();
        assert_eq!(Uuid::from(theirs).to_string(), text);
        assert_eq!(uuid::Uuid::from(Uuid::from(theirs)), theirs);
    }
}
