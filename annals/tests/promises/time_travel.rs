use annals::codec::Value;
use annals::{Change, Context, Error, Position, Scope, Store};

on_every_driver! {
    later_commits_change_no_earlier_answer,
    a_position_inside_a_commit_means_the_commit_before,
    a_position_beyond_the_end_is_refused,
    a_time_means_the_last_commit_at_or_before_it,
}

/// Everything that a snapshot answers, and what a record's views and histories say there.
fn answers(store: &Store, at: Position) -> (Vec<Change>, Vec<Change>, Option<Value>, Option<Value>) {
    let snapshot = store.at(at).unwrap();
    let player = snapshot.record("game/player1").unwrap();
    (
        snapshot.entries(&Scope::All).collect::<Result<_, _>>().unwrap(),
        player.history_of_all().unwrap().into_iter().collect::<Result<_, _>>().unwrap(),
        player.within("round", &1).unwrap().get("score").unwrap(),
        player.within("round", &2).unwrap().strict().get("score").unwrap(),
    )
}

fn later_commits_change_no_earlier_answer(store: &Store) {
    let player = store.record("game/player1").unwrap();
    let mut seen = vec![(Position::START, answers(store, Position::START))];
    for step in 0..24_i64 {
        match step % 6 {
            0 => drop(player.set("round", &(step % 4)).unwrap()),
            5 => drop(player.delete("score").unwrap()),
            _ => drop(player.set("score", &step).unwrap()),
        }
        let now = store.snapshot().unwrap().position();
        seen.push((now, answers(store, now)));
        for (position, before) in &seen {
            assert_eq!(&answers(store, *position), before, "as of {position}, read at {now}");
        }
    }
    let states: std::collections::HashSet<_> = seen.iter().map(|(_, a)| format!("{:?}", a.0)).collect();
    assert_eq!(states.len(), seen.len(), "each commit left a state of its own");
}

fn a_position_inside_a_commit_means_the_commit_before(store: &Store) {
    let player = store.record("p").unwrap();
    let first = player.set("a", &1).unwrap().position();
    let both = store.commit(Context::new(), |tx| {
        let player = tx.record("p")?;
        player.set("a", &2)?;
        player.set("b", &2)
    });
    let commit = both.unwrap().receipt.unwrap().commit;
    assert!(commit.first < commit.last);

    let inside = store.at(commit.first).unwrap();
    assert_eq!(inside.position(), first);
    assert_eq!(inside.record("p").unwrap().get("a").unwrap(), Some(1));
    assert_eq!(store.at(commit.last).unwrap().record("p").unwrap().get("a").unwrap(), Some(2));
    let inside = player.at(commit.first).unwrap();
    assert_eq!(inside.get::<i64>("b").unwrap(), None);
}

fn a_position_beyond_the_end_is_refused(store: &Store) {
    let last = store.record("p").unwrap().set("a", &1).unwrap().position();
    let asked = last.plus(1);
    let refused = store.at(asked).unwrap_err();
    assert!(matches!(refused, Error::BeyondEnd { asked: a, last: l } if (a, l) == (asked, last)));
}

fn a_time_means_the_last_commit_at_or_before_it(store: &Store) {
    let player = store.record("p").unwrap();
    let first = player.set("a", &1).unwrap().commit;
    while store.log().now() <= first.recorded_at {
        std::thread::yield_now();
    }
    let second = player.set("a", &2).unwrap().commit;
    let micro = |time: annals::codec::Timestamp, by| {
        annals::codec::Timestamp::from_micros(time.as_micros() + by).unwrap()
    };
    for (time, expected) in [
        (micro(first.recorded_at, -1), None),
        (first.recorded_at, Some(1)),
        (micro(second.recorded_at, -1), Some(1)),
        (second.recorded_at, Some(2)),
        (micro(second.recorded_at, 1), Some(2)),
    ] {
        assert_eq!(player.at_time(time).unwrap().get::<i64>("a").unwrap(), expected, "as of {time}");
    }
}
