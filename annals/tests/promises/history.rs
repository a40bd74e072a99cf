use annals::{Change, Context, History, Position, Store};

on_every_driver! {
    history_turns_round_and_keeps_to_its_range,
    history_of_a_record_is_the_histories_of_its_fields_in_position_order,
    equal_values_are_written_again_by_set_and_not_by_edit,
    a_change_says_who_why_from_where_and_when,
}

fn position(number: u64) -> Position {
    Position::new(number).unwrap()
}

fn positions(history: History) -> Vec<u64> {
    history.into_iter().map(|change| change.unwrap().position().get()).collect()
}

/// Fields `a` at every odd position, `b` at every even one, up to 40: more than the first pages.
fn fill(store: &Store) {
    for number in 1..=40_i64 {
        let field = if number % 2 == 1 { "a" } else { "b" };
        store.record("r").unwrap().set(field, &number).unwrap();
    }
}

fn history_turns_round_and_keeps_to_its_range(store: &Store) {
    fill(store);
    let a = || store.record("r").unwrap().history("a").unwrap();
    let odd: Vec<u64> = (1..=40).step_by(2).collect();
    assert_eq!(positions(a()), odd);
    assert_eq!(positions(a().newest_first()), odd.iter().rev().copied().collect::<Vec<_>>());
    for after in 0..=41 {
        for through in [0, 1, 2, 17, 18, 39, 40, 99] {
            let expected: Vec<u64> = odd.iter().copied().filter(|at| after < *at && *at <= through).collect();
            let ranged = || a().after(position(after)).through(position(through));
            assert_eq!(positions(ranged()), expected, "after {after} through {through}");
            let turned: Vec<u64> = expected.into_iter().rev().collect();
            assert_eq!(positions(ranged().newest_first()), turned, "after {after} through {through}");
        }
    }
}

fn history_of_a_record_is_the_histories_of_its_fields_in_position_order(store: &Store) {
    fill(store);
    store.record("r/below").unwrap().set("a", &0).unwrap();
    store.record("r").unwrap().delete("a").unwrap();
    let all = || store.record("r").unwrap().history_of_all().unwrap();
    let expected: Vec<u64> = (1..=40).chain([42]).collect();
    assert_eq!(positions(all()), expected);
    assert_eq!(positions(all().newest_first()), expected.into_iter().rev().collect::<Vec<_>>());
    let past = store.at(position(7)).unwrap().record("r").unwrap();
    assert_eq!(positions(past.history_of_all().unwrap()), (1..=7).collect::<Vec<_>>());
}

fn equal_values_are_written_again_by_set_and_not_by_edit(store: &Store) {
    let record = store.record("r").unwrap();
    record.set("a", &1).unwrap();
    record.set("a", &1).unwrap();
    let edited = record.edit("a", |_: &mut i64| ()).unwrap();
    assert!(edited.receipt.is_none());
    assert_eq!(positions(record.history("a").unwrap()), [1, 2]);
}

fn a_change_says_who_why_from_where_and_when(store: &Store) {
    let noted = "2001-09-09T01:46:40Z".parse().unwrap();
    let context = Context::new().actor("alice").reason("settle").occurred_at(noted).tag("ticket", 412);
    let before = store.log().now();
    let line = line!() + 1;
    let done = store.commit(context, |tx| {
        tx.record("r")?.set("a", &1)?;
        tx.record("r")?.actor("bob").reason("correct").set("b", &2)
    });
    let receipt = done.unwrap().receipt.unwrap();

    let changes: Vec<Change> =
        store.record("r").unwrap().history_of_all().unwrap().into_iter().map(Result::unwrap).collect();
    let [a, b] = &changes[..] else { panic!("two changes") };
    assert_eq!((a.actor(), a.reason()), (Some("alice"), Some("settle")));
    assert_eq!((b.actor(), b.reason()), (Some("bob"), Some("correct")));
    assert_eq!(a.commit, receipt.commit);
    let context = &a.commit.context;
    assert_eq!(context.location, Some(format!("{}:{line}", file!())));
    assert_eq!((context.occurred_at, context.tags["ticket"].clone()), (Some(noted), 412.into()));
    assert!(before <= a.commit.recorded_at && a.commit.recorded_at <= store.log().now());
}
