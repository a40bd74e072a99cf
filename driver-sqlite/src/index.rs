//! Where the entries of a key stand: postings for what is old, the tail for what is new.

use annals_core::{Order, Position, PositionRange};
use rusqlite::{Connection, params};

use crate::failure::Failure;
use crate::positions::KeyId;
use crate::posting;
use crate::tail::Part;

/// Returns the positions of a key's entries in a range, in `order`, without the first `skip`, at most
/// `limit`. The part of the tail must know the end of the range.
pub(crate) fn positions(
    connection: &Connection,
    tail: &Part,
    key: KeyId,
    range: PositionRange,
    order: Order,
    skip: usize,
    limit: usize,
) -> Result<Vec<Position>, Failure> {
    let mut page = Page { skip, limit, positions: Vec::new() };
    let indexed = PositionRange { after: range.after, through: range.through.min(tail.start()) };
    let recent = PositionRange { after: range.after.max(tail.start()), through: range.through };
    match order {
        Order::OldestFirst => {
            add_indexed(connection, key, indexed, order, &mut page)?;
            tail.of_key(key, recent, |positions| page.add_all(positions));
        }
        Order::NewestFirst => {
            tail.of_key(key, recent, |positions| page.add_all(positions.rev()));
            add_indexed(connection, key, indexed, order, &mut page)?;
        }
    }
    Ok(page.positions)
}

/// Returns the first entry of a key after `since`, up to the end of what the tail knows.
pub(crate) fn first_after(
    connection: &Connection,
    tail: &Part,
    key: KeyId,
    since: Position,
) -> Result<Option<Position>, Failure> {
    let range = PositionRange { after: since, through: tail.through() };
    Ok(positions(connection, tail, key, range, Order::OldestFirst, 0, 1)?.pop())
}

/// Returns the newest entry of a key that the tail and the postings know.
pub(crate) fn newest(connection: &Connection, tail: &Part, key: KeyId) -> Result<Option<Position>, Failure> {
    let range = PositionRange::through(tail.through());
    Ok(positions(connection, tail, key, range, Order::NewestFirst, 0, 1)?.pop())
}

struct Page {
    skip: usize,
    limit: usize,
    positions: Vec<Position>,
}

impl Page {
    fn add_all(&mut self, positions: impl Iterator<Item = Position>) {
        for position in positions {
            if self.is_full() {
                break;
            }
            match self.skip.checked_sub(1) {
                Some(rest) => self.skip = rest,
                None => self.positions.push(position),
            }
        }
    }

    fn is_full(&self) -> bool {
        self.positions.len() >= self.limit
    }
}

fn add_indexed(
    connection: &Connection,
    key: KeyId,
    range: PositionRange,
    order: Order,
    page: &mut Page,
) -> Result<(), Failure> {
    // Most conditions and many reads are about what the tail knows alone.
    if range.after >= range.through {
        return Ok(());
    }
    let mut select = connection.prepare_cached(match order {
        Order::OldestFirst => POSTINGS_OLDEST_FIRST,
        Order::NewestFirst => POSTINGS_NEWEST_FIRST,
    })?;
    let mut found = select.query(params![key, range.after.to_i64(), range.through.to_i64()])?;
    while !page.is_full() {
        let Some(row) = found.next()? else { break };
        let positions = posting::read(row, 0)?.positions()?;
        let inside = positions.into_iter().filter(|position| range.contains(*position));
        match order {
            Order::OldestFirst => page.add_all(inside),
            Order::NewestFirst => page.add_all(inside.rev()),
        }
    }
    Ok(())
}

/// The postings of a key that may name an entry in a range: postings of one key do not overlap, so
/// of those that begin before the range only the last one can reach into it.
macro_rules! postings {
    ($order:literal) => {
        concat!(
            "SELECT first, last, middle FROM annals_posting
            WHERE key = ?1 AND first <= ?3 AND first >=
                (SELECT coalesce(max(first), 0) FROM annals_posting WHERE key = ?1 AND first <= ?2)
            ORDER BY first ",
            $order
        )
    };
}

pub(crate) const POSTINGS_OLDEST_FIRST: &str = postings!("ASC");
pub(crate) const POSTINGS_NEWEST_FIRST: &str = postings!("DESC");
