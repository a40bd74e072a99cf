use annals_core::codec::Value;
use annals_core::{Context, ContextPart, TransactionRecord};

const OBJECT_TAG: &str = "__annals.scope.object";
const ATTRIBUTE_TAG: &str = "__annals.scope.attribute";
const DELETION_TAG: &str = "__annals.scope.deletion";

/// The part of a context that describes what is done to objects; see [`Tracking::describe_object`].
pub const OBJECT_DESCRIPTION: ContextPart<'static> = ContextPart::Tag(OBJECT_TAG);
/// The part of a context that describes what is done to attributes; see [`Tracking::describe_attributes`].
pub const ATTRIBUTE_DESCRIPTION: ContextPart<'static> = ContextPart::Tag(ATTRIBUTE_TAG);
/// The part of a context that describes what a deletion entails; see [`Tracking::describe_deletion`].
pub const DELETION_DESCRIPTION: ContextPart<'static> = ContextPart::Tag(DELETION_TAG);

/// What a [`Context`] can say of objects, beside who (`actor`) and why (`reason`) of the whole commit.
///
/// Each of them is given to a call, or put [in force](Context::in_scope) around many, for a thread or a
/// [future](Context::instrument); what is further in wins, and the empty text says that there is none.
/// While they are in force they may be [set](Context::set_in_force), [unset](ContextPart::unset) and
/// [reset](ContextPart::reset). Revisions made [untracked](Context::untracked) carry neither actor nor
/// descriptions. Several commits are made one [activity](Context::activity).
///
/// ```
/// use annals_core::Context;
/// use annals_revisions::{OBJECT_DESCRIPTION, Tracking};
///
/// Context::new().actor("alice").describe_object("the disputed one").in_scope(|| {
///     Context::new().describe_attributes("as the referee said").in_scope(|| {
///         assert_eq!(Context::current().object_description(), Some("the disputed one"));
///         Context::new().describe_object("the other one").set_in_force()?;
///         assert_eq!(Context::current().object_description(), Some("the other one"));
///         OBJECT_DESCRIPTION.unset();
///         assert_eq!(Context::current().object_description(), Some("the disputed one"));
///         Ok::<(), annals_core::Error>(())
///     })
/// })?;
/// # Ok::<(), annals_core::Error>(())
/// ```
pub trait Tracking: sealed::Sealed {
    /// Says why of each object that is written: the reason of its revision, over that of the commit.
    #[must_use]
    fn describe_object(self, description: impl Into<String>) -> Self;

    /// Says why of each attribute that is written, over the reason of the commit.
    #[must_use]
    fn describe_attributes(self, description: impl Into<String>) -> Self;

    /// Says why of what a deletion does to other objects: those that go with it, and their
    /// attributes that are set.
    #[must_use]
    fn describe_deletion(self, description: impl Into<String>) -> Self;

    /// Returns the description of objects, `None` if there is none.
    #[must_use]
    fn object_description(&self) -> Option<&str>;

    /// Returns the description of attributes, `None` if there is none.
    #[must_use]
    fn attribute_description(&self) -> Option<&str>;

    /// Returns the description of what a deletion entails, `None` if there is none.
    #[must_use]
    fn deletion_description(&self) -> Option<&str>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for annals_core::Context {}
}

impl Tracking for Context {
    fn describe_object(self, description: impl Into<String>) -> Context {
        self.tag(OBJECT_TAG, description.into())
    }

    fn describe_attributes(self, description: impl Into<String>) -> Context {
        self.tag(ATTRIBUTE_TAG, description.into())
    }

    fn describe_deletion(self, description: impl Into<String>) -> Context {
        self.tag(DELETION_TAG, description.into())
    }

    fn object_description(&self) -> Option<&str> {
        description(self, OBJECT_TAG)
    }

    fn attribute_description(&self) -> Option<&str> {
        description(self, ATTRIBUTE_TAG)
    }

    fn deletion_description(&self) -> Option<&str> {
        description(self, DELETION_TAG)
    }
}

fn description<'a>(context: &'a Context, tag: &str) -> Option<&'a str> {
    context.tags.get(tag).and_then(Value::as_text).filter(|text| !text.is_empty())
}

/// What the entries of one operation say of themselves. A commit drops what it says itself.
#[derive(Clone, Debug)]
pub(crate) struct Telling {
    context: Context,
}

impl Telling {
    /// Returns what is told by `given`, and where that leaves anything open by the contexts in force.
    pub(crate) fn of(given: Context) -> Telling {
        Telling { context: given.or_in_force() }
    }

    /// Returns what is told of an object that a deletion concerns: what `given` says, else the deletion's
    /// description by nobody.
    pub(crate) fn of_consequence(&self, given: Context) -> Telling {
        let why = given.reason.as_deref().or(self.context.deletion_description()).unwrap_or_default();
        let context = self.context.clone().describe_object(why).describe_attributes(why);
        Telling { context: context.actor(given.actor.unwrap_or_default()) }
    }

    /// Returns `record` for writing the `__meta` of an object.
    pub(crate) fn of_object<'a>(&self, record: TransactionRecord<'a>) -> TransactionRecord<'a> {
        self.tell(record, self.context.object_description())
    }

    /// Returns `record` for writing attributes of an object.
    pub(crate) fn of_attributes<'a>(&self, record: TransactionRecord<'a>) -> TransactionRecord<'a> {
        self.tell(record, self.context.attribute_description())
    }

    /// Returns who made the revision of an object, and why, as [`Telling::of_object`] writes it.
    pub(crate) fn said_of_object(&self) -> [String; 2] {
        self.said(self.context.object_description())
    }

    fn tell<'a>(&self, record: TransactionRecord<'a>, own: Option<&str>) -> TransactionRecord<'a> {
        let [actor, reason] = self.said(own);
        record.actor(actor).reason(reason)
    }

    /// Returns who and why, `own` being the description of what is written; the empty text is none.
    fn said(&self, own: Option<&str>) -> [String; 2] {
        if !self.context.is_tracked() {
            return Default::default();
        }
        let reason = own.or(self.context.reason.as_deref());
        [self.context.actor.as_deref(), reason].map(|text| text.unwrap_or_default().to_owned())
    }
}
