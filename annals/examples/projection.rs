//! A projection: a read model of its own shape, kept up to date from the log.
//!
//! The log knows the score of each player; a page wants the best teams. A projector follows the log
//! and keeps the sums in a file of its own, together with the position that they are true for. The two
//! are replaced in one step, so a projector that dies at any moment goes on from what it wrote last,
//! and counts nothing twice. The file can be thrown away: rebuilt from the start it is the same.
//!
//! Run it with `cargo run --example projection`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use annals::{CommitEntries, Field, Filter, Namespace, Position, Scope, Store};
use serde::{Deserialize, Serialize};

type Done<T> = Result<T, Box<dyn std::error::Error>>;

/// What the page reads.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Standings {
    /// Everything up to here is counted.
    position: u64,
    /// The last score of each player, so that a new one replaces it.
    scores: BTreeMap<String, i64>,
    teams: BTreeMap<String, i64>,
}

impl Standings {
    fn load(file: &Path) -> Done<Standings> {
        match fs::read(file) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Standings::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces the file in one step: a reader, or a projector that begins anew, sees the old or the
    /// new one.
    fn save(&self, file: &Path) -> Done<()> {
        let folder = file.parent().ok_or("the file stands in no folder")?;
        let new = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&new, self)?;
        new.as_file().sync_all()?;
        new.persist(file)?;
        Ok(())
    }

    fn apply(&mut self, commit: &CommitEntries) -> Done<()> {
        for entry in &commit.entries {
            let player = entry.key.namespace();
            let Some(team) = player.parent() else { continue };
            let score: i64 = entry.get()?.unwrap_or_default();
            let before = self.scores.insert(player.to_string(), score).unwrap_or_default();
            *self.teams.entry(team.last_token().to_owned()).or_default() += score - before;
        }
        Ok(())
    }
}

/// Brings the file up to date, and saves it after every `save_after` commits and at the end.
///
/// Dies after `dies_after` commits, with what was not saved.
fn project(store: &Store, file: &Path, save_after: usize, dies_after: Option<usize>) -> Done<()> {
    let mut standings = Standings::load(file)?;
    let from = Position::new(standings.position).ok_or("the file holds no position")?;
    let scores = Filter::from(Scope::Under(Namespace::new("league")?)).fields([Field::new("score")?]);
    let mut subscription = store.subscribe(from, scores)?;
    let mut done = 0;
    // A projector that runs for ever waits here, and saves when it has waited in vain.
    while let Some(commit) = subscription.next_within(Duration::ZERO)? {
        standings.apply(&commit)?;
        standings.position = subscription.position().get();
        done += 1;
        if dies_after == Some(done) {
            println!("the projector dies at {}", subscription.position());
            return Ok(());
        }
        if done % save_after == 0 {
            standings.save(file)?;
        }
    }
    // Also where nothing passed the filter: the next one need not look there again.
    standings.position = subscription.position().get();
    standings.save(file)
}

fn play(store: &Store, rounds: std::ops::Range<i64>) -> annals::Result<()> {
    for round in rounds {
        for (team, player, luck) in [("red", "ann", 3), ("red", "ben", 1), ("blue", "cat", 5)] {
            let player = store.record(format!("league/{team}/{player}"))?;
            player.set("round", &round)?;
            player.set("score", &(round * luck % 7))?;
        }
    }
    Ok(())
}

fn main() -> Done<()> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(&format!("sqlite:{}", folder.path().join("league.db").display()))?;
    let file = folder.path().join("standings.json");

    play(&store, 0..5)?;
    project(&store, &file, 4, Some(10))?;
    let saved = Standings::load(&file)?;
    println!("saved up to @{}: {:?}", saved.position, saved.teams);

    play(&store, 5..9)?;
    project(&store, &file, 4, None)?;
    let standings = Standings::load(&file)?;
    println!("now at @{}: {:?}", standings.position, standings.teams);
    assert!(saved.position < standings.position);
    assert_eq!(standings.position, store.log().last_position()?.get());

    // The log itself says the same, asked player by player.
    for (team, players) in [("red", &["ann", "ben"][..]), ("blue", &["cat"])] {
        let mut sum = 0;
        for player in players {
            sum += store.record(format!("league/{team}/{player}"))?.get::<i64>("score")?.unwrap_or_default();
        }
        assert_eq!(standings.teams.get(team), Some(&sum));
    }

    let rebuilt = folder.path().join("rebuilt.json");
    project(&store, &rebuilt, usize::MAX, None)?;
    assert_eq!(Standings::load(&rebuilt)?, standings);
    println!("rebuilt from the start it is the same");
    Ok(())
}
