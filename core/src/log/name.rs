use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use unicode_ident::{is_xid_continue, is_xid_start};

use crate::error::{Error, NameError};

/// The most bytes that a namespace and a field may have together.
pub const KEY_BYTES_MAX: usize = 900;

/// The address of a record: one or more tokens of `A-Z a-z 0-9 . _ -`, joined by `/`.
///
/// A namespace is structured, not a joined string: `game` may have a field `player1` beside the
/// namespace `game/player1`. The tokens `.` and `..` are refused. At most [`KEY_BYTES_MAX`] bytes.
/// Namespaces are ordered by the bytes of the joined text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Arc<str>);

impl Namespace {
    /// Returns the namespace written as `a/b/c`.
    ///
    /// # Errors
    /// [`Error::Name`] if there is no token, a token is empty, `.` or `..`, a character is not
    /// allowed, or the whole is longer than [`KEY_BYTES_MAX`] bytes.
    ///
    /// ```
    /// use annals_core::Namespace;
    /// let file = Namespace::new("src/Cargo.toml").unwrap();
    /// assert_eq!(file.tokens().collect::<Vec<_>>(), ["src", "Cargo.toml"]);
    /// assert!(Namespace::new("a//b").is_err());
    /// assert!(Namespace::new("../etc").is_err());
    /// ```
    pub fn new(text: &str) -> Result<Namespace, Error> {
        let refuse = |rule| Err(NameError::new("namespace", text, rule).into());
        if text.len() > KEY_BYTES_MAX {
            return refuse("it is longer than 900 bytes");
        }
        for token in text.split('/') {
            if token.is_empty() {
                return refuse("it has an empty token");
            }
            if token == "." || token == ".." {
                return refuse("the tokens `.` and `..` are reserved");
            }
            if !token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
                return refuse("tokens are made of A-Z a-z 0-9 . _ - and joined by /");
            }
        }
        Ok(Namespace(text.into()))
    }

    /// Returns the joined text, `a/b/c`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the tokens in order.
    pub fn tokens(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// Returns the last token.
    #[must_use]
    pub fn last_token(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Returns the namespace one level up, or `None` at the top.
    #[must_use]
    pub fn parent(&self) -> Option<Namespace> {
        self.0.rsplit_once('/').map(|(parent, _)| Namespace(parent.into()))
    }

    /// Returns the namespace `tokens` below this one.
    ///
    /// # Errors
    /// As [`Namespace::new`].
    pub fn join(&self, tokens: &str) -> Result<Namespace, Error> {
        Namespace::new(&format!("{self}/{tokens}"))
    }

    /// Returns whether the log keeps this namespace for itself: its first token is `__annals`.
    ///
    /// Everybody may read there; [`Log::append`](super::Log::append) refuses to write.
    ///
    /// ```
    /// use annals_core::Namespace;
    /// assert!(Namespace::new("__annals/erasures").unwrap().is_reserved());
    /// assert!(!Namespace::new("__annals2").unwrap().is_reserved());
    /// ```
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.tokens().next() == Some("__annals")
    }

    /// Returns whether this is `ancestor` or lies anywhere below it.
    ///
    /// ```
    /// use annals_core::Namespace;
    /// let game = Namespace::new("game").unwrap();
    /// assert!(Namespace::new("game/player1").unwrap().is_under(&game));
    /// assert!(!Namespace::new("games").unwrap().is_under(&game));
    /// ```
    #[must_use]
    pub fn is_under(&self, ancestor: &Namespace) -> bool {
        self.0.strip_prefix(&*ancestor.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Returns a text that sorts after this namespace, and before every other namespace that does.
    ///
    /// ```
    /// use annals_core::Namespace;
    /// let game = Namespace::new("game").unwrap();
    /// assert!(*"game" < *game.just_after() && *game.just_after() < *"game-x");
    /// ```
    #[must_use]
    pub fn just_after(&self) -> String {
        // A space sorts before every character of a name.
        format!("{self} ")
    }
}

/// A name inside a record: a Unicode identifier.
///
/// It begins with a character of class XID_Start or `_` and goes on with XID_Continue, as the
/// identifiers of Rust and Python do. Names are compared byte by byte, without normalisation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(Arc<str>);

impl Field {
    /// Returns the field called `text`.
    ///
    /// # Errors
    /// [`Error::Name`] if `text` is not an identifier or is longer than [`KEY_BYTES_MAX`] bytes.
    ///
    /// ```
    /// use annals_core::Field;
    /// assert_eq!(Field::new("größe").unwrap().as_str(), "größe");
    /// assert!(Field::new("1st").is_err());
    /// ```
    pub fn new(text: &str) -> Result<Field, Error> {
        let refuse = |rule| Err(NameError::new("field", text, rule).into());
        if text.len() > KEY_BYTES_MAX {
            return refuse("it is longer than 900 bytes");
        }
        let mut characters = text.chars();
        match characters.next() {
            None => return refuse("it is empty"),
            Some(first) if first != '_' && !is_xid_start(first) => {
                return refuse("a field is an identifier: it begins with a letter or _");
            }
            Some(_) => {}
        }
        if !characters.all(is_xid_continue) {
            return refuse("a field is an identifier: letters, digits and _");
        }
        Ok(Field(text.into()))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A namespace and a field: what an entry changes.
///
/// Keys are ordered by the bytes of the joined namespace, then of the field; drivers answer in
/// that order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    namespace: Namespace,
    field: Field,
}

impl Key {
    /// Returns the key of `field` in `namespace`.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the two have more than [`KEY_BYTES_MAX`] bytes together.
    pub fn new(namespace: Namespace, field: Field) -> Result<Key, Error> {
        let size = namespace.0.len() + field.0.len();
        if size > KEY_BYTES_MAX {
            return Err(Error::TooLarge {
                what: "key".into(),
                size: size as u64,
                limit: KEY_BYTES_MAX as u64,
            });
        }
        Ok(Key { namespace, field })
    }

    /// Returns the key whose two names are given as text.
    ///
    /// # Errors
    /// As [`Namespace::new`], [`Field::new`] and [`Key::new`].
    pub fn parse(namespace: &str, field: &str) -> Result<Key, Error> {
        Key::new(Namespace::new(namespace)?, Field::new(field)?)
    }

    /// Returns the namespace.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Returns the field.
    #[must_use]
    pub fn field(&self) -> &Field {
        &self.field
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.namespace, self.field)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

/// What every name type shares: text in, text out.
macro_rules! text_name {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &*self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<$name, Error> {
                $name::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = Error;
            fn try_from(text: &str) -> Result<$name, Error> {
                $name::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<$name, Error> {
                $name::new(&text)
            }
        }

        impl From<&$name> for $name {
            fn from(name: &$name) -> $name {
                name.clone()
            }
        }
    };
}

text_name!(Namespace);
text_name!(Field);
