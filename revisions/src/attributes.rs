use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use annals_core::{Field, Store, codec};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::escape::{escape, unescape};
use crate::members::members;
use crate::whole::{Misfit, whole};

/// The attribute of what is no struct and no map of names.
const VALUE: &str = "value";

/// What the field of an attribute begins with whose name cannot be a field.
const ESCAPED: &str = "__a_";

/// What fields begin with that belong to this layer.
const RESERVED: &str = "__";

/// The content of an object: its attributes, encoded, by the fields that hold them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) fields: BTreeMap<Field, Arc<[u8]>>,
    /// Whether the content is no struct or map of names, but the one attribute [`VALUE`].
    pub(crate) single: bool,
}

impl Attributes {
    /// Returns the attributes of `value`: a field for each member of a struct or a map whose keys are
    /// texts, else the one attribute [`VALUE`].
    ///
    /// # Errors
    /// If it cannot be encoded, or a name is too long.
    pub(crate) fn of<T: Serialize + ?Sized>(
        store: &Store,
        value: &T,
    ) -> Result<Attributes, annals_core::Error> {
        let Some(members) = members(store, value)? else {
            let fields = BTreeMap::from([(Field::new(VALUE)?, store.encode(VALUE, value)?)]);
            return Ok(Attributes { fields, single: true });
        };
        let mut fields = BTreeMap::new();
        for (name, bytes) in members {
            if fields.insert(field(&name)?, bytes.into()).is_some() {
                let problem = codec::Error::DuplicateKey;
                return Err(annals_core::Error::Encode { what: name, problem });
            }
        }
        Ok(Attributes { fields, single: false })
    }

    /// Returns the value that has these attributes.
    ///
    /// # Errors
    /// If they do not fit the type.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, Misfit> {
        match (self.single, self.fields.get(VALUE)) {
            (true, Some(bytes)) => codec::decode(bytes).map_err(|problem| Misfit::of(VALUE, problem)),
            (true, None) => Err(Misfit::of(VALUE, codec::Error::MissingField { field: VALUE })),
            (false, _) => whole(&self.fields),
        }
    }

    /// Returns the bytes that the attributes take.
    pub(crate) fn size(&self) -> usize {
        self.fields.iter().map(|(field, bytes)| field.as_str().len() + bytes.len()).sum()
    }

    /// Returns these attributes with what `difference` writes.
    pub(crate) fn with(mut self, difference: &Difference<'_>) -> Attributes {
        for (field, bytes) in &difference.set {
            self.fields.insert((*field).clone(), Arc::clone(bytes));
        }
        for field in &difference.deleted {
            self.fields.remove(*field);
        }
        self
    }

    /// Returns what has to be written to make these attributes of `before`, where `same` says which
    /// bytes are equal values.
    pub(crate) fn since<'a>(
        &'a self,
        before: &'a Attributes,
        same: impl Fn(&[u8], &[u8]) -> bool,
    ) -> Difference<'a> {
        let changed = |(field, bytes): &(&Field, &Arc<[u8]>)| {
            !before.fields.get(*field).is_some_and(|before| same(before, bytes))
        };
        let gone = before.fields.keys().filter(|field| !self.fields.contains_key(*field));
        Difference { set: self.fields.iter().filter(changed).collect(), deleted: gone.collect() }
    }
}

/// What has to be written to make one content of another.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference<'a> {
    pub(crate) set: Vec<(&'a Field, &'a Arc<[u8]>)>,
    pub(crate) deleted: Vec<&'a Field>,
}

impl Difference<'_> {
    /// Returns what is written to `field`: nothing, or bytes, or that it is deleted.
    pub(crate) fn of(&self, field: &Field) -> Option<Option<&Arc<[u8]>>> {
        if self.deleted.contains(&field) {
            return Some(None);
        }
        self.set.iter().find(|(set, _)| *set == field).map(|(_, bytes)| Some(*bytes))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.deleted.is_empty()
    }
}

/// Returns whether a field holds an attribute, and is none of those that this layer keeps for itself.
pub(crate) fn is_attribute(field: &Field) -> bool {
    !field.as_str().starts_with(RESERVED) || field.as_str().starts_with(ESCAPED)
}

/// Returns the field that holds the attribute `name`.
///
/// # Errors
/// If the name is too long.
pub(crate) fn field(name: &str) -> Result<Field, annals_core::Error> {
    match Field::new(name) {
        Ok(field) if !name.starts_with(RESERVED) => Ok(field),
        _ => {
            let mut escaped = ESCAPED.to_owned();
            escape(name, b"", &mut escaped);
            Field::new(&escaped)
        }
    }
}

