//! A cached store beside one that holds nothing: the same answers, whatever happens in between.

use std::sync::Arc;

use annals_core::{Context, Freshness, Position, Snapshot, Store};
use annals_driver_memory::MemoryDriver;
use proptest::prelude::*;

const RECORDS: [&str; 3] = ["game", "game/player1", "game/player2"];
const FIELDS: [&str; 3] = ["score", "round", "a_name_that_is_too_long_to_stand_in_place"];

type Name = (usize, usize);

#[derive(Clone, Debug)]
enum Step {
    /// Sets fields to a text of so many bytes, or deletes them, in one commit of one of the stores.
    Commit(usize, Vec<(Name, Option<usize>)>),
    Read(usize, Name),
    ReadThen(usize, Name),
    Edit(usize, Name),
    Refresh(usize),
    Reopen(usize),
    /// More than is read to catch up.
    Flood(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let store = || 0..2_usize;
    let name = || (0..RECORDS.len(), 0..FIELDS.len());
    let bytes = prop_oneof![Just(None), (0..40_usize).prop_map(Some), (0..900_usize).prop_map(Some)];
    prop_oneof![
        6 => (store(), prop::collection::vec((name(), bytes), 1..4)).prop_map(|(s, w)| Step::Commit(s, w)),
        12 => (store(), name()).prop_map(|(store, name)| Step::Read(store, name)),
        4 => (store(), name()).prop_map(|(store, name)| Step::ReadThen(store, name)),
        2 => (store(), name()).prop_map(|(store, name)| Step::Edit(store, name)),
        2 => store().prop_map(Step::Refresh),
        1 => store().prop_map(Step::Reopen),
        1 => store().prop_map(Step::Flood),
    ]
}

/// A store with a cache, and what must hold of it.
struct Cached {
    store: Store,
    /// Nothing before it may be read any more.
    seen: Position,
    snapshot: Snapshot,
}

struct World {
    driver: Arc<MemoryDriver>,
    freshness: Freshness,
    bytes: usize,
    stores: Vec<Cached>,
    oracle: Store,
}

impl World {
    fn new(freshness: Freshness, bytes: usize) -> World {
        let driver = Arc::new(MemoryDriver::new());
        let oracle = Store::builder(Arc::clone(&driver)).cache_bytes(0).build();
        let mut world = World { driver, freshness, bytes, stores: Vec::new(), oracle };
        world.stores = (0..2).map(|_| world.open()).collect();
        world
    }

    fn open(&self) -> Cached {
        let builder = Store::builder(Arc::clone(&self.driver));
        let store = builder.cache_bytes(self.bytes).freshness(self.freshness).build();
        let snapshot = store.snapshot().unwrap();
        Cached { store, seen: Position::START, snapshot }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Commit(store, writes) => self.commit(*store, writes),
            Step::Read(store, name) => self.read(*store, *name),
            Step::ReadThen(store, (record, field)) => {
                let then = &self.stores[*store].snapshot;
                let expected = self.oracle.at(then.position()).unwrap().record(RECORDS[*record]).unwrap();
                let got = then.record(RECORDS[*record]).unwrap().get::<String>(FIELDS[*field]).unwrap();
                assert_eq!(got, expected.get::<String>(FIELDS[*field]).unwrap());
                self.stores[*store].snapshot = self.stores[*store].store.snapshot().unwrap();
            }
            Step::Edit(store, (record, field)) => {
                let (record, field) =
                    (self.stores[*store].store.record(RECORDS[*record]).unwrap(), FIELDS[*field]);
                record.edit_or_default(field, |text: &mut String| text.push('e')).unwrap();
                self.wrote(*store);
            }
            Step::Refresh(store) => {
                let position = self.stores[*store].store.refresh().unwrap();
                assert_eq!(position, self.oracle.log().last_position().unwrap());
                self.stores[*store].seen = position;
            }
            Step::Reopen(store) => self.stores[*store] = self.open(),
            Step::Flood(store) => {
                let flood = |tx: &annals_core::Transaction<'_>| {
                    (0..4200).try_for_each(|n| tx.record("flood")?.set(format!("f{n}"), &n))
                };
                self.stores[*store].store.commit(Context::new(), flood).unwrap();
                self.wrote(*store);
            }
        }
    }

    fn commit(&mut self, store: usize, writes: &[(Name, Option<usize>)]) {
        let done = self.stores[store].store.commit(Context::new(), |tx| {
            for ((record, field), bytes) in writes {
                let record = tx.record(RECORDS[*record])?;
                match bytes {
                    Some(bytes) => record.set(FIELDS[*field], &"x".repeat(*bytes))?,
                    None if record.get::<String>(FIELDS[*field])?.is_some() => {
                        record.delete(FIELDS[*field])?;
                    }
                    None => {}
                }
            }
            Ok(())
        });
        if done.unwrap().receipt.is_some() {
            self.wrote(store);
        }
    }

    /// Own commits are seen from now on.
    fn wrote(&mut self, store: usize) {
        self.stores[store].seen = self.oracle.log().last_position().unwrap();
    }

    /// A read is that of one state: of the newest if it is checked, else of one that is never older than
    /// one that was seen before.
    fn read(&mut self, store: usize, (record, field): Name) {
        let (record, field) = (RECORDS[record], FIELDS[field]);
        let last = self.oracle.log().last_position().unwrap();
        let Cached { store, seen, .. } = &mut self.stores[store];
        let got = store.record(record).unwrap().get::<String>(field).unwrap();
        let at = store.snapshot().unwrap().position();
        assert!(at >= *seen, "{at} after {seen}");
        assert!(self.freshness == Freshness::Cached || at == last, "{at} of {last}");
        *seen = at;
        let expected = self.oracle.at(at).unwrap().record(record).unwrap();
        assert_eq!(got, expected.get::<String>(field).unwrap(), "{record} {field} at {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_cached_store_answers_as_one_without_a_cache(
        cached in any::<bool>(),
        bytes in prop_oneof![Just(1_usize), Just(700), Just(3000), Just(8000), Just(64 << 20)],
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new(if cached { Freshness::Cached } else { Freshness::Checked }, bytes);
        for step in &steps {
            world.take(step);
            for Cached { store, .. } in &world.stores {
                let stats = store.stats();
                prop_assert!(stats.bytes <= bytes as u64, "{stats:?} in {bytes}");
            }
        }
    }
}
