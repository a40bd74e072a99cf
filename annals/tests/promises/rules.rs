use annals::{Context, Error, Store};

on_every_driver! {
    a_virtual_field_is_computed_and_cannot_be_written,
    a_virtual_field_of_a_past_record_sees_the_past,
    a_virtual_field_of_a_view_sees_the_end_of_the_stretch,
}

fn a_virtual_field_is_computed_and_cannot_be_written(store: &Store) {
    let player = store.record("p").unwrap();
    player.set("score", &21).unwrap();
    player.set("stored", &1).unwrap();
    player.add_virtual_field("doubled", |p| Ok(p.get::<i64>("score")?.unwrap_or(0) * 2)).unwrap();
    player.add_virtual_field("stored", |p| Ok(p.get::<i64>("stored")?.unwrap_or(0) + 100)).unwrap();
    let before = store.log().last_position().unwrap();

    assert_eq!(player.get("doubled").unwrap(), Some(42));
    assert_eq!(player.get("stored").unwrap(), Some(101), "it can read the stored field of its name");
    assert!(matches!(player.set("doubled", &1).unwrap_err(), Error::Invalid(_)));
    assert!(matches!(player.delete("stored").unwrap_err(), Error::Invalid(_)));
    assert!(matches!(player.edit("stored", |_: &mut i64| ()).unwrap_err(), Error::Invalid(_)));
    assert_eq!(store.log().last_position().unwrap(), before);

    player.set("score", &1).unwrap();
    assert_eq!(player.get("doubled").unwrap(), Some(2));
    assert!(player.remove_virtual_field("doubled").unwrap());
    assert!(!player.remove_virtual_field("doubled").unwrap());
    assert_eq!(player.get::<i64>("doubled").unwrap(), None);
    player.set("doubled", &5).unwrap();
    assert_eq!(player.get("doubled").unwrap(), Some(5));
}

fn a_virtual_field_of_a_past_record_sees_the_past(store: &Store) {
    let player = store.record("p").unwrap();
    let then = player.set("score", &1).unwrap().position();
    player.set("score", &2).unwrap();
    player.add_virtual_field("doubled", |p| Ok(p.get::<i64>("score")?.unwrap_or(0) * 2)).unwrap();
    assert_eq!(player.at(then).unwrap().get("doubled").unwrap(), Some(2));
    assert_eq!(player.get("doubled").unwrap(), Some(4));
}

#[test]
fn a_validator_refuses_records_in_reads_and_writes() {
    let store = Store::builder_at("memory:").unwrap();
    let rule = |namespace: &annals::Namespace| match namespace.tokens().next() {
        Some("game") => Ok(()),
        _ => Err("records live under `game`".to_owned()),
    };
    let store = store.namespace_validator(rule).build();
    store.record("game/p").unwrap().set("a", &1).unwrap();

    let refused = store.record("other").unwrap_err();
    assert!(refused.to_string().contains("records live under `game`"), "{refused}");
    let inside = store.commit(Context::new(), |tx| {
        tx.record("game/p")?.set("a", &2)?;
        tx.record("other")?.set("a", &2)
    });
    assert!(matches!(inside.unwrap_err(), Error::Invalid(_)));
    assert!(store.snapshot().unwrap().record("other").is_err());
    assert_eq!(store.record("game/p").unwrap().get("a").unwrap(), Some(1));
}

fn a_virtual_field_of_a_view_sees_the_end_of_the_stretch(store: &Store) {
    let player = store.record("p").unwrap();
    for (round, score) in [(1, 10), (2, 20)] {
        player.set("round", &round).unwrap();
        player.set("score", &score).unwrap();
    }
    player.add_virtual_field("doubled", |p| Ok(p.get::<i64>("score")?.unwrap_or(0) * 2)).unwrap();
    let doubled = |round: i64| player.within("round", &round).unwrap().get::<i64>("doubled").unwrap();
    assert_eq!([1, 2, 3].map(doubled), [Some(20), Some(40), None]);

    let written = player.within("round", &2).unwrap().strict();
    assert_eq!(written.get::<i64>("doubled").unwrap(), None, "it was never written");
    assert!(matches!(player.within("doubled", &20).unwrap_err(), Error::Invalid(_)));
    assert!(matches!(player.along("doubled").unwrap_err(), Error::Invalid(_)));
}
