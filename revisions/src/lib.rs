//! Immutable values, and objects whose every revision is kept.
//!
//! # Immutable values
//!
//! An [`Immutable`] value never changes: an update makes a new one. [`List`], [`Map`] and [`Set`] are collections for such
//! values: they stand inside one another to any depth, and a version shares with the others all that they have in
//! common, so that a thousand versions of a large document take hardly more memory than the document.
//!
//! ```
//! use annals_revisions::{Immutable, List, Map};
//!
//! type Chapter = Map<String, List<String>>;
//!
//! let mut book: List<Chapter> = List::new();
//! book.push(Map::from([("pages".to_owned(), List::from(["Once".to_owned()]))]));
//! let first = Immutable::new(book);
//!
//! let second = first.update(|draft| draft[0]["pages"].push("upon a time".to_owned()));
//! assert_eq!((first[0]["pages"].len(), second[0]["pages"].len()), (1, 2));
//!
//! // A change that fails, or panics, leaves nothing behind.
//! let failed = first.try_update(|draft| {
//!     draft.clear();
//!     Err("not today")
//! });
//! assert_eq!(failed, Err("not today"));
//! assert_eq!(first.len(), 1);
//! ```
//!
//! # Objects
//!
//! [`Revisions`] is a collection of objects in a store, of whichever type serde can write. Whatever is done to an object
//! appends a [`Revision`], which dereferences to the content and knows its version, who made it, when and why:
//!
//! ```
//! use annals_core::{Context, Store};
//! use annals_revisions::{Revisions, State};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
//! struct Account {
//!     owner: String,
//!     limit: u32,
//! }
//!
//! # let store = Store::new(annals_driver_memory::MemoryDriver::new());
//! let accounts = Revisions::<Account>::open(&store, "accounts")?;
//! let opened = accounts.insert("7", &Account { owner: "ann".into(), limit: 100 }, Context::new().actor("ann"))?;
//!
//! // From a revision: if another one was made since, this is a conflict, and nothing is written.
//! let raised = Context::new().actor("dana").reason("asked by phone");
//! let second = accounts.update(&opened, raised, |account| account.limit = 500)?;
//! assert!(accounts.update(&opened, Context::new(), |account| account.limit = 50).unwrap_err().is_conflict());
//!
//! // By name: run again if another one comes between.
//! accounts.edit("7", Context::new().actor("dana"), |account| account.limit += 1)?;
//! assert_eq!(accounts.current("7")?.unwrap().limit, 501);
//! assert_eq!(*accounts.get("7", 1)?.unwrap(), *opened);
//! # Ok::<(), annals_revisions::Error>(())
//! ```
//!
//! Only what changed is written, each attribute as a field of the object's record; an update that changes nothing
//! writes nothing, unless the handle is [`touching`](Revisions::touching). The [`history`](Revisions::history) of an
//! object can be filtered, turned round and cut into pages; [`load`](Revisions::load) reads the content of one of
//! its revisions.
//!
//! Nothing is removed: [`delete`](Revisions::delete) and [`retire`](Revisions::retire) append a revision that says so,
//! [`revive`](Revisions::revive) another one, [`rollback_to`](Revisions::rollback_to) one that is equal to an earlier
//! one. Only [`purge`](Revisions::purge) takes values out for good, of one object, by its name. What fits a
//! [filter](Revisions::filtered) can be handed out as a collection of its own, which reaches nothing else.
//!
//! ```
//! # use annals_core::{Context, Store};
//! # use annals_revisions::{Revisions, State};
//! # let store = Store::new(annals_driver_memory::MemoryDriver::new());
//! let pages = Revisions::<String>::open(&store, "pages")?;
//! let first = pages.insert("home", &"Hello".into(), Context::new().actor("ann"))?;
//! pages.edit("home", Context::new().actor("spammer"), |text| *text = "Buy this".into())?;
//! pages.rollback_to(&first, Context::new().actor("ann").reason("spam"))?;
//! pages.delete("home", Context::new().actor("ann"))?;
//!
//! let states = pages.history("home")?.into_iter().map(|info| Ok(info?.state()));
//! let states = states.collect::<Result<Vec<_>, annals_revisions::Error>>()?;
//! assert_eq!(states, [State::Retired, State::Retired, State::Retired, State::Deleted]);
//! assert_eq!(pages.history("home")?.creator("spammer").count()?, 1);
//! assert_eq!(pages.current("home")?, None);
//! assert_eq!(*pages.with_deleted().current("home")?.unwrap(), "Hello");
//! # Ok::<(), annals_revisions::Error>(())
//! ```
//!
//! Several objects, of several collections, and plain records change in one commit by
//! [`in_transaction`](Revisions::in_transaction), all of them or none.
//!
//! # When the type changes
//!
//! Attributes may come and go: a new one has a `serde(default)`, and one that the type does not know is left alone, so
//! programs of different age can write the same objects. For any other change the type gets a version with a name,
//! and [upcasters](RevisionsBuilder) that lead to it from older ones. What is stored stays as it is; old revisions are
//! upcast whenever they are read. One that does not fit is an error that says which attribute of which version it is,
//! and [`Revisions::untyped`] reads it all the same.
//!
//! ```
//! use annals_core::codec::Value;
//! use annals_core::{Context, Store};
//! use annals_revisions::Revisions;
//! # let store = Store::new(annals_driver_memory::MemoryDriver::new());
//!
//! let celsius = Revisions::<i32>::open(&store, "temperatures")?;
//! celsius.insert("roof", &20, Context::new())?;
//!
//! // From now on tenths are kept.
//! let builder = Revisions::<i32>::builder(&store, "temperatures").version("tenths");
//! let tenths = builder.upcast("", "tenths", |value| {
//!     if let Some(degrees) = value.as_integer().and_then(|degrees| i32::try_from(degrees).ok()) {
//!         *value = Value::from(10 * degrees);
//!     }
//! });
//! let tenths = tenths.open()?;
//! assert_eq!(*tenths.current("roof")?.unwrap(), 200);
//! tenths.edit("roof", Context::new(), |value| *value += 1)?;
//! let stored = Revisions::untyped(&store, "temperatures")?;
//! assert_eq!([stored.get("roof", 1)?, stored.get("roof", 2)?].map(|revision| revision.unwrap().as_integer()),
//!     [20, 201].map(|number| Some(number.into())));
//! # Ok::<(), annals_revisions::Error>(())
//! ```
//!
//! # Who did it, and why
//!
//! What is done to objects is told by a [`Context`](annals_core::Context): given to the call, or put in force around
//! many calls, on a thread or in a future. Its actor and its reason are those of the whole commit; [`Tracking`] adds
//! descriptions of each object and of each attribute. In one commit the scopes of several actors may follow one
//! another, and what is written in each is said to be theirs.
//!
//! What a revision changed is its [delta](Revisions::delta): of each attribute the value before and after, who, and
//! why. [`Deltas`] list those of a commit, of an activity, of a whole log, and by actor. An object is read [as of any
//! moment](Revisions::at), be it deleted since.
//!
//! ```
//! use annals_core::{Context, Store};
//! use annals_revisions::{Deltas, Error, Revisions, Tracking};
//! # let store = Store::new(annals_driver_memory::MemoryDriver::new());
//! let scores = Revisions::<u32>::open(&store, "scores")?;
//! let settled = store.try_commit(Context::new().actor("referee").reason("settle round 2"), |tx| {
//!     let scores = scores.in_transaction(tx);
//!     scores.insert("ann", &7)?;
//!     let by_ben = Context::new().actor("ben").describe_object("counted himself");
//!     by_ben.in_scope(|| scores.insert("ben", &9))?;
//!     Ok::<(), Error>(())
//! })?;
//!
//! let commit = settled.receipt.unwrap().commit;
//! let told: Vec<String> = Deltas::of_commit(&store, &commit)
//!     .into_iter()
//!     .map(|delta| {
//!         let delta = delta?;
//!         let info = delta.info();
//!         let (who, why) = (delta.actor().unwrap_or("?"), delta.description().unwrap_or("?"));
//!         Ok(format!("{} {} by {who}: {why}", delta.action(), info.name()))
//!     })
//!     .collect::<Result<_, Error>>()?;
//! assert_eq!(told, ["create ann by referee: settle round 2", "create ben by ben: counted himself"]);
//! # Ok::<(), Error>(())
//! ```
//!
//! # Who refers to whom
//!
//! An attribute may hold names of objects of a collection. Once that is [declared](Revisions::declare_reference), only
//! what exists can be named, and a deletion does to those that refer what their [rule](OnDelete) says, in the same
//! commit. What it would do is seen [before](Revisions::plan_delete), and taken back [as a whole](Revisions::revive_all).
//!
//! ```
//! use annals_core::{Context, Store};
//! use annals_revisions::{Error, OnDelete, Revisions, Tracking};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Serialize, Deserialize)]
//! struct Task {
//!     project: String,
//!     assignee: Option<String>,
//! }
//! # let store = Store::new(annals_driver_memory::MemoryDriver::new());
//! let people = Revisions::<String>::open(&store, "people")?;
//! let projects = Revisions::<String>::open(&store, "projects")?;
//! let tasks = Revisions::<Task>::open(&store, "tasks")?;
//! tasks.declare_reference("project", &projects, OnDelete::Cascade)?;
//! tasks.declare_reference("assignee", &people, OnDelete::SetNull)?;
//!
//! people.insert("ann", &"Ann".into(), Context::new())?;
//! projects.insert("tower", &"A tower".into(), Context::new())?;
//! let task = Task { project: "tower".into(), assignee: Some("ann".into()) };
//! tasks.insert("dig", &task, Context::new().actor("ann"))?;
//!
//! people.delete("ann", Context::new().actor("dana").describe_deletion("ann has left"))?;
//! let dig = tasks.current("dig")?.unwrap();
//! assert_eq!((dig.assignee.as_deref(), dig.creator(), dig.comment()), (None, None, Some("ann has left")));
//!
//! let plan = projects.plan_delete("tower")?;
//! assert_eq!(plan.affected().len(), 2);
//! plan.apply(Context::new().actor("dana"))?;
//! assert!(!tasks.contains("dig")?);
//! projects.revive_all("tower", Context::new().actor("dana"))?;
//! assert!(tasks.contains("dig")?);
//! # Ok::<(), Error>(())
//! ```

mod attributes;
mod builder;
mod collection;
mod delta;
mod deltas;
mod draft;
mod error;
mod escape;
mod history;
mod hooks;
mod immutable;
mod kept;
mod making;
mod members;
mod meta;
mod name;
mod purge;
mod read;
mod references;
mod revision;
mod schema;
mod seen;
mod snapshot;
mod stored;
mod tracking;
mod transaction;
mod walk;
mod whole;
mod write;

pub use builder::RevisionsBuilder;
pub use collection::{Object, Revisions};
pub use delta::{AttributeAction, AttributeDelta, ObjectAction, ObjectDelta};
pub use deltas::{Deltas, ObjectDeltas};
pub use draft::Draft;
pub use error::Error;
pub use history::{History, RevisionInfos};
pub use immutable::*;
pub use meta::State;
pub use name::NAME_BYTES_MAX;
pub use references::{Affected, NewName, OnDelete, Plan, Referrer, Revived};
pub use revision::{Revision, RevisionInfo};
pub use tracking::{ATTRIBUTE_DESCRIPTION, DELETION_DESCRIPTION, OBJECT_DESCRIPTION, Tracking};
pub use transaction::TransactionRevisions;
