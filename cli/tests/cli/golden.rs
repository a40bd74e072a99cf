//! Outputs of commands, letter for letter: `golden/*.md` on a store of fixed contents, and the
//! session in the README.

use std::sync::Arc;

use annals::codec::{Timestamp, Uuid, Value};
use annals::{Action, Commit, CommitEntries, CommitId, Context, Entry, Key, Position, StoreUrl};
use annals_test_server::OwnLog;

use crate::item_12_rev;
use crate::place::Place;

struct Log {
    commits: Vec<CommitEntries>,
    last: u64,
}

impl Log {
    fn add(&mut self, time: &str, context: Context, entries: Vec<(&str, &str, Action)>) {
        let number = u8::try_from(self.commits.len()).unwrap() + 1;
        let first = self.last + 1;
        let entry = |(position, (namespace, field, action))| Entry {
            position: Position::new(position).unwrap(),
            key: Key::parse(namespace, field).unwrap(),
            action,
            actor: None,
            reason: None,
        };
        let entries: Vec<Entry> = (first..).zip(entries).map(entry).collect();
        self.last += entries.len() as u64;
        let commit = Commit {
            first: Position::new(first).unwrap(),
            last: Position::new(self.last).unwrap(),
            id: CommitId::Made(Uuid::from_bytes([number; 16])),
            recorded_at: time.parse().unwrap(),
            context,
        };
        self.commits.push(CommitEntries { commit: Arc::new(commit), entries });
    }
}

fn set(value: impl Into<Value>) -> Action {
    Action::Set(value.into().to_bytes().unwrap().into())
}

fn contents() -> Vec<CommitEntries> {
    let player1 = "game/player1";
    let mut log = Log { commits: Vec::new(), last: 0 };
    let alice = || Context::new().actor("alice");
    log.add(
        "2026-11-22T08:00:00Z",
        alice().reason("first, round").location("src/rounds.rs:88").tag("id", "a1"),
        vec![(player1, "name", set("Ann")), (player1, "score", set(10)), (player1, "round", set(1))],
    );
    log.add("2026-11-22T08:05:00Z", Context::new().actor("bot"), vec![(player1, "score", set(12))]);
    let earlier: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    log.add(
        "2026-11-22T09:00:00.25Z",
        alice().reason("settle").occurred_at(earlier).tag("id", "a2").tag("ticket", 412),
        vec![
            (player1, "round", set(2)),
            (player1, "name", Action::Deleted),
            ("game/player2", "price", set(Value::Decimal("1.10".parse().unwrap()))),
            ("game", "open", set(true)),
        ],
    );
    log.add(
        "2026-11-22T09:30:00Z",
        Context::new().actor("carol").tag("id", "a3"),
        vec![(player1, "note", set("two words")), (player1, "nothing", set(Value::Null))],
    );
    log.commits
}

/// An import of two commits, a commit of somebody else, and the rest of the import.
fn import() -> Vec<CommitEntries> {
    let mut log = Log { commits: Vec::new(), last: 0 };
    let import = Context::new().actor("import").tag("__annals.activity", "import of 12 May");
    let import = import.tag("__annals.activity_id", Value::Uuid(Uuid::from_bytes([9; 16])));
    let alice = Context::new().actor("alice").reason("a birthday");
    log.add("2026-05-12T08:00:00Z", import.clone(), vec![("people", "ann", set(31))]);
    log.add(
        "2026-05-12T08:00:01Z",
        import.clone(),
        vec![("people", "ben", set(28)), ("places", "home", set("Kiel"))],
    );
    log.add("2026-05-12T08:00:02Z", alice, vec![("people", "ann", set(32))]);
    log.add("2026-05-12T08:00:03Z", import, vec![("people", "cat", set(54))]);
    log.commits
}

/// Returns the stores that every output is the same for, each with these commits.
pub(crate) fn places(commits: &[CommitEntries]) -> Vec<Place> {
    let places: Vec<Place> = [Some(Place::new()), Place::in_postgres()].into_iter().flatten().collect();
    for place in &places {
        place.ok(&["init"]);
        place.url().parse::<StoreUrl>().unwrap().open().unwrap().restore(commits).unwrap();
    }
    places
}

#[test]
fn activities_are_listed_as_documented() {
    for place in places(&import()) {
        cases(&place).case("tests/cli/golden/activities/*.md");
    }
}

#[test]
fn outputs_are_as_documented() {
    for place in places(&contents()) {
        cases(&place).case("tests/cli/golden/*.md");
    }
}

#[test]
fn revisions_are_shown_as_documented() {
    for place in places(&item_12_rev::objects()) {
        cases(&place).case("tests/cli/golden/rev/*.md");
    }
}

#[test]
fn outputs_about_a_file_are_as_documented() {
    let place = Place::new();
    place.url().parse::<StoreUrl>().unwrap().open().unwrap().restore(&contents()).unwrap();
    cases(&place).case("tests/cli/golden/sqlite/*.md");
}

#[test]
fn outputs_about_a_database_are_as_documented() {
    let Some(log) = OwnLog::alone() else { return };
    cases(&Place::at(log)).case("tests/cli/golden/postgres/*.md");
}

#[test]
fn the_readme_shows_what_happens() {
    cases(&Place::new()).case("README.md");
    for place in places(&[]) {
        cases(&place).case("README.md");
    }
}

fn cases(place: &Place) -> trycmd::TestCases {
    let cases = trycmd::TestCases::new();
    cases.env("ANNALS_STORE", place.url()).env("TZ", "UTC");
    cases
}
