use std::thread;

use annals_core::{Error, Transaction};

use super::keys::{Keys, RECORD, field};
use super::operation::{KeyValue, Premise};

/// What a transaction is to do.
pub(super) struct Body {
    pub(super) keys: Keys,
    /// Whether it lists the fields of a record.
    pub(super) lists: bool,
    pub(super) reads: Vec<usize>,
    /// Whether it lets others come before its writes.
    pub(super) hesitates: bool,
    pub(super) writes: Vec<KeyValue>,
}

impl Body {
    /// Returns what was relied on and what was written; what has no value is not deleted.
    pub(super) fn run(&self, tx: &Transaction<'_>) -> Result<(Vec<Premise>, Vec<KeyValue>), Error> {
        let mut on = if self.lists { self.list(tx)? } else { Vec::new() };
        for key in &self.reads {
            on.push(Premise::Value((*key, self.read(tx, *key)?)));
        }
        if self.hesitates {
            thread::yield_now();
        }
        let mut written = Vec::new();
        for (key, value) in &self.writes {
            let record = tx.record(&*self.keys.namespace(*key))?;
            if let Some(value) = value {
                record.set(field(*key), value)?;
            } else {
                let found = self.read(tx, *key)?;
                on.push(Premise::Value((*key, found)));
                if found.is_none() {
                    continue;
                }
                record.delete(field(*key))?;
            }
            written.push((*key, *value));
        }
        Ok((on, written))
    }

    fn read(&self, tx: &Transaction<'_>, key: usize) -> Result<Option<u32>, Error> {
        tx.record(&*self.keys.namespace(key))?.get(field(key))
    }

    fn list(&self, tx: &Transaction<'_>) -> Result<Vec<Premise>, Error> {
        let listed = tx.record(&*self.keys.namespace(RECORD[0]))?.fields()?;
        let is_listed = |key| listed.iter().any(|listed| listed.as_str() == field(key));
        Ok(RECORD.map(|key| if is_listed(key) { Premise::Present(key) } else { Premise::Absent(key) }).into())
    }
}
