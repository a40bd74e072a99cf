//! The history of an object: filters, both directions, pages, counts, and what they cost.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use annals_core::codec::Timestamp;
use annals_core::{Clock, Context, Store};
use annals_revisions::{History, Revisions, State};
use common::{by, for_each_driver, for_each_place};

fn scores(store: &Store) -> Revisions<u32> {
    Revisions::open(store, "scores").unwrap()
}

const NONE: [u64; 0] = [];

fn versions(history: History) -> Vec<u64> {
    history.into_iter().map(|info| info.unwrap().version()).collect()
}

/// Six revisions: of ann and ben in turn, the fourth a deletion, the fifth a revival.
fn six(store: &Store) -> Revisions<u32> {
    let scores = scores(store);
    scores.insert("a", &1, by("ann").reason("begin")).unwrap();
    scores.edit("a", by("ben").reason("an important change"), |score| *score = 2).unwrap();
    scores.edit("a", by("ann"), |score| *score = 3).unwrap();
    scores.delete("a", by("ben").reason("not important")).unwrap();
    scores.revive("a", by("ann").reason("it was")).unwrap();
    scores.edit("a", by("ben").reason("Important"), |score| *score = 6).unwrap();
    scores.insert("b", &1, by("ann")).unwrap();
    scores
}

#[test]
fn the_creator_must_be_equal_and_the_comment_contain_the_text() {
    for_each_driver(|store| {
        let scores = six(store);
        let history = || scores.history("a").unwrap();
        assert_eq!(versions(history()), [1, 2, 3, 4, 5, 6]);
        assert_eq!(versions(history().creator("ann")), [1, 3, 5]);
        assert_eq!(versions(history().creator("an")), NONE);
        assert_eq!(versions(history().comment("important")), [2, 4]);
        assert_eq!(versions(history().comment("important").creator("ann")), NONE);
        assert_eq!(versions(history().comment("").creator("ann")), [1, 5], "a revision without one has none");
    });
}

#[test]
fn states_are_what_the_revisions_are_now() {
    for_each_driver(|store| {
        let scores = six(store);
        let history = || scores.history("a").unwrap();
        assert_eq!(versions(history().state(State::Locked)), [6]);
        assert_eq!(versions(history().state(State::Deleted)), [4]);
        assert_eq!(versions(history().state(State::Retired)), [1, 2, 3, 5]);
        assert_eq!(versions(history().state(State::Transient)), NONE);
        scores.retire("a", Context::new()).unwrap();
        assert_eq!(versions(history().state(State::Retired)), [1, 2, 3, 5, 6, 7]);
    });
}

#[derive(Clone)]
struct Hands(Arc<AtomicI64>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

#[test]
fn bounds_of_the_start_are_left_out() {
    for_each_place(|place| {
        let hands = Hands(Arc::default());
        let scores = scores(&place.builder().clock(hands.clone()).build());
        for second in [10, 20, 20, 30] {
            hands.0.store(second * 1_000_000, Ordering::Relaxed);
            scores.set("a", &0, Context::new()).unwrap();
            scores.touching().edit("a", Context::new(), |_| ()).unwrap();
        }
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000).unwrap();
        let history = || scores.history("a").unwrap();
        assert_eq!(versions(history()).len(), 5);
        assert_eq!(versions(history().started_before(at(20))), [1, 2]);
        assert_eq!(versions(history().started_after(at(20))), [5]);
        assert_eq!(versions(history().started_after(at(10)).started_before(at(30))), [3, 4]);
        assert_eq!(versions(history().started_after(at(10)).started_before(at(30)).newest_first()), [4, 3]);
        assert_eq!(history().started_after(at(10)).count().unwrap(), 3);
    });
}

#[test]
fn pages_are_cut_from_either_end_after_the_filters() {
    for_each_driver(|store| {
        let scores = six(store);
        let history = || scores.history("a").unwrap();
        assert_eq!(versions(history().newest_first()), [6, 5, 4, 3, 2, 1]);
        assert_eq!(versions(history().skip(1).limit(2)), [2, 3]);
        assert_eq!(versions(history().newest_first().skip(1).limit(2)), [5, 4]);
        assert_eq!(versions(history().newest_first().skip(5).limit(9)), [1]);
        assert_eq!(versions(history().skip(6)), NONE);
        assert_eq!(versions(history().newest_first().skip(7)), NONE);
        assert_eq!(versions(history().limit(0)), NONE);
        assert_eq!(versions(history().creator("ben").skip(1).limit(1)), [4]);
        assert_eq!(versions(history().creator("ben").newest_first().skip(1)), [4, 2]);
        assert_eq!(versions(scores.history("none").unwrap()), NONE);
    });
}

#[test]
fn each_one_ends_when_the_next_begins_on_every_page() {
    for_each_driver(|store| {
        let scores = six(store);
        let all: Vec<_> = scores.history("a").unwrap().into_iter().map(Result::unwrap).collect();
        let ends: BTreeMap<u64, Option<Timestamp>> =
            all.iter().map(|info| (info.version(), info.end())).collect();
        for pair in all.windows(2) {
            let [one, next] = pair else { unreachable!("a window of two") };
            assert_eq!(one.end(), Some(next.start()));
        }
        assert_eq!(ends[&6], None);
        for skip in 0..6 {
            for limit in 1..4 {
                let history = scores.history("a").unwrap().skip(skip).limit(limit);
                for history in [history.clone(), history.newest_first()] {
                    for info in history {
                        let info = info.unwrap();
                        assert_eq!(info.end(), ends[&info.version()], "{info:?} of {skip}, {limit}");
                    }
                }
            }
        }
    });
}

