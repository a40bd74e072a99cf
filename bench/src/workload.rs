use annals::codec::{Uuid, encode};
use annals::{Batch, CommitId, Context, Key, Position};
use fastrand::Rng;

/// The number of a key, and the encoded value that is to be written to it.
pub type Write = (usize, Vec<u8>);

/// The data: records of 10 fields, written uniformly at random.
///
/// 10,000 keys and texts that take 16 to 100 bytes, unless told otherwise.
#[derive(Debug)]
pub struct Workload {
    keys: Vec<Key>,
    values: Values,
    random: Rng,
    /// The keys of the round that is going on, each once.
    round: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Values {
    Texts,
    SmallIntegers,
}

impl Workload {
    /// How many keys there are unless told otherwise.
    pub const KEYS: usize = 10_000;
    /// How many fields a record has; their keys have consecutive numbers.
    pub const FIELDS: usize = 10;
    /// How many entries a batch has.
    pub const BATCH: usize = 1_000;
    /// Small integers are less than this.
    pub const SMALL: u8 = 5;

    /// Returns the data from its beginning; the same at each call.
    #[must_use]
    pub fn new() -> Workload {
        Workload::with_keys(Self::KEYS)
    }

    /// Returns the same with another number of keys.
    #[must_use]
    pub fn with_keys(keys: usize) -> Workload {
        let keys = (0..keys).map(key).collect();
        Workload { keys, values: Values::Texts, random: Rng::with_seed(42), round: Vec::new() }
    }

    /// Returns the same with integers from 0 up to [`Workload::SMALL`] as values.
    #[must_use]
    pub fn of_small_integers() -> Workload {
        Workload { values: Values::SmallIntegers, ..Workload::new() }
    }

    /// Returns the keys in the order of their numbers.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Returns the key with this number.
    #[must_use]
    pub fn key(&self, number: usize) -> &Key {
        self.keys.get(number).expect("numbers of keys are below their count")
    }

    /// Returns the number of a random key.
    pub fn any_key(&mut self) -> usize {
        self.random.usize(..self.keys.len())
    }

    /// Returns a random position up to `last`.
    pub fn any_position(&mut self, last: u64) -> Position {
        Position::new(self.random.u64(1..=last)).expect("positions are far below the limit")
    }

    /// Returns a random small integer.
    pub fn any_small_integer(&mut self) -> u8 {
        self.random.u8(..Self::SMALL)
    }

    /// Returns the number of the next key and the next text.
    ///
    /// Every key comes once before one comes again, so a batch has no key twice.
    pub fn next_text(&mut self) -> (usize, String) {
        // With the 1 or 2 bytes that a text's length takes, 16 to 100 bytes.
        let length = self.random.usize(15..=98);
        let text = std::iter::repeat_with(|| self.random.alphanumeric()).take(length).collect();
        (self.next_key(), text)
    }

    /// Returns the next write.
    pub fn next_write(&mut self) -> Write {
        let (key, encoded) = match self.values {
            Values::Texts => {
                let (key, text) = self.next_text();
                (key, encode(&text))
            }
            Values::SmallIntegers => (self.next_key(), encode(&self.any_small_integer())),
        };
        (key, encoded.expect("texts and integers can be encoded"))
    }

    /// Returns the next `count` writes.
    pub fn next_writes(&mut self, count: usize) -> Vec<Write> {
        std::iter::repeat_with(|| self.next_write()).take(count).collect()
    }

    /// Returns the next `count` writes as a batch.
    pub fn next_batch(&mut self, count: usize) -> Batch {
        let writes = self.next_writes(count);
        self.batch(&writes)
    }

    /// Returns writes as a batch with the context that the baseline stores too.
    #[must_use]
    pub fn batch(&self, writes: &[Write]) -> Batch {
        let mut batch = Batch::new(Workload::context());
        batch.id = CommitId::Made(Uuid::from_bytes(ID));
        for (key, bytes) in writes {
            batch = batch.set(self.key(*key).clone(), bytes.as_slice());
        }
        batch
    }

    /// Returns the context that every commit has, on both sides.
    #[must_use]
    pub fn context() -> Context {
        Context::new().actor(ACTOR).reason(REASON).location(LOCATION)
    }

    fn next_key(&mut self) -> usize {
        if self.round.is_empty() {
            self.round = (0..self.keys.len()).collect();
            self.random.shuffle(&mut self.round);
        }
        self.round.pop().expect("the round was just filled")
    }
}

impl Default for Workload {
    fn default() -> Workload {
        Workload::new()
    }
}

fn key(number: usize) -> Key {
    let (record, field) = (number / Workload::FIELDS, number % Workload::FIELDS);
    Key::parse(&format!("record/{record:03}"), &format!("field_{field}")).expect("names are valid")
}

pub(crate) const ACTOR: &str = "alice";
pub(crate) const REASON: &str = "settle the round";
pub(crate) const LOCATION: &str = "src/game.rs:412";
pub(crate) const ID: [u8; 16] = *b"0123456789abcdef";