/// Returns the name of the attribute that `field` holds.
pub(crate) fn name(field: &Field) -> Cow<'_, str> {
    let escaped = field.as_str().strip_prefix(ESCAPED).and_then(|escaped| unescape(escaped, b""));
    escaped.map_or(Cow::Borrowed(field.as_str()), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::fmt::Debug;

    use annals_core::codec::{Decimal, Set, Value, decode};
    use annals_driver_memory::MemoryDriver;
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    fn of<T: Serialize>(value: &T) -> Attributes {
        Attributes::of(&Store::new(MemoryDriver::new()), value).unwrap()
    }

    fn names(attributes: &Attributes) -> Vec<&str> {
        attributes.fields.keys().map(Field::as_str).collect()
    }

    #[track_caller]
    fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, fields: &[&str]) {
        let attributes = of(value);
        assert_eq!(names(&attributes), fields);
        assert_eq!(attributes.decode::<T>().unwrap(), *value);
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Answer {
        text: String,
        score: Option<u8>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wrapped(Answer);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Point,
        Circle(f64),
        Box { width: u8 },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Box { width: u8 },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Flat {
        #[serde(flatten)]
        answer: Answer,
        #[serde(flatten)]
        rest: BTreeMap<String, u8>,
    }

    #[test]
    fn structs_and_maps_of_texts_have_a_field_for_each_member() {
        let answer = || Answer { text: "yes".into(), score: None };
        comes_back(&answer(), &["score", "text"]);
        assert_eq!(decode::<Value>(&of(&answer()).fields["score"]).unwrap(), Value::Null);
        comes_back(&Wrapped(answer()), &["score", "text"]);
        comes_back(&Tagged::Box { width: 3 }, &["kind", "width"]);
        comes_back(&BTreeMap::from([("b".to_owned(), 1), ("a".to_owned(), 2)]), &["a", "b"]);
        comes_back(&HashMap::from([('x', 1)]), &["x"]);
        comes_back(&HashMap::<String, u8>::new(), &[]);
        let rest = BTreeMap::from([("extra".to_owned(), 7)]);
        comes_back(&Flat { answer: answer(), rest }, &["extra", "score", "text"]);
        comes_back(&Value::map([("n", Value::from(1))]), &["n"]);
    }

    #[test]
    fn everything_else_is_the_attribute_value() {
        comes_back(&7, &["value"]);
        comes_back(&"text".to_owned(), &["value"]);
        comes_back(&Some(Answer { text: "yes".into(), score: Some(1) }), &["value"]);
        comes_back(&None::<Answer>, &["value"]);
        comes_back(&(1, true), &["value"]);
        comes_back(&vec![1, 2], &["value"]);
        comes_back(&(), &["value"]);
        comes_back(&BTreeMap::from([(1, "one".to_owned()), (2, "two".to_owned())]), &["value"]);
        comes_back(&Shape::Point, &["value"]);
        comes_back(&Shape::Circle(0.5), &["value"]);
        comes_back(&Shape::Box { width: 3 }, &["value"]);
        comes_back(&"1.10".parse::<Decimal>().unwrap(), &["value"]);
        comes_back(&Set(std::collections::BTreeSet::from([1, 2])), &["value"]);
    }

    #[test]
    fn a_map_with_a_key_called_value_is_told_from_a_single_value() {
        let map = BTreeMap::from([("value".to_owned(), Value::from(7))]);
        comes_back(&Value::map([("value", Value::from(7))]), &["value"]);
        comes_back(&map, &["value"]);
        assert_eq!(of(&7).decode::<Value>().unwrap(), Value::from(7));
    }

    #[test]
    fn what_was_set_and_what_vanished_is_told_apart() {
        let (before, after) =
            (of(&BTreeMap::from([("a", 1), ("b", 2)])), of(&BTreeMap::from([("b", 3), ("c", 4)])));
        let difference = after.since(&before, |a, b| a == b);
        assert_eq!(difference.set.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(difference.deleted.iter().map(|field| field.as_str()).collect::<Vec<_>>(), ["a"]);
        assert!(after.since(&after, |a, b| a == b).is_empty());
        assert_eq!(after.since(&before, |_, _| true).set.len(), 1, "only what was not there before");
    }

    #[test]
    fn names_that_are_no_fields_are_escaped() {
        for (name, as_field) in [
            ("größe", "größe"),
            ("_x", "_x"),
            ("__meta", "__a__5f_5fmeta"),
            ("1st", "__a_1st"),
            ("first name", "__a_first_20name"),
            ("", "__a_"),
        ] {
            assert_eq!(field(name).unwrap().as_str(), as_field);
        }
        assert!(!is_attribute(&Field::new("__meta").unwrap()));
        assert!(is_attribute(&Field::new("__a_1st").unwrap()));
        comes_back(
            &BTreeMap::from([("first name".to_owned(), 1), (String::new(), 2)]),
            &["__a_", "__a_first_20name"],
        );
    }

    proptest! {
        #[test]
        fn every_name_of_an_attribute_is_read_back(text in "\\PC{0,30}|_{1,4}[a-z]{0,3}|__a_[a-z0-9_]{0,6}") {
            let field = field(&text).unwrap();
            prop_assert!(is_attribute(&field));
            prop_assert_eq!(name(&field), text);
        }
    }
}
