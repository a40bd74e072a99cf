//! What is going to be done to an object: said, agreed to, and done if nothing has moved since.

use std::io::Write as _;

use annals::codec::Value;
use annals::revisions::{Error, RevisionInfo, State, TransactionRevisions};
use annals::{Context, Store};
use serde_json::{Value as Json, json};

use super::diff::lines;
use crate::commands::erase::open_to_look;
use crate::commands::set::ContextOptions;
use crate::consent::Consent;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::objects::{
    self, ACTOR, Difference, OBJECT, ObjectArguments, Objects, POSITION, REASON, RECORDED_AT, STATE, VERSION,
};
use crate::output::{Cell, Sheet, print, print_answer};

/// Who does it, why, and whether that is agreed to.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    #[command(flatten)]
    context: ContextOptions,
    #[command(flatten)]
    consent: Consent,
}

impl How {
    /// Opens the store for what is going to be done, or only to say it.
    pub(super) fn open(&self, invocation: &Invocation) -> Result<Store, Failure> {
        Ok(if self.consent.dry_run { open_to_look(invocation)? } else { invocation.open_existing()? })
    }
}

/// What is going to be done to an object.
pub(super) struct Plan {
    /// `rollback`, `retire` or `revive`.
    pub(super) action: &'static str,
    /// What it is done to.
    pub(super) newest: RevisionInfo,
    /// The version that is restored.
    pub(super) to: Option<u64>,
    /// What the object is then.
    pub(super) to_state: State,
    /// What becomes of the attributes.
    pub(super) differences: Vec<Difference>,
    /// All of that in a sentence.
    pub(super) sentence: String,
}

impl Plan {
    /// Returns the collection as it is, and the newest revision of the object.
    pub(super) fn look(store: &Store, object: &ObjectArguments) -> Result<(Objects, RevisionInfo), Failure> {
        let objects = Objects::new(store, &object.collection, store.snapshot()?.position())?;
        let newest = objects.newest(&object.name)?;
        Ok((objects, newest))
    }

