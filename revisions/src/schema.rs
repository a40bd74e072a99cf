use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use annals_core::Store;
use annals_core::codec::Value;

use crate::attributes::Attributes;
use crate::error::type_version;
use crate::meta::Meta;
use crate::name::Address;
use crate::read::unfit;
use crate::{Error, Object, Revisions};

/// In which form a collection's objects are read and written.
pub(crate) enum Schema {
    /// Each as it is stored.
    AsStored,
    /// As the type version `newest`, which is empty if it has no name.
    Versioned { newest: String, upcasters: Upcasters },
}

/// What leads from older type versions to newer ones, each by the version that it begins at.
pub(crate) type Upcasters = BTreeMap<String, Upcaster>;

pub(crate) type Upcast = Arc<dyn Fn(&mut Value) + Send + Sync>;

pub(crate) struct Upcaster {
    pub(crate) to: String,
    pub(crate) upcast: Upcast,
}

/// Checks that all upcasters lead to the type version `newest`.
///
/// # Errors
/// If not, with what is wrong with which of them.
pub(crate) fn check_chain(newest: &str, upcasters: &Upcasters) -> Result<(), String> {
    if let Some(Upcaster { to, .. }) = upcasters.get(newest) {
        let (newest, to) = (type_version(newest), type_version(to));
        return Err(format!("one leads from {newest} to {to}, and the first of these is to be the newest"));
    }
    upcasters.keys().try_for_each(|from| check_way(from, newest, upcasters))
}

fn check_way(from: &str, newest: &str, upcasters: &Upcasters) -> Result<(), String> {
    let mut passed = vec![from];
    while let Some(upcaster) = passed.last().and_then(|last| upcasters.get(*last)) {
        let to = upcaster.to.as_str();
        if passed.contains(&to) {
            let circle: Vec<String> = passed.iter().chain([&to]).map(|name| format!("`{name}`")).collect();
            return Err(format!("they lead round in a circle: {}", circle.join(", ")));
        }
        passed.push(to);
    }
    let end = passed.last().copied().unwrap_or(from);
    if end == newest {
        return Ok(());
    }
    let (end, newest) = (type_version(end), type_version(newest));
    Err(format!("there is a gap: they lead to {end}, and none from there to {newest}"))
}

impl Schema {
    /// Returns the type version of content that is written where content of the version `stored` was read.
    pub(crate) fn written<'a>(&'a self, stored: &'a str) -> &'a str {
        match self {
            Schema::AsStored => stored,
            Schema::Versioned { newest, .. } => newest,
        }
    }

    /// Returns the way from the type version `stored` to that of the collection, `None` if there is none.
    fn way(&self, stored: &str) -> Option<Vec<&Upcast>> {
        let Schema::Versioned { newest, upcasters } = self else { return Some(Vec::new()) };
        let (mut at, mut way) = (stored, Vec::new());
        while at != newest {
            let next = upcasters.get(at)?;
            way.push(&next.upcast);
            at = &next.to;
        }
        Some(way)
    }
}

impl<T: Object> Revisions<T> {
    /// Returns the content of the type version in which the collection reads, where `meta` is what its
    /// revision says of itself.
    pub(crate) fn upcast<'a>(
        &self,
        address: &Address,
        meta: &Meta,
        content: &'a Attributes,
    ) -> Result<Cow<'a, Attributes>, Error> {
        let stored = meta.type_version.as_str();
        let way = self.schema.way(stored).ok_or_else(|| Error::TypeVersion {
            object: address.to_string(),
            version: meta.version,
            stored: stored.to_owned(),
            wanted: self.schema.written(stored).to_owned(),
        })?;
        if way.is_empty() {
            return Ok(Cow::Borrowed(content));
        }
        let mut object: Value = content.decode().map_err(|misfit| unfit(address, meta.version, misfit))?;
        way.iter().for_each(|upcast| upcast(&mut object));
        Ok(Cow::Owned(Attributes::of(&self.store, &object)?))
    }

    /// Returns the content as the collection's type.
    pub(crate) fn decode(&self, address: &Address, meta: &Meta, content: &Attributes) -> Result<T, Error> {
        let content = self.upcast(address, meta, content)?;
        content.decode().map_err(|misfit| unfit(address, meta.version, misfit))
    }
}

impl Revisions<Value> {
    /// Returns the collection with its objects as they are stored, whatever their type and type version: for
    /// programs that know neither, and for revisions that do not fit the type.
    ///
    /// What is changed, restored or revived through it keeps the type version of what it was made from, and
    /// what is inserted has none: an object whose type version has a name is better inserted by a program that
    /// knows it.
    ///
    /// # Errors
    /// If the namespace is not valid, or the store refuses it.
    ///
    /// ```
    /// # use annals_core::{Context, Store};
    /// # use annals_core::codec::Value;
    /// # use annals_revisions::{Error, Revisions};
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let scores = Revisions::<u32>::open(&store, "scores")?;
    /// scores.insert("ann", &7, Context::new())?;
    ///
    /// let texts = Revisions::<String>::open(&store, "scores")?;
    /// assert!(matches!(texts.get("ann", 1), Err(Error::Unfit { version: 1, .. })));
    /// let untyped = Revisions::untyped(&store, "scores")?;
    /// assert_eq!(*untyped.get("ann", 1)?.unwrap(), Value::from(7));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn untyped(
        store: &Store,
        namespace: impl TryInto<annals_core::Namespace, Error: Into<annals_core::Error>>,
    ) -> Result<Revisions<Value>, Error> {
        let collection = store.record(namespace)?.namespace().clone();
        Ok(Revisions::new(store, collection, Schema::AsStored))
    }
}
