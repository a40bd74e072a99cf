//! A schema of an older version, made by what wrote it then, becomes one of the newest: wholly or not at all.

use std::thread;
use std::time::Duration;

use annals_core::{
    Batch, Context, Driver, Durability, ErrorKind, Key, Order, Position, PositionRange, Scope, Upgrade,
};
use annals_driver_postgres::PostgresOptions;

use crate::database::Database;
use crate::proxy::{Fault, Proxy};

/// What schemas of older formats hold: two logs, one with three commits, and the functions of that time.
const FORMAT_1: &str = include_str!("../fixtures/format-1.sql");
const FORMAT_2: &str = include_str!("../fixtures/format-2.sql");

const NEWEST: u32 = 3;
const ALL: Upgrade = Upgrade { before: 1, after: NEWEST };

/// Returns what stands in the schema, but for the rows, and the version that it says it has.
fn contents(database: &Database) -> (i32, Vec<String>) {
    let mut sql = database.sql();
    let version = sql.query_one("SELECT version FROM annals.annals_format", &[]).unwrap().get(0);
    let names = "
        SELECT relname::text FROM pg_class WHERE relnamespace = 'annals'::regnamespace
        UNION ALL
        SELECT concat(attrelid::regclass, ' ', attname, ' ', atttypid::regtype, ' ', attnotnull, attstattarget)
        FROM pg_attribute WHERE attrelid IN (
            SELECT oid FROM pg_class WHERE relnamespace = 'annals'::regnamespace AND relkind IN ('r', 'v')
        )
        UNION ALL
        SELECT proname || md5(prosrc) FROM pg_proc WHERE pronamespace = 'annals'::regnamespace ORDER BY 1";
    (version, sql.query(names, &[]).unwrap().iter().map(|row| row.get(0)).collect())
}

fn batch() -> Batch {
    Batch::new(Context::new()).set(Key::parse("game", "score").unwrap(), [7])
}

/// Returns what stands in a schema that was never anything else.
fn new_contents() -> (i32, Vec<String>) {
    let database = Database::new().unwrap();
    database.options().connect().unwrap().init().unwrap();
    contents(&database)
}

/// Everything that a log answers about what stood in the fixture.
fn answers(options: &PostgresOptions) -> String {
    let driver = options.open().unwrap();
    let through = Position::new(4).unwrap();
    let state = driver.state(&Scope::All, through, None, 100).unwrap();
    let range = PositionRange { after: Position::START, through };
    let commits = driver.commits(range, Order::OldestFirst, 100).unwrap();
    format!("{state:?} {commits:?}")
}

#[test]
fn a_log_of_format_1_is_used_as_it_is_and_upgraded_when_asked() {
    used_and_upgraded(1, FORMAT_1);
}

#[test]
fn a_log_of_format_2_is_used_as_it_is_and_upgraded_when_asked() {
    used_and_upgraded(2, FORMAT_2);
}

fn used_and_upgraded(version: u32, schema: &str) {
    let Some(database) = Database::new() else { return };
    database.sql().batch_execute(schema).unwrap();
    let options = database.options();
    let before = answers(&options);
    assert!(before.contains("alice") && before.contains("ticket"), "{before}");
    let driver = options.open().unwrap();
    let append = |batches: &[Batch]| {
        driver
            .append(batches, Durability::Synced)
            .unwrap()
            .into_iter()
            .for_each(|answer| drop(answer.unwrap()));
    };
    append(&[batch()]);
    append(&[batch(), batch().set(Key::parse("game", "round").unwrap(), [8])]);
    // Creating what is missing is not bringing up to date.
    options.clone().create(true).open().unwrap();
    options.connect().unwrap().init().unwrap();
    assert_eq!(contents(&database).0.unsigned_abs(), version);

    let server = options.connect().unwrap();
    assert_eq!(server.upgrade().unwrap(), Upgrade { before: version, after: NEWEST });
    assert_eq!(server.upgrade().unwrap(), Upgrade { before: NEWEST, after: NEWEST });
    assert_eq!(answers(&options), before);
    // Who had the log open goes on.
    append(&[batch()]);
    append(&[batch(), batch()]);
    assert_eq!(driver.last_position().unwrap().get(), 11);
    assert_eq!(driver.abilities().check.unwrap().check().unwrap().damages, Vec::<String>::new());
    assert_eq!(options.clone().log("another/log").unwrap().open().unwrap().last_position().unwrap().get(), 1);
    let current = "SELECT value::text FROM annals.annals_current WHERE log = 'main' AND field = 'name'";
    assert_eq!(database.sql().query_one(current, &[]).unwrap().get::<_, String>(0), "\"Ann\"");

    assert_eq!(contents(&database), new_contents(), "an upgraded schema is as a new one");
}

