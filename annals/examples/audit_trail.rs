//! Who changed what, when and why: settings that several people edit, looked at afterwards.
//!
//! Run it with `cargo run --example audit_trail`.

use annals::{Condition, Context, Key, Order, PositionRange, Result, Scope, Store};

fn main() -> Result<()> {
    let store = Store::open("memory:")?;
    let watch = store.on_change(|change| {
        println!("[live] {} {} by {}", change.position(), change.key(), change.actor().unwrap_or("nobody"));
    });

    let roll_out = Context::new().actor("dana").reason("roll out 2.0").tag("ticket", 412);
    store.commit(roll_out, |tx| {
        let site = tx.record("config/site")?;
        site.set("version", "2.0")?;
        site.set("beta", &true)?;
        // One entry may have an author and a reason of its own.
        tx.record("config/limits")?.actor("eve").reason("load test of May").set("connections", &500)
    })?;
    let released = store.snapshot()?;

    let limits = store.record("config/limits")?.with_context(Context::new().actor("frank"));
    limits.edit("connections", |count: &mut i64| *count /= 2)?;
    store.record("config/site")?.delete("beta")?;
    drop(watch);

    println!("\nevery commit, newest first");
    for commit in store.commits(PositionRange::ALL, Order::NewestFirst) {
        let commit = commit?;
        let context = &commit.commit.context;
        println!("{} {:?} {:?} {:?}", commit.commit.last, context.actor, context.reason, context.tags);
    }

    println!("\nwhat differs since the release");
    for difference in released.diff(&store.snapshot()?, &Scope::All) {
        let difference = difference?;
        let after = difference.after.as_ref();
        println!("{}: now set by {:?}", difference.key, after.and_then(|change| change.actor()));
    }

    println!("\na commit that must not overlook anybody");
    let seen = released.position();
    let careful = store.commit(Context::new().actor("dana"), |tx| {
        tx.require(Condition::KeyUnchanged { key: Key::parse("config/limits", "connections")?, since: seen });
        tx.record("config/limits")?.set("connections", &600)
    });
    println!("{}", careful.err().map(|error| error.to_string()).unwrap_or_default());
    Ok(())
}
