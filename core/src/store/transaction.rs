use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::Location;
use std::sync::Arc;

use annals_codec::Uuid;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cache::Newest;
use super::handle::Store;
use super::retry::Retry;
use crate::error::Error;
use crate::log::{
    Action, Batch, CommitId, Condition, Context, Field, Key, Namespace, Position, Receipt, Scope, Write,
};

/// What a commit's body answered, and the receipt of what it wrote.
#[derive(Clone, Debug)]
pub struct Committed<R> {
    /// What the body answered.
    pub value: R,
    /// The receipt; `None` if nothing was written, since there was nothing to write.
    pub receipt: Option<Receipt>,
}

/// A commit in the making: reads as of one position with its own writes on top.
///
/// Nothing is stored before the body has returned `Ok`.
#[derive(Debug)]
pub struct Transaction<'a> {
    store: &'a Store,
    at: Position,
    /// Whether reads become conditions.
    serializable: bool,
    draft: RefCell<Draft>,
}

/// What the body has written and asked for so far. A key is written at most once: the last write
/// counts.
#[derive(Debug, Default)]
struct Draft {
    writes: Vec<Write>,
    index: HashMap<Key, usize>,
    /// What the caller asked for: where it fails, trying again would not help.
    required: Vec<Condition>,
    /// What the body relied on: where it fails, the body is run again.
    relied_on: HashSet<Condition>,
    /// The id that the caller gave.
    id: Option<Uuid>,
}

impl Draft {
    fn written(&self, key: &Key) -> Option<&Write> {
        self.writes.get(*self.index.get(key)?)
    }

    fn put(&mut self, write: Write) {
        match self.index.get(&write.key).and_then(|index| self.writes.get_mut(*index)) {
            Some(earlier) => *earlier = write,
            None => {
                self.index.insert(write.key.clone(), self.writes.len());
                self.writes.push(write);
            }
        }
    }

    fn take_back(&mut self, key: &Key) {
        let Some(index) = self.index.remove(key) else { return };
        self.writes.remove(index);
        for later in self.index.values_mut().filter(|later| **later > index) {
            *later -= 1;
        }
    }
}

