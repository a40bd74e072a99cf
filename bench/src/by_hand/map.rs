use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use annals::{Action, Batch, Context, Key};

/// Every version of every key in a `HashMap`, and what each commit says of itself, behind a lock.
///
/// Keys and values are those that Annals is given.
#[derive(Debug, Default)]
pub struct MapByHand(RwLock<Contents>);

#[derive(Debug, Default)]
struct Contents {
    versions: HashMap<Key, Vec<Version>>,
    commits: Vec<(u64, Context)>,
    last: u64,
}

type Version = (u64, Arc<[u8]>);

impl MapByHand {
    /// Appends a batch that only sets, without conditions, as one commit.
    pub fn append(&self, batch: &Batch) {
        let mut contents = self.0.write().expect(NO_PANIC);
        let Contents { versions, commits, last } = &mut *contents;
        for write in &batch.writes {
            let Action::Set(bytes) = &write.action else { continue };
            *last += 1;
            versions.entry(write.key.clone()).or_default().push((*last, Arc::clone(bytes)));
        }
        commits.push((*last, batch.context.clone()));
    }

    /// Returns the newest value of a key.
    pub fn latest(&self, key: &Key) -> Option<Arc<[u8]>> {
        let contents = self.0.read().expect(NO_PANIC);
        contents.versions.get(key)?.last().map(|(_, bytes)| Arc::clone(bytes))
    }

    /// Returns the value of a key as of a position.
    pub fn as_of(&self, key: &Key, position: u64) -> Option<Arc<[u8]>> {
        let contents = self.0.read().expect(NO_PANIC);
        let versions = contents.versions.get(key)?;
        let count = versions.partition_point(|(written, _)| *written <= position);
        versions.get(..count)?.last().map(|(_, bytes)| Arc::clone(bytes))
    }

    /// Returns all values of a key with their positions.
    pub fn history(&self, key: &Key) -> Vec<Version> {
        self.0.read().expect(NO_PANIC).versions.get(key).cloned().unwrap_or_default()
    }
}

const NO_PANIC: &str = "no thread panics";
