use std::thread;
use std::time::Duration;

use annals::codec::encode;
use annals_bench::{Commits, GroupedByHand, Run, Sides, Tables, Wanted, Workload, timed};

/// The commits of a side in its turn. A divisor of the number of keys: none comes twice in a turn.
const COMMITS: usize = 400;

pub(crate) fn run(run: &Run) {
    let sides = Sides::filled(Workload::new(), run.entries(1_000_000), Commits::Large);
    compare(run, TITLE, Wanted::Speed(0.85), sides);
}

pub(crate) fn run_on_server(run: &Run) {
    let sides = Sides::on_server(Workload::new(), run.entries(1_000_000), Commits::Large);
    let sides = compare(run, TITLE, Wanted::Speed(0.85), sides);
    sides.by_hand.set_prepared(true);
    compare(run, "the same beside prepared statements", Wanted::Nothing, sides);
}

const TITLE: &str = "durable commit of one entry";

fn compare<T: Tables + Send, P>(run: &Run, title: &str, wanted: Wanted, sides: Sides<T, P>) -> Sides<T, P> {
    let records = sides.records().into_iter().map(|record| record.with_context(Workload::context()));
    let records: Vec<_> = records.collect();
    let by_hand = GroupedByHand::new(sides.by_hand);

    let keys = sides.workload.borrow().keys().to_vec();
    let set = |(key, text): &(usize, String)| {
        records[key / Workload::FIELDS].set(keys[*key].field(), text).unwrap();
    };
    let set_by_hand = |(key, text): &(usize, String)| by_hand.append((*key, encode(text).unwrap()));
    let set_by_hand_alone =
        |(key, text): &(usize, String)| by_hand.tables().append_one(&(*key, encode(text).unwrap()));

    let table = run.table(title, 31, ["Annals", "by hand"]);
    let texts = || {
        let mut workload = sides.workload.borrow_mut();
        std::iter::repeat_with(|| workload.next_text()).take(COMMITS).collect::<Vec<_>>()
    };
    let [[alone, grouped], [alone_by_hand, grouped_by_hand]] = table.turns(
        texts,
        |texts| [mean(texts, 1, set), mean(texts, 8, set)],
        |texts| [mean(texts, 1, set_by_hand_alone), mean(texts, 8, set_by_hand)],
    );
    table.show("from one thread", wanted, [alone, alone_by_hand]);
    table.show("from 8 threads", wanted, [grouped, grouped_by_hand]);
    table.show("8 threads of Annals beside one", Wanted::Nothing, [grouped, alone]);
    let sides = Sides { by_hand: by_hand.into_tables(), ..sides };
    sides.verify_newest();
    sides
}

/// Returns the time that a commit takes while so many threads share the texts.
fn mean(texts: &[(usize, String)], threads: usize, set: impl Fn(&(usize, String)) + Sync) -> Duration {
    let all = timed(|| {
        thread::scope(|scope| {
            for own in texts.chunks(texts.len() / threads) {
                scope.spawn(|| own.iter().for_each(&set));
            }
        });
    });
    all.div_f64(texts.len() as f64)
}
