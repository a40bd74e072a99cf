//! Objects and their revisions: how a command line names them, how they are found, and their rows.

use std::collections::BTreeMap;

use annals::codec::{Registry, Value};
use annals::revisions::{Error, RevisionInfo, Revisions};
use annals::{Namespace, Position, Store};
use serde_json::Value as Json;

use crate::escape::escape;
use crate::failure::{Exit, Failure};
use crate::output::{Cell, Column};
use crate::sort::Sort;

/// The object that a command is about.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ObjectArguments {
    /// The collection, such as game/answers
    #[arg(value_name = "COLL")]
    pub(crate) collection: Namespace,
    /// The object's name, any text
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// A collection as it was at a moment.
pub(crate) struct Objects {
    pub(crate) collection: Revisions<Value>,
    pub(crate) at: Position,
}

impl Objects {
    /// Returns the collection as of `at`, with the objects that were deleted or retired then.
    pub(crate) fn new(store: &Store, collection: &Namespace, at: Position) -> Result<Objects, Failure> {
        let collection = Revisions::untyped(store, collection.clone())?.with_deleted();
        Ok(Objects { collection, at })
    }

    /// Returns the newest revision of an object.
    pub(crate) fn newest(&self, name: &str) -> Result<RevisionInfo, Failure> {
        let newest = self.collection.history(name)?.through(self.at).newest_first().limit(1);
        let none = || {
            let Objects { collection, at } = self;
            let object = words(collection.namespace(), name);
            let failure = Failure::new(Exit::No, format!("{object} does not exist as of {at}"));
            failure.help(format!("`annals rev ls {} --all` lists what there is", collection.namespace()))
        };
        Ok(newest.into_iter().next().ok_or_else(none)??)
    }

    /// Returns a revision of an object whose newest one is `newest`.
    pub(crate) fn version(&self, newest: &RevisionInfo, version: u64) -> Result<RevisionInfo, Failure> {
        let found = match version.checked_sub(1).and_then(|before| usize::try_from(before).ok()) {
            Some(before) => {
                let history = self.collection.history(newest.name())?.through(self.at);
                history.skip(before).limit(1).into_iter().next().transpose()?
            }
            None => None,
        };
        found.ok_or_else(|| {
            let object = words(self.collection.namespace(), newest.name());
            let message = format!("{object} has no version {version}; its newest is {}", newest.version());
            let help = format!(
                "`annals rev log {} {}` lists them",
                self.collection.namespace(),
                quoted(newest.name())
            );
            Failure::new(Exit::No, message).help(help)
        })
    }

    /// Returns the content of a revision by attributes, and as a whole.
    pub(crate) fn content(&self, info: &RevisionInfo) -> Result<(Attributes, Value), Error> {
        let content = Value::clone(self.collection.load(info)?.content());
        let attributes = match &content {
            Value::Map(members) if !info.is_single() => {
                let named =
                    |(name, value): (&Value, &Value)| Some((name.as_text()?.to_owned(), value.clone()));
                members.iter().filter_map(named).collect()
            }
            other => BTreeMap::from([("value".to_owned(), other.clone())]),
        };
        Ok((attributes, content))
    }
}

/// The content of an object, by the names of its attributes.
pub(crate) type Attributes = BTreeMap<String, Value>;

/// An attribute that differs between two revisions.
pub(crate) struct Difference {
    pub(crate) attribute: String,
    pub(crate) before: Option<Json>,
    pub(crate) after: Option<Json>,
}

impl Difference {
    pub(crate) fn sort(&self) -> Sort {
        Sort::between(self.before.as_ref(), self.after.as_ref())
    }
}

/// Returns the attributes that differ, by name.
pub(crate) fn differences(before: &Attributes, after: &Attributes, registry: &Registry) -> Vec<Difference> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let json = |value: Option<&Value>| value.map(|value| value.to_json(registry));
    let difference = |name: &String| Difference {
        attribute: name.clone(),
        before: json(before.get(name)),
        after: json(after.get(name)),
    };
    differing.map(difference).collect()
}

pub(crate) const OBJECT: &str = "object";
pub(crate) const VERSION: &str = "version";
pub(crate) const STATE: &str = "state";
pub(crate) const POSITION: &str = "position";
pub(crate) const RECORDED_AT: &str = "recorded_at";
pub(crate) const ACTOR: &str = "actor";
pub(crate) const REASON: &str = "reason";

const COLUMNS: [&str; 11] = [
    "collection",
    OBJECT,
    VERSION,
    STATE,
    POSITION,
    RECORDED_AT,
    "ended_at",
    ACTOR,
    REASON,
    "restored_from",
    "type_version",
];

/// Returns the columns of a revision, those named by `to_people` visible in tables.
pub(crate) fn columns(to_people: &[&str]) -> Vec<Column> {
    let column =
        |name| if to_people.contains(&name) { Column::new(name) } else { Column::for_programs(name) };
    COLUMNS.into_iter().map(column).collect()
}

/// Returns the cells of a revision, one a column of [`columns`].
pub(crate) fn cells(info: &RevisionInfo) -> Vec<Cell> {
    vec![
        info.namespace().parent().map_or(Cell::Absent, |collection| Cell::Text(collection.to_string())),
        Cell::Text(info.name().to_owned()),
        Cell::Number(info.version()),
        Cell::Text(state(info)),
        info.commit().last.into(),
        Cell::Time(info.start()),
        info.end().map_or(Cell::Absent, Cell::Time),
        Cell::text(info.creator()),
        Cell::text(info.comment()),
        info.restored_from().map_or(Cell::Absent, Cell::Number),
        Cell::text(info.type_version()),
    ]
}

/// Returns the columns and cells of a revision as the parts of one answer.
pub(crate) fn parts(info: &RevisionInfo) -> Vec<(&'static str, Cell)> {
    COLUMNS.into_iter().zip(cells(info)).collect()
}

/// Returns what people call the state of a revision.
pub(crate) fn state(info: &RevisionInfo) -> String {
    if info.is_purge() { "purged".to_owned() } else { info.state().to_string() }
}

/// Returns what messages call an object.
pub(crate) fn words(collection: &Namespace, name: &str) -> String {
    format!("the object `{}` of {collection}", escape(name))
}

/// Returns a name as a shell takes it.
pub(crate) fn quoted(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/@:".contains(&byte);
    match name.bytes().all(plain) && !name.starts_with('-') {
        true => name.to_owned(),
        false => format!("'{}'", escape(name).replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted_for_shells_if_it_needs_that() {
        assert_eq!(quoted("round-1/a.b"), "round-1/a.b");
        assert_eq!(quoted("two words"), "'two words'");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(quoted("-x"), "'-x'");
    }

    #[test]
    fn what_differs_is_told_by_name() {
        let attributes = |all: &[(&str, i32)]| -> Attributes {
            all.iter().map(|(name, number)| ((*name).to_owned(), Value::from(*number))).collect()
        };
        let (before, after) =
            (attributes(&[("b", 1), ("c", 2), ("d", 3)]), attributes(&[("a", 0), ("c", 4), ("d", 3)]));
        let found = differences(&before, &after, &Registry::default());
        let found: Vec<_> =
            found.iter().map(|difference| (difference.attribute.as_str(), difference.sort())).collect();
        assert_eq!(found, [("a", Sort::Added), ("b", Sort::Removed), ("c", Sort::Changed)]);
    }
}
