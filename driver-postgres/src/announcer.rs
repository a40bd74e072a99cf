use std::collections::BTreeSet;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::parameter::Column;
use crate::pool::Pool;

/// Tells whoever listens, in any process, that logs have grown: soon after a commit, on a connection of
/// the pool, and for many commits together, since the server lets only one transaction at a time do so.
pub(crate) struct Announcer {
    /// The topics that have not been told of yet.
    grown: Arc<Mutex<BTreeSet<String>>>,
    wake: SyncSender<()>,
}

impl Announcer {
    pub(crate) const CHANNEL: &str = "annals";

    /// How long nothing is told after something was.
    const PAUSE: Duration = Duration::from_millis(20);

    pub(crate) fn start(pool: Pool) -> Announcer {
        let grown = Arc::<Mutex<BTreeSet<String>>>::default();
        let (wake, woken) = mpsc::sync_channel(1);
        let topics = Arc::clone(&grown);
        // Without a thread nothing is told, which nobody relies on.
        let _ = thread::Builder::new()
            .name("annals-announce".into())
            .spawn(move || announce_all(&pool, &topics, &woken));
        Announcer { grown, wake }
    }

    /// Lets it be known that there is something new under `topic`. Waits for nothing.
    pub(crate) fn announce(&self, topic: &str) {
        self.grown.lock().unwrap_or_else(PoisonError::into_inner).insert(topic.to_owned());
        // Where the thread has been woken already, it has not looked yet.
        let _ = self.wake.try_send(());
    }
}

fn announce_all(pool: &Pool, grown: &Mutex<BTreeSet<String>>, woken: &Receiver<()>) {
    let sql =
        format!("SELECT pg_notify('{}', x.topic) FROM unnest($1::text[]) AS x (topic)", Announcer::CHANNEL);
    let sql: Arc<str> = sql.into();
    while woken.recv().is_ok() {
        let topics = std::mem::take(&mut *grown.lock().unwrap_or_else(PoisonError::into_inner));
        let mut column = Column::texts();
        topics.iter().for_each(|topic| column.push(Some(topic)));
        // What could not be told is found by those who look for themselves.
        let _ = pool.read(&sql, vec![column.into()]);
        thread::sleep(Announcer::PAUSE);
    }
}
