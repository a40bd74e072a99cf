//! Commits are announced by NOTIFY, as a hint to those who wait for them in other processes.

use std::sync::{Arc, OnceLock};

use annals_core::Announce;

use crate::announcer::Announcer;
use crate::listener::Listener;
use crate::pool::Pool;
use crate::server::Server;

/// What all logs of a database announce and hear by.
pub(crate) struct Announcing {
    announcer: Arc<Announcer>,
    /// Where to listen.
    server: Arc<Server>,
    /// From the first time on that somebody wants to hear.
    listener: OnceLock<Listener>,
}

impl Announcing {
    pub(crate) fn new(pool: Pool, server: Arc<Server>) -> Announcing {
        Announcing { announcer: Arc::new(Announcer::start(pool)), server, listener: OnceLock::new() }
    }
}

/// What is announced of one log.
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) announcing: Arc<Announcing>,
}

impl Topic {
    pub(crate) fn announce(&self) {
        self.announcing.announcer.announce(&self.name);
    }
}

impl Announce for Topic {
    fn tell(&self, ring: Box<dyn Fn() -> bool + Send + Sync>) {
        let Announcing { announcer, server, listener } = &*self.announcing;
        let start = || Listener::start(Arc::clone(server), Arc::clone(announcer));
        listener.get_or_init(start).tell(&self.name, ring);
    }

    fn is_on(&self) -> bool {
        self.announcing.listener.get().is_some_and(Listener::is_on)
    }
}
