//! What each revision, and each commit, changed in objects and in their attributes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;

use annals_core::codec::Value;
use annals_core::{Context, Key, Namespace, PositionRange, Selector, Store};
use annals_revisions::{
    AttributeAction, AttributeDelta, Deltas, Error, ObjectAction, ObjectDelta, RevisionInfo, Revisions, State,
};
use serde::{Deserialize, Serialize};

use common::{by, for_each_driver, for_each_place};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Player {
    name: String,
    score: i64,
    team: Option<String>,
}

fn ann() -> Player {
    Player { name: "Ann".into(), score: 1, team: None }
}

fn players(store: &Store) -> Revisions<Player> {
    Revisions::open(store, "players").unwrap()
}

/// The attributes: name, action, value before and after, in the order of their names.
fn told(delta: &ObjectDelta) -> Vec<(&str, AttributeAction, Option<Value>, Option<Value>)> {
    let mut told: Vec<_> = delta
        .attributes()
        .iter()
        .map(|delta| (delta.name(), delta.action(), delta.before().unwrap(), delta.after().unwrap()))
        .collect();
    told.sort_by_key(|(name, ..)| *name);
    told
}

fn value(value: impl Into<Value>) -> Option<Value> {
    Some(value.into())
}

/// The deltas of all revisions of an object, oldest first.
fn deltas<T: annals_revisions::Object>(objects: &Revisions<T>, name: &str) -> Vec<ObjectDelta> {
    let history = objects.history(name).unwrap().into_iter();
    history.map(|info| objects.delta(&info.unwrap()).unwrap()).collect()
}

fn names(deltas: Deltas) -> Vec<String> {
    let name = |info: &RevisionInfo| format!("{} {}", info.namespace(), info.version());
    deltas.into_iter().map(|delta| name(delta.unwrap().info())).collect()
}

#[test]
fn each_revision_tells_what_it_changed() {
    use AttributeAction::{Set, Unset};
    for_each_driver(|store| {
        let players = players(store);
        let first = players.insert("ann", &ann(), by("ann").reason("new here")).unwrap();
        let team = by("bob").reason("joins");
        let second = players
            .update(&first, team, |ann| {
                ann.score = 5;
                ann.team = Some("red".into());
            })
            .unwrap();
        let third = players.update(&second, by("bob").reason("leaves"), |ann| ann.team = None).unwrap();

        let [created, updated, left] = &deltas(&players, "ann")[..] else { panic!("three revisions") };
        assert_eq!(
            told(created),
            [
                ("name", Set, None, value("Ann")),
                ("score", Set, None, value(1)),
                ("team", Set, None, Some(Value::Null)),
            ]
        );
        assert_eq!((created.action(), created.actor()), (ObjectAction::Create, Some("ann")));
        assert_eq!(
            told(updated),
            [("score", Set, value(1), value(5)), ("team", Set, Some(Value::Null), value("red"))]
        );
        assert_eq!((updated.action(), updated.description()), (ObjectAction::Update, Some("joins")));
        assert_eq!(told(left), [("team", Unset, value("red"), Some(Value::Null))]);
        assert_eq!(left.info(), third.info());
        let team = &left.attributes()[0];
        assert_eq!((team.actor(), team.description()), (Some("bob"), Some("leaves")));
        let commit = third.commit();
        assert!(commit.first <= team.position() && team.position() <= commit.last);
        assert_eq!(team.before::<String>().unwrap().as_deref(), Some("red"));
        assert!(team.before::<i64>().is_err(), "it is no number");
    });
}

#[test]
fn an_attribute_that_vanishes_is_unset() {
    for_each_driver(|store| {
        let notes = Revisions::<BTreeMap<String, i64>>::open(store, "notes").unwrap();
        let map = |pairs: &[(&str, i64)]| pairs.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
        notes.set("a", &map(&[("first name", 1), ("__odd", 2), ("b", 3)]), Context::new()).unwrap();
        notes.set("a", &map(&[("first name", 4), ("b", 3)]), Context::new()).unwrap();
        assert_eq!(
            told(&deltas(&notes, "a")[1]),
            [
                ("__odd", AttributeAction::Unset, value(2), None),
                ("first name", AttributeAction::Set, value(1), value(4)),
            ]
        );
        let numbers = Revisions::<i64>::open(store, "numbers").unwrap();
        numbers.insert("n", &7, Context::new()).unwrap();
        assert_eq!(told(&deltas(&numbers, "n")[0]), [("value", AttributeAction::Set, None, value(7))]);
    });
}

