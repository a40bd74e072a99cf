//! WHEN: the moments that a command line can name.

use annals::codec::{Registry, Timestamp, Value};
use annals::{Order, Position, PositionRange, Store};
use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Span, Zoned};

use crate::failure::{Exit, Failure};
use crate::times::Present;

/// The forms, for help texts.
pub(crate) const FORMS: &str = "`@412`, `@-3` (three commits before the last), `tag:name=text`, \
    `2026-11-22T10:00:00Z`, `2026-11-22 10:00`, `2h ago` or `yesterday 18:00`";

/// A moment as the user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// `@412`
    Position(Position),
    /// `@-3`: so many commits before the last.
    CommitsBack(u64),
    /// `tag:name=text`: the last commit with that tag.
    Tag { name: String, text: String },
    /// A time.
    Time(Timestamp),
}

impl When {
    /// Reads a moment; times without a zone are in that of `present`.
    pub(crate) fn parse(text: &str, present: &Present) -> Result<When, Failure> {
        let when = if let Some(number) = text.strip_prefix("@-") {
            number.parse().ok().map(When::CommitsBack)
        } else if let Some(number) = text.strip_prefix('@') {
            number.parse().ok().and_then(Position::new).map(When::Position)
        } else if let Some(tag) = text.strip_prefix("tag:") {
            tag.split_once('=').map(|(name, text)| When::Tag { name: name.into(), text: text.into() })
        } else {
            time(text, present.zoned()).map(When::Time)
        };
        when.ok_or_else(|| Failure::usage(format!("`{text}` names no moment")).help(format!("write {FORMS}")))
    }

    /// Reads `A..B` or `A`; what is left out is `None`.
    pub(crate) fn parse_range(
        text: &str,
        present: &Present,
    ) -> Result<(Option<When>, Option<When>), Failure> {
        let (from, to) = text.split_once("..").unwrap_or((text, ""));
        let side =
            |text: &str| Some(text).filter(|text| !text.is_empty()).map(|text| When::parse(text, present));
        Ok((side(from).transpose()?, side(to).transpose()?))
    }

    /// Returns the position that the moment means in `store`.
    pub(crate) fn resolve(&self, store: &Store) -> Result<Position, Failure> {
        match self {
            When::Position(position) => Ok(store.log().boundary(*position)?),
            When::Time(time) => Ok(store.log().boundary(*time)?),
            When::CommitsBack(count) => commits_back(store, *count),
            When::Tag { name, text } => last_with_tag(store, name, text),
        }
    }
}

fn commits_back(store: &Store, count: u64) -> Result<Position, Failure> {
    let mut position = store.log().last_position()?;
    let mut commits = store.commits(PositionRange::through(position), Order::NewestFirst);
    for done in 0..count {
        let Some(commit) = commits.next().transpose()? else {
            let commits = if done == 1 { "is 1 commit".to_owned() } else { format!("are {done} commits") };
            return Err(Failure::usage(format!("`@-{count}` is before the beginning: there {commits}")));
        };
        position = commit.commit.first.before();
    }
    Ok(position)
}

fn last_with_tag(store: &Store, name: &str, text: &str) -> Result<Position, Failure> {
    for commit in store.commits(PositionRange::ALL, Order::NewestFirst) {
        let commit = commit?.commit;
        if commit.context.tags.get(name).is_some_and(|tag| text_of(tag, store.registry()) == text) {
            return Ok(commit.last);
        }
    }
    Err(Failure::new(Exit::No, format!("no commit has the tag `{name}` with that text")))
}

/// Returns a text as it is, any other value in its JSON form.
fn text_of(value: &Value, registry: &Registry) -> String {
    match value {
        Value::Text(text) => text.clone(),
        other => other.to_json(registry).to_string(),
    }
}

fn time(text: &str, now: &Zoned) -> Option<Timestamp> {
    let instant = text
        .parse::<jiff::Timestamp>()
        .ok()
        .or_else(|| text.parse::<Zoned>().ok().map(|zoned| zoned.timestamp()))
        .map(jiff::Timestamp::as_nanosecond)
        // Of the outermost days of the calendar, which `jiff` leaves out.
        .or_else(|| text.parse().ok().map(|time: Timestamp| i128::from(time.as_micros()) * 1_000))
        .or_else(|| local(text, now))
        .or_else(|| ago(text, now).map(jiff::Timestamp::as_nanosecond))?;
    // Rounded down: whatever was recorded later in the same microsecond is after the moment.
    let micros = i64::try_from(instant.div_euclid(1_000)).ok()?;
    Timestamp::from_micros(micros.clamp(Timestamp::MIN.as_micros(), Timestamp::MAX.as_micros())).ok()
}

