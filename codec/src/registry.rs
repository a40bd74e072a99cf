//! The names of custom types, what is accepted as one, and when two are the same.

use std::collections::BTreeMap;
use std::fmt;

use crate::reader::deeper;
use crate::{CustomType, Error, MAX_DEPTH, Value, python};

type Predicate = Box<dyn Fn(&Value) -> bool + Send + Sync>;
type Equality = Box<dyn Fn(&Value, &Value) -> bool + Send + Sync>;

/// What is known of a custom type: its tag and name, which contents are its, and when two of them are the same.
pub struct Registration {
    tag: u32,
    name: String,
    accepts: Option<Predicate>,
    same: Option<Equality>,
}

impl Registration {
    /// Returns a type that accepts every content, two of which are the same if their bytes are.
    #[must_use]
    pub fn new(tag: u32, name: impl Into<String>) -> Self {
        Self { tag, name: name.into(), accepts: None, same: None }
    }

    /// Returns a Rust type under its tag and name, accepting every content from which it can be made.
    #[must_use]
    pub fn of<T: CustomType>() -> Self {
        Self::new(T::TAG, T::NAME).accepting(|content| T::from_content(content.clone()).is_ok())
    }

    /// Accepts as this type only contents for which `predicate` holds.
    #[must_use]
    pub fn accepting(mut self, predicate: impl Fn(&Value) -> bool + Send + Sync + 'static) -> Self {
        self.accepts = Some(Box::new(predicate));
        self
    }