#[test]
fn the_value_before_is_told_whoever_loaded_it() {
    for_each_place(|place| {
        players(&place.open()).insert("ann", &ann(), Context::new()).unwrap();
        // Nothing was read here before it is overwritten.
        let store = place.open();
        players(&store).set("ann", &Player { score: 9, ..ann() }, Context::new()).unwrap();
        let elsewhere = place.open();
        let deltas = deltas(&players(&elsewhere), "ann");
        assert_eq!(told(&deltas[1]), [("score", AttributeAction::Set, value(1), value(9))]);
    });
}

#[test]
fn each_revision_tells_what_it_did_to_the_object() {
    for_each_driver(|store| {
        let players = players(store);
        let first = players.insert("ann", &ann(), Context::new()).unwrap();
        players.retire("ann", Context::new()).unwrap();
        players.revive("ann", Context::new()).unwrap();
        players.delete("ann", by("bob").reason("left")).unwrap();
        players.revive("ann", Context::new()).unwrap();
        players.delete("ann", Context::new()).unwrap();
        players.insert("ann", &Player { score: 2, ..ann() }, Context::new()).unwrap();
        players.rollback_to(&first, Context::new()).unwrap();

        let deltas = deltas(&players, "ann");
        let actions: Vec<_> = deltas.iter().map(|delta| delta.action().to_string()).collect();
        let expected = ["create", "update", "update", "delete", "create", "delete", "create", "update"];
        assert_eq!(actions, expected);
        assert_eq!((deltas[3].actor(), deltas[3].description()), (Some("bob"), Some("left")));
        assert!(deltas[1..6].iter().all(|delta| delta.attributes().is_empty()));
        assert_eq!(told(&deltas[6]), [("score", AttributeAction::Set, value(1), value(2))]);
        assert_eq!(told(&deltas[7]), [("score", AttributeAction::Set, value(2), value(1))]);
        assert_eq!(deltas[7].info().restored_from(), Some(1));
        assert_eq!(deltas[3].info().state(), State::Deleted);
    });
}

#[test]
fn what_ends_as_it_was_is_no_change() {
    for_each_driver(|store| {
        let players = players(store);
        players.insert("ann", &ann(), Context::new()).unwrap();
        let _ = store
            .try_commit(Context::new(), |tx| {
                let objects = players.in_transaction(tx);
                objects.edit("ann", |ann| ann.score = 2)?;
                objects.edit("ann", |ann| ann.name = "Anna".into())?;
                objects.edit("ann", |ann| ann.score = 1)
            })
            .map_err(|error: Error| error)
            .unwrap();
        let last = deltas(&players, "ann").pop().unwrap();
        assert_eq!(told(&last), [("name", AttributeAction::Set, value("Ann"), value("Anna"))]);
    });
}

#[test]
fn what_others_write_into_the_record_is_in_no_delta() {
    for_each_driver(|store| {
        let record = store.record("players/ann").unwrap();
        record.set("other", &7).unwrap();
        let players = players(store);
        let first = players.insert("ann", &ann(), Context::new()).unwrap();
        record.set("score", &99).unwrap();
        players.update(&first, Context::new(), |ann| ann.score = 2).unwrap();
        let deltas = deltas(&players, "ann");
        let names: Vec<_> = told(&deltas[0]).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["name", "score", "team"]);
        assert_eq!(told(&deltas[1]), [("score", AttributeAction::Set, value(1), value(2))]);
        let listed: Vec<_> = Deltas::of(store).into_iter().map(Result::unwrap).collect();
        assert_eq!(told(&listed[1]), told(&deltas[1]));
    });
}

