//! The rights that docs/drivers.md gives to those who write and to those who read, and no others.

use annals_core::{Batch, Context, Driver, Durability, ErrorKind, Key, Order, PositionRange};
use annals_driver_postgres::PostgresOptions;
use postgres::error::SqlState;

use crate::common::Scratch;

/// The grants as the page shows them, for the schema `annals` and the users `writer` and `reader`.
fn grants() -> String {
    let page = include_str!("../../../docs/drivers.md");
    let begin = page.find("GRANT USAGE ON SCHEMA annals").expect("the page shows the grants");
    let (grants, _) = page[begin..].split_once("```").expect("the grants end");
    grants.to_owned()
}

struct Users<'a> {
    scratch: &'a Scratch,
    writer: String,
    reader: String,
}

impl<'a> Users<'a> {
    fn make(scratch: &'a Scratch) -> Users<'a> {
        let (writer, reader) =
            (format!("{}_writer", scratch.schema()), format!("{}_reader", scratch.schema()));
        let grants = grants()
            .replace("SCHEMA annals", &format!("SCHEMA {}", scratch.schema()))
            .replace("annals.", &format!("{}.", scratch.schema()))
            .replace("TO writer", &format!("TO {writer}"))
            .replace(", reader", &format!(", {reader}"));
        let sql = format!("CREATE ROLE {writer}; CREATE ROLE {reader}; {grants}");
        scratch.sql().batch_execute(&sql).unwrap();
        Users { scratch, writer, reader }
    }

    fn options(&self, user: &str) -> PostgresOptions {
        let url = format!("{}&options=-c%20role%3D{user}", self.scratch.url());
        self.scratch.options_at(&url).create(false)
    }
}

impl Drop for Users<'_> {
    fn drop(&mut self) {
        let (writer, reader) = (&self.writer, &self.reader);
        let sql = format!("DROP OWNED BY {writer}, {reader}; DROP ROLE {writer}, {reader}");
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
    let users = Users::make(&scratch);
    let writer = users.options(&users.writer).open().unwrap();
    for user in [&users.writer, &users.reader] {
        let error = users.options(user).connect().unwrap().upgrade().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
    }
    let upgraded = users.options(&owner).connect().unwrap().upgrade().unwrap();
    assert_eq!((upgraded.before, upgraded.after), (1, 2));

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