/// Each command of the upgrade in turn ends the connection that it came on, again and again.
#[test]
fn an_upgrade_that_is_killed_at_any_command_leaves_the_old_schema() {
    let Some(database) = Database::new() else { return };
    let mut sql = database.sql();
    sql.batch_execute(FORMAT_1).unwrap();
    sql.batch_execute(
        "CREATE TABLE public.kill (at integer);
        CREATE FUNCTION public.kill() RETURNS event_trigger LANGUAGE plpgsql AS $$
        DECLARE
            nth integer := coalesce(nullif(current_setting('test.nth', true), ''), '0')::integer + 1;
        BEGIN
            PERFORM set_config('test.nth', nth::text, true);
            IF nth = (SELECT at FROM public.kill) THEN
                PERFORM pg_terminate_backend(pg_backend_pid());
            END IF;
        END $$;
        CREATE FUNCTION public.kill_at_update() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (SELECT at FROM public.kill) = -1 THEN
                PERFORM pg_terminate_backend(pg_backend_pid());
            END IF;
            RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER kill AFTER UPDATE ON annals.annals_format
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.kill_at_update();
        INSERT INTO public.kill VALUES (0);
        CREATE EVENT TRIGGER kill ON ddl_command_end EXECUTE FUNCTION public.kill();",
    )
    .unwrap();
    let old = contents(&database);
    let before = answers(&database.options());
    let url = format!("{}&annals.timeout=0.3", database.url());
    let options: PostgresOptions = url.parse().unwrap();
    let mut killed = 0;
    // The first is killed while it commits.
    for at in [-1].into_iter().chain(1..) {
        sql.execute("UPDATE public.kill SET at = $1", &[&at]).unwrap();
        match options.connect().unwrap().upgrade() {
            Ok(upgraded) => {
                assert_eq!(upgraded, ALL);
                break;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}"),
        }
        killed += 1;
        assert_eq!(contents(&database), old, "killed at command {at}");
        assert_eq!(answers(&database.options()), before);
    }
    assert!(killed > 8, "only {killed} commands were killed");
    assert_eq!(contents(&database), new_contents());
    assert_eq!(answers(&database.options()), before);
}

#[test]
fn an_upgrade_that_is_cut_off_is_done_again() {
    let Some(database) = Database::new() else { return };
    let new = new_contents();
    let proxy = Proxy::start(&database.url());
    let options: PostgresOptions = proxy.url(&database.url()).parse().unwrap();
    let requests = ["FOR UPDATE", "annals_text", "annals_append", "aclexplode", "SET version", "COMMIT"];
    for request in requests {
        for fault in [Fault::BeforeRequest, Fault::AfterRequest, Fault::BeforeAnswer] {
            database
                .sql()
                .batch_execute(&format!("DROP SCHEMA IF EXISTS annals CASCADE; {FORMAT_1}"))
                .unwrap();
            let server = options.connect().unwrap();
            proxy.arm(fault, request);
            assert_eq!(server.upgrade().unwrap(), ALL, "{fault:?} of {request}");
            assert!(!proxy.is_armed(), "nothing was cut off: {fault:?} of {request}");
            assert_eq!(contents(&database), new, "{fault:?} of {request}");
        }
    }
}

