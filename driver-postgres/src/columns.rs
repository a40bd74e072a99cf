//! What is stored, column by column: an array each, which the server turns into rows.

use std::borrow::Cow;

use annals_core::{Action, Commit, CommitId, Context, Error, Key};

use crate::parameter::{Column, Parameter};
use crate::rows::kind;

/// Ids of commits, and who made them.
pub(crate) struct IdColumns {
    pub(crate) ids: Column,
    pub(crate) given: Column,
}

impl IdColumns {
    pub(crate) fn new() -> IdColumns {
        IdColumns { ids: Column::ids(), given: Column::booleans() }
    }

    pub(crate) fn push(&mut self, id: CommitId) {
        self.ids.push(Some(id.uuid().as_bytes()));
        self.given.push_boolean(matches!(id, CommitId::Given(_)));
    }
}

/// Who, why, from where.
pub(crate) struct ContextColumns {
    pub(crate) occurred_at: Column,
    pub(crate) actor: Column,
    pub(crate) reason: Column,
    pub(crate) location: Column,
    pub(crate) tags: Column,
}

impl ContextColumns {
    pub(crate) fn new() -> ContextColumns {
        ContextColumns {
            occurred_at: Column::numbers(),
            actor: Column::bytes(),
            reason: Column::bytes(),
            location: Column::bytes(),
            tags: Column::bytes(),
        }
    }

    pub(crate) fn push(&mut self, context: &Context) -> Result<(), Error> {
        self.occurred_at.push(context.occurred_at.map(|time| time.as_micros().to_be_bytes()));
        self.actor.push(context.actor.as_ref());
        self.reason.push(context.reason.as_ref());
        self.location.push(context.location.as_ref());
        self.tags.push(context.tags_to_bytes()?);
        Ok(())
    }
}

/// Entries that are to be stored, an element each, in the order of their positions.
pub(crate) struct EntryColumns {
    namespaces: Column,
    fields: Column,
    contents: ContentColumns,
}

impl EntryColumns {
    pub(crate) fn new() -> EntryColumns {
        EntryColumns { namespaces: Column::texts(), fields: Column::texts(), contents: ContentColumns::new() }
    }

    pub(crate) fn push(&mut self, key: &Key, action: &Action, actor: Option<&str>, reason: Option<&str>) {
        self.namespaces.push(Some(key.namespace().as_str()));
        self.fields.push(Some(key.field().as_str()));
        self.contents.push(action, actor, reason);
    }

    /// Returns how many entries there are.
    pub(crate) fn len(&self) -> u64 {
        self.namespaces.len()
    }

    /// Returns how many bytes there are.
    pub(crate) fn size(&self) -> usize {
        self.namespaces.size() + self.fields.size() + self.contents.size()
    }

    pub(crate) fn into_parameters(self) -> Vec<Parameter> {
        let EntryColumns { namespaces, fields, contents } = self;
        let ContentColumns { kinds, actors, reasons, values } = contents;
        [namespaces, fields, kinds, actors, reasons, values].map(Parameter::from).into()
    }
}

/// Returns the namespaces and the fields of keys.
pub(crate) fn of_keys(keys: &[&Key]) -> [Parameter; 2] {
    let (mut namespaces, mut fields) = (Column::texts(), Column::texts());
    for key in keys {
        namespaces.push(Some(key.namespace().as_str()));
        fields.push(Some(key.field().as_str()));
    }
    [namespaces, fields].map(Parameter::from)
}

/// What happened to the keys of entries.
pub(crate) struct ContentColumns {
    kinds: Column,
    actors: Column,
    reasons: Column,
    values: Column,
}

impl ContentColumns {
    pub(crate) fn new() -> ContentColumns {
        ContentColumns {
            kinds: Column::kinds(),
            actors: Column::bytes(),
            reasons: Column::bytes(),
            values: Column::bytes(),
        }
    }

    pub(crate) fn push(&mut self, action: &Action, actor: Option<&str>, reason: Option<&str>) {
        self.actors.push(actor);
        self.reasons.push(reason);
        let (kind, value) = stored(action);
        self.kinds.push_kind(kind);
        self.values.push(value);
    }

    fn size(&self) -> usize {
        self.actors.size() + self.reasons.size() + self.values.size()
    }

    /// Returns the columns, those without elements that have nothing but NULL.
    pub(crate) fn into_parameters_or_empty(self) -> Vec<Parameter> {
        let ContentColumns { kinds, actors, reasons, values } = self;
        [kinds.or_empty(), actors.or_empty(), reasons.or_empty(), values.or_empty()]
            .map(Parameter::from)
            .into()
    }
}

/// Returns the kind and the value of an entry as they are stored.
pub(crate) fn stored(action: &Action) -> (Option<i16>, Option<Cow<'_, [u8]>>) {
    match action {
        Action::Set(bytes) => (kind::SET, Some(Cow::Borrowed(bytes))),
        Action::Deleted => (kind::DELETED, None),
        Action::Erased { by } => (kind::ERASED, Some(Cow::Owned(by.get().to_be_bytes().into()))),
    }
}

/// Commits that are to be stored.
pub(crate) struct CommitColumns {
    ends: Column,
    lengths: Column,
    times: Column,
    ids: IdColumns,
    context: ContextColumns,
}

impl CommitColumns {
    pub(crate) fn new() -> CommitColumns {
        CommitColumns {
            ends: Column::numbers(),
            lengths: Column::numbers(),
            times: Column::numbers(),
            ids: IdColumns::new(),
            context: ContextColumns::new(),
        }
    }

    pub(crate) fn push(&mut self, commit: &Commit) -> Result<(), Error> {
        self.ends.push_number(commit.last.to_i64());
        self.lengths.push_number(commit.last.to_i64() - commit.first.to_i64() + 1);
        self.times.push_number(commit.recorded_at.as_micros());
        self.ids.push(commit.id);
        self.context.push(&commit.context)
    }

    /// Returns how many commits there are.
    pub(crate) fn len(&self) -> u64 {
        self.ends.len()
    }

    pub(crate) fn into_parameters(self) -> Vec<Parameter> {
        let CommitColumns { ends, lengths, times, ids: IdColumns { ids, given }, context } = self;
        let ContextColumns { occurred_at, actor, reason, location, tags } = context;
        let columns = [ends, lengths, times, occurred_at, ids, given, actor, reason, location, tags];
        columns.map(Parameter::from).into()
    }
}
