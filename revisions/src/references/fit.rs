use annals_core::codec::{self, Value};

use super::declaration::declarations;
use super::names::{names, replaced};
use super::on_delete::Rule;
use super::planner::rule_error;
use crate::attributes::{Attributes, Difference, field};
use crate::{Error, Object, TransactionRevisions};

impl<T: Object> TransactionRevisions<'_, T> {
    /// Checks that an object of these attributes is still a `T` after the rules of the references that are
    /// new in it were applied.
    ///
    /// # Errors
    /// [`Error::Rule`] if it is not.
    pub(crate) fn check_rules(&self, after: &Attributes, difference: &Difference<'_>) -> Result<(), Error> {
        let collection = &self.revisions.collection;
        for (attribute, declaration) in declarations(self.tx, collection)? {
            let by = match declaration.rule {
                Rule::SetNull => Vec::new(),
                Rule::SetDefault(names) => names,
                Rule::Set(name) => vec![name],
                Rule::Cascade | Rule::SetWith | Rule::Restrict | Rule::DoNothing => continue,
            };
            let field = field(&attribute)?;
            let Some(bytes) = difference.of(&field).flatten() else { continue };
            let value: Value = codec::decode(bytes).unwrap_or_default();
            let Some(name) = names(&value).and_then(|names| names.first().map(|name| (*name).to_owned()))
            else {
                continue;
            };
            let unfit = |problem: &str| rule_error(collection, &attribute, problem);
            let value = replaced(value, &name, &by);
            let value = value.ok_or_else(|| unfit("gives several names to an attribute that holds one"))?;
            let mut applied = after.clone();
            applied.fields.insert(field, self.revisions.store.encode(&attribute, &value)?);
            let decoded = applied.decode::<T>();
            decoded.map_err(|misfit| {
                unfit(&format!("does not fit the collection's type: {}", misfit.problem))
            })?;
        }
        Ok(())
    }
}