impl<'a> Transaction<'a> {
    /// Runs `body` and appends what it wrote, again and again while what it relied on changes.
    pub(crate) fn run<R, E: From<Error>>(
        store: &'a Store,
        context: &Context,
        caller: &Location<'_>,
        serializable: bool,
        mut body: impl FnMut(&Transaction<'_>) -> Result<R, E>,
    ) -> Result<Committed<R>, E> {
        let mut retry = Retry::default();
        loop {
            let at = store.refresh()?;
            let tx = Transaction { store, at, serializable, draft: RefCell::default() };
            let (value, context) = context.clone().in_scope_and_back(|| body(&tx));
            let value = value?;
            let Draft { writes, mut required, relied_on, id, .. } = tx.draft.into_inner();
            if writes.is_empty() {
                return Ok(Committed { value, receipt: None });
            }
            let mut batch = Batch::new(context.completed(caller));
            batch.id = id.map_or(batch.id, CommitId::Given);
            batch.writes = writes;
            for write in &mut batch.writes {
                keep_difference(&mut write.actor, &batch.context.actor);
                keep_difference(&mut write.reason, &batch.context.reason);
            }
            batch.conditions.append(&mut required);
            batch.conditions.extend(relied_on.iter().cloned());
            match store.append(batch) {
                Ok(receipt) => return Ok(Committed { value, receipt: Some(receipt) }),
                Err(Error::Conflict(conflict))
                    if relied_on.contains(&conflict.condition) && retry.again() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Returns the position that the transaction reads at.
    #[must_use]
    pub fn position(&self) -> Position {
        self.at
    }

    /// Returns the record at `namespace`, for reads and writes in this transaction.
    ///
    /// # Errors
    /// As [`Store::record`].
    pub fn record(
        &self,
        namespace: impl TryInto<Namespace, Error: Into<Error>>,
    ) -> Result<TransactionRecord<'_>, Error> {
        let namespace = self.store.namespace(namespace)?;
        Ok(TransactionRecord { tx: self, namespace, actor: None, reason: None })
    }

    /// Makes `condition` hold when the commit is appended, or the commit fails with a
    /// [`Conflict`](crate::Conflict). Where the body writes nothing, nothing is appended, and nothing
    /// is judged.
    pub fn require(&self, condition: Condition) {
        self.draft.borrow_mut().required.push(condition);
    }

    /// Makes `condition` hold when the commit is appended, or the body is run again on the new state, a
    /// bounded number of times.
    ///
    /// For layers that read by other ways than this transaction what they then write on.
    pub fn rely_on(&self, condition: Condition) {
        self.draft.borrow_mut().relied_on.insert(condition);
    }

    /// Gives the commit an id, so that it is there once, however often it is tried: if the log has a
    /// commit of that id, what this body writes is dropped, and the receipt is that commit's,
    /// [repeated](Receipt::repeated).
    ///
    /// The id is looked for when the writes are appended, so the body is run first, and may find its
    /// own work done. It has to write all the same: a body that writes nothing has no receipt. Deleting
    /// what the first commit deleted is [`Error::NotFound`]. What the body answers is of this run, also
    /// where its writes were dropped: what counts is in the first commit.
    ///
    /// Keep the id, or what it is made from, where the job is kept that may be tried again.
    /// [`CommitId::make`](crate::CommitId::make) makes a new one.
    ///
    /// ```
    /// # use annals_core::{Context, Store};
    /// # use annals_driver_memory::MemoryDriver;
    /// use annals_core::codec::Uuid;
    /// # let store = Store::new(MemoryDriver::new());
    /// let payment = Uuid::from_bytes(*b"payment no. 4711");
    /// let pay = || store.transaction(Context::new(), |tx| {
    ///     tx.set_id(payment);
    ///     let account = tx.record("account/a")?;
    ///     let before: i64 = account.get("balance")?.unwrap_or_default();
    ///     account.set("balance", &(before + 30))
    /// });
    /// assert!(!pay()?.receipt.unwrap().repeated);
    /// assert!(pay()?.receipt.unwrap().repeated);
    /// assert_eq!(store.record("account/a")?.get("balance")?, Some(30));
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    pub fn set_id(&self, id: Uuid) {
        self.draft.borrow_mut().id = Some(id);
    }

    /// Returns the newest entry of `key` before this transaction.
    fn stored(&self, key: &Key) -> Result<Option<Newest>, Error> {
        self.store.newest_at(key, self.at)
    }
}

/// Drops what a write says if its commit says the same.
fn keep_difference(own: &mut Option<String>, commits: &Option<String>) {
    if own.as_deref() == Some(commits.as_deref().unwrap_or_default()) {
        *own = None;
    }
}

/// A record inside a [`Transaction`].
#[derive(Clone, Debug)]
pub struct TransactionRecord<'a> {
    tx: &'a Transaction<'a>,
    namespace: Namespace,
    actor: Option<String>,
    reason: Option<String>,
}

impl TransactionRecord<'_> {
    /// Gives the entries written through this handle an actor of their own, which they keep where it
    /// is not the commit's. The empty text is nobody.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Gives the entries written through this handle a reason of their own, which they keep where it
    /// is not the commit's. The empty text is no reason.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Returns the value of a field as this transaction sees it, `None` if it has none.
    ///
    /// # Errors
    /// As [`Record::get`](crate::Record::get).
    pub fn get<T: DeserializeOwned>(
        &self,
        field: impl TryInto<Field, Error: Into<Error>>,
    ) -> Result<Option<T>, Error> {
        let key = self.key(field)?;
        if let Some(write) = self.tx.draft.borrow().written(&key) {
            return Newest::new(self.tx.at.plus(1), &write.action).get(|| Ok(key.clone()));
        }
        if self.tx.serializable {
            self.tx.rely_on(Condition::KeyUnchanged { key: key.clone(), since: self.tx.at });
        }
        self.tx.stored(&key)?.map_or(Ok(None), |newest| newest.get(|| Ok(key)))
    }

    /// Returns the fields that have a value as this transaction sees it, in order of their bytes.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn fields(&self) -> Result<Vec<Field>, Error> {
        Ok(self.values()?.into_keys().collect())
    }

