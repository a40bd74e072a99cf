use annals_core::{CommitEntries, Order, Position, PositionRange};

use crate::samples::{DriverExt, batch, bounds, key, range};
use crate::{Opened, Places};

const LENGTHS: [usize; 5] = [2, 1, 3, 1, 2];
const BOUNDS: [(u64, u64); 5] = [(1, 2), (3, 3), (4, 6), (7, 7), (8, 9)];

fn commits_of_several_lengths(places: &Places) -> Opened {
    let log = places.open_empty();
    for length in LENGTHS {
        let fields = ["x", "y", "z"].into_iter().take(length);
        log.commit(fields.fold(batch(), |all, field| all.set(key("a", field), [1])));
    }
    log
}

/// The commits of a range are those whose *last* position lies in it, `after` exclusive and
/// `through` inclusive, each with all of its entries, in either order.
pub fn commits_are_chosen_by_their_last_position(places: &Places) {
    let log = commits_of_several_lengths(places);
    for after in 0..=10 {
        for through in 0..=10 {
            let inside = |bounds: &(u64, u64)| after < bounds.1 && bounds.1 <= through;
            let mut expected: Vec<_> = BOUNDS.into_iter().filter(inside).collect();
            let read = |order| bounds(&log.commits(range(after, through), order, 100).unwrap());
            assert_eq!(read(Order::OldestFirst), expected, "after {after} through {through}");
            expected.reverse();
            assert_eq!(read(Order::NewestFirst), expected, "after {after} through {through}, backwards");
        }
    }
    for item in log.commits(PositionRange::ALL, Order::NewestFirst, usize::MAX).unwrap() {
        let positions: Vec<u64> = item.entries.iter().map(|entry| entry.position.get()).collect();
        let expected: Vec<u64> = (item.commit.first.get()..=item.commit.last.get()).collect();
        assert_eq!(positions, expected, "entries are in position order whatever the commits' order");
    }
    let behind = PositionRange::after(Position::MAX);
    assert_eq!(log.commits(behind, Order::OldestFirst, 1).unwrap(), []);
}

/// A page ends with the commit with which it reaches `limit` entries: never in the middle of a
/// commit, never before one, and reading on from its end gives every commit once.
pub fn pages_of_commits_end_where_the_limit_is_reached(places: &Places) {
    let log = commits_of_several_lengths(places);
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let all = log.commits(PositionRange::ALL, order, usize::MAX).unwrap();
        assert_eq!(all.len(), LENGTHS.len());
        for limit in 1..=10 {
            for (start, item) in all.iter().enumerate() {
                let rest = match order {
                    Order::OldestFirst => PositionRange::after(item.commit.first.before()),
                    Order::NewestFirst => PositionRange::through(item.commit.last),
                };
                let page = log.commits(rest, order, limit).unwrap();
                assert_eq!(page, expected_page(&all[start..], limit), "{limit} entries, {order:?}");
            }
        }
    }
}

fn expected_page(rest: &[CommitEntries], limit: usize) -> &[CommitEntries] {
    let mut entries = 0;
    for (count, item) in (1..).zip(rest) {
        entries += item.entries.len();
        if entries >= limit {
            return &rest[..count];
        }
    }
    rest
}