/// A commit on two collections and a plain record, then one on an object, then one of an activity.
fn season(store: &Store) -> (Revisions<Player>, Revisions<i64>) {
    let (players, sums) = (players(store), Revisions::<i64>::open(store, "game/sums").unwrap());
    let _ = store
        .try_commit(by("referee"), |tx| {
            sums.in_transaction(tx).insert("all", &1)?;
            tx.record("plain")?.set("score", &1)?;
            tx.record("plain/odd__name")?.set("__meta", &1)?;
            tx.record("alone")?.set("__meta", &1)?;
            by("ann").in_scope(|| players.in_transaction(tx).insert("ann", &ann()))
        })
        .map_err(|error: Error| error)
        .unwrap();
    players.edit("ann", by("referee"), |ann| ann.score = 3).unwrap();
    by("import").activity("season").in_scope(|| {
        players.insert("ben", &ann(), Context::new()).unwrap();
        sums.edit("all", Context::new(), |sum| *sum = 4).unwrap();
    });
    (players, sums)
}

#[test]
fn a_commit_an_activity_and_a_log_list_their_deltas() {
    for_each_driver(|store| {
        let (players, _) = season(store);
        let all = ["game/sums/all 1", "players/ann 1", "players/ann 2", "players/ben 1", "game/sums/all 2"];
        assert_eq!(names(Deltas::of(store)), all);
        let newest_first: Vec<_> = all.iter().rev().copied().collect();
        assert_eq!(names(Deltas::of(store).newest_first()), newest_first);

        let first = players.get("ann", 1).unwrap().unwrap();
        assert_eq!(names(Deltas::of_commit(store, first.commit())), all[..2]);
        assert_eq!(names(Deltas::of_commit(store, first.commit()).newest_first()), newest_first[3..]);
        assert_eq!(names(Deltas::of(store).range(PositionRange::after(first.commit().last))), all[2..]);
        assert_eq!(names(Deltas::of(store).collection(players.namespace().clone())), all[1..4]);
        assert_eq!(names(Deltas::of(store).collection(Namespace::new("game").unwrap())), [""; 0]);

        let ben = players.current("ben").unwrap().unwrap();
        let season = ben.commit().context.activity_id().unwrap();
        assert_eq!(names(Deltas::of(store).activity(season)), all[3..]);
        assert_eq!(names(Deltas::of(store).activity(season).newest_first()), newest_first[..2]);

        let attributes: Vec<String> = Deltas::of(store)
            .activity(season)
            .into_iter()
            .flat_map(|delta| {
                delta.unwrap().attributes().iter().map(|a| a.name().to_owned()).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(attributes, ["name", "score", "team", "value"]);
    });
}

#[test]
fn deltas_are_listed_by_actor() {
    for_each_driver(|store| {
        season(store);
        let of = |actor: &str| names(Deltas::of(store).actor(actor));
        assert_eq!(of("referee"), ["game/sums/all 1", "players/ann 2"]);
        assert_eq!(of("ann"), ["players/ann 1"]);
        assert_eq!(of("import"), ["players/ben 1", "game/sums/all 2"]);
        assert_eq!(of("nobody"), [""; 0]);
        // Who changed an attribute only is found as well.
        let _ = store
            .try_commit(by("referee"), |tx| {
                let objects = players(store);
                let objects = objects.in_transaction(tx);
                by("coach").in_scope(|| objects.edit("ben", |ben| ben.team = Some("red".into())))?;
                objects.edit("ben", |ben| ben.score = 8)
            })
            .map_err(|error: Error| error)
            .unwrap();
        let found: Vec<_> = Deltas::of(store).actor("coach").into_iter().map(Result::unwrap).collect();
        let [ben] = &found[..] else { panic!("{found:?}") };
        assert_eq!(ben.actors().collect::<Vec<_>>(), ["referee", "coach"]);
        let by_coach: Vec<_> = ben
            .attributes()
            .iter()
            .filter(|a| a.actor() == Some("coach"))
            .map(AttributeDelta::name)
            .collect();
        assert_eq!(by_coach, ["team"]);
    });
}

#[test]
fn an_erased_value_says_so() {
    for_each_driver(|store| {
        let players = players(store);
        let first = players.insert("ann", &ann(), Context::new()).unwrap();
        players.update(&first, Context::new(), |ann| ann.score = 2).unwrap();
        let score = Key::parse("players/ann", "score").unwrap();
        let old = Selector::key(score).through(first.commit().last);
        store.erase(&old, by("officer").reason("on request")).unwrap();

        let [created, updated] = &deltas(&players, "ann")[..] else { panic!("two revisions") };
        assert_eq!((created.attributes().len(), updated.attributes().len()), (3, 1));
        let gone = updated.attributes()[0].before::<i64>().unwrap_err();
        assert!(matches!(&gone, Error::Core(annals_core::Error::Erased { .. })), "{gone}");
        assert_eq!(updated.attributes()[0].after().unwrap(), Some(2));
        assert_eq!(updated.attributes()[0].action(), AttributeAction::Set);
    });
}

#[test]
fn a_purge_unsets_every_attribute_and_tells_no_value() {
    for_each_driver(|store| {
        let players = players(store);
        let first = players.insert("ann", &ann(), Context::new()).unwrap();
        players.purge("ann", by("officer").reason("on request")).unwrap();
        players.insert("ann", &Player { score: 2, ..ann() }, Context::new()).unwrap();

        let [created, purged, again] = &deltas(&players, "ann")[..] else { panic!("three revisions") };
        let names = |delta: &ObjectDelta| {
            let mut names: Vec<_> = delta.attributes().iter().map(|a| a.name().to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!([created, purged, again].map(names), [(); 3].map(|()| ["name", "score", "team"]));
        assert_eq!((purged.action(), purged.actor()), (ObjectAction::Delete, Some("officer")));
        assert!(created.attributes().iter().all(|a| a.after::<Value>().is_err()));
        for attribute in purged.attributes() {
            assert_eq!(attribute.action(), AttributeAction::Unset);
            assert!(attribute.before::<Value>().is_err());
            assert_eq!(attribute.after::<Value>().unwrap(), None);
        }
        assert_eq!(again.action(), ObjectAction::Create);
        assert!(told(again).contains(&("score", AttributeAction::Set, None, value(2))));
        let gone = players.at("ann", first.commit().last).unwrap_err();
        assert!(matches!(&gone, Error::Core(annals_core::Error::Erased { .. })), "{gone}");
    });
}

#[test]
fn a_revision_of_another_collection_has_no_delta_here() {
    for_each_driver(|store| {
        let (players, sums) = season(store);
        let refused = players.delta(sums.current("all").unwrap().unwrap().info()).unwrap_err();
        assert!(matches!(refused, Error::NoRevision { .. }), "{refused}");
    });
}

#[test]
fn deltas_cost_the_objects_listed_not_their_attributes() {
    for_each_place(|place| {
        let store = &place.open();
        let wide: BTreeMap<String, usize> = (0..300).map(|number| (format!("a{number}"), number)).collect();
        let notes = Revisions::<BTreeMap<String, usize>>::open(store, "notes").unwrap();
        let _ = store
            .try_commit(Context::new(), |tx| {
                (0..20).try_for_each(|n| notes.in_transaction(tx).insert(&n.to_string(), &wide).map(drop))
            })
            .map_err(|error: Error| error)
            .unwrap();
        let touch = |notes: &mut BTreeMap<String, usize>| notes.values_mut().for_each(|value| *value += 1);
        let second = notes.edit("7", by("ann"), touch).unwrap();

        let (counted, calls) = place.counted();
        let notes = Revisions::<BTreeMap<String, usize>>::open(&counted, "notes").unwrap();
        calls.take();
        assert_eq!(notes.delta(second.info()).unwrap().attributes().len(), 300);
        assert_eq!(calls.take(), [("state", 2)].into());

        let commit = Deltas::of_commit(&counted, second.commit()).into_iter().next().unwrap().unwrap();
        assert_eq!(commit.attributes().len(), 300);
        assert_eq!(calls.take(), [("commits", 1), ("state", 1)].into());

        assert_eq!(Deltas::of(&counted).actor("ann").into_iter().count(), 1);
        let mut listed = calls.take();
        listed.remove("commits");
        assert_eq!(listed, [("state", 1)].into(), "what is left out costs no read");
    });
}