    /// Takes two contents for the same where `equality` holds, whatever their bytes.
    #[must_use]
    pub fn comparing(mut self, equality: impl Fn(&Value, &Value) -> bool + Send + Sync + 'static) -> Self {
        self.same = Some(Box::new(equality));
        self
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("tag", &self.tag)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The custom types that an application knows, by tag and by name.
///
/// Values can be stored, read and shown without it; it adds the names, and refines what is accepted and what is equal.
///
/// ```
/// use annals_codec::{Registration, Registry, Value};
///
/// let mut registry = Registry::builtin();
/// let is_even = |content: &Value| matches!(content.as_integer().map(u64::try_from), Some(Ok(n)) if n % 2 == 0);
/// registry.register(Registration::new(1_000, "even").accepting(is_even))?;
/// let even = |n: u64| Value::Custom { tag: 1_000, content: Box::new(n.into()) };
/// assert!(registry.check(&even(2)).is_ok());
/// assert_eq!(registry.check(&even(3)).unwrap_err().to_string(), "the content is not accepted as `even`");
/// # Ok::<(), annals_codec::Error>(())
/// ```
#[derive(Debug)]
pub struct Registry {
    types: BTreeMap<u32, Registration>,
}

impl Default for Registry {
    /// Returns [`Registry::builtin`].
    fn default() -> Self {
        Self::builtin()
    }
}

impl Registry {
    /// Returns a registry of the types that come with this crate: `python.random`, tag 1, and `python.raw`, tag 2.
    ///
    /// The tags below 1,000 are kept for such types.
    #[must_use]
    pub fn builtin() -> Self {
        let known = [python::random(), python::raw()];
        Self { types: known.map(|known| (known.tag, known)).into() }
    }

    /// Adds a type.
    ///
    /// # Errors
    /// [`Error::AlreadyRegistered`] if its tag or its name is taken.
    pub fn register(&mut self, registration: Registration) -> Result<(), Error> {
        if self.types.contains_key(&registration.tag) || self.tag(&registration.name).is_some() {
            return Err(Error::AlreadyRegistered { tag: registration.tag, name: registration.name });
        }
        self.types.insert(registration.tag, registration);
        Ok(())
    }

    /// Returns the name of a tag.
    #[must_use]
    pub fn name(&self, tag: u32) -> Option<&str> {
        self.types.get(&tag).map(|known| known.name.as_str())
    }

    /// Returns the tag of a name.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<u32> {
        self.types.values().find(|known| known.name == name).map(|known| known.tag)
    }

    /// Checks that every custom value in `value` is of a registered type that accepts it.
    ///
    /// # Errors
    /// [`Error::UnknownTag`], [`Error::NotAccepted`], or [`Error::TooDeep`] beyond [`MAX_DEPTH`] levels.
    pub fn check(&self, value: &Value) -> Result<(), Error> {
        self.check_levels(value, MAX_DEPTH)
    }

    fn check_levels(&self, value: &Value, levels: usize) -> Result<(), Error> {
        let check = |part: &Value| self.check_levels(part, deeper(levels)?);
        match value {
            Value::List(items) | Value::Tuple(items) => items.iter().try_for_each(check),
            Value::Set(items) => items.iter().try_for_each(check),
            Value::Map(map) => map.iter().flat_map(<[&Value; 2]>::from).try_for_each(check),
            Value::Custom { tag, content } => {
                check(content)?;
                self.accept(*tag, content)
            }
            _ => Ok(()),
        }
    }

    fn accept(&self, tag: u32, content: &Value) -> Result<(), Error> {
        let known = self.types.get(&tag).ok_or(Error::UnknownTag { tag })?;
        match &known.accepts {
            Some(accepts) if !accepts(content) => Err(Error::NotAccepted { name: known.name.clone() }),
            _ => Ok(()),
        }
    }

    /// Checks one custom value, unless its type is unknown.
    pub(crate) fn accept_if_known(&self, tag: u32, content: &Value) -> Result<(), Error> {
        if self.types.contains_key(&tag) { self.accept(tag, content) } else { Ok(()) }
    }

    /// Returns whether two values are the same: equal, except that custom types may have an equality of their own.
    ///
    /// The keys of maps and the items of sets are compared by their bytes, as they are told apart by them.
    #[must_use]
    pub fn same(&self, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same(a, b))
            }
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && self.same(a, b))
            }
            (Value::Custom { tag, content: a }, Value::Custom { tag: other, content: b }) => {
                tag == other && self.same_content(*tag, a, b)
            }
            _ => a == b,
        }
    }

    fn same_content(&self, tag: u32, a: &Value, b: &Value) -> bool {
        match self.types.get(&tag).and_then(|known| known.same.as_ref()) {
            Some(same) => same(a, b),
            None => self.same(a, b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(tag: u32, content: impl Into<Value>) -> Value {
        Value::Custom { tag, content: Box::new(content.into()) }
    }

    fn caseless() -> Registry {
        let mut registry = Registry::builtin();
        let same = |a: &Value, b: &Value| match (a.as_text(), b.as_text()) {
            (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
            _ => false,
        };
        let is_text = |content: &Value| content.as_text().is_some();
        registry.register(Registration::new(7_000, "caseless").accepting(is_text).comparing(same)).unwrap();
        registry
    }

    #[test]
    fn a_tag_or_name_is_registered_once() {
        let mut registry = caseless();
        let taken = |tag, name: &str| Err(Error::AlreadyRegistered { tag, name: name.to_owned() });
        assert_eq!(registry.register(Registration::new(7_000, "other")), taken(7_000, "other"));
        assert_eq!(registry.register(Registration::new(7_001, "caseless")), taken(7_001, "caseless"));
        assert_eq!(registry.name(7_000), Some("caseless"));
        assert_eq!(registry.tag("caseless"), Some(7_000));
        assert_eq!((registry.name(7_001), registry.tag("other")), (None, None));
    }

    #[test]
    fn check_looks_inside() {
        let registry = caseless();
        let good = Value::List(vec![Value::map([("a", custom(7_000, "x"))])]);
        assert_eq!(registry.check(&good), Ok(()));
        let key = Value::Map([(custom(7_000, 1), Value::Null)].into());
        assert_eq!(
            registry.check(&Value::Tuple(vec![key])),
            Err(Error::NotAccepted { name: "caseless".to_owned() })
        );
        let unknown = Value::Set([custom(7_000, "x"), custom(9, "x")].into());
        assert_eq!(registry.check(&unknown), Err(Error::UnknownTag { tag: 9 }));
        let deep = (0..=MAX_DEPTH).fold(Value::Null, |inner, _| vec![inner].into());
        assert_eq!(registry.check(&deep), Err(Error::TooDeep { limit: MAX_DEPTH }));
    }

    #[test]
    fn own_equality_counts_wherever_the_type_stands() {
        let registry = caseless();
        let wrap = |text: &str| Value::map([("a", Value::List(vec![custom(7_000, text)]))]);
        assert!(registry.same(&wrap("Name"), &wrap("nAME")));
        assert!(!registry.same(&wrap("Name"), &wrap("Names")));
        assert_ne!(wrap("Name"), wrap("nAME"));
        assert!(!registry.same(&custom(7_000, "a"), &custom(7_001, "a")));
        assert!(registry.same(&custom(9, custom(7_000, "a")), &custom(9, custom(7_000, "A"))));
        assert!(!registry.same(&Value::from(1), &Value::from(true)));
    }
}
