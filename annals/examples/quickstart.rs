//! A tour: set, edit, history, as-of, within, a conflict and its resolution, on an SQLite file.
//!
//! Run it with `cargo run --example quickstart`.

use annals::{Context, Expect, Result, Store};

fn main() -> Result<()> {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let store = Store::open(&format!("sqlite:{}", folder.path().join("game.db").display()))?;
    let player = store.record("game/player1")?;

    println!("# Set and edit");
    player.set("round", &1)?;
    player.set("score", &10)?;
    player.set("items", &["sword"])?;
    let lunch = store.snapshot()?;
    player.edit("items", |items: &mut Vec<String>| items.push("shield".into()))?;
    println!("items: {:?}", player.get::<Vec<String>>("items")?.unwrap_or_default());

    println!("\n# Several changes, all or nothing, with who and why");
    let settled = store.commit(Context::new().actor("alice").reason("settle round 1"), |tx| {
        let player = tx.record("game/player1")?;
        let score: i64 = player.get("score")?.unwrap_or_default();
        player.set("score", &(score + 15))?;
        player.set("round", &2)
    })?;
    if let Some(receipt) = settled.receipt {
        println!("committed as {}, {:?}", receipt.position(), receipt.durability);
    }

    println!("\n# History: every value, and who set it from which line");
    for change in player.history("score")? {
        let change = change?;
        let value = change.get::<i64>()?;
        let location = change.commit.context.location.as_deref();
        println!("{} score = {value:?} by {:?} at {location:?}", change.position(), change.actor());
    }

    println!("\n# As of then: the past is a plain read");
    let then = lunch.record("game/player1")?;
    println!(
        "{}: items {:?}, now {:?}",
        lunch.position(),
        then.get::<Vec<String>>("items")?,
        player.get::<Vec<String>>("items")?
    );

    println!("\n# Within: the score while the round was 1, and in round 2");
    player.set("score", &40)?;
    for (round, view) in player.along("round")?.collect::<Result<Vec<_>>>()? {
        println!("round {:?}: score {:?}", round.get::<i64>()?, view.get::<i64>("score")?);
    }

    println!("\n# A conflict: two have seen the same value, one was first");
    let seen = player.entry("score")?.expect("it was set").position();
    let bot = player.with_context(Context::new().actor("bot"));
    bot.set_if("score", Expect::At(seen), &41)?;
    match player.set_if("score", Expect::At(seen), &42) {
        Err(error) if error.is_conflict() => println!("{error}"),
        other => println!("unexpected: {other:?}"),
    }
    println!("read again and decide anew: `edit` does just that");
    player.edit("score", |score: &mut i64| *score += 1)?;
    println!("score: {:?}", player.get::<i64>("score")?);
    Ok(())
}
