//! A store takes custom values of the types that it knows, and only what they accept.

use annals::codec::{Registration, Registry, Value};
use annals::{ErrorKind, MemoryDriver, Store};

const NICKNAME: u32 = 1_000;

fn nickname(name: &str) -> Value {
    Value::Custom { tag: NICKNAME, content: Box::new(name.into()) }
}

/// A store that knows nicknames: texts, for which capitals do not matter.
fn store() -> Store {
    let is_text = |content: &Value| content.as_text().is_some();
    let same =
        |a: &Value, b: &Value| a.as_text().map(str::to_lowercase) == b.as_text().map(str::to_lowercase);
    let mut registry = Registry::builtin();
    registry
        .register(Registration::new(NICKNAME, "game.nickname").accepting(is_text).comparing(same))
        .unwrap();
    Store::builder(MemoryDriver::new()).registry(registry).build().into()
}

#[test]
fn a_registered_type_is_stored_under_its_tag_and_shown_under_its_name() {
    let store = store();
    let player = store.record("game/player1").unwrap();
    player.set("nick", &nickname("Ann")).unwrap();
    let stored: Value = player.get("nick").unwrap().unwrap();
    assert_eq!(stored, nickname("Ann"));
    assert_eq!(stored.to_json(store.registry()).to_string(), r#"{"$custom":["game.nickname","Ann"]}"#);
}

#[test]
fn a_custom_value_that_is_unknown_or_not_accepted_is_refused_wherever_it_stands() {
    let store = store();
    let player = store.record("game/player1").unwrap();
    let unknown = Value::Custom { tag: 1_001, content: Box::new(Value::Null) };
    let no_text = Value::Custom { tag: NICKNAME, content: Box::new(12.into()) };
    let why = ["no custom type has the tag 1001", "the content is not accepted as `game.nickname`"];
    for (refused, why) in [unknown, no_text].into_iter().zip(why) {
        for value in [refused.clone(), Value::List(vec![Value::map([("inside", refused)])])] {
            let error = player.set("nick", &value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert_eq!(error.to_string(), format!("the value for nick cannot be stored: {why}"));
        }
    }
    assert_eq!(player.entry("nick").unwrap(), None);
}

#[test]
fn an_edit_to_what_the_type_calls_the_same_appends_nothing() {
    let store = store();
    let player = store.record("game/player1").unwrap();
    player.set("nick", &nickname("Ann")).unwrap();
    let same = player.edit("nick", |value: &mut Value| *value = nickname("ANN")).unwrap();
    assert_eq!(same.receipt, None);
    let other = player.edit("nick", |value: &mut Value| *value = nickname("Anne")).unwrap();
    assert_eq!(other.receipt.unwrap().position().get(), 2);
}
