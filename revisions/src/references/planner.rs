use std::collections::{BTreeMap, HashMap, HashSet};

use annals_core::{Condition, Namespace, Store, Transaction};

use super::changes::{no_target, stored};
use super::declaration::{Declarations, NewNames, declarations, key};
use super::deletion::{Deletion, Step};
use super::names::{names as held, replaced};
use super::on_delete::Rule;
use super::referrer::{Referrer, record_of_referrers};
use crate::attributes::field;
use crate::name::Address;
use crate::seen::Seen;
use crate::{Affected, Error};

/// Finds out what a deletion entails: breadth first, each object once.
pub(super) struct Planner<'a> {
    store: &'a Store,
    tx: &'a Transaction<'a>,
    declared: HashMap<Namespace, Declarations>,
    /// What is deleted, with its depth, in the order in which it was found.
    deleted: Vec<(Seen<'a>, usize)>,
    is_deleted: HashSet<Namespace>,
    /// What is set, by object.
    changed: BTreeMap<Namespace, Changed<'a>>,
    restricted_by: Vec<Referrer>,
    conditions: Vec<Condition>,
}

struct Changed<'a> {
    seen: Seen<'a>,
    depth: usize,
    /// By attribute, which names are put in the place of which.
    names: BTreeMap<String, Vec<(Address, Vec<String>)>>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(store: &'a Store, tx: &'a Transaction<'a>) -> Planner<'a> {
        Planner {
            store,
            tx,
            declared: HashMap::new(),
            deleted: Vec::new(),
            is_deleted: HashSet::new(),
            changed: BTreeMap::new(),
            restricted_by: Vec::new(),
            conditions: Vec::new(),
        }
    }

    /// Returns what the deletion of `root` does, on condition that it stays so until the transaction commits.
    ///
    /// Costs two reads of each object that is deleted, and one of each attribute that is set.
    pub(super) fn plan(mut self, root: &Seen<'a>) -> Result<Deletion<'a>, Error> {
        let key = root.address.meta().clone();
        self.rely_on(Condition::KeyUnchanged { key, since: self.tx.position() });
        self.delete(root.clone(), 0);
        let mut next = 0;
        while let Some((seen, depth)) = self.deleted.get(next) {
            let (address, depth) = (seen.address.clone(), *depth);
            self.follow(&address, depth)?;
            next += 1;
        }
        self.into_deletion()
    }

    fn delete(&mut self, seen: Seen<'a>, depth: usize) {
        if seen.exists() && self.is_deleted.insert(seen.address.namespace().clone()) {
            self.deleted.push((seen, depth));
        }
    }

    /// Applies the rules of all that refer to an object.
    fn follow(&mut self, target: &Address, depth: usize) -> Result<(), Error> {
        let namespace = record_of_referrers(target)?;
        let record = self.tx.record(&namespace)?;
        self.rely_on(Condition::NamespaceUnchanged { namespace, since: self.tx.position() });
        for referrer in Referrer::all(&record)? {
            let object = referrer.address()?;
            let names = match self.rule(&referrer)? {
                Rule::DoNothing => continue,
                Rule::Restrict => {
                    if object != *target {
                        self.restricted_by.push(referrer);
                    }
                    continue;
                }
                Rule::Cascade => {
                    if !self.is_deleted.contains(object.namespace()) {
                        let seen = self.see(object)?;
                        self.delete(seen, depth + 1);
                    }
                    continue;
                }
                Rule::SetNull => Vec::new(),
                Rule::SetDefault(names) => names,
                Rule::Set(name) => vec![name],
                Rule::SetWith => self.new_name(&referrer)?.into_iter().collect(),
            };
            self.change(&referrer, &object, depth + 1, (target.clone(), names))?;
        }
        Ok(())
    }

    fn change(
        &mut self,
        referrer: &Referrer,
        object: &Address,
        depth: usize,
        names: (Address, Vec<String>),
    ) -> Result<(), Error> {
        if !self.changed.contains_key(object.namespace()) {
            let seen = self.see(object.clone())?;
            let changed = Changed { seen, depth, names: BTreeMap::new() };
            self.changed.insert(object.namespace().clone(), changed);
        }
        if let Some(changed) = self.changed.get_mut(object.namespace()) {
            changed.names.entry(referrer.attribute().to_owned()).or_default().push(names);
        }
        Ok(())
    }

    fn into_deletion(self) -> Result<Deletion<'a>, Error> {
        let Planner { store, is_deleted, restricted_by, conditions, .. } = self;
        let deleted = self.deleted.into_iter().map(|(seen, depth)| Step {
            affected: Affected::new(&seen.address, depth, Vec::new()),
            seen,
            set: Vec::new(),
        });
        let mut steps: Vec<_> = deleted.collect();
        for (namespace, changed) in self.changed {
            if !is_deleted.contains(&namespace) {
                steps.extend(changed.step(store)?);
            }
        }
        Ok(Deletion { steps, restricted_by, conditions })
    }

    fn rule(&mut self, referrer: &Referrer) -> Result<Rule, Error> {
        let collection = referrer.collection();
        if !self.declared.contains_key(collection) {
            let declared = declarations(self.tx, collection)?;
            self.rely_on(Condition::KeyUnchanged { key: key(collection)?, since: self.tx.position() });
            self.declared.insert(collection.clone(), declared);
        }
        let declared = self.declared.get(collection).and_then(|declared| declared.get(referrer.attribute()));
        // Withdrawn, and not taken out yet.
        Ok(declared.map_or(Rule::DoNothing, |declaration| declaration.rule.clone()))
    }

    fn new_name(&self, referrer: &Referrer) -> Result<Option<String>, Error> {
        let (collection, attribute) = (referrer.collection(), referrer.attribute());
        let new_name = self.store.extension::<NewNames>().get(collection, attribute).ok_or_else(|| {
            let problem = "is a function that this program has not declared; declare the reference first";
            rule_error(collection, attribute, problem)
        })?;
        Ok(new_name(referrer))
    }

    fn see(&mut self, object: Address) -> Result<Seen<'a>, Error> {
        let key = object.meta().clone();
        self.rely_on(Condition::KeyUnchanged { key, since: self.tx.position() });
        Seen::look(self.tx, object)
    }

    fn rely_on(&mut self, condition: Condition) {
        self.tx.rely_on(condition.clone());
        self.conditions.push(condition);
    }
}

