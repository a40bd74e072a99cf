use annals_core::{Change, CommitEntries, Driver, Key, Namespace, Order, Position, PositionRange, Scope};

/// Everything that a log answers, for comparing one log, or one moment, with another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contents {
    last_position: Position,
    commits: Vec<CommitEntries>,
    state: Vec<Change>,
    namespaces: Vec<Namespace>,
    histories: Vec<Vec<Change>>,
}

impl Contents {
    pub(crate) fn of(driver: &dyn Driver) -> Contents {
        let state = driver.state(&Scope::All, Position::MAX, None, usize::MAX).unwrap();
        let history =
            |key: &Key| driver.history(key, PositionRange::ALL, Order::OldestFirst, 0, usize::MAX).unwrap();
        Contents {
            last_position: driver.last_position().unwrap(),
            commits: driver.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap(),
            namespaces: driver.namespaces(&Scope::All, None, usize::MAX).unwrap(),
            histories: state.iter().map(|change| history(change.key())).collect(),
            state,
        }
    }
}
