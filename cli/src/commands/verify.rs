use annals::{Damage, Verification};
use serde_json::json;

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
    let damages = report.damages.iter().map(|damage| {
        let mut object = json!({"position": damage.position.get(), "what": damage.what});
        if let (Some(key), Some(object)) = (&damage.key, object.as_object_mut()) {
            object.insert("namespace".into(), json!(key.namespace().as_str()));
            object.insert("field".into(), json!(key.field().as_str()));
        }
        object
    });
    let damages = damages.collect();
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

fn sentence(Damage { position, key, what }: &Damage) -> String {
    match key {
        Some(key) => format!("{position} {key}: {what}"),
        None => format!("{position}: {what}"),
    }
}
