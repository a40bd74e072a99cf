use annals_core::codec::{self, Value};
use annals_core::{Context, Transaction};

use super::changes::{exists, no_reference, no_target, stored};
use super::declaration::{Declaration, Declarations, NewNames, REFERENCES, declarations};
use super::names::names;
use super::on_delete::Rule;
use super::planner::rule_error;
use super::referrer::{Referrer, record_of_referrers};
use crate::attributes::{Attributes, field};
use crate::error::Ended;
use crate::name::Address;
use crate::seen::Seen;
use crate::walk::Walk;
use crate::{Error, Object, OnDelete, Revisions};

/// How many objects a commit brings to those they refer to.
pub(super) const CHUNK: usize = 500;

impl<T: Object> Revisions<T> {
    /// Declares that an attribute holds the names of objects of the collection `to`: one, or null, or several
    /// in a list or a set; and what becomes of an object of this collection when one is deleted that it refers
    /// to.
    ///
    /// The declaration is kept in the store, so it binds every handle of either collection, in every process,
    /// whether or not that declares it again. From now on a name can be written only if there is an object of
    /// that name, retired perhaps; deleting that object applies the rule in the same commit; and if one of the
    /// two happens while the other is being done, one of them learns of it. Declaring the same again writes
    /// nothing; another rule takes the place of the former one, and holds for all references from then on.
    ///
    /// What is stored counts: objects that are stored in an older form of the type refer by the attributes of that
    /// form, so the declarations for those stay useful as long as there are such objects.
    ///
    /// The first time, the references of all objects that are there are gathered, in commits of some hundred
    /// objects each; if that is interrupted, the reference is declared again. Until this has returned, deletions may
    /// pass over references that have not been gathered yet; then it fails, since they name what does not exist.
    ///
    /// ```
    /// use annals_core::{Context, Store};
    /// use annals_revisions::{Error, OnDelete, Revisions};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Serialize, Deserialize)]
    /// struct Comment {
    ///     text: String,
    ///     post: String,
    /// }
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let posts = Revisions::<String>::open(&store, "posts")?;
    /// let comments = Revisions::<Comment>::open(&store, "comments")?;
    /// comments.declare_reference("post", &posts, OnDelete::Cascade)?;
    ///
    /// let comment = Comment { text: "first!".into(), post: "p".into() };
    /// let refused = comments.insert("c", &comment, Context::new()).unwrap_err();
    /// assert!(matches!(refused, Error::NoTarget { .. }), "{refused}");
    /// posts.insert("p", &"a post".into(), Context::new())?;
    /// comments.insert("c", &comment, Context::new())?;
    ///
    /// posts.delete("p", Context::new().actor("ann"))?;
    /// assert!(!comments.contains("c")?);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoTarget`], [`Error::NoReference`] or [`Error::Name`] for the first object that was there before and
    /// names what does not exist, or nothing at all that could be a name: then what was declared before, or
    /// nothing, is so again. [`Error::Rule`] if the attribute refers to another collection, until that is
    /// [withdrawn](Revisions::withdraw_reference).
    #[track_caller]
    pub fn declare_reference<U: Object>(
        &self,
        attribute: &str,
        to: &Revisions<U>,
        on_delete: OnDelete<T>,
    ) -> Result<(), Error> {
        let rule = self.rule(attribute, on_delete)?;
        let declared = Declaration { to: to.namespace().to_string(), rule, indexed: false };
        if !self.is_declared(attribute)? {
            self.forget_referrers(attribute, to.namespace())?;
        }
        let (before, indexed) = self.write_declaration(attribute, &declared)?;
        if indexed {
            return Ok(());
        }
        match self.index(attribute, &declared) {
            Ok(()) => self.mark_indexed(attribute, &declared),
            Err(error @ (Error::NoTarget { .. } | Error::NoReference { .. } | Error::Name { .. })) => {
                match before.filter(|before| before.indexed) {
                    Some(before) => self.write_declaration(attribute, &before).map(drop)?,
                    None => self.withdraw_reference(attribute)?,
                }
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns who refers to an object, in the order of an arbitrary but lasting key: one read of the record
    /// that tells it.
    ///
    /// # Errors
    /// If the name is not valid.
    pub fn referrers(&self, name: &str) -> Result<Vec<Referrer>, Error> {
        let record = record_of_referrers(&Address::new(&self.collection, name)?)?;
        let read = self.store.try_commit(Context::new(), |tx| {
            let record = tx.record(&record)?;
            Referrer::all(&record).map_err(Ended::Own)
        });
        Ok(read.map_err(Ended::<Error>::into_own)?.value)
    }

    /// Returns the rule as it is stored, and keeps what cannot be stored beside the store.
    fn rule(&self, attribute: &str, on_delete: OnDelete<T>) -> Result<Rule, Error> {
        Ok(match on_delete {
            OnDelete::Cascade => Rule::Cascade,
            OnDelete::SetNull => Rule::SetNull,
            OnDelete::SetDefault(make) => Rule::SetDefault(self.default_names(attribute, &make())?),
            OnDelete::Set(name) => Rule::Set(name),
            OnDelete::SetWith(new_name) => {
                self.store.extension::<NewNames>().declare(&self.collection, attribute, new_name);
                Rule::SetWith
            }
            OnDelete::Restrict => Rule::Restrict,
            OnDelete::DoNothing => Rule::DoNothing,
        })
    }

    fn default_names(&self, attribute: &str, default: &T) -> Result<Vec<String>, Error> {
        let attributes = Attributes::of(&self.store, default)?;
        let default = attributes.fields.get(&field(attribute)?).map(|bytes| codec::decode::<Value>(bytes));
        let default = default.and_then(Result::ok).unwrap_or(Value::Null);
        let names = names(&default).map(|names| names.into_iter().map(str::to_owned).collect());
        names.ok_or_else(|| rule_error(&self.collection, attribute, "has a default that is no name"))
    }

    fn is_declared(&self, attribute: &str) -> Result<bool, Error> {
        let declared: Option<Declarations> = self.store.record(&self.collection)?.get(REFERENCES)?;
        Ok(declared.is_some_and(|declared| declared.contains_key(attribute)))
    }

    /// Returns what was declared before, and whether the references of all objects have been gathered.
    fn write_declaration(
        &self,
        attribute: &str,
        wanted: &Declaration,
    ) -> Result<(Option<Declaration>, bool), Error> {
        let written = self.store.try_commit(Context::new(), |tx| {
            let mut declared = declarations(tx, &self.collection).map_err(Ended::Own)?;
            let before = declared.get(attribute).cloned();
            if let Some(before) = before.as_ref().filter(|before| before.to != wanted.to) {
                let problem = format!("is for references to {}, until it is withdrawn", before.to);
                return Err(Ended::Own(rule_error(&self.collection, attribute, &problem)));
            }
            // What was not checked may name what does not exist.
            let is_enough = |before: &Declaration| before.is_checked() || !wanted.is_checked();
            let indexed = before.as_ref().is_some_and(|before| before.indexed && is_enough(before));
            let after = Declaration { indexed, ..wanted.clone() };
            if before.as_ref() != Some(&after) {
                declared.insert(attribute.to_owned(), after);
                tx.record(&self.collection)?.set(REFERENCES, &declared)?;
            }
            Ok((before, indexed))
        });
        Ok(written.map_err(Ended::<Error>::into_own)?.value)
    }

    fn mark_indexed(&self, attribute: &str, wanted: &Declaration) -> Result<(), Error> {
        let marked = self.store.try_commit(Context::new(), |tx| {
            let mut declared = declarations(tx, &self.collection).map_err(Ended::Own)?;
            match declared.get_mut(attribute).filter(|now| now.to == wanted.to && now.rule == wanted.rule) {
                Some(now) if now.indexed => Ok(()),
                Some(now) => {
                    now.indexed = true;
                    Ok(tx.record(&self.collection)?.set(REFERENCES, &declared)?)
                }
                None => {
                    let problem = "was declared otherwise or withdrawn meanwhile; declare it again";
                    Err(Ended::Own(rule_error(&self.collection, attribute, problem)))
                }
            }
        });
        marked.map(drop).map_err(Ended::<Error>::into_own)
    }

    /// Brings every object that was there before to those that it refers to.
    fn index(&self, attribute: &str, declared: &Declaration) -> Result<(), Error> {
        let mut objects = Walk::over(&self.store, &self.collection, self.store.snapshot()).peekable();
        while objects.peek().is_some() {
            let chunk = objects.by_ref().take(CHUNK).map(|stored| stored.map(|stored| stored.info));
            let chunk: Vec<_> = chunk.collect::<Result<_, _>>()?;
            let indexed = self.store.try_commit(Context::new(), |tx| {
                let mut objects = chunk.iter().map(|info| info.address().clone());
                objects
                    .try_for_each(|object| index_object(tx, object, attribute, declared))
                    .map_err(Ended::Own)
            });
            indexed.map_err(Ended::<Error>::into_own)?;
        }
        Ok(())
    }
}

fn index_object(
    tx: &Transaction<'_>,
    object: Address,
    attribute: &str,
    declared: &Declaration,
) -> Result<(), Error> {
    let seen = Seen::see(tx, object)?;
    if !seen.exists() {
        return Ok(());
    }
    let value = stored(&seen, attribute)?.unwrap_or(Value::Null);
    let referrer = Referrer::new(&seen.address, attribute);
    for name in names(&value).ok_or_else(|| no_reference(&seen.address, attribute))? {
        let target = Address::new(&declared.target()?, name)?;
        if declared.is_checked() && !exists(tx, &target)? {
            return Err(no_target(&seen.address, attribute, &target));
        }
        let record = tx.record(&record_of_referrers(&target)?)?;
        if record.get::<Value>(referrer.field()?)?.is_none() {
            record.set(referrer.field()?, &referrer.to_stored())?;
        }
    }
    Ok(())
}
