//! The batches of one call as the function of the schema takes them.

use annals_core::{Batch, Condition, Error, Field, Namespace};

use crate::columns::{ContextColumns, EntryColumns, IdColumns};
use crate::parameter::{Column, Parameter};

/// What the append of one call asks of the server.
pub(crate) struct Group {
    pub(crate) batches: BatchColumns,
    pub(crate) conditions: ConditionColumns,
    pub(crate) entries: EntryColumns,
}

impl Group {
    pub(crate) fn new(batches: &[Batch]) -> Result<Group, Error> {
        let mut batch_columns = BatchColumns::new();
        let mut conditions = ConditionColumns::new();
        let mut entries = EntryColumns::new();
        for batch in batches {
            batch_columns.push(batch)?;
            batch.conditions.iter().for_each(|condition| conditions.push(condition));
            for write in &batch.writes {
                entries.push(&write.key, &write.action, write.actor.as_deref(), write.reason.as_deref());
            }
        }
        Ok(Group { batches: batch_columns, conditions, entries })
    }

    pub(crate) fn into_parameters(self) -> Vec<Parameter> {
        let batches = self.batches.into_parameters();
        batches
            .into_iter()
            .chain(self.conditions.into_parameters())
            .chain(self.entries.into_parameters())
            .collect()
    }
}

/// The batches of a call, an element each.
pub(crate) struct BatchColumns {
    ids: IdColumns,
    now: Column,
    context: ContextColumns,
    writes: Column,
    conditions: Column,
}

impl BatchColumns {
    fn new() -> BatchColumns {
        BatchColumns {
            ids: IdColumns::new(),
            now: Column::numbers(),
            context: ContextColumns::new(),
            writes: Column::counts(),
            conditions: Column::counts(),
        }
    }

    fn push(&mut self, batch: &Batch) -> Result<(), Error> {
        self.ids.push(batch.id);
        self.now.push_number(batch.now.as_micros());
        self.context.push(&batch.context)?;
        self.writes.push_count(batch.writes.len());
        self.conditions.push_count(batch.conditions.len());
        Ok(())
    }

    fn into_parameters(self) -> Vec<Parameter> {
        let IdColumns { ids, given } = self.ids;
        let ContextColumns { occurred_at, actor, reason, location, tags } = self.context;
        [ids, given, self.now, occurred_at, actor, reason, location, tags, self.writes, self.conditions]
            .map(Parameter::from)
            .into()
    }
}

/// The conditions of a call's batches, an element each.
pub(crate) struct ConditionColumns {
    kinds: Column,
    namespaces: Column,
    fields: Column,
    since: Column,
}

impl ConditionColumns {
    fn new() -> ConditionColumns {
        ConditionColumns {
            kinds: Column::kinds(),
            namespaces: Column::texts(),
            fields: Column::texts(),
            since: Column::numbers(),
        }
    }

    fn push(&mut self, condition: &Condition) {
        let (kind, namespace, field) = match condition {
            Condition::KeyUnchanged { key, .. } => (0, Some(key.namespace()), Some(key.field())),
            Condition::KeyAbsent { key } => (1, Some(key.namespace()), Some(key.field())),
            Condition::NamespaceUnchanged { namespace, .. } => (2, Some(namespace), None),
            Condition::LogUnchanged { .. } => (3, None, None),
        };
        self.kinds.push_kind(Some(kind));
        self.namespaces.push(namespace.map(Namespace::as_str));
        self.fields.push(field.map(Field::as_str));
        self.since.push(condition.since().map(|since| since.to_i64().to_be_bytes()));
    }

    fn into_parameters(self) -> Vec<Parameter> {
        [self.kinds, self.namespaces, self.fields, self.since].map(Parameter::from).into()
    }
}
