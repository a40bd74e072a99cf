use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::announcer::Announcer;
use crate::client::Client;
use crate::server::Server;

/// What is called when something new was announced; it answers whether it wants to be called again.
pub(crate) type Ring = Box<dyn Fn() -> bool + Send + Sync>;

/// Hears what is announced, on a connection of its own that no pooler may stand before.
pub(crate) struct Listener(Arc<Hearing>);

/// What the listener's thread shares with those who want to know.
#[derive(Default)]
struct Hearing {
    rings: Mutex<HashMap<String, Vec<Ring>>>,
    is_on: AtomicBool,
}

impl Listener {
    /// How long to wait before a connection is made anew, and how often a silent one is looked at.
    const PAUSE: Duration = Duration::from_secs(1);

    pub(crate) fn start(server: Arc<Server>, announcer: Arc<Announcer>) -> Listener {
        let hearing = Arc::<Hearing>::default();
        let heard_by = Arc::downgrade(&hearing);
        // Without a thread nothing is heard, which nobody relies on.
        let _ = thread::Builder::new().name("annals-listen".into()).spawn(move || {
            while heard_by.strong_count() > 0 {
                if let Ok(mut client) = server.connect(Instant::now() + server.connect_timeout) {
                    listen(&mut client, &announcer, &heard_by);
                    // Before the client is dropped, which may take its time.
                    if let Some(hearing) = heard_by.upgrade() {
                        hearing.is_on.store(false, Ordering::Release);
                    }
                }
                thread::sleep(Listener::PAUSE);
            }
        });
        Listener(hearing)
    }

    /// Lets `ring` be called when something new under `topic` was announced.
    pub(crate) fn tell(&self, topic: &str, ring: Ring) {
        self.0.rings().entry(topic.to_owned()).or_default().push(ring);
    }

    /// Returns whether what is announced is heard.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_on.load(Ordering::Acquire)
    }
}

impl Hearing {
    fn rings(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<Ring>>> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self, topic: &str) {
        if let Some(rings) = self.rings().get_mut(topic) {
            rings.retain(|ring| ring());
        }
    }

    fn ring_all(&self) {
        self.rings().values_mut().for_each(|rings| rings.retain(|ring| ring()));
    }
}

/// Hears until the connection is lost, or nobody wants to know any more.
///
/// A pooler takes the request to listen and forgets it. So nothing counts as heard before an
/// announcement of one's own was.
fn listen(client: &mut Client, announcer: &Announcer, heard_by: &Weak<Hearing>) {
    let own = format!("listener/{:016x}", RandomState::new().build_hasher().finish());
    if client.batch_execute(&format!("LISTEN {}", Announcer::CHANNEL)).is_err() {
        return;
    }
    announcer.announce(&own);
    while hear(client, &own, heard_by) {
        client.deadline = Instant::now() + Listener::PAUSE;
        if client.batch_execute("").is_err() {
            return;
        }
    }
}

/// Hears until it is silent for a while; returns whether anybody still wants to know.
fn hear(client: &mut Client, own: &str, heard_by: &Weak<Hearing>) -> bool {
    while let Ok(Some(notification)) = client.notification(Instant::now() + Listener::PAUSE) {
        let Some(hearing) = heard_by.upgrade() else { return false };
        if notification.payload() == own {
            hearing.is_on.store(true, Ordering::Release);
            hearing.ring_all();
        } else {
            hearing.ring(notification.payload());
        }
    }
    heard_by.strong_count() > 0
}
