//! An experiment in rounds: what each player had at the end of each round, and what was decided in
//! it, asked long after everything was overwritten.
//!
//! Run it with `cargo run --example experiment_rounds`.

use annals::{Context, Result, Store};

fn main() -> Result<()> {
    let store = Store::open("memory:")?;
    play(&store)?;

    for name in ["ann", "ben"] {
        let player = store.record(format!("session1/{name}"))?;
        println!("{name}");
        for step in player.along("round")? {
            let (round, during) = step?;
            let round: i64 = round.get()?.unwrap_or_default();
            let points: i64 = during.get("points")?.unwrap_or_default();
            // In force at the end of the round, or chosen in that very round?
            let choice: Option<String> = during.get("choice")?;
            let chosen: Option<String> = during.clone().strict().get("choice")?;
            println!("  round {round}: {points} points, choice {choice:?}, made in it {chosen:?}");
        }
        let high = player.within("treatment", "high")?;
        for step in high.along("round")? {
            let (round, during) = step?;
            println!(
                "  treated in round {:?}: {:?} points",
                round.get::<i64>()?,
                during.get::<i64>("points")?
            );
        }
    }
    Ok(())
}

/// Three rounds; ben is treated from the second one on, and nobody chooses in the last.
fn play(store: &Store) -> Result<()> {
    for round in 1..=3 {
        for (name, luck) in [("ann", 3), ("ben", 5)] {
            store.commit(Context::new().actor("server").reason("next round"), |tx| {
                let player = tx.record(format!("session1/{name}"))?;
                player.set("round", &round)?;
                player.set("treatment", if name == "ben" && round > 1 { "high" } else { "none" })?;
                let points: i64 = player.get("points")?.unwrap_or_default();
                player.set("points", &(points + luck * round))
            })?;
            if round < 3 {
                let player = store.record(format!("session1/{name}"))?;
                let player = player.with_context(Context::new().actor(name));
                player.set("choice", if luck > 3 { "B" } else { "A" })?;
            }
        }
    }
    Ok(())
}