#[test]
fn of_several_who_upgrade_at_the_same_time_nobody_fails() {
    let Some(database) = Database::new() else { return };
    database.sql().batch_execute(FORMAT_1).unwrap();
    let options = database.options();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| assert_eq!(options.connect().unwrap().upgrade().unwrap().after, NEWEST));
        }
    });
    assert_eq!(contents(&database), new_contents());
}

#[test]
fn an_upgrade_waits_for_those_who_read_no_longer_than_the_busy_timeout() {
    let Some(database) = Database::new() else { return };
    let mut sql = database.sql();
    sql.batch_execute(FORMAT_1).unwrap();
    let old = contents(&database);
    let options = database.options().busy_timeout(Duration::from_millis(100));
    let mut reader = sql.transaction().unwrap();
    reader.batch_execute("SELECT FROM annals.annals_entry").unwrap();
    let error = options.connect().unwrap().upgrade().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    assert_eq!(contents(&database), old);
    reader.rollback().unwrap();
    assert_eq!(options.connect().unwrap().upgrade().unwrap(), ALL);
}

/// What the server has gathered about values are samples of them, which erasing would leave.
#[test]
fn an_upgraded_log_can_be_erased_from_without_a_trace() {
    let Some(database) = Database::new() else { return };
    let mut sql = database.sql();
    sql.batch_execute(FORMAT_1).unwrap();
    let samples = "SELECT count(*) FROM pg_stats WHERE tablename = 'annals_entry' AND attname = 'value'";
    let mut analyzed = || -> i64 {
        sql.batch_execute("ANALYZE annals.annals_entry").unwrap();
        sql.query_one(samples, &[]).unwrap().get(0)
    };
    assert_eq!(analyzed(), 1);
    let options = database.options();
    options.connect().unwrap().upgrade().unwrap();
    assert_eq!(analyzed(), 0);
    let driver = options.open().unwrap();
    let audit = Batch::new(Context::new().actor("dana").reason("asked to"));
    let audit = audit.set(Key::parse("__annals/erasures", "erasure").unwrap(), *b"\x80");
    let erase = driver.abilities().erase.unwrap();
    erase.erase(&[Position::new(1).unwrap()], &audit).unwrap().unwrap();
    let kind = "SELECT kind FROM annals.annals_history WHERE log = 'main' AND position = 1";
    assert_eq!(database.sql().query_one(kind, &[]).unwrap().get::<_, String>(0), "erased");
}

#[test]
fn what_an_older_schema_lacks_is_said_to_need_the_upgrade() {
    let Some(database) = Database::new() else { return };
    database.sql().batch_execute(FORMAT_1).unwrap();
    let driver = database.options().open().unwrap();
    let erase = driver.abilities().erase.unwrap();
    let audit = Batch::new(Context::new()).set(Key::parse("__annals/erasures", "erasure").unwrap(), [7]);
    let error = erase.erase(&[Position::new(1).unwrap()], &audit).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("annals upgrade"), "{error}");
    assert!(answers(&database.options()).contains("alice"));
}

#[test]
fn a_server_that_knows_no_functions_gets_the_rest() {
    let Some(database) = Database::new() else { return };
    database.sql().batch_execute("DROP EXTENSION plpgsql").unwrap();
    let driver = database.options().create(true).open().unwrap();
    driver.append(&[batch()], Durability::Synced).unwrap().remove(0).unwrap();
    let found = database.sql().query("SELECT namespace, field, value FROM annals.annals_current", &[]);
    assert_eq!(found.unwrap().len(), 1);
    let (version, names) = contents(&database);
    assert_eq!(version.unsigned_abs(), NEWEST);
    assert!(!names.iter().any(|name| name.starts_with("annals_append")), "{names:?}");
}
