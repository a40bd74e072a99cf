use std::fmt;

use annals_core::{Error, Namespace};
use sha2::{Digest, Sha256};

/// The name of a log in a database: tokens of `A-Z a-z 0-9 . _ -` joined by `/`, as in a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogName(Namespace);

impl LogName {
    /// The log that is meant where none is named.
    pub(crate) fn main() -> LogName {
        LogName(Namespace::new("main").expect("a token of letters is a namespace"))
    }

    pub(crate) fn new(name: &str) -> Result<LogName, Error> {
        let refuse = |error: Error| Error::Invalid(format!("this is no name of a log: {error}"));
        Namespace::new(name).map(LogName).map_err(refuse)
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns what the rows of this log begin with: 63 bits of a hash of its name, so that whoever
    /// opens a log knows it without asking, and no server has to hand out numbers.
    pub(crate) fn id(&self) -> i64 {
        let hash = Sha256::digest(self.as_str().as_bytes());
        let bytes = hash.first_chunk().copied().unwrap_or_default();
        i64::from_be_bytes(bytes) & i64::MAX
    }
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_name_never_changes() {
        assert_eq!(LogName::main().id(), 0x0d6e_4079_e367_03eb);
        assert_ne!(LogName::new("game").unwrap().id(), LogName::new("Game").unwrap().id());
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        for name in ["", "a b", "../x", "a'b"] {
            assert!(LogName::new(name).is_err(), "{name}");
        }
    }
}
