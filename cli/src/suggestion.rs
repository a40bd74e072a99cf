//! What the user may have meant.

use annals::{Action, Change, Error, Field, Key, Past, Record};

use crate::escape::escape;
use crate::failure::Failure;
use crate::times::Present;

/// How alike two names must be, from 0 to 1, for one to be suggested for the other.
const LIKENESS_MIN: f64 = 0.75;

/// Returns the failure that `field` has no value in `record`, with the best help there is.
pub(crate) fn no_value(record: &Record<Past>, field: &Field, present: &Present) -> Result<Failure, Failure> {
    let key = Key::new(record.namespace().clone(), field.clone())?;
    let mut entries = record.entries()?;
    let deleted = entries.iter().find(|change| change.key() == &key).map(|change| {
        let place = place(change, present);
        format!("it was deleted {place}; `annals history {key}` shows what it was")
    });
    entries.retain(|change| change.entry.action != Action::Deleted);
    let help =
        deleted.or_else(|| meant(&entries, field, present)).unwrap_or_else(|| match entries.is_empty() {
            true => format!("the record has no fields as of {}", record.position()),
            false => format!("`annals ls {}` lists what there is", record.namespace()),
        });
    Ok(Failure::from(Error::NotFound { key }).help(help))
}

fn meant(entries: &[Change], field: &Field, present: &Present) -> Option<String> {
    let likeness = |change: &Change| strsim::jaro_winkler(change.key().field().as_str(), field.as_str());
    let best = entries.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    if likeness(best) < LIKENESS_MIN {
        return None;
    }
    Some(format!("did you mean `{}`? (last written {})", best.key().field(), place(best, present)))
}

fn place(change: &Change, present: &Present) -> String {
    let age = present.age(change.commit.recorded_at);
    match change.actor() {
        Some(actor) => format!("{} by {}, {age}", change.position(), escape(actor)),
        None => format!("{}, {age}", change.position()),
    }
}
