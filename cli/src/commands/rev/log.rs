use std::io::Write as _;

use annals::codec::{Registry, Value};
use annals::revisions::{
    AttributeAction, AttributeDelta, Deltas, Error, ObjectAction, ObjectDelta, RevisionInfo, State,
};
use annals::{ErrorKind, Namespace, PositionRange, Store};
use serde_json::{Map, Value as Json, json};

use super::show;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::objects::{self, ACTOR, OBJECT, Objects, POSITION, REASON, RECORDED_AT, VERSION};
use crate::output::{Cell, Column, Sheet, Style, print};
use crate::told::Told;

/// Show the revisions of an object, or of all objects of a collection, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals rev log game/answers everything
  annals rev log game/answers -n 20
  annals rev log game/answers everything --actor alice --grep answer -p
  annals rev log game/answers everything -o jsonl

`~` is an attribute that was set, `-` one that was unset. In JSON the changes are the member `changes`; \
with -p each has its `before` and `after`. With NAME it costs the revisions of that object, without \
it the commits of the store. The state is the one that the revision was made in. \
Revisions that cannot be read are told on standard error, and the exit code is 5.")]
pub(crate) struct Log {
    /// The collection, such as game/answers
    #[arg(value_name = "COLL")]
    collection: Namespace,
    /// Only this object
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Only revisions by this actor
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only revisions whose reason contains this text
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// At most so many revisions
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    /// Show what each change made of what
    #[arg(short, long)]
    patch: bool,
}

type Found<'a> = Box<dyn Iterator<Item = Result<ObjectDelta, Failure>> + 'a>;

impl Log {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let store = invocation.open_to_read()?;
        let at = invocation.snapshot(&store)?.position();
        let objects = Objects::new(&store, &self.collection, at)?;
        let found = match &self.name {
            Some(name) => self.of_object(&objects, name)?,
            None => self.of_collection(&objects, &store),
        };
        let told = Told::default();
        let found = told.of(found).take(self.limit.unwrap_or(usize::MAX));
        match self.patch && !invocation.style.is_machine() {
            true => print_patches(found, store.registry(), &invocation.style)?,
            false => self.print_rows(found, store.registry(), &invocation.style)?,
        }
        Ok(told.exit())
    }

    fn of_object<'a>(&self, objects: &'a Objects, name: &str) -> Result<Found<'a>, Failure> {
        objects.newest(name)?;
        let mut history = objects.collection.history(name)?.through(objects.at).newest_first();
        if let Some(actor) = &self.actor {
            history = history.creator(actor);
        }
        if let Some(part) = &self.grep {
            history = history.comment(part);
        }
        Ok(Box::new(history.into_iter().map(|info| Ok(objects.collection.delta(&info?)?))))
    }

    fn of_collection<'a>(&'a self, objects: &Objects, store: &Store) -> Found<'a> {
        let mut deltas = Deltas::of(store).collection(self.collection.clone()).newest_first();
        if let Some(actor) = &self.actor {
            deltas = deltas.actor(actor);
        }
        let deltas = deltas.range(PositionRange::through(objects.at)).into_iter();
        let wanted = |delta: &ObjectDelta| self.wants(delta.info());
        Box::new(
            deltas
                .filter(move |delta| delta.as_ref().map_or(true, wanted))
                .map(|delta| delta.map_err(Failure::from)),
        )
    }

    fn wants(&self, info: &RevisionInfo) -> bool {
        self.actor.as_deref().is_none_or(|actor| info.creator() == Some(actor))
            && self.grep.as_deref().is_none_or(|part| info.comment().is_some_and(|why| why.contains(part)))
    }

    fn print_rows(
        &self,
        found: impl Iterator<Item = ObjectDelta>,
        registry: &Registry,
        style: &Style,
    ) -> Result<(), Failure> {
        let to_people = [POSITION, RECORDED_AT, OBJECT, VERSION, ACTOR, REASON];
        let mut columns = objects::columns(&to_people);
        columns.extend([Column::new("action"), Column::new("changes")]);
        let mut sheet = Sheet::stdout(style, columns)?;
        for delta in found {
            let changes = match style.is_machine() {
                true => Cell::Json(self.changes(&delta, registry)?),
                false => Cell::Text(summary(&delta)),
            };
            let action = Cell::Text(action(&delta).to_owned());
            sheet.row(&[objects::cells(delta.info()), vec![action, changes]].concat())?;
        }
        sheet.finish()
    }

    fn changes(&self, delta: &ObjectDelta, registry: &Registry) -> Result<Json, Failure> {
        let change = |attribute: &AttributeDelta| {
            let mut change = Map::new();
            change.insert("attribute".into(), json!(attribute.name()));
            change.insert("action".into(), json!(attribute.action().to_string()));
            let own = [
                (ACTOR, attribute.actor(), delta.actor()),
                (REASON, attribute.description(), delta.description()),
            ];
            for (name, text, of_object) in own {
                if let Some(text) = text.filter(|text| Some(*text) != of_object) {
                    change.insert(name.into(), json!(text));
                }
            }
            if self.patch {
                let [before, after] = sides(attribute, registry)?;
                change.extend(before.map(|before| ("before".to_owned(), before)));
                change.extend(after.map(|after| ("after".to_owned(), after)));
            }
            Ok(Json::Object(change))
        };
        delta.attributes().iter().map(change).collect()
    }
}