    /// Says the plan; carries it out by `act` if that is agreed to, and the object is still what it was.
    pub(super) fn carry_out(
        self,
        objects: Objects,
        how: How,
        invocation: &Invocation,
        act: impl Fn(&TransactionRevisions<'_, Value>) -> Result<(), Error>,
    ) -> Result<Exit, Failure> {
        let How { context, consent } = how;
        if consent.dry_run {
            self.print(invocation)?;
            return Ok(Exit::Done);
        }
        let details = lines(&self.differences, &invocation.style);
        consent.obtain_knowing(&self.sentence, &details, "Go on? [y/N]", &["y", "yes", "Y", "Yes"])?;
        let at = self.apply(&objects, context.context(&format!("rev {}", self.action)), act)?;
        let done = Objects { at, ..objects }.newest(self.newest.name())?;
        let columns = objects::columns(&[OBJECT, VERSION, STATE, POSITION, RECORDED_AT, ACTOR, REASON]);
        let mut sheet = Sheet::stdout(&invocation.style, columns)?;
        let told = |failure: Failure| failure.help(format!("the revision was made, at {at}"));
        sheet.row(&objects::cells(&done)).and_then(|()| sheet.finish()).map_err(told)?;
        Ok(Exit::Done)
    }

    fn apply(
        &self,
        objects: &Objects,
        context: Context,
        act: impl Fn(&TransactionRevisions<'_, Value>) -> Result<(), Error>,
    ) -> Result<annals::Position, Failure> {
        let collection = &objects.collection;
        let done = collection.store().try_commit(context, |tx| {
            let objects = collection.in_transaction(tx);
            objects.require_newest(&self.newest);
            act(&objects)
        });
        match done {
            Ok(done) => Ok(done.receipt.map_or(objects.at, |receipt| receipt.position())),
            // It was in a state in which this can be done, so another one has changed it.
            Err(error @ (Error::NoObject { .. } | Error::WrongState { .. })) => {
                let failure = Failure::new(Exit::Conflict, "the object has changed since the plan was made");
                Err(failure.because(&error))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the plan as the answer.
    fn print(&self, invocation: &Invocation) -> Result<(), Failure> {
        let style = &invocation.style;
        if !style.is_machine() {
            let sentence = style.text(&Cell::Text(self.sentence.clone()));
            let lines = lines(&self.differences, style);
            return print(|out| {
                writeln!(out, "{sentence}")?;
                lines.iter().try_for_each(|line| writeln!(out, "{line}"))
            });
        }
        let mut parts = vec![("action", Cell::Text(self.action.to_owned()))];
        parts.extend(objects::parts(&self.newest));
        parts.push(("to_version", self.to.map_or(Cell::Absent, Cell::Number)));
        parts.push(("to_state", Cell::Text(self.to_state.to_string())));
        parts.push(("changes", Cell::Json(self.differences.iter().map(change).collect())));
        print_answer(style, parts)
    }
}

fn change(difference: &Difference) -> Json {
    let Difference { attribute, before, after } = difference;
    let mut change = serde_json::Map::new();
    change.insert("change".into(), json!(difference.sort().word()));
    change.insert("attribute".into(), json!(attribute));
    change.extend(before.clone().map(|before| ("before".to_owned(), before)));
    change.extend(after.clone().map(|after| ("after".to_owned(), after)));
    Json::Object(change)
}

#[cfg(test)]
mod tests {
    use annals::revisions::Revisions;

    use super::*;

    type Act = fn(&TransactionRevisions<'_, Value>) -> Result<(), Error>;

    /// Makes a plan, lets `meanwhile` happen, and applies the plan.
    fn applied(meanwhile: fn(&Revisions<Value>), act: Act) -> (Result<annals::Position, Failure>, u64) {
        let store = Store::open("memory:").unwrap();
        let collection = Revisions::untyped(&store, "answers").unwrap();
        collection.insert("a", &1.into(), Context::new()).unwrap();
        collection.insert("b", &1.into(), Context::new()).unwrap();
        let object = ObjectArguments { collection: "answers".parse().unwrap(), name: "a".into() };
        let (objects, newest) = Plan::look(&store, &object).unwrap();
        let plan = Plan {
            action: "retire",
            newest,
            to: None,
            to_state: State::Retired,
            differences: Vec::new(),
            sentence: String::new(),
        };
        meanwhile(&collection);
        let done = plan.apply(&objects, Context::new(), act);
        (done, collection.history("a").unwrap().count().unwrap())
    }

    const RETIRE: Act = |objects| objects.retire("a");
    const EDIT: Act = |objects| objects.edit("a", |value| *value = 3.into()).map(drop);

    #[test]
    fn what_was_planned_is_done_if_nothing_has_moved() {
        let of_another = |collection: &Revisions<Value>| _ = collection.retire("b", Context::new()).unwrap();
        for act in [RETIRE, EDIT] {
            let (done, versions) = applied(of_another, act);
            assert!(done.is_ok());
            assert_eq!(versions, 2);
        }
    }

    #[test]
    fn what_has_moved_since_the_plan_is_a_conflict_and_nothing_is_done() {
        let edited = |collection: &Revisions<Value>| {
            _ = collection.edit("a", Context::new(), |value| *value = 2.into()).unwrap();
        };
        let retired = |collection: &Revisions<Value>| _ = collection.retire("a", Context::new()).unwrap();
        let deleted = |collection: &Revisions<Value>| _ = collection.delete("a", Context::new()).unwrap();
        for meanwhile in [edited, retired, deleted] {
            for act in [RETIRE, EDIT] {
                let (done, versions) = applied(meanwhile, act);
                assert_eq!(done.unwrap_err().exit, Exit::Conflict);
                assert_eq!(versions, 2);
            }
        }
    }
}
