//! Taking the bytes of erased values out of the server's files.
//!
//! A row that was changed stays where it was until nobody can see it any more, and its bytes stay in
//! the page even after VACUUM has taken it out. So the table is written anew.

use std::thread;
use std::time::{Duration, Instant};

use annals_core::{Durability, ErrorKind};
use postgres::error::SqlState;

use crate::append::{Writing, milliseconds};
use crate::client::{Client, Transaction};
use crate::failure::Failure;
use crate::parameter::Parameter;
use crate::place::Place;
use crate::transaction::Terms;

/// Writes the table of entries anew, and returns how many bytes that gave back.
pub(crate) fn scrub(place: &Place, writing: &Writing) -> Result<u64, Failure> {
    wait_for_those_who_may_see(place, writing.busy_timeout)?;
    let given_back = match writing.by_function(0) {
        true => by_function(place, writing.busy_timeout),
        false => by_statements(place, writing.busy_timeout),
    };
    Ok(u64::try_from(given_back.map_err(left)?).unwrap_or(0))
}

/// The number that the next transaction has.
const NEXT: &str = "SELECT txid_snapshot_xmax(txid_current_snapshot())";

/// Whether no transaction before that one runs any more, and nobody sees the database as it was then.
/// What only tidies up sees nothing of it.
const IS_OVER: &str = "
    SELECT txid_snapshot_xmin(txid_current_snapshot()) >= $1 AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_stat_activity AS a
        WHERE age(a.backend_xmin) > age(x.id) AND coalesce(a.datname, current_database()) = current_database()
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_vacuum AS v WHERE v.pid = a.pid)
    ) AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_replication_slots AS s WHERE age(s.xmin) > age(x.id)
    )
    FROM CAST(CAST($1 % 4294967296 AS text) AS xid) AS x (id)";

/// Waits until no transaction can see what was erased before now: it would be copied for them.
fn wait_for_those_who_may_see(place: &Place, busy_timeout: Duration) -> Result<(), Failure> {
    const PAUSE: Duration = Duration::from_millis(20);
    let (next, is_over) = (NEXT.into(), IS_OVER.into());
    let found = place.pool.read(&next, Vec::new())?;
    let next: i64 = found.first().ok_or_else(Failure::no_log)?.try_get(0)?;
    let begin = Instant::now();
    loop {
        let found = place.pool.read(&is_over, vec![Parameter::number(next)])?;
        if found.first().ok_or_else(Failure::no_log)?.try_get(0)? {
            return Ok(());
        }
        if begin.elapsed() >= busy_timeout {
            return Err(Failure::Refused(ErrorKind::Busy, OTHERS_SEE.into()));
        }
        thread::sleep(PAUSE);
    }
}

fn by_function(place: &Place, busy_timeout: Duration) -> Result<i64, Failure> {
    let wait = Parameter::number(milliseconds(busy_timeout));
    let found = place.pool.read(&place.sql.scrub, vec![wait])?;
    Ok(found.first().ok_or_else(Failure::no_log)?.try_get(0)?)
}

fn by_statements(place: &Place, busy_timeout: Duration) -> Result<i64, Failure> {
    let terms = Terms::new(place, busy_timeout, Durability::Synced);
    place.pool.insist(|connection, deadline| {
        let (sql, terms) = (place.sql.clone(), terms.clone());
        connection.run(deadline, move |client: &mut Client| {
            let mut transaction = client.transaction()?;
            terms.apply(&mut transaction)?;
            let before = size(&mut transaction, &sql.size_of_entries)?;
            transaction.batch_execute(&sql.rewrite_entries)?;
            let after = size(&mut transaction, &sql.size_of_entries)?;
            transaction.commit()?;
            Ok(before - after)
        })
    })
}

fn size(transaction: &mut Transaction<'_>, sql: &str) -> Result<i64, Failure> {
    let found = transaction.query_typed(sql, &[])?;
    Ok(found.first().ok_or_else(Failure::no_log)?.try_get(0)?)
}

/// Other writes that fail have stored nothing; here the erasure stands already.
fn left(failure: Failure) -> Failure {
    let (kind, message) = if failure.is(&SqlState::DISK_FULL) {
        (ErrorKind::Full, NO_ROOM)
    } else if failure.is(&SqlState::LOCK_NOT_AVAILABLE) {
        (ErrorKind::Busy, IN_USE)
    } else if failure.is(&SqlState::QUERY_CANCELED) || failure.is_late() {
        (ErrorKind::Busy, TOO_LONG)
    } else {
        return failure;
    };
    Failure::Refused(kind, message.into())
}

const OTHERS_SEE: &str = "the values are erased, but transactions that began before may still see them, so that \
    their bytes would be kept for those; end them, and run it again";

const NO_ROOM: &str = "the values are erased, but traces of them may be left: there is no room to write the table \
    of entries anew, which takes as much again; make room, and run it again";

const IN_USE: &str = "the values are erased, but traces of them may be left: others used the table of entries for \
    the whole busy timeout; end long transactions on it, then run it again";

const TOO_LONG: &str = "the values are erased, but traces of them may be left: the table of entries could not be \
    written anew in time; allow more of it (`annals.timeout`), and run it again";
