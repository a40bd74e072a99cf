//! An outbox: every order that is placed is confirmed by a mail, whatever happens in between.
//!
//! A mail cannot be part of a commit. So it is sent from the log: a courier follows the orders, sends,
//! and then keeps how far it got, its cursor, as a record in the log itself. Where it dies between the
//! two, the mail is sent again: at least once, never not at all. Each mail carries the position of
//! its order, so that whoever receives it can tell a second one from a second order.
//!
//! Run it with `cargo run --example outbox`.

use std::time::Duration;

use annals::{Context, Expect, Namespace, Position, Result, Scope, Store};

/// What the world outside has received.
#[derive(Debug, Default)]
struct Mails(Vec<(Position, String)>);

/// Where a courier is known to have got, and the entry that says so.
struct Cursor {
    record: annals::Record,
    position: Position,
    expect: Expect,
}

impl Cursor {
    /// Reads the cursor called `name`, which begins at the start of the log.
    fn load(store: &Store, name: &str) -> Result<Cursor> {
        let record = store.record(format!("cursors/{name}"))?;
        let record = record.with_context(Context::new().actor(name).reason("confirmed"));
        let (position, expect) = match record.entry("position")? {
            None => (Position::START, Expect::Absent),
            Some(change) => {
                let number = change.get::<u64>()?.and_then(Position::new);
                (number.unwrap_or_default(), Expect::At(change.position()))
            }
        };
        Ok(Cursor { record, position, expect })
    }

    /// Keeps `position`, unless another courier of that name has moved the cursor meanwhile.
    fn advance(&mut self, position: Position) -> Result<()> {
        let receipt = self.record.set_if("position", self.expect, &position.get())?;
        (self.position, self.expect) = (position, Expect::At(receipt.position()));
        Ok(())
    }
}

/// Sends a mail for every order there is; dies after sending `dies_after` of them.
fn deliver(store: &Store, mails: &mut Mails, dies_after: Option<usize>) -> Result<()> {
    let mut cursor = Cursor::load(store, "courier")?;
    let orders = Scope::Under(Namespace::new("orders")?);
    let mut subscription = store.subscribe(cursor.position, orders)?;
    let mut sent = 0;
    // A courier that runs for ever waits with a longer time out, or walks the subscription itself.
    while let Some(commit) = subscription.next_within(Duration::ZERO)? {
        for order in &commit.entries {
            let what: String = order.get()?.unwrap_or_default();
            mails.0.push((order.position, format!("{}: {what}", order.key.namespace())));
            sent += 1;
            if dies_after == Some(sent) {
                println!("the courier dies after sending {}", order.position);
                return Ok(());
            }
        }
        cursor.advance(subscription.position())?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let url = format!("sqlite:{}", folder.path().join("shop.db").display());
    let mut mails = Mails::default();

    let store = Store::open(&url)?;
    for (number, what) in ["a kettle", "two cups", "tea"].into_iter().enumerate() {
        store.record(format!("orders/{number}"))?.set("what", what)?;
    }
    deliver(&store, &mut mails, Some(2))?;
    drop(store);

    // The next courier, in another process: it goes on where the cursor stands.
    let store = Store::open(&url)?;
    store.record("orders/3")?.set("what", "a spoon")?;
    deliver(&store, &mut mails, None)?;
    deliver(&store, &mut mails, None)?;

    let sent: Vec<&str> = mails.0.iter().map(|(_, text)| text.as_str()).collect();
    println!("{sent:#?}");
    let twice = "orders/1: two cups";
    assert_eq!(sent, ["orders/0: a kettle", twice, twice, "orders/2: tea", "orders/3: a spoon"]);

    // The receiver keeps one mail a position: exactly once.
    let mut received = mails.0.clone();
    received.dedup_by_key(|(position, _)| *position);
    assert_eq!(received.len(), 4);

    // Two couriers at once: the one that lags behind is told so, and sends nothing more.
    let (mut ahead, mut behind) = (Cursor::load(&store, "courier")?, Cursor::load(&store, "courier")?);
    ahead.advance(store.snapshot()?.position())?;
    let refused = behind.advance(ahead.position).expect_err("another was first");
    assert!(refused.is_conflict());
    println!("{refused}");

    // And since the cursor is a record, its own past can be read.
    let stops = store.record("cursors/courier")?.history("position")?.into_iter();
    let stops: Vec<u64> =
        stops.map(|change| Ok(change?.get()?.unwrap_or_default())).collect::<Result<_>>()?;
    println!("the cursor stood at {stops:?}");
    assert!(stops.is_sorted());
    Ok(())
}