/// `2026-11-22 10:00`, `2026-11-22`, `yesterday 18:00`, `today`: in nanoseconds since 1970 UTC.
fn local(text: &str, now: &Zoned) -> Option<i128> {
    let civil = text.parse::<DateTime>().ok().or_else(|| day_and_time(text, now.date()))?;
    if let Ok(zoned) = civil.to_zoned(now.time_zone().clone()) {
        return Some(zoned.timestamp().as_nanosecond());
    }
    // The outermost days of the calendar, which may lie beyond its ends in UTC.
    let nearest = if civil.year() > 0 { jiff::Timestamp::MAX } else { jiff::Timestamp::MIN };
    let offset = now.time_zone().to_offset(nearest).seconds();
    let epoch = Date::constant(1970, 1, 1).to_datetime(Time::midnight());
    Some(civil.duration_since(epoch).as_nanos() - i128::from(offset) * 1_000_000_000)
}

fn day_and_time(text: &str, today: Date) -> Option<DateTime> {
    let (day, time) = text.split_once(' ').unwrap_or((text, "00:00"));
    let date = match day {
        "today" => today,
        "yesterday" => today.yesterday().ok()?,
        _ => return None,
    };
    Some(date.to_datetime(time.trim().parse::<Time>().ok()?))
}

/// `now`, `2h ago`, `3 days ago`.
fn ago(text: &str, now: &Zoned) -> Option<jiff::Timestamp> {
    if text == "now" {
        return Some(now.timestamp());
    }
    if !text.trim_end().ends_with("ago") {
        return None;
    }
    if let Ok(duration) = text.parse::<SignedDuration>() {
        return now.timestamp().checked_add(duration).ok();
    }
    now.checked_add(text.parse::<Span>().ok()?).ok().map(|then| then.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<When> {
        When::parse(text, &Present::fixed("2026-11-22T10:00:00+01:00[Europe/Berlin]")).ok()
    }

    fn instant(text: &str) -> Option<When> {
        Some(When::Time(text.parse().unwrap()))
    }

    #[test]
    fn positions_and_tags() {
        assert_eq!(parse("@412"), Position::new(412).map(When::Position));
        assert_eq!(parse("@-3"), Some(When::CommitsBack(3)));
        let tag = When::Tag { name: "id".into(), text: "a=b".into() };
        assert_eq!(parse("tag:id=a=b"), Some(tag));
    }

    #[test]
    fn times_with_and_without_a_zone() {
        assert_eq!(parse("2026-11-22T10:00:00.5Z"), instant("2026-11-22T10:00:00.5Z"));
        assert_eq!(parse("2026-11-22T10:00:00-05:00"), instant("2026-11-22T15:00:00Z"));
        assert_eq!(parse("2026-11-22T10:00[America/New_York]"), instant("2026-11-22T15:00:00Z"));
        assert_eq!(parse("2026-11-22 10:00"), instant("2026-11-22T09:00:00Z"));
        assert_eq!(parse("2026-07-01"), instant("2026-06-30T22:00:00Z"));
    }

    #[test]
    fn the_outermost_days_of_the_calendar_are_moments() {
        assert_eq!(parse("9999-12-31"), instant("9999-12-30T23:00:00Z"));
        assert_eq!(parse("9999-12-31 23:30"), instant("9999-12-31T22:30:00Z"));
        assert_eq!(parse("9999-12-31T23:59:59Z"), instant("9999-12-31T23:59:59Z"));
        assert_eq!(parse("-009999-01-01"), Some(When::Time(Timestamp::MIN)));
        let west = Present::fixed("2026-11-22T10:00:00-05:00[America/New_York]");
        assert_eq!(When::parse("9999-12-31 23:00", &west).ok(), Some(When::Time(Timestamp::MAX)));
        assert_eq!(parse("10000-01-01"), None);
    }

    #[test]
    fn times_in_relation_to_now() {
        assert_eq!(parse("now"), instant("2026-11-22T09:00:00Z"));
        assert_eq!(parse("2h ago"), instant("2026-11-22T07:00:00Z"));
        assert_eq!(parse("1 day 30 minutes ago"), instant("2026-11-21T08:30:00Z"));
        assert_eq!(parse("yesterday 18:00"), instant("2026-11-21T17:00:00Z"));
        assert_eq!(parse("today"), instant("2026-11-21T23:00:00Z"));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "@", "@x", "@-", "@-x", "@9223372036854775808", "412", "tag:x", "2h", "soon", "yesterday x"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_range_has_two_sides_either_of_which_may_be_missing() {
        let present = Present::fixed("2026-11-22T10:00:00+00:00[UTC]");
        let range = |text| When::parse_range(text, &present).ok();
        let at = |number| Position::new(number).map(When::Position);
        assert_eq!(range("@1..@2"), Some((at(1), at(2))));
        assert_eq!(range("@1.."), Some((at(1), None)));
        assert_eq!(range("..@2"), Some((None, at(2))));
        assert_eq!(range("@1"), Some((at(1), None)));
        assert_eq!(range("@1..x"), None);
    }
}
