//! What the store's time travel costs as the log grows: the same questions to a short log and to a
//! long one.

#![expect(clippy::unwrap_used, reason = "a benchmark stops where something fails")]

use std::cell::RefCell;
use std::hint::black_box;

use annals::{Batch, Context, Driver, Durability, Key, Position, SqliteDriver, Store};
use annals_bench::{ByHand, Table, Wanted};
use criterion::Criterion;
use fastrand::Rng;
use tempfile::TempDir;

const RECORDS: usize = 1_000;
const FIELDS: [&str; 10] = ["round", "score", "choice", "a", "b", "c", "d", "e", "f", "g"];
const SHORT: usize = 10_000;
const LONG: usize = 1_000_000;

/// 1,000 records of 10 fields on an SQLite file, written at random, small integers.
struct Game {
    store: Store,
    random: RefCell<Rng>,
    entries: u64,
    _folder: TempDir,
}

impl Game {
    fn played(entries: usize) -> Game {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteDriver::options().cache_kib(ByHand::CACHE_KIB);
        let driver = options.open(folder.path().join("game.db")).unwrap();
        let mut random = Rng::with_seed(7);
        let mut keys: Vec<Key> = (0..RECORDS)
            .flat_map(|record| FIELDS.map(|field| Key::parse(&name(record), field).unwrap()))
            .collect();
        for _ in 0..entries / keys.len() {
            random.shuffle(&mut keys);
            for keys in keys.chunks(RECORDS) {
                let batch = keys.iter().fold(Batch::new(Context::new()), |batch, key| {
                    batch.set(key.clone(), annals::codec::encode(&random.u8(..5)).unwrap())
                });
                driver.append(&[batch], Durability::Buffered).unwrap().pop().unwrap().unwrap();
            }
        }
        driver.sync().unwrap();
        let entries = entries as u64;
        Game { store: Store::new(driver), random: RefCell::new(random), entries, _folder: folder }
    }

    fn any_record(&self) -> String {
        name(self.random.borrow_mut().usize(..RECORDS))
    }

    fn as_of(&self) {
        let position = Position::new(self.random.borrow_mut().u64(1..=self.entries)).unwrap();
        let then = self.store.at(position).unwrap().record(self.any_record()).unwrap();
        black_box(then.get::<i64>("score").unwrap());
    }

    fn within(&self, strict: bool) {
        let record = self.store.record(self.any_record()).unwrap();
        let round = self.random.borrow_mut().i64(0..5);
        let view = record.within("round", &round).unwrap();
        let view = if strict { view.strict() } else { view };
        black_box(view.get::<i64>("score").unwrap());
    }
}

fn name(record: usize) -> String {
    format!("game/player{record}")
}

fn ratios() {
    let table = Table::new(9, ["1,000,000", "10,000"]);
    let (long, short) = (Game::played(LONG), Game::played(SHORT));
    let most = Wanted::Time(3.0);
    table.compare("as-of, entries", most, 10_000, || long.as_of(), || short.as_of());
    table.compare("within, entries", most, 10_000, || long.within(false), || short.within(false));
    table.compare("within strictly, entries", most, 10_000, || long.within(true), || short.within(true));
}

fn with_criterion() {
    let mut criterion = Criterion::default().configure_from_args();
    for entries in [SHORT, LONG] {
        let game = Game::played(entries);
        let mut group = criterion.benchmark_group(format!("store/{entries}"));
        group.bench_function("as-of", |bencher| bencher.iter(|| game.as_of()));
        group.bench_function("within", |bencher| bencher.iter(|| game.within(false)));
        group.bench_function("within strictly", |bencher| bencher.iter(|| game.within(true)));
    }
    criterion.final_summary();
}

fn main() {
    if std::env::args().any(|argument| argument == "--ratios") {
        ratios();
    } else {
        with_criterion();
    }
}
