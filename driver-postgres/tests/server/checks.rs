//! What contradicts itself in the tables is found and said.

use annals_core::{Batch, Context, Driver, Durability, Key};

use crate::common::Scratch;

/// What is done to a log of three commits of one entry, and what is said of it then.
const DAMAGES: [(&str, &str); 6] = [
    (
        "DELETE FROM annals_commit WHERE last = 2",
        "the commits do not follow one another without a gap before the one that ends at 3",
    ),
    (
        "UPDATE annals_commit SET recorded_at = 0 WHERE last = 2",
        "the time of recording falls at the commit that ends at 2",
    ),
    ("UPDATE annals_log SET last = 7", "the log should end where its last commit does, but ends at 7"),
    (
        "INSERT INTO annals_entry SELECT log, 9, key, kind, actor, reason, value FROM annals_entry WHERE position = 1",
        "no commit covers the entry at 9",
    ),
    ("UPDATE annals_entry SET key = 2147483647 WHERE position = 2", "there is no key for the entry at 2"),
    (
        "INSERT INTO annals_key SELECT log, 2147483646, 'x', 'y' FROM annals_log",
        "there is no entry of the key with the number 2147483646",
    ),
];

#[test]
fn what_contradicts_itself_is_found() {
    for (damage, said) in DAMAGES {
        let Some(scratch) = Scratch::alone() else { return };
        let driver = scratch.options().open().unwrap();
        for _ in 0..3 {
            let batch = Batch::new(Context::new()).set(Key::parse("a", "x").unwrap(), [7]);
            driver.append(&[batch], Durability::Buffered).unwrap().remove(0).unwrap();
        }
        let check = || driver.abilities().check.unwrap().check().unwrap();
        assert_eq!(check().damages, [""; 0]);
        let damage = format!("SET search_path = {}; {damage}", scratch.schema());
        scratch.sql().batch_execute(&damage).unwrap();
        assert_eq!(check().damages, [said], "{damage}");
    }
}
