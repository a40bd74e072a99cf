//! What the cache says that it takes is what the process takes. A process of its own, since nobody else
//! may take or give back memory meanwhile.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::fs;

use annals_core::codec::encode;
use annals_core::{Abilities, Action, Driver, Entry, Error, Freshness, Key, Position, Store, forward_driver};

/// A log of one commit in which every field has a value of so many bytes. It takes no memory.
struct Full {
    value_bytes: usize,
}

const END: Position = Position::new(1).unwrap();

impl Full {
    fn unused(&self) -> &dyn Driver {
        unreachable!("only values are read here")
    }
}

impl Driver for Full {
    forward_driver!(append, sync, boundary, commits, history, state, namespaces, restore => self.unused());

    fn entry(&self, key: &Key, _: Position) -> Result<Option<Entry>, Error> {
        let bytes = encode(&"x".repeat(self.value_bytes)).unwrap();
        let action = Action::Set(bytes.into());
        Ok(Some(Entry { position: END, key: key.clone(), action, actor: None, reason: None }))
    }

    fn last_position(&self) -> Result<Position, Error> {
        Ok(END)
    }

    fn abilities(&self) -> Abilities<'_> {
        Abilities::default()
    }
}

/// Returns the bytes of memory that the process has.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Records of so many fields with values of so many bytes.
struct Shape {
    records: usize,
    fields: usize,
    value_bytes: usize,
    /// What may be taken for an entry beyond its key and value.
    overhead: u64,
}

impl Shape {
    /// Reads everything once; returns the store, and the bytes of keys and values.
    fn read(&self) -> (Store, u64) {
        let builder = Store::builder(Full { value_bytes: self.value_bytes });
        let store = builder.freshness(Freshness::Cached).cache_bytes(1 << 30).build();
        let mut bytes = 0;
        for record in 0..self.records {
            let name = format!("game/player{record:06}");
            let handle = store.record(name.as_str()).unwrap();
            for field in 0..self.fields {
                let field = format!("field_{field:04}");
                let value = handle.get::<String>(field.as_str()).unwrap().unwrap();
                bytes += name.len() + field.len() + encode(&value).unwrap().len();
            }
        }
        (store, bytes as u64)
    }

    fn check(&self) -> Store {
        let before = resident();
        let (store, payload) = self.read();
        let taken = resident() - before;
        let stats = store.stats();
        let entries = (self.records * self.fields) as u64;
        assert_eq!((stats.entries, stats.evictions), (entries, 0));
        let overhead = (stats.bytes - payload) / entries;
        let shape =
            format!("{} records of {} fields of {} bytes", self.records, self.fields, self.value_bytes);
        println!("{shape}: says {}, takes {taken}; {overhead} bytes beyond an entry's own", stats.bytes);
        assert!(stats.bytes.abs_diff(taken) * 5 <= taken, "{shape}: says {}, takes {taken}", stats.bytes);
        assert!(overhead <= self.overhead, "{shape}: {overhead} bytes beyond an entry's own");
        store
    }
}

#[test]
fn the_cache_takes_what_it_says() {
    let shapes = [
        Shape { records: 20_000, fields: 10, value_bytes: 8, overhead: 150 },
        Shape { records: 20_000, fields: 10, value_bytes: 60, overhead: 150 },
        Shape { records: 10_000, fields: 3, value_bytes: 300, overhead: 150 },
        Shape { records: 20, fields: 10_000, value_bytes: 30, overhead: 150 },
        // One field pays for the whole record.
        Shape { records: 100_000, fields: 1, value_bytes: 8, overhead: 260 },
    ];
    let held: Vec<Store> = shapes.iter().map(Shape::check).collect();
    drop(held);
}
