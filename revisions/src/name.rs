use std::fmt;
use std::sync::Arc;

use annals_core::{Field, Key, Namespace};

use crate::Error;
use crate::escape::{escape, unescape};
use crate::meta::META;

/// The most bytes that the name of an object may have.
pub const NAME_BYTES_MAX: usize = 200;

/// What a token may hold as it is, beside ASCII letters and digits.
const ALLOWED: &[u8] = b".-";

/// Where an object lives: its collection, its name, its record.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address(Arc<Parts>);

#[derive(PartialEq, Eq)]
struct Parts {
    name: String,
    namespace: Namespace,
    meta: Key,
}

impl Address {
    /// Returns the address of the object `name`.
    pub(crate) fn new(collection: &Namespace, name: &str) -> Result<Address, Error> {
        check(name)?;
        let mut token = String::with_capacity(name.len());
        // The tokens `.` and `..` are no namespaces.
        let allowed = if matches!(name, "." | "..") { b"" } else { ALLOWED };
        escape(name, allowed, &mut token);
        Address::at(name.to_owned(), collection.join(&token)?)
    }

    /// Returns the address of the object that lives at `namespace`, `None` if that is no place for one.
    pub(crate) fn parse(collection: &Namespace, namespace: &Namespace) -> Option<Address> {
        let token = namespace.as_str().strip_prefix(collection.as_str())?.strip_prefix('/')?;
        let name = unescape(token, ALLOWED).or_else(|| dots(token))?;
        check(&name).ok()?;
        Address::at(name, namespace.clone()).ok()
    }

    fn at(name: String, namespace: Namespace) -> Result<Address, Error> {
        let meta = Key::new(namespace.clone(), Field::new(META)?)?;
        Ok(Address(Arc::new(Parts { name, namespace, meta })))
    }

    /// Returns the address of the object whose record this may be.
    pub(crate) fn of_record(namespace: &Namespace) -> Option<Address> {
        Address::parse(&namespace.parent()?, namespace)
    }

    /// Returns the collection.
    pub(crate) fn collection(&self) -> Namespace {
        // An address stands below its collection.
        self.0.namespace.parent().unwrap_or_else(|| self.0.namespace.clone())
    }

    /// Returns the last token of the object's record, as which its name is written.
    pub(crate) fn token(&self) -> &str {
        self.0.namespace.as_str().rsplit('/').next().unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn namespace(&self) -> &Namespace {
        &self.0.namespace
    }

    pub(crate) fn meta(&self) -> &Key {
        &self.0.meta
    }
}

/// Writes the object as errors call it: `answers: a`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { name, namespace, .. } = &*self.0;
        let collection = namespace.as_str().rsplit_once('/').map_or("", |(collection, _)| collection);
        write!(f, "the object `{}` of {collection}", shown(name))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.namespace)
    }
}

/// The two names whose dots are escaped as well.
fn dots(token: &str) -> Option<String> {
    matches!(token, "_2e" | "_2e_2e").then(|| ".".repeat(token.len() / 3))
}

fn check(name: &str) -> Result<(), Error> {
    let rule = match name.len() {
        0 => "it is empty",
        1..=NAME_BYTES_MAX => return Ok(()),
        _ => "it is longer than 200 bytes",
    };
    Err(Error::Name { name: shown(name), rule })
}

/// Returns the name as it may stand in a line of text.
pub(crate) fn shown(name: &str) -> String {
    const SHOWN_MAX: usize = 80;
    let mut shown: String = name.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect();
    if name.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn collection() -> Namespace {
        Namespace::new("game/answers").unwrap()
    }

    #[test]
    fn a_name_is_one_token() {
        for (name, token) in [
            ("a", "a"),
            ("v1.0-b", "v1.0-b"),
            ("a_b/c", "a_5fb_2fc"),
            ("ä", "_c3_a4"),
            (".", "_2e"),
            ("..", "_2e_2e"),
        ] {
            let address = Address::new(&collection(), name).unwrap();
            assert_eq!(address.namespace().as_str(), format!("game/answers/{token}"));
            assert_eq!(address.meta().to_string(), format!("game/answers/{token} __meta"));
        }
    }

    #[test]
    fn what_no_name_is_written_as_is_no_object() {
        for token in ["__referrers", "_", "_2", "a_5F", "a_61", "a/b", "_ff", "_2ea"] {
            let namespace = collection().join(token).unwrap();
            assert_eq!(Address::parse(&collection(), &namespace), None, "{token}");
        }
        for elsewhere in ["game/answers", "game/answersx", "game/answersx/a", "a"] {
            let namespace = Namespace::new(elsewhere).unwrap();
            assert_eq!(Address::parse(&collection(), &namespace), None, "{elsewhere}");
        }
    }

    #[test]
    fn names_that_are_empty_or_too_long_are_refused() {
        assert!(Address::new(&collection(), &"x".repeat(200)).is_ok());
        for name in [String::new(), "x".repeat(201), "ä".repeat(101)] {
            let refused = Address::new(&collection(), &name).unwrap_err();
            assert!(matches!(refused, Error::Name { .. }), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn every_name_is_read_back(name in "\\PC{1,40}|[._/a-c-]{1,8}|.{1,20}") {
            let address = Address::new(&collection(), &name).unwrap();
            let read = Address::parse(&collection(), address.namespace()).unwrap();
            prop_assert_eq!(read.name(), &name);
            prop_assert_eq!(read, address);
        }
    }
}
