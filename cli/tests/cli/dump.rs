//! Dumps: complete, identical, and refused as a whole where they are damaged.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixListener;

use crate::place::Place;

fn filled() -> Place {
    let place = Place::new();
    place.ok(&["set", "a/b", "x:=[1,{\"$decimal\":\"1.10\"}]", "y=text", "-m", "why", "--tag", "id=1"]);
    place.ok(&["rm", "a/b", "y"]);
    place.ok(&["set", "c", "z:=null"]);
    place
}

#[test]
fn a_store_goes_through_a_pipe_and_back_byte_for_byte() {
    let place = filled();
    assert_eq!(place.annals(&["dump", "first", "-q"]).err, "");
    let first = fs::read(place.path("first")).unwrap();
    let copy = format!("sqlite:{}", place.path("copy.db").display());
    let answer = place.annals_reading(&["-s", &copy, "load", "-", "-o", "json"], &first);
    assert_eq!(answer.out, "{\"v\":1,\"commits\":3,\"entries\":4,\"skipped\":0,\"last_position\":4}\n");
    let second = place.command(["-s", &copy, "dump"]).output().unwrap();
    assert_eq!(second.stdout, first);
    assert_eq!(String::from_utf8(second.stderr).unwrap(), "3 commits, 4 entries\n");
}

#[test]
fn a_load_done_again_passes_over_what_is_there() {
    let place = filled();
    place.annals(&["dump", "dump"]);
    let answer = place.ok(&["load", "dump", "-o", "csv"]);
    assert_eq!(answer, "commits,entries,skipped,last_position\n3,4,3,4\n");
}

#[test]
fn a_dump_of_another_store_does_not_fit() {
    let place = filled();
    place.annals(&["dump", "dump"]);
    let other = format!("sqlite:{}", place.path("other.db").display());
    place.ok(&["-s", &other, "set", "a", "x=1"]);
    let message = place.fails(2, &["-s", &other, "load", "dump"]);
    assert_eq!(
        message,
        "error: cannot restore at @1: the log has another commit there, or values were erased on one side only\n"
    );
}

#[test]
fn a_damaged_dump_is_refused_before_anything_is_written() {
    let place = filled();
    place.annals(&["dump", "dump"]);
    let whole = fs::read(place.path("dump")).unwrap();
    let target = place.path("target.db");
    let url = format!("sqlite:{}", target.display());
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for damaged in [&whole[..whole.len() - 1], &whole[..3], b"", &flipped, &[&whole[..], b"x"].concat()] {
        fs::write(place.path("damaged"), damaged).unwrap();
        let message = place.fails(5, &["-s", &url, "load", "damaged"]);
        assert!(message.starts_with("error: the dump is damaged at byte "), "{message}");
        assert!(!target.exists());
    }
    let answer = place.annals_reading(&["-s", &url, "load"], &whole[..whole.len() - 1]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(5), ""));
}

#[test]
fn what_is_no_file_is_not_replaced_by_one() {
    let place = filled();
    let _listener = UnixListener::bind(place.path("socket")).unwrap();
    let message = place.fails(4, &["dump", "socket"]);
    assert!(message.starts_with("error: `socket` cannot be written\n"), "{message}");
    assert!(fs::metadata(place.path("socket")).unwrap().file_type().is_socket());
}

#[test]
fn a_dump_replaces_a_file_as_a_whole_and_follows_links() {
    let place = filled();
    fs::write(place.path("old"), "an older dump").unwrap();
    std::os::unix::fs::symlink(place.path("old"), place.path("link")).unwrap();
    assert_eq!(place.annals(&["dump", "link"]).code, Some(0));
    assert!(place.path("link").is_symlink());
    assert!(fs::read(place.path("old")).unwrap().starts_with(b"ANNALS"));
    let names = fs::read_dir(place.folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let left_over: Vec<_> = names.filter(|name| name.to_str().unwrap().starts_with('.')).collect();
    assert_eq!(left_over, Vec::<std::ffi::OsString>::new());
}

#[test]
fn a_dump_does_not_replace_a_database_least_of_all_its_own() {
    let place = filled();
    let _writer = rusqlite::Connection::open(place.path("store.db")).unwrap();
    rusqlite::Connection::open(place.path("theirs.db")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    std::os::unix::fs::symlink("store.db", place.path("link")).unwrap();
    fs::hard_link(place.path("store.db"), place.path("hard")).unwrap();
    let before = fs::read(place.path("store.db")).unwrap();
    for target in ["store.db", "./store.db", "link", "hard", "store.db-wal", "store.db-shm", "theirs.db"] {
        let message = place.fails(2, &["dump", target]);
        assert!(message.starts_with(&format!("error: `{target}` is ")), "{message}");
    }
    assert_eq!(fs::read(place.path("store.db")).unwrap(), before);
    assert_eq!(place.last_position(), 4);
}

#[test]
fn a_link_to_nothing_stays_a_link() {
    let place = filled();
    std::os::unix::fs::symlink("nowhere", place.path("link")).unwrap();
    let message = place.fails(4, &["dump", "link"]);
    assert!(message.starts_with("error: `link` cannot be written\n"), "{message}");
    assert!(place.path("link").is_symlink());
}

#[test]
fn what_is_no_dump_leaves_no_store_behind() {
    let place = Place::new();
    for (input, offset) in [(&b""[..], 0), (b"ANN", 0), (b"no dump at all", 0), (b"ANNALS\0\x09", 7)] {
        let answer = place.annals_reading(&["load"], input);
        assert_eq!((answer.code, answer.out.as_str()), (Some(5), ""), "{input:?}");
        assert!(answer.err.contains(&format!("damaged at byte {offset}:")), "{}", answer.err);
    }
    assert!(!place.path("store.db").exists());
}