#[test]
fn counts_load_nothing_but_what_is_filtered() {
    for_each_place(|place| {
        six(&place.open());
        let (store, calls) = place.counted();
        let scores = scores(&store);
        let history = || scores.history("a").unwrap();
        assert_eq!(history().count().unwrap(), 6);
        assert_eq!(calls.take(), BTreeMap::from([("history", 1)]));
        assert_eq!(history().skip(2).limit(3).count().unwrap(), 3);
        assert_eq!(history().skip(5).limit(3).count().unwrap(), 1);
        assert_eq!(history().skip(7).count().unwrap(), 0);
        assert_eq!(history().creator("ann").count().unwrap(), 3);
        assert_eq!(history().creator("ann").limit(2).count().unwrap(), 2);
        assert_eq!(scores.history("none").unwrap().count().unwrap(), 0);
        assert!(!calls.take().contains_key("state"));
    });
}

#[test]
fn an_unfiltered_page_is_one_read_and_an_old_revision_two() {
    for_each_place(|place| {
        six(&place.open());
        let (store, calls) = place.counted();
        let scores = scores(&store);
        let once = BTreeMap::from([("history", 1)]);
        assert_eq!(versions(scores.history("a").unwrap().skip(2).limit(2)), [3, 4]);
        assert_eq!(calls.take(), once);
        assert_eq!(versions(scores.history("a").unwrap().newest_first().skip(2).limit(2)), [4, 3]);
        assert_eq!(calls.take(), once);
        let fifth = scores.history("a").unwrap().skip(4).limit(1).into_iter().next().unwrap().unwrap();
        calls.take();

        assert_eq!(*scores.load(&fifth).unwrap(), 3);
        assert_eq!(calls.take(), BTreeMap::from([("state", 1)]));
        assert_eq!(*scores.get("a", 5).unwrap().unwrap(), 3);
        assert_eq!(calls.take(), BTreeMap::from([("history", 1), ("state", 1)]));
    });
}

#[test]
fn a_long_history_is_walked_page_by_page() {
    for_each_driver(|store| {
        let scores = scores(store).touching();
        scores.insert("a", &0, Context::new()).unwrap();
        let store = store.with_durability(annals_core::Durability::Buffered);
        let quick = Revisions::<u32>::open(&store, "scores").unwrap().touching();
        for score in 2..=1100 {
            quick.edit("a", Context::new(), |it| *it = score).unwrap();
        }
        assert!(versions(scores.history("a").unwrap()).into_iter().eq(1..=1100));
        assert!(versions(scores.history("a").unwrap().newest_first()).into_iter().eq((1..=1100).rev()));
        assert!(versions(scores.history("a").unwrap().skip(3).limit(1050)).into_iter().eq(4..=1053));
        assert_eq!(versions(scores.history("a").unwrap().newest_first().skip(1098)), [2, 1]);
    });
}

#[test]
fn the_history_as_of_a_moment_is_as_it_was_then() {
    for_each_driver(|store| {
        let scores = six(store);
        let all: Vec<_> = scores.history("a").unwrap().into_iter().map(Result::unwrap).collect();
        for (then, last) in (1..).zip(&all) {
            let history = || scores.history("a").unwrap().through(last.commit().last);
            assert_eq!(versions(history()), (1..=then).collect::<Vec<_>>());
            let second = versions(history().newest_first().skip(1).limit(1));
            assert_eq!(second.first().copied(), (then > 1).then(|| then - 1));
            assert_eq!(history().count().unwrap(), then);
            let state = if last.state() == State::Deleted { State::Deleted } else { State::Locked };
            assert_eq!(versions(history().state(state)).last(), Some(&then), "it was not superseded yet");
            let newest = history().newest_first().into_iter().next().unwrap().unwrap();
            assert_eq!((&newest, newest.end()), (last, None));
        }
        let before = scores.history("a").unwrap().through(all.first().unwrap().commit().first.before());
        assert_eq!(versions(before), NONE);
    });
}

#[test]
fn the_objects_as_of_a_moment_are_as_they_were_then() {
    for_each_driver(|store| {
        let scores = six(store);
        let all: Vec<_> = scores.history("a").unwrap().into_iter().map(Result::unwrap).collect();
        let at = |scores: &Revisions<u32>, position| {
            let infos = scores.infos_at(position).unwrap().map(Result::unwrap);
            infos.map(|info| (info.name().to_owned(), info.version(), info.end())).collect::<Vec<_>>()
        };
        for info in &all {
            let shown = vec![("a".to_owned(), info.version(), None)];
            assert_eq!(at(&scores.with_deleted(), info.commit().last), shown);
            let in_use = if info.state() == State::Deleted { Vec::new() } else { shown };
            assert_eq!(at(&scores, info.commit().last), in_use);
        }
        let end = store.snapshot().unwrap().position();
        assert_eq!(at(&scores, end), [("a".to_owned(), 6, None), ("b".to_owned(), 1, None)]);
        assert_eq!(at(&scores.filtered(|score| *score > 5), end), [("a".to_owned(), 6, None)]);
        assert!(scores.infos_at(end.plus(1)).is_err());
    });
}
