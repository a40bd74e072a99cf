//! What can go wrong, told without ever repeating a value.

use crate::Kind;

/// Tells why bytes, text or a Rust value could not be converted.
///
/// The text holds names, positions, sizes and kinds, never a stored value, so that it may be logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no value at all.
    #[error("malformed at offset {offset}: {rule}")]
    Malformed {
        /// Where in the bytes, from 0.
        offset: usize,
        /// What the format asks for there.
        rule: &'static str,
    },
    /// The bytes are a value, but not in the one form that we write.
    #[error("not canonical at offset {offset}: {rule}")]
    NotCanonical {
        /// Where in the bytes, from 0.
        offset: usize,
        /// What the canonical form asks for there.
        rule: &'static str,
    },
    /// More bytes follow the value.
    #[error("{count} more bytes after the value, which ends at offset {offset}")]
    TrailingBytes {
        /// Where the value ends.
        offset: usize,
        /// How many bytes follow.
        count: usize,
    },
    /// Values stand inside one another more than [`MAX_DEPTH`](crate::MAX_DEPTH) times.
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// How many levels are allowed.
        limit: usize,
    },
    /// A text, list, map or other part is longer than the format can say.
    #[error("{what} is longer than the format allows, 4294967295")]
    TooLong {
        /// Which part.
        what: Kind,
    },
    /// The stored value is of another kind than the reader wants.
    #[error("wanted {wanted}, stored is {stored}")]
    TypeMismatch {
        /// What the reading type says that it expects.
        wanted: String,
        /// The kind of what is stored.
        stored: &'static str,
    },
    /// The stored value is of a kind that the reader takes, but not one of its values.
    #[error("wanted {wanted}, the stored {stored} is none")]
    Unfit {
        /// What the reading type says that it expects.
        wanted: String,
        /// The kind of what is stored.
        stored: &'static str,
    },
    /// A stored list or tuple has too many or too few items for the reader.
    #[error("wanted {wanted}, stored are {found} items")]
    WrongLength {
        /// What the reading type says that it expects.
        wanted: String,
        /// How many items are stored.
        found: usize,
    },
    /// A field of the reading struct is not stored, and it has no default.
    #[error("the field `{field}` is missing")]
    MissingField {
        /// The field's name in the reading type.
        field: &'static str,
    },
    /// A field is stored twice.
    #[error("the field `{field}` is stored twice")]
    DuplicateField {
        /// The field's name in the reading type.
        field: &'static str,
    },
    /// A field is stored that the reading struct denies.
    #[error("a stored field is none of {}", listed(.expected))]
    UnknownField {
        /// The fields of the reading type.
        expected: &'static [&'static str],
    },
    /// The stored variant is none of the reading enum's.
    #[error("the stored variant is none of {}", listed(.expected))]
    UnknownVariant {
        /// The variants of the reading type.
        expected: &'static [&'static str],
    },
    /// Two entries of a map, or fields of a struct, have the same key.
    #[error("a map has the same key twice")]
    DuplicateKey,
    /// Two items of a set have the same bytes.
    #[error("a set has the same item twice")]
    DuplicateItem,
    /// A number or time lies outside of what its kind can hold.
    #[error("out of range: {what}")]
    OutOfRange {
        /// The range that was left.
        what: &'static str,
    },
    /// A text is not a spelling of the wanted kind.
    #[error("the text does not spell a {kind}")]
    Spelling {
        /// The kind that was to be read from the text.
        kind: Kind,
    },
    /// A tag or a name is registered already.
    #[error("the tag {tag} or the name `{name}` is registered already")]
    AlreadyRegistered {
        /// The tag that was to be registered.
        tag: u32,
        /// The name that was to be registered.
        name: String,
    },
    /// No custom type is registered under this tag.
    #[error("no custom type has the tag {tag}")]
    UnknownTag {
        /// The tag.
        tag: u32,
    },
    /// No custom type is registered under this name.
    ///
    /// The name is left out: it is a piece of the JSON that was to become a value.
    #[error("no custom type has this name")]
    UnknownName,
    /// A custom type's predicate does not hold for the content.
    #[error("the content is not accepted as `{name}`")]
    NotAccepted {
        /// The name of the type.
        name: String,
    },
    /// The text is no JSON.
    #[error("no JSON at line {line}, column {column}")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The column in bytes, from 1.
        column: usize,
    },
    /// An object of one member, whose name starts with `$`, stands for no kind that is known.
    ///
    /// The name is left out: it may be a key of a map, and so a piece of the value.
    #[error("an unknown JSON tag; a map with a key that starts with `$` is written as `$map`")]
    UnknownJsonTag,
    /// What follows a tag is not of its form, or a tag stands beside other members.
    #[error("the JSON does not have the form of a {kind}")]
    MalformedJson {
        /// The kind that the tag stands for.
        kind: Kind,
    },
    /// The type's own code refused to write or read the value.
    ///
    /// What it said is left out: such messages may quote the value.
    #[error("refused by the type's own code")]
    Refused,
}

fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() { "none".to_owned() } else { quoted.join(", ") }
}
