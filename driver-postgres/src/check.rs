//! What a reader of the log cannot see, or sees only when it comes across it.

use std::sync::Arc;

use annals_core::{CheckReport, Order, PositionRange};

use crate::failure::Failure;
use crate::place::Place;
use crate::walk;

/// How many damages of one kind are listed.
const LISTED_MAX: usize = 100;

/// How many entries are read at a time.
const PAGE: usize = 1000;

/// Rules about how rows stand to one another: what is said of each number that the statement returns.
fn rules(place: &Place) -> [(&'static str, &Arc<str>); 6] {
    let sql = &place.sql;
    [
        (
            "the commits do not follow one another without a gap before the one that ends at",
            &sql.commits_with_gaps,
        ),
        ("the time of recording falls at the commit that ends at", &sql.times_that_fall),
        ("the log should end where its last commit does, but ends at", &sql.wrong_end),
        ("no commit covers the entry at", &sql.entries_beyond),
        ("there is no key for the entry at", &sql.entries_without_key),
        ("there is no entry of the key with the number", &sql.keys_without_entry),
    ]
}

/// Checks the rows of a log, each rule at one moment of it.
pub(crate) fn check(place: &Place) -> Result<CheckReport, Failure> {
    let mut report =
        CheckReport { checked: vec!["order of commits, entries and keys".into()], damages: Vec::new() };
    for (rule, sql) in rules(place) {
        let found = place.read(sql, &[])?;
        for row in found.iter().take(LISTED_MAX) {
            report.damages.push(format!("{rule} {}", row.try_get::<_, i64>(0)?));
        }
    }
    // What contradicts itself would only be reported again.
    if report.damages.is_empty() {
        report.checked.push("every row of every commit".into());
        report.damages.extend(first_damage(place)?);
    }
    Ok(report)
}

/// Reads the whole log, and returns what is wrong where that cannot be done.
fn first_damage(place: &Place) -> Result<Option<String>, Failure> {
    let mut range = PositionRange::ALL;
    loop {
        match walk::commits(place, range, Order::OldestFirst, PAGE) {
            Ok(page) => match page.last() {
                Some(last) => range.after = last.commit.last,
                None => return Ok(None),
            },
            Err(Failure::Damaged(damage)) => return Ok(Some(damage)),
            Err(failure) => return Err(failure),
        }
    }
}
