use annals_core::{Field, Key, Namespace};
use rusqlite::Row;

use crate::failure::Failure;

/// What a key is called, in one piece: short, and in the order of the index by name.
///
/// A NUL stands between namespace and field. It sorts before every character of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    joined: Box<str>,
}

impl Name {
    pub(crate) fn new(namespace: &str, field: &str) -> Name {
        let mut joined = String::with_capacity(namespace.len() + 1 + field.len());
        joined.push_str(namespace);
        joined.push('\0');
        joined.push_str(field);
        Name { joined: joined.into() }
    }

    pub(crate) fn of(key: &Key) -> Name {
        Name::new(key.namespace().as_str(), key.field().as_str())
    }

    /// Returns namespace and field.
    pub(crate) fn parts(&self) -> (&str, &str) {
        self.joined.split_once('\0').unwrap_or_default()
    }

    pub(crate) fn to_key(&self) -> Result<Key, Failure> {
        let (namespace, field) = self.parts();
        let namespace = Namespace::new(namespace).map_err(|_| damaged("namespace"))?;
        let field = Field::new(field).map_err(|_| damaged("field"))?;
        Key::new(namespace, field).map_err(|_| damaged("field"))
    }
}

/// Returns namespace and field, whose columns begin at column `at`.
pub(crate) fn read<'r>(row: &'r Row<'_>, at: usize) -> Result<(&'r str, &'r str), Failure> {
    let namespace = row.get_ref(at)?.as_str().map_err(|_| damaged("namespace"))?;
    let field = row.get_ref(at + 1)?.as_str().map_err(|_| damaged("field"))?;
    Ok((namespace, field))
}

fn damaged(what: &str) -> Failure {
    Failure::Damaged(format!("the file is damaged: a {what} is not a valid name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_namespace_and_then_by_field() {
        let mut names = [("a/b", "f"), ("a", "z"), ("a-b", "f"), ("a", "f"), ("a.b", "größe"), ("a0", "f")];
        names.sort_unstable();
        let mut joined = names.map(|(namespace, field)| Name::new(namespace, field));
        joined.sort_unstable();
        assert!(joined.iter().map(Name::parts).eq(names));
    }
}