/// Returns what a revision did to its object, in a word.
fn action(delta: &ObjectDelta) -> &'static str {
    match (delta.action(), delta.info().state()) {
        _ if delta.info().is_purge() => "purge",
        (ObjectAction::Delete, _) => "delete",
        _ if delta.info().restored_from().is_some() => "rollback",
        (_, State::Retired) => "retire",
        _ if is_revived(delta) => "revive",
        (ObjectAction::Create, _) => "create",
        (ObjectAction::Update, _) => "update",
    }
}

/// Returns whether an object was brought back as it was; a deleted one whose attributes differ was made anew.
fn is_revived(delta: &ObjectDelta) -> bool {
    match delta.state_before() {
        Some(State::Retired) => true,
        Some(State::Deleted) => delta.attributes().is_empty(),
        _ => false,
    }
}

fn summary(delta: &ObjectDelta) -> String {
    let change = |attribute: &AttributeDelta| format!("{}{}", sign(attribute), attribute.name());
    delta.attributes().iter().map(change).collect::<Vec<_>>().join(" ")
}

fn sign(attribute: &AttributeDelta) -> char {
    match attribute.action() {
        AttributeAction::Set => '~',
        AttributeAction::Unset => '-',
    }
}

/// Returns the value before and the one after; none where there was none, or it was erased.
fn sides(attribute: &AttributeDelta, registry: &Registry) -> Result<[Option<Json>; 2], Failure> {
    Ok([side(attribute.before(), registry)?, side(attribute.after(), registry)?])
}

fn side(value: Result<Option<Value>, Error>, registry: &Registry) -> Result<Option<Json>, Failure> {
    match value {
        Err(error) if error.kind() == ErrorKind::Erased => Ok(None),
        value => Ok(value?.map(|value| value.to_json(registry))),
    }
}

fn print_patches(
    found: impl Iterator<Item = ObjectDelta>,
    registry: &Registry,
    style: &Style,
) -> Result<(), Failure> {
    for delta in found {
        let head = show::head(delta.info(), style);
        let mut lines = Vec::with_capacity(delta.attributes().len());
        for attribute in delta.attributes() {
            lines.push(patch_line(attribute, sides(attribute, registry)?, style));
        }
        print(|out| {
            writeln!(out, "{head}")?;
            lines.iter().try_for_each(|line| writeln!(out, "{line}"))
        })?;
    }
    Ok(())
}

fn patch_line(attribute: &AttributeDelta, [before, after]: [Option<Json>; 2], style: &Style) -> String {
    let sign = sign(attribute);
    let name = style.text(&Cell::Text(attribute.name().to_owned()));
    let text = |json: Json| style.text(&Cell::Json(json));
    match (before.map(text), after.map(text)) {
        (None, Some(after)) => format!("  + {name}  {after}"),
        (Some(before), Some(after)) => format!("  {sign} {name}  {before} -> {after}"),
        (Some(before), None) => format!("  {sign} {name}  {before}"),
        (None, None) => format!("  {sign} {name}"),
    }
}
