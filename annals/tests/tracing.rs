//! The spans of the feature `tracing`: they are there, and tell names and sizes, never a value.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use annals::{Context, Expect, Filter, Key, Order, Position, PositionRange, Result, Scope, Store};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Collects all that is told, a line a span: `append entries=1 …`.
#[derive(Clone, Default)]
struct Collector {
    spans: Arc<Mutex<Vec<String>>>,
    next: Arc<AtomicU64>,
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        assert_eq!(span.metadata().target(), "annals");
        let mut line = span.metadata().name().to_owned();
        span.record(&mut Line(&mut line));
        self.spans.lock().unwrap().push(line);
        Id::from_u64(self.next.fetch_add(1, Ordering::SeqCst) + 1)
    }
    fn record(&self, span: &Id, values: &Record<'_>) {
        let index = usize::try_from(span.into_u64()).unwrap() - 1;
        values.record(&mut Line(&mut self.spans.lock().unwrap()[index]));
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = "event".to_owned();
        event.record(&mut Line(&mut line));
        panic!("{line}");
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Returns the spans of what `body` does on this thread.
fn spans(body: impl FnOnce() -> Result<()>) -> Vec<String> {
    let collector = Collector::default();
    let spans = Arc::clone(&collector.spans);
    tracing::subscriber::with_default(collector, body).unwrap();
    let spans = spans.lock().unwrap();
    spans.clone()
}

fn scratch() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("traced.db").display());
    (folder, url)
}

#[test]
fn opening_appending_reading_and_following_are_told_of() {
    let (_folder, url) = scratch();
    let told = spans(|| {
        let store = Store::open(&url)?;
        let record = store.record("game/player1")?;
        record.set("score", &1000)?;
        record.set_if("score", Expect::Absent, &2).unwrap_err();
        store.flush()?;
        let mut subscription = store.subscribe(Position::START, Filter::everything())?;
        subscription.next_within(Duration::ZERO)?;
        subscription.next_within(Duration::ZERO)?;
        Ok(())
    });
    let read =
        "read what=\"commits\" of=PositionRange { after: Position(0), through: Position(1) } found=1 bytes=3";
    let expected = [
        format!("open store={url}"),
        "append batches=1 entries=1 bytes=3 durability=Synced conflicts=0 last=1 reached=Synced".into(),
        "append batches=1 entries=1 bytes=1 durability=Synced conflicts=1".into(),
        "flush".into(),
        "subscribe after=0 last=1 found=1 bytes=3".into(),
        read.into(),
        "subscribe after=1".into(),
    ];
    assert_eq!(told, expected);
}

#[test]
fn no_value_is_ever_told() {
    let (_folder, url) = scratch();
    let told = spans(|| {
        let store = Store::open(&url)?;
        let context = Context::new().actor("SECRET").reason("SECRET").tag("SECRET", "SECRET");
        store.commit(context, |tx| {
            let record = tx.record("game/player1")?;
            record.set("word", "SECRET")?;
            record.get::<String>("word")?;
            record.set("list", &["SECRET"])
        })?;
        let record = store.record("game/player1")?;
        record.get::<String>("word")?;
        record.get::<i64>("word").unwrap_err();
        record.edit("word", |word: &mut String| word.push_str("SECRET"))?;
        let text = record.within("word", "SECRET")?.get::<String>("word")?;
        assert_eq!(text.as_deref(), Some("SECRET"));
        record.entry("word")?;
        record.fields()?;
        store.log().entry(&Key::parse("game/player1", "word")?, Position::MAX)?;
        record.history("word")?.into_iter().for_each(|change| drop(change.unwrap()));
        store.log().namespaces(&Scope::All).for_each(|namespace| drop(namespace.unwrap()));
        store.commits(PositionRange::ALL, Order::NewestFirst).for_each(|commit| drop(commit.unwrap()));
        store.subscribe(Position::START, Filter::everything())?.next_within(Duration::ZERO)?;
        record.delete("word")?;
        Ok(())
    });
    assert!(told.len() > 10, "{told:#?}");
    for what in ["commits", "entry", "history", "state", "namespaces"] {
        assert!(
            told.iter().any(|line| line.starts_with(&format!("read what=\"{what}\""))),
            "{what}: {told:#?}"
        );
    }
    let telling: Vec<_> =
        told.iter().filter(|line| line.contains("SECRET") || line.contains("83, 69")).collect();
    assert_eq!(telling, [""; 0]);
}

#[test]
fn a_failure_is_told_by_its_kind() {
    let told = spans(|| {
        Store::open("sqlite:/nowhere/at/all.db").unwrap_err();
        Ok(())
    });
    assert_eq!(told, ["open store=sqlite:/nowhere/at/all.db"]);

    let (folder, url) = scratch();
    drop(Store::open(&url).unwrap());
    let told = spans(|| {
        let store = Store::open(&format!("{url}?mode=ro"))?;
        store.record("r")?.set("n", &1).unwrap_err();
        Ok(())
    });
    assert_eq!(told[1], "append batches=1 entries=1 bytes=1 durability=Synced error=ReadOnly");
    drop(folder);
}
