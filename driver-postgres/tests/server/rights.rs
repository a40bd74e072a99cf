//! The rights that docs/drivers.md gives to those who write and to those who read, and no others.

use annals_core::{
    Action, Batch, Context, Driver, Durability, ErrorKind, Key, Order, Position, PositionRange,
};
use annals_driver_postgres::{PostgresDriver, PostgresOptions};
use postgres::error::SqlState;

use crate::common::Scratch;

/// The grants as the page shows them, for the schema `annals` and its users.
fn grants() -> String {
    let page = include_str!("../../../docs/drivers.md");
    let begin = page.find("GRANT USAGE ON SCHEMA annals").expect("the page shows the grants");
    let (grants, _) = page[begin..].split_once("```").expect("the grants end");
    grants.to_owned()
}

pub(crate) struct Users<'a> {
    scratch: &'a Scratch,
    pub(crate) writer: String,
    reader: String,
    pub(crate) eraser: String,
    loader: String,
}

impl<'a> Users<'a> {
    pub(crate) fn make(scratch: &'a Scratch) -> Users<'a> {
        Users::granted(scratch, &grants())
    }

    pub(crate) fn granted(scratch: &'a Scratch, grants: &str) -> Users<'a> {
        let [writer, reader, eraser, loader] =
            ["writer", "reader", "eraser", "loader"].map(|user| format!("{}_{user}", scratch.schema()));
        let grants = grants
            .replace("SCHEMA annals", &format!("SCHEMA {}", scratch.schema()))
            .replace("annals.", &format!("{}.", scratch.schema()))
            .replace("TO writer", &format!("TO {writer}"))
            .replace(", reader", &format!(", {reader}"))
            .replace(", eraser", &format!(", {eraser}"))
            .replace("TO eraser", &format!("TO {eraser}"))
            .replace(", loader", &format!(", {loader}"))
            .replace("TO loader", &format!("TO {loader}"));
        let roles = [&writer, &reader, &eraser, &loader].map(|role| format!("CREATE ROLE {role}; ")).concat();
        let sql = format!("{roles}{grants}");
        scratch.sql().batch_execute(&sql).unwrap();
        Users { scratch, writer, reader, eraser, loader }
    }

    fn options(&self, user: &str) -> PostgresOptions {
        self.options_at(self.scratch.url(), user)
    }

    pub(crate) fn options_at(&self, url: &str, user: &str) -> PostgresOptions {
        let url = format!("{url}&options=-c%20role%3D{user}");
        self.scratch.options_at(&url).create(false)
    }
}

impl Drop for Users<'_> {
    fn drop(&mut self) {
        let users = [&self.writer, &self.reader, &self.eraser, &self.loader].map(String::as_str).join(", ");
        let sql = format!("DROP OWNED BY {users}; DROP ROLE {users}");
        self.scratch.sql().batch_execute(&sql).unwrap();
    }
}

fn batch() -> Batch {
    Batch::new(Context::new()).set(Key::parse("a", "x").unwrap(), [1])
}

#[test]
fn who_writes_may_append_and_read_and_nothing_else() {
    let Some(scratch) = Scratch::alone() else { return };
    scratch.options().open().unwrap();
    let users = Users::make(&scratch);
    let writer = users.options(&users.writer).open().unwrap();
    writer.append(&[batch(), batch()], Durability::Synced).unwrap();
    writer.append(&[batch()], Durability::Buffered).unwrap();
    writer.sync().unwrap();
    let commits = writer.commits(PositionRange::ALL, Order::OldestFirst, 10).unwrap();
    assert_eq!(commits.len(), 3);

    let mut sql = scratch.sql();
    for statement in [
        "UPDATE annals_entry SET value = NULL",
        "DELETE FROM annals_entry",
        "INSERT INTO annals_entry VALUES (1, 1, 1, 1)",
        "UPDATE annals_commit SET actor = NULL",
        "DELETE FROM annals_commit",
        "UPDATE annals_log SET last = 0",
        "DELETE FROM annals_key",
        "TRUNCATE annals_entry",
        "DROP TABLE annals_entry",
        "CREATE TABLE another ()",
    ] {
        let mut transaction = sql.transaction().unwrap();
        let role = format!("SET LOCAL ROLE {}; SET LOCAL search_path = {}", users.writer, scratch.schema());
        transaction.batch_execute(&role).unwrap();
        let error = transaction.batch_execute(statement).unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{statement}: {error}");
    }
    assert_eq!(writer.commits(PositionRange::ALL, Order::OldestFirst, 10).unwrap(), commits);
}

#[test]
fn who_reads_may_read_and_is_told_so() {
    let Some(scratch) = Scratch::alone() else { return };
    let owner = scratch.options().open().unwrap();
    owner.append(&[batch()], Durability::Synced).unwrap();
    let users = Users::make(&scratch);
    let reader = users.options(&users.reader).open().unwrap();
    assert_eq!(reader.last_position().unwrap().get(), 1);
    let error = reader.append(&[batch()], Durability::Synced).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
    assert_eq!(reader.sync().unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(reader.last_position().unwrap().get(), 1);
}

#[test]
fn who_loads_dumps_makes_logs_and_restores() {
    let Some(scratch) = Scratch::alone() else { return };
    let owner = scratch.options().open().unwrap();
    owner.append(&[batch()], Durability::Synced).unwrap();
    let commits = owner.commits(PositionRange::ALL, Order::OldestFirst, 10).unwrap();
    let users = Users::make(&scratch);
    let copied = |user: &str| {
        let copy = users.options(user).log("copy").unwrap().create(true).open()?;
        copy.restore(&commits)?;
        copy.commits(PositionRange::ALL, Order::OldestFirst, 10)
    };
    for user in [&users.writer, &users.reader, &users.eraser] {
        assert_eq!(copied(user).unwrap_err().kind(), ErrorKind::ReadOnly);
    }
    assert_eq!(copied(&users.loader).unwrap(), commits);
}

fn audit() -> Batch {
    let context = Context::new().actor("dana").reason("asked to");
    Batch::new(context).set(Key::parse("__annals/erasures", "erasure").unwrap(), *b"\x80")
}

#[test]
fn only_who_erases_may_erase() {
    let Some(scratch) = Scratch::alone() else { return };
    let owner = scratch.options().open().unwrap();
    owner.append(&[batch(), batch()], Durability::Synced).unwrap();
    let users = Users::make(&scratch);
    let first = [Position::new(1).unwrap()];
    let commits =
        |driver: &PostgresDriver| driver.commits(PositionRange::ALL, Order::OldestFirst, 10).unwrap();
    let before = commits(&owner);
    for user in [&users.writer, &users.reader] {
        let driver = users.options(user).open().unwrap();
        let erase = driver.abilities().erase.unwrap();
        let error = erase.erase(&first, &audit()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
        assert!(error.to_string().contains("docs/drivers.md"), "{error}");
        assert_eq!(erase.scrub().unwrap_err().kind(), ErrorKind::ReadOnly);
    }
    assert_eq!(commits(&owner), before);

    let eraser = users.options(&users.eraser).open().unwrap();
    let erase = eraser.abilities().erase.unwrap();
    let receipt = erase.erase(&first, &audit()).unwrap().unwrap();
    erase.scrub().unwrap();
    assert_eq!(receipt.commit.last.get(), 3);
    let entry = eraser.entry(&Key::parse("a", "x").unwrap(), first[0]).unwrap().unwrap();
    assert_eq!(entry.action, Action::Erased { by: receipt.commit.last });
    let error = eraser.append(&[batch()], Durability::Synced).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");

    // Nobody but the owner may do it behind the log's back.
    for user in [&users.writer, &users.eraser] {
        let mut sql = scratch.sql();
        sql.batch_execute(&format!("SET ROLE {user}; SET search_path = {}", scratch.schema())).unwrap();
        for statement in ["UPDATE annals_entry SET kind = 2", "CLUSTER annals_entry USING annals_entry_pkey"]
        {
            let error = sql.batch_execute(statement).unwrap_err();
            assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{statement}: {error}");
        }
    }
}

/// The owner need not be a superuser, and alone may upgrade; what others may do stays, and takes in the views.
#[test]
fn an_upgrade_is_the_owners_and_leaves_everybody_the_rights_they_had() {
    let Some(scratch) = Scratch::alone() else { return };
    let (schema, owner) = (scratch.schema(), format!("{}_owner", scratch.schema()));
    let older = include_str!("../fixtures/format-1.sql").replace("\"annals\"", schema);
    let made = format!(
        "CREATE ROLE {owner}; GRANT CREATE ON DATABASE postgres TO {owner};
        SET ROLE {owner}; {older}; RESET ROLE"
    );
    scratch.sql().batch_execute(&made).unwrap();
    let grants = grants();
    let known_then: String = grants.lines().filter(|grant| !grant.contains("annals_erase")).collect();
    let users = Users::granted(&scratch, &known_then);
    let writer = users.options(&users.writer).open().unwrap();
    for user in [&users.writer, &users.reader] {
        let error = users.options(user).connect().unwrap().upgrade().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
    }
    let upgraded = users.options(&owner).connect().unwrap().upgrade().unwrap();
    assert_eq!((upgraded.before, upgraded.after), (1, 3));

    writer.append(&[batch()], Durability::Synced).unwrap().remove(0).unwrap();
    let names = |user: &str, view: &str| {
        let mut sql = scratch.sql();
        sql.batch_execute(&format!("SET ROLE {user}")).unwrap();
        sql.query(&format!("SELECT actor FROM {schema}.{view}"), &[])
    };
    for user in [&users.writer, &users.reader] {
        for (view, rows) in [("annals_current", 4), ("annals_history", 6), ("annals_commits", 5)] {
            assert_eq!(names(user, view).unwrap().len(), rows, "{view} for {user}");
        }
    }
    // A right to the views is none to the tables.
    let analyst = format!("{schema}_analyst");
    let sql = format!(
        "CREATE ROLE {analyst}; GRANT USAGE ON SCHEMA {schema} TO {analyst};
        GRANT SELECT ON {schema}.annals_current TO {analyst}"
    );
    scratch.sql().batch_execute(&sql).unwrap();
    assert_eq!(names(&analyst, "annals_current").unwrap().len(), 4);
    for place in ["annals_history", "annals_commit"] {
        let error = names(&analyst, place).unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{error}");
    }
    let sql = format!("DROP OWNED BY {owner}, {analyst}; DROP ROLE {owner}, {analyst}");
    drop(writer);
    drop(users);
    scratch.sql().batch_execute(&sql).unwrap();
}
