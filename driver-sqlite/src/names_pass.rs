//! The index by name in arrears: keys are added without one, and their names follow in passes.
//!
//! A pass takes the names of new keys in their order, so that each page of the index is written once for
//! many names. It goes in slices inside the transactions of appends, whichever process makes them.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::failure::Failure;
use crate::name::{self, Name};
use crate::positions::KeyId;
use crate::recent_names::{NamesPart, names_after};

/// How far the index by name has come, as the file says.
#[derive(Clone, Debug)]
pub(crate) struct NamesProgress {
    pub(crate) indexed_until: KeyId,
    pub(crate) pass_through: KeyId,
    /// The pass has taken the names up to this one.
    pass_name: Name,
}

impl NamesProgress {
    pub(crate) fn read(connection: &Connection) -> Result<NamesProgress, Failure> {
        let sql = "SELECT indexed_until, pass_through, pass_namespace, pass_field FROM annals_name_index";
        let mut select = connection.prepare_cached(sql)?;
        let mut found = select.query([])?;
        let damaged = || Failure::Damaged("the file is damaged: `annals_name_index` makes no sense".into());
        let row = found.next()?.ok_or_else(damaged)?;
        let (indexed_until, pass_through) = (row.get(0)?, row.get(1)?);
        if indexed_until < 0 || indexed_until > pass_through {
            return Err(damaged());
        }
        let (namespace, field) = name::read(row, 2)?;
        Ok(NamesProgress { indexed_until, pass_through, pass_name: Name::new(namespace, field) })
    }

    fn write(&self, connection: &Connection) -> Result<(), Failure> {
        let sql = "UPDATE annals_name_index
            SET indexed_until = ?1, pass_through = ?2, pass_namespace = ?3, pass_field = ?4";
        let (namespace, field) = self.pass_name.parts();
        let row = params![self.indexed_until, self.pass_through, namespace, field];
        connection.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    fn is_running(&self) -> bool {
        self.indexed_until < self.pass_through
    }

    /// Returns whether a pass runs, or is to begin because `names_max` keys have no name in the index.
    fn is_due(&self, last: KeyId, names_max: u64) -> bool {
        self.is_running() || last.abs_diff(self.indexed_until) >= names_max
    }

    fn end(&mut self) {
        self.indexed_until = self.pass_through;
        self.pass_name = Name::default();
    }
}

/// The names of keys that a transaction adds, and those before them that the index may not hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewNames<'a> {
    pub(crate) recent: &'a NamesPart,
    pub(crate) added: &'a BTreeMap<Name, KeyId>,
    /// The newest key, added ones included.
    pub(crate) last: KeyId,
}

/// Takes the next `due` names into the index, if there is a pass or one is to begin, inside the
/// caller's transaction. Returns how far the index goes then.
pub(crate) fn advance(
    connection: &Connection,
    names: NewNames<'_>,
    mut due: u64,
    names_max: u64,
) -> Result<KeyId, Failure> {
    let mut progress = NamesProgress::read(connection)?;
    if due == 0 || !progress.is_due(names.last, names_max) {
        return Ok(progress.indexed_until);
    }
    while due > 0 && progress.is_due(names.last, names_max) {
        if !progress.is_running() {
            progress.pass_through = names.last;
        }
        due = due.saturating_sub(slice(connection, names, &mut progress, due)?);
    }
    progress.write(connection)?;
    Ok(progress.indexed_until)
}

/// Writes the next `due` names of the pass, and ends it if there are no more. Returns how many they were.
fn slice(
    connection: &Connection,
    names: NewNames<'_>,
    progress: &mut NamesProgress,
    due: u64,
) -> Result<u64, Failure> {
    let count = usize::try_from(due).unwrap_or(usize::MAX);
    let keys = progress.indexed_until + 1..=progress.pass_through;
    let mut next = names.recent.names_after(&progress.pass_name, keys.clone(), count);
    next.extend(names_after(names.added, &progress.pass_name, keys, count));
    next.sort_unstable();
    next.truncate(count);
    let sql = "INSERT INTO annals_name (namespace, field, id) VALUES (?1, ?2, ?3)";
    let mut insert = connection.prepare_cached(sql)?;
    for (name, id) in &next {
        let (namespace, field) = name.parts();
        insert.execute(params![namespace, field, id])?;
    }
    let taken = next.len();
    match next.pop() {
        Some((last, _)) if taken == count => progress.pass_name = last,
        _ => progress.end(),
    }
    Ok(taken as u64)
}