impl<'a> Changed<'a> {
    /// Returns what is done to the object, `None` if its attributes do not name what is deleted.
    fn step(self, store: &Store) -> Result<Option<Step<'a>>, Error> {
        let Changed { seen, depth, names } = self;
        let (mut attributes, mut set) = (Vec::new(), Vec::new());
        for (attribute, names) in names {
            let Some(before) = stored(&seen, &attribute)? else { continue };
            let replace = |value, (gone, by): &(Address, Vec<String>)| replaced(value, gone.name(), by);
            let after = names.iter().try_fold(before.clone(), replace);
            let after = after.ok_or_else(|| {
                let problem = "gives several names to an attribute that holds one";
                rule_error(&seen.address.collection(), &attribute, problem)
            })?;
            let held = held(&after).unwrap_or_default();
            if let Some((gone, _)) = names.iter().find(|(gone, _)| held.contains(&gone.name())) {
                return Err(no_target(&seen.address, &attribute, gone));
            }
            if after != before {
                set.push((field(&attribute)?, store.encode(&attribute, &after)?));
                attributes.push(attribute);
            }
        }
        let affected = Affected::new(&seen.address, depth, attributes);
        Ok((!set.is_empty()).then_some(Step { affected, seen, set }))
    }
}

pub(super) fn rule_error(collection: &Namespace, attribute: &str, problem: &str) -> Error {
    let (attribute, problem) = (attribute.to_owned(), problem.to_owned());
    Error::Rule { collection: collection.clone(), attribute, problem }
}