    /// Returns what the fields that have a value hold as this transaction sees it: encoded bytes, or that
    /// they were erased. One read of the record.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn values(&self) -> Result<BTreeMap<Field, Action>, Error> {
        let Transaction { store, at, .. } = *self.tx;
        if self.tx.serializable {
            self.tx.rely_on(Condition::NamespaceUnchanged { namespace: self.namespace.clone(), since: at });
        }
        let mut present = BTreeMap::new();
        for change in store.log().state(&Scope::Record(self.namespace.clone()), at) {
            let change = change?;
            if change.has_value() {
                present.insert(change.entry.key.field().clone(), change.entry.action);
            }
        }
        for write in self.tx.draft.borrow().writes.iter().filter(|w| *w.key.namespace() == self.namespace) {
            match &write.action {
                Action::Deleted => present.remove(write.key.field()),
                action => present.insert(write.key.field().clone(), action.clone()),
            };
        }
        Ok(present)
    }

    /// Returns whether this transaction has written the field.
    ///
    /// # Errors
    /// [`Error::Name`] if the name is not valid.
    pub fn is_written(&self, field: impl TryInto<Field, Error: Into<Error>>) -> Result<bool, Error> {
        let key = self.key(field)?;
        Ok(self.tx.draft.borrow().written(&key).is_some())
    }

    /// Sets a field when the transaction commits.
    ///
    /// # Errors
    /// [`Error::Encode`] if the value cannot be encoded, [`Error::Name`] if the name is not valid.
    pub fn set<T: Serialize + ?Sized>(
        &self,
        field: impl TryInto<Field, Error: Into<Error>>,
        value: &T,
    ) -> Result<(), Error> {
        let key = self.key(field)?;
        let bytes = self.tx.store.encode(key.field().as_str(), value)?;
        self.put(key, Action::Set(bytes));
        Ok(())
    }

    /// Sets a field to a value that [`Store::encode`] has encoded, when the transaction commits.
    ///
    /// # Errors
    /// [`Error::Name`] if the name is not valid. The bytes are checked when the commit is appended.
    pub fn set_encoded(
        &self,
        field: impl TryInto<Field, Error: Into<Error>>,
        bytes: impl Into<Arc<[u8]>>,
    ) -> Result<(), Error> {
        let key = self.key(field)?;
        self.put(key, Action::Set(bytes.into()));
        Ok(())
    }

    /// Deletes a field when the transaction commits.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the field has no value as this transaction sees it.
    pub fn delete(&self, field: impl TryInto<Field, Error: Into<Error>>) -> Result<(), Error> {
        let key = self.key(field)?;
        let written = self.tx.draft.borrow().written(&key).map(|write| write.action.clone());
        if self.tx.serializable || written.is_some() {
            self.tx.rely_on(Condition::KeyUnchanged { key: key.clone(), since: self.tx.at });
        }
        let stored = self.tx.stored(&key)?.filter(Newest::has_value);
        match (written, stored) {
            (Some(Action::Deleted), _) | (None, None) => Err(Error::NotFound { key }),
            // Set by this transaction only: there is nothing to delete for anybody else.
            (Some(_), None) => {
                self.tx.draft.borrow_mut().take_back(&key);
                Ok(())
            }
            (_, Some(stored)) => {
                self.tx.rely_on(Condition::KeyUnchanged { key: key.clone(), since: stored.position });
                self.put(key, Action::Deleted);
                Ok(())
            }
        }
    }

    fn key(&self, field: impl TryInto<Field, Error: Into<Error>>) -> Result<Key, Error> {
        Key::new(self.namespace.clone(), field.try_into().map_err(Into::into)?)
    }

    fn put(&self, key: Key, action: Action) {
        let (actor, reason) = (self.actor.clone(), self.reason.clone());
        self.tx.draft.borrow_mut().put(Write { key, action, actor, reason });
    }
}
