//! What is particular about a store in a PostgreSQL database.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use annals_test_server::OwnLog;

use crate::place::Place;

#[test]
fn a_log_is_made_by_its_name_and_listed_with_a_url_that_opens_it() {
    let Some(log) = OwnLog::alone() else { return };
    let url = log.url();
    let place = Place::at(log);
    for name in ["game", "Zoo/a.b"] {
        let named = url.replace("annals.log=main", &format!("annals.log={}", name.replace('/', "%2F")));
        let message = place.fails(4, &["-s", &named, "set", "a", "x=1"]);
        assert!(message.contains("`annals init` creates a store"), "{message}");
        place.ok(&["-s", &named, "init"]);
        place.ok(&["-s", &named, "set", "a", "x=1"]);
    }
    let listed = place.ok(&["logs", "-o", "jsonl"]);
    let listed: Vec<serde_json::Value> =
        listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = listed.iter().map(|log| log["log"].as_str().unwrap()).collect();
    assert_eq!(names, ["Zoo/a.b", "game"]);
    for log in &listed {
        assert_eq!(log["last_position"], 1);
        assert_eq!(place.ok(&["-s", log["store"].as_str().unwrap(), "get", "a", "x"]), "\"1\"\n");
    }
}

#[test]
fn a_url_that_says_so_creates_what_is_missing_and_one_that_only_reads_does_not() {
    let Some(log) = OwnLog::alone() else { return };
    let (creating, reading) = (log.url_to_create(), format!("{}&annals.mode=ro", log.url()));
    let place = Place::at(log);
    place.fails(4, &["-s", &reading, "init"]);
    place.ok(&["-s", &creating, "set", "a", "x=1"]);
    assert_eq!(place.ok(&["-s", &reading, "get", "a", "x"]), "\"1\"\n");
    let message = place.fails(4, &["-s", &reading, "set", "a", "x=2"]);
    assert!(message.contains("only"), "{message}");
    assert_eq!(place.last_position(), 1);
}

#[test]
fn no_password_is_shown_wherever_it_stands() {
    let place = Place::new();
    for url in [
        "postgres://u:hunter2@127.0.0.1:1/d",
        "postgres://u@127.0.0.1:1/d?password=hunter2",
        "postgres:host=127.0.0.1 port=1 password=hunter2",
        "postgres://u:hunter2@127.0.0.1:1/d?annals.lug=x",
        "postgres://u:hunter2%zz@127.0.0.1:1/d",
        "host=127.0.0.1 password=hunter2",
        "postgre//u:hunter2@127.0.0.1/d",
        "u:hunter2@127.0.0.1/d",
    ] {
        for command in [&["get", "a", "x"][..], &["logs"], &["upgrade"], &["init"], &["stat"]] {
            let answer = place.annals(&[&["-s", url], command].concat());
            assert!(matches!(answer.code, Some(2 | 4)), "{url}: {answer:?}");
            assert!(!format!("{answer:?}").contains("hunter2"), "{answer:?}");
        }
    }
}

#[test]
fn no_password_is_part_of_an_answer() {
    let Some(log) = OwnLog::alone() else { return };
    let url = format!("{}&password=hunter2", log.url());
    let place = Place::at(log);
    for command in ["init", "stat", "upgrade", "logs"] {
        let answer = place.ok(&["-s", &url, command, "-o", "json"]);
        assert!(answer.contains("postgres://") && !answer.contains("hunter2"), "{answer}");
    }
}

#[test]
fn the_environment_says_where_the_server_is() {
    let Some(log) = OwnLog::alone() else { return };
    let schema = log.schema();
    let settings = "SELECT current_setting('unix_socket_directories'), current_setting('port')";
    let row = schema.sql().query_one(settings, &[]).unwrap();
    let (folder, port): (String, String) = (row.get(0), row.get(1));
    let name = schema.name().to_owned();
    let place = Place::at(log);
    place.ok(&["init"]);
    place.ok(&["set", "a", "x=1"]);
    for url in ["postgres:", "postgresql:", "postgres://", "postgres:///postgres", "postgres:dbname=postgres"]
    {
        let separator = if url.contains("//") { "?" } else { " " };
        let url = format!("{url}{separator}annals.schema={name}");
        let mut command = place.command(["-s", &url, "get", "a", "x"]);
        command
            .env("PGHOST", &folder)
            .env("PGPORT", &port)
            .env("PGUSER", "postgres")
            .env("PGDATABASE", "postgres");
        let output = command.output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "\"1\"\n", "{url}");
    }
}

