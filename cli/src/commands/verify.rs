use annals::{Damage, Position, Verification};
use serde_json::{Map, Value as Json, json};

use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Cell, print_answer};

/// Read everything and check what the store promises
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  annals verify && echo sound

Says what it checked; where something is damaged it says where, and the exit code is 5.")]
pub(crate) struct Verify {}

impl Verify {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        invocation.refuse_at()?;
        let store = invocation.open_to_read()?;
        let progress = invocation.progress(store.log().last_position()?.get());
        let report = store.log().verify(|position| progress.set(position.get()))?;
        drop(progress);
        let sound = report.damage_count == 0;
        let parts = if invocation.style.is_machine() { for_programs(report) } else { for_people(report) };
        print_answer(&invocation.style, parts)?;
        Ok(if sound { Exit::Done } else { Exit::Damage })
    }
}

fn for_programs(report: Verification) -> Vec<(&'static str, Cell)> {
    let damages = report.damages.iter().map(members).collect();
    vec![
        ("commits", Cell::Number(report.commits)),
        ("entries", Cell::Number(report.entries)),
        ("keys", Cell::Number(report.keys)),
        ("checked", Cell::Json(report.checked.into())),
        ("damage_count", Cell::Number(report.damage_count)),
        ("damages", Cell::Json(damages)),
    ]
}

fn for_people(report: Verification) -> Vec<(&'static str, Cell)> {
    let mut parts = vec![
        ("commits", Cell::Number(report.commits)),
        ("entries", Cell::Number(report.entries)),
        ("keys", Cell::Number(report.keys)),
    ];
    parts.extend(report.checked.into_iter().map(|what| ("checked", Cell::Text(what))));
    parts.push(("damages", Cell::Number(report.damage_count)));
    parts.extend(report.damages.iter().map(|damage| ("damage", Cell::Text(sentence(damage)))));
    parts
}

fn members(Damage { position, key, what }: &Damage) -> Json {
    let mut members = Map::from_iter([("what".to_owned(), json!(what))]);
    if *position != Position::START {
        members.insert("position".into(), json!(position.get()));
    }
    if let Some(key) = key {
        members.insert("namespace".into(), json!(key.namespace().as_str()));
        members.insert("field".into(), json!(key.field().as_str()));
    }
    Json::Object(members)
}

fn sentence(Damage { position, key, what }: &Damage) -> String {
    match key {
        Some(key) => format!("{position} {key}: {what}"),
        None if *position == Position::START => format!("log: {what}"),
        None => format!("{position}: {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damage_of_the_log_as_a_whole_has_no_position() {
        let whole = Damage { position: Position::START, key: None, what: "an index lacks rows".into() };
        assert_eq!(sentence(&whole), "log: an index lacks rows");
        assert_eq!(members(&whole), json!({"what": "an index lacks rows"}));
        let of_commit = Damage { position: Position::new(3).unwrap(), ..whole };
        assert_eq!(sentence(&of_commit), "@3: an index lacks rows");
        assert_eq!(members(&of_commit), json!({"position": 3, "what": "an index lacks rows"}));
    }
}
