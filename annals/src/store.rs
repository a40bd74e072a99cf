use std::ops::Deref;

use annals_core::{Driver, Error, StoreBuilder};

use crate::url::StoreUrl;

/// A store that is opened by URL: [`annals_core::Store`] and `open`.
///
/// Everything but opening is [`annals_core::Store`]'s, which it dereferences to and which every
/// layer takes. So [`builder_at`](Store::builder_at) and `with_context` and the like give that one; where
/// an `annals::Store` is wanted, `.into()` makes it one, without cost.
///
/// ```
/// let folder = tempfile::tempdir().unwrap();
/// let url = format!("sqlite:{}/game.db", folder.path().display());
///
/// let store = annals::Store::open(&url)?;
/// store.record("game/player1")?.set("score", &10)?;
/// drop(store);
///
/// let again = annals::Store::open(&url)?;
/// assert_eq!(again.record("game/player1")?.get("score")?, Some(10));
///
/// let small: annals::Store = annals::Store::builder_at(&url)?.cache_bytes(1 << 20).build().into();
/// assert_eq!(small.record("game/player1")?.get("score")?, Some(10));
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Store(annals_core::Store);

impl Store {
    /// Opens the store at a URL: `memory:`, `sqlite:game.db` (created if it is missing), and so on;
    /// see [`StoreUrl`].
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is no such URL, else what the driver says.
    pub fn open(url: &str) -> Result<Store, Error> {
        Ok(Store::builder_at(url)?.build().into())
    }

    /// Returns the settings of a store at a URL.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn builder_at(url: &str) -> Result<StoreBuilder, Error> {
        Ok(annals_core::Store::builder(url.parse::<StoreUrl>()?.open()?))
    }

    /// Returns a store over `driver` with default settings.
    #[must_use]
    pub fn new(driver: impl Driver + 'static) -> Store {
        annals_core::Store::new(driver).into()
    }

    /// Returns the settings of a store over `driver`.
    pub fn builder(driver: impl Driver + 'static) -> StoreBuilder {
        annals_core::Store::builder(driver)
    }
}

impl Deref for Store {
    type Target = annals_core::Store;

    fn deref(&self) -> &annals_core::Store {
        &self.0
    }
}

impl From<annals_core::Store> for Store {
    fn from(store: annals_core::Store) -> Store {
        Store(store)
    }
}

impl From<Store> for annals_core::Store {
    fn from(store: Store) -> annals_core::Store {
        store.0
    }
}
