//! Types of the application's own, stored under a tag and shown under a name.

use crate::{Error, Value};

/// A type of the application's own that is stored under a tag, so that it is told apart from what it is made of.
///
/// Use it in a struct through the module [`custom`](crate::custom), and make its name known to others through a
/// [`Registry`](crate::Registry). The tag is part of what is stored: it must never change its meaning.
///
/// ```
/// use annals_codec::{CustomType, Error, Value, from_value, to_value};
///
/// #[derive(Debug, PartialEq)]
/// struct Colour(u32);
///
/// impl CustomType for Colour {
///     const TAG: u32 = 1_000;
///     const NAME: &'static str = "paint.colour";
///
///     fn to_content(&self) -> Result<Value, Error> {
///         Ok(Value::from(self.0))
///     }
///
///     fn from_content(content: Value) -> Result<Self, Error> {
///         content.as_integer().and_then(|rgb| rgb.try_into().ok()).map(Self).ok_or(Error::Refused)
///     }
/// }
///
/// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Wall {
///     #[serde(with = "annals_codec::custom")]
///     colour: Colour,
/// }
///
/// let wall = Wall { colour: Colour(0xff_00_80) };
/// let stored = to_value(&wall)?;
/// let content = Box::new(Value::from(0xff_00_80));
/// assert_eq!(stored.get("colour"), Some(&Value::Custom { tag: 1_000, content }));
/// assert_eq!(from_value::<Wall>(&stored)?, wall);
/// # Ok::<(), Error>(())
/// ```
pub trait CustomType: Sized {
    /// The number under which the type is stored.
    const TAG: u32;
    /// The name under which the type is shown.
    const NAME: &'static str;

    /// Returns what this is made of.
    ///
    /// # Errors
    /// [`Error::Refused`], where this cannot be stored.
    fn to_content(&self) -> Result<Value, Error>;

    /// Returns what was made of this content.
    ///
    /// # Errors
    /// [`Error::Refused`], where the content is not this type's.
    fn from_content(content: Value) -> Result<Self, Error>;
}