/// What the schema says of itself, and whether a view is there.
fn version(log: &OwnLog) -> (i32, bool) {
    let name = &log.schema().name();
    let sql =
        format!("SELECT version, to_regclass('{name}.annals_current') IS NOT NULL FROM {name}.annals_format");
    let row = log.schema().sql().query_one(&sql, &[]).unwrap();
    (row.get(0), row.get(1))
}

/// The command is killed at moments that move through what it does.
#[test]
fn an_upgrade_whose_command_is_killed_leaves_the_old_format_or_the_new() {
    let Some(log) = OwnLog::alone() else { return };
    let older = include_str!("../../../driver-postgres/tests/fixtures/format-1.sql");
    let older = older.replace("\"annals\"", log.schema().name());
    let drop = format!("DROP SCHEMA IF EXISTS {} CASCADE;", log.schema().name());
    let mut sql = log.schema().sql();
    let place = Place::new();
    let mut seen = [0, 0];
    for round in 0..40 {
        sql.batch_execute(&format!("{drop}{older}")).unwrap();
        let mut command = place.command(["-s", &log.url(), "upgrade"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(2 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        // The server ends by itself what it was told, or undoes it.
        let ended = format!("SELECT FROM {}.annals_format FOR UPDATE", log.schema().name());
        sql.batch_execute(&ended).unwrap();
        match version(&log) {
            (1, false) => seen[0] += 1,
            (3, true) => seen[1] += 1,
            between => panic!("{between:?} after {} ms", 2 * round),
        }
        let answer = place.ok(&["-s", &log.url(), "get", "game", "score"]);
        assert_eq!(answer, "0.5\n");
    }
    assert!(seen[0] > 0, "no upgrade was killed");
    place.ok(&["-s", &log.url(), "upgrade"]);
    assert_eq!(version(&log), (3, true));
}

#[test]
fn a_dump_moves_between_file_and_database_through_pipes() {
    let Some(place) = Place::in_postgres() else { return };
    let file = format!("sqlite:{}", place.path("store.db").display());
    place.ok(&[
        "-s",
        &file,
        "set",
        "a/b",
        "x:=[1,{\"$decimal\":\"1.10\"}]",
        "y=text",
        "-m",
        "why",
        "--tag",
        "id=1",
    ]);
    place.ok(&["-s", &file, "rm", "a/b", "y"]);
    let dump = |url: &str| place.command(["-s", url, "dump", "-q"]).output().unwrap().stdout;
    let first = dump(&file);
    let refused = place.annals_reading(&["load", "-"], &first);
    assert_eq!(refused.code, Some(4), "{}", refused.err);
    place.ok(&["init"]);
    let loaded = place.annals_reading(&["load", "-", "-o", "json"], &first);
    assert_eq!(loaded.out, "{\"v\":1,\"commits\":2,\"entries\":3,\"skipped\":0,\"last_position\":3}\n");
    assert!(dump(&place.url()) == first);
    let copy = format!("sqlite:{}", place.path("copy.db").display());
    place.annals_reading(&["-s", &copy, "load"], &dump(&place.url()));
    assert!(dump(&copy) == first);
}

#[test]
fn the_package_of_another_program_is_imported() {
    let Some(place) = Place::in_postgres() else { return };
    place.ok(&["init"]);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../annals/tests/fixtures/seed/appendmuch.sqlite3");
    let report: serde_json::Value =
        serde_json::from_str(&place.ok(&["import", "appendmuch", file, "-o", "json"])).unwrap();
    assert_eq!((&report["rows"], &report["kept_times"]), (&314.into(), &true.into()));
    assert_eq!(place.ok(&["within", "game/session0/player0", "score", "--where", "round:=1"]), "13\n");
}
