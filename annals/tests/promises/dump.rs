use annals::{CommitEntries, Context, Error, Log, Order, PositionRange, Store, check_dump};

on_every_driver! {
    a_dump_loaded_elsewhere_dumps_the_same_bytes,
    a_load_done_again_changes_nothing,
    a_dump_of_another_log_is_refused,
}

fn fill(store: &Store) {
    let noted = "2001-09-09T01:46:40Z".parse().unwrap();
    let context = Context::new().actor("alice").reason("größer").occurred_at(noted).tag("n", 1.5);
    let done = store.commit(context, |tx| {
        tx.record("a")?.set("x", &1)?;
        tx.record("a/b")?.actor("bob").set("größe", "text")
    });
    assert!(done.unwrap().receipt.is_some());
    store.record("a").unwrap().delete("x").unwrap();
    store.record("c").unwrap().set("null", &()).unwrap();
}

fn dump(log: &Log) -> Vec<u8> {
    let mut bytes = Vec::new();
    log.dump(&mut bytes, |_| {}).unwrap();
    bytes
}

fn commits(store: &Store) -> Vec<CommitEntries> {
    store.commits(PositionRange::ALL, Order::OldestFirst).collect::<Result<_, _>>().unwrap()
}

fn a_dump_loaded_elsewhere_dumps_the_same_bytes(store: &Store) {
    let source = crate::stores::memory();
    fill(&source);
    let dumped = dump(source.log());
    let summary = store.log().load(&mut &dumped[..], |_| {}).unwrap();
    assert_eq!((summary.commits, summary.entries, summary.skipped), (3, 4, 0));
    assert_eq!(commits(store), commits(&source));
    assert!(dump(store.log()) == dumped);
}

fn a_load_done_again_changes_nothing(store: &Store) {
    fill(store);
    let dumped = dump(store.log());
    let summary = store.log().load(&mut &dumped[..], |_| {}).unwrap();
    assert_eq!((summary.commits, summary.skipped), (3, 3));
    assert!(dump(store.log()) == dumped);
}

fn a_dump_of_another_log_is_refused(store: &Store) {
    fill(store);
    let other = crate::stores::memory();
    fill(&other);
    let before = commits(store);
    let refused = store.log().load(&mut &dump(other.log())[..], |_| {}).unwrap_err();
    assert!(matches!(refused, Error::Restore { .. }), "{refused}");
    assert_eq!(commits(store), before);
}

/// Loads a damaged dump: it must be refused, and what was loaded before the damage must be the
/// beginning of the log that was dumped.
fn load_damaged(damaged: &[u8], original: &[CommitEntries], how: &str) {
    let checked = check_dump(&mut &damaged[..]).expect_err(how);
    assert!(matches!(checked, Error::Dump { .. }), "{how}: {checked}");
    let store = crate::stores::memory();
    let refused = store.log().load(&mut &damaged[..], |_| {}).expect_err(how);
    assert!(matches!(refused, Error::Dump { .. }), "{how}: {refused}");
    let loaded = commits(&store);
    assert!(original.starts_with(&loaded), "{how}: a wrong log");
}

#[test]
fn a_dump_cut_off_anywhere_is_refused() {
    let store = crate::stores::memory();
    fill(&store);
    let dumped = dump(store.log());
    for length in 0..dumped.len() {
        load_damaged(&dumped[..length], &commits(&store), &format!("cut off after {length} bytes"));
    }
    assert_eq!(check_dump(&mut &dumped[..]).unwrap().commits, 3, "whole, it is read");
}

#[test]
fn a_dump_with_any_byte_changed_is_refused() {
    let store = crate::stores::memory();
    fill(&store);
    let original = commits(&store);
    let mut dumped = dump(store.log());
    for index in 0..dumped.len() {
        for flipped in (0..8).map(|bit| 1 << bit).chain([0xff]) {
            dumped[index] ^= flipped;
            load_damaged(&dumped, &original, &format!("byte {index} changed by {flipped:#x}"));
            dumped[index] ^= flipped;
        }
    }
}

#[test]
fn bytes_after_the_end_of_a_dump_are_refused() {
    let store = crate::stores::memory();
    fill(&store);
    let mut dumped = dump(store.log());
    dumped.push(0);
    load_damaged(&dumped, &commits(&store), "one more byte");
}
