use annals_core::codec::Uuid;
use annals_core::{Batch, CommitId, Context, Key, Position};
use fastrand::Rng;

/// The data: 1,000 records of 10 fields, written uniformly at random, values of 16 to 100 bytes.
#[derive(Debug)]
pub struct Workload {
    keys: Vec<Key>,
    random: Rng,
    /// The keys of the round that is going on, each once.
    round: Vec<usize>,
}

impl Workload {
    /// How many keys there are.
    pub const KEYS: usize = 10_000;
    /// How many entries a batch has.
    pub const BATCH: usize = 1_000;

    /// Returns the data from its beginning; the same at each call.
    #[must_use]
    pub fn new() -> Workload {
        let key = |number: usize| {
            let (record, field) = (number / 10, number % 10);
            Key::parse(&format!("record/{record:03}"), &format!("field_{field}")).expect("names are valid")
        };
        let keys = (0..Self::KEYS).map(key).collect();
        Workload { keys, random: Rng::with_seed(42), round: Vec::new() }
    }

    /// Returns the key with this number.
    #[must_use]
    pub fn key(&self, number: usize) -> &Key {
        self.keys.get(number).expect("numbers of keys are below KEYS")
    }

    /// Returns the number of a random key.
    pub fn any_key(&mut self) -> usize {
        self.random.usize(..Self::KEYS)
    }

    /// Returns a random position up to `last`.
    pub fn any_position(&mut self, last: u64) -> Position {
        Position::new(self.random.u64(1..=last)).expect("positions are far below the limit")
    }

    /// Returns the next write: the number of a key, and bytes.
    ///
    /// Every key comes once in 10,000 writes, so a batch has no key twice.
    pub fn next_write(&mut self) -> (usize, Vec<u8>) {
        if self.round.is_empty() {
            self.round = (0..Self::KEYS).collect();
            self.random.shuffle(&mut self.round);
        }
        let key = self.round.pop().expect("the round was just filled");
        let length = self.random.usize(16..=100);
        (key, std::iter::repeat_with(|| self.random.u8(..)).take(length).collect())
    }

    /// Returns the next `count` writes.
    pub fn next_writes(&mut self, count: usize) -> Vec<(usize, Vec<u8>)> {
        std::iter::repeat_with(|| self.next_write()).take(count).collect()
    }

    /// Returns writes as a batch with the context that the baseline stores too.
    #[must_use]
    pub fn batch(&self, writes: &[(usize, Vec<u8>)]) -> Batch {
        let mut batch = Batch::new(Context::new().actor(ACTOR).reason(REASON).location(LOCATION));
        batch.id = CommitId::Made(Uuid::from_bytes(ID));
        for (key, bytes) in writes {
            batch = batch.set(self.key(*key).clone(), bytes.as_slice());
        }
        batch
    }
}

impl Default for Workload {
    fn default() -> Workload {
        Workload::new()
    }
}

pub(crate) const ACTOR: &str = "alice";
pub(crate) const REASON: &str = "settle the round";
pub(crate) const LOCATION: &str = "src/game.rs:412";
pub(crate) const ID: [u8; 16] = *b"0123456789abcdef";
