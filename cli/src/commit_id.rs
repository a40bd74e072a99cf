//! The id under which a commit is made.

use std::str::FromStr;

use annals::codec::Uuid;
use annals::{CommitId, Error, ErrorKind};

use crate::failure::Failure;

/// The id that a commit is given, however often it is tried.
#[derive(Debug, clap::Args)]
pub(crate) struct IdOption {
    /// The id of the commit: a store has one of each id, and who writes under it again gets the first receipt
    #[arg(long = "id", value_name = "UUID", value_parser = Uuid::from_str)]
    pub(crate) given: Option<Uuid>,
}

impl IdOption {
    /// Returns the id, which is known before the commit, so that one of unknown outcome can be tried again.
    pub(crate) fn given_or_made(&self) -> Uuid {
        self.given.unwrap_or_else(|| CommitId::make().uuid())
    }
}

/// Says of a commit of unknown outcome how to settle it.
pub(crate) fn failure(error: Error, id: Uuid) -> Failure {
    match error.kind() {
        ErrorKind::Unknown => Failure::from(error)
            .help(format!("it was perhaps stored; the same command with `--id {id}` stores it once")),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use annals::DriverError;

    use super::*;
    use crate::failure::Exit;

    #[test]
    fn a_commit_of_unknown_outcome_is_told_how_to_try_again() {
        let id: Uuid = "01939f3e-6d2c-7000-8000-3f1c2a4b5d6e".parse().unwrap();
        let unknown = failure(DriverError::new(ErrorKind::Unknown, "s", "lost").into(), id);
        let mut report = Vec::new();
        unknown.report(&mut report).unwrap();
        let report = String::from_utf8(report).unwrap();
        assert!(report.contains("--id 01939f3e-6d2c-7000-8000-3f1c2a4b5d6e"), "{report}");
        assert_eq!(unknown.exit, Exit::Store);
    }
}
