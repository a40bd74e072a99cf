//! A commit as one line of JSON: what `annals apply` reads.

use annals::codec::{Registry, Timestamp};
use annals::{Batch, Context, Key, Write};
use serde_json::Number;
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::json::{self, Members};

/// A line, read and checked as far as that is possible without the store.
#[derive(Debug)]
pub(crate) struct ChangeLine {
    context: Context,
    writes: Vec<Write>,
}

impl ChangeLine {
    /// Reads `{"time": …, "actor": …, "message": …, "set": {…}, "delete": {…}}`; other members
    /// become tags.
    pub(crate) fn parse(text: &str, registry: &Registry) -> Result<ChangeLine, Failure> {
        let Members(members) = object("the line", text)?;
        let mut line = ChangeLine { context: Context::new(), writes: Vec::new() };
        for (name, member) in &members {
            line.member(name, member.get(), registry)?;
        }
        Ok(line)
    }

    /// Returns whether there is nothing to append.
    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Returns the commit-to-be.
    pub(crate) fn into_batch(self) -> Batch {
        let mut batch = Batch::new(self.context);
        batch.writes = self.writes;
        batch
    }

    fn member(&mut self, name: &str, member: &str, registry: &Registry) -> Result<(), Failure> {
        match name {
            "time" => self.context.occurred_at = time(member)?,
            "actor" => self.context.actor = text(name, member)?,
            "message" => self.context.reason = text(name, member)?,
            "set" => self.sets(member, registry)?,
            "delete" => self.deletes(member)?,
            tag => {
                let value = json::parse_value(member, registry).map_err(|failure| failure.within("a tag"))?;
                self.context.tags.insert(tag.to_owned(), value);
            }
        }
        Ok(())
    }

    fn sets(&mut self, member: &str, registry: &Registry) -> Result<(), Failure> {
        for (namespace, fields) in &object("`set`", member)?.0 {
            for (field, value) in &object("a record in `set`", fields.get())?.0 {
                let key = Key::parse(namespace, field)?;
                let bytes = json::parse_value(value.get(), registry)
                    .and_then(|value| value.to_bytes().map_err(|error| unfit(&error)))
                    .map_err(|failure| failure.within(&key.to_string()))?;
                self.writes.push(Write::set(key, bytes));
            }
        }
        Ok(())
    }

    fn deletes(&mut self, member: &str) -> Result<(), Failure> {
        for (namespace, fields) in &object("`delete`", member)?.0 {
            for field in names("a record in `delete`", fields)? {
                self.writes.push(Write::delete(Key::parse(namespace, &field)?));
            }
        }
        Ok(())
    }
}

fn object(what: &str, text: &str) -> Result<Members, Failure> {
    // What is no JSON at all shall not be told that it is no object.
    if !json::is_object(text) && serde_json::from_str::<&RawValue>(text).is_ok() {
        return Err(wrong(what, "an object"));
    }
    json::parse_members(text)
}

fn names(what: &str, json: &RawValue) -> Result<Vec<String>, Failure> {
    serde_json::from_str(json.get()).map_err(|_| wrong(what, "a list of fields"))
}

fn text(name: &str, json: &str) -> Result<Option<String>, Failure> {
    serde_json::from_str(json).map_err(|_| wrong(&format!("`{name}`"), "a text"))
}

/// Reads seconds since 1970, whole or not.
fn time(json: &str) -> Result<Option<Timestamp>, Failure> {
    let wrong = || wrong("`time`", "a number of seconds since 1970, in the years -9999 to 9999");
    let seconds: Option<Number> = serde_json::from_str(json).map_err(|_| wrong())?;
    let Some(seconds) = seconds else { return Ok(None) };
    let micros = match seconds.as_i64() {
        Some(seconds) => seconds.checked_mul(1_000_000),
        None => seconds.as_f64().and_then(micros),
    };
    let time = micros.and_then(|micros| Timestamp::from_micros(micros).ok());
    time.map(Some).ok_or_else(wrong)
}

fn micros(seconds: f64) -> Option<i64> {
    let micros = (seconds * 1e6).round();
    // Well beyond the years that a timestamp can have, well within what i64 holds.
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    (micros.abs() < 1e18).then_some(micros as i64)
}

fn wrong(what: &str, wanted: &str) -> Failure {
    Failure::usage(format!("{what} is not {wanted}"))
}

fn unfit(error: &annals::codec::Error) -> Failure {
    Failure::usage("the value cannot be stored").because(error)
}

#[cfg(test)]
mod tests {
    use annals::Action;
    use annals::codec::Value;

    use super::*;

    fn parse(text: &str) -> Result<ChangeLine, Failure> {
        ChangeLine::parse(text, &Registry::default())
    }

    #[test]
    fn a_line_is_a_commit() {
        let line = parse(
            r#"{"time": 1700000000.25, "actor": "ann", "message": "why", "id": "x1", "n": {"$int": "3"},
                "set": {"a/b": {"y": 1, "x": [null]}}, "delete": {"a": ["z"]}}"#,
        )
        .unwrap();
        let batch = line.into_batch();
        let context = &batch.context;
        assert_eq!(context.occurred_at.unwrap().to_string(), "2023-11-14T22:13:20.250000Z");
        assert_eq!((context.actor.as_deref(), context.reason.as_deref()), (Some("ann"), Some("why")));
        assert_eq!(context.tags.get("id"), Some(&Value::from("x1")));
        assert_eq!(context.tags.get("n"), Some(&Value::from(3)));
        let writes: Vec<_> =
            batch.writes.iter().map(|write| (write.key.to_string(), write.action.clone())).collect();
        let set = |value: Value| Action::Set(value.to_bytes().unwrap().into());
        assert_eq!(
            writes,
            [
                ("a z".to_owned(), Action::Deleted),
                ("a/b x".to_owned(), set(Value::List(vec![Value::Null]))),
                ("a/b y".to_owned(), set(Value::from(1))),
            ]
        );
    }

    #[test]
    fn a_line_without_changes_is_empty() {
        assert!(
            parse(r#"{"time": null, "actor": null, "set": {"a": {}}, "delete": {}}"#).unwrap().is_empty()
        );
    }

    #[test]
    fn times_are_seconds_of_either_kind() {
        let time = |text: &str| time(text).ok().flatten();
        assert_eq!(time("-1"), Timestamp::from_micros(-1_000_000).ok());
        assert_eq!(time("0.0000014"), Timestamp::from_micros(1).ok());
        for text in
            ["1e300", "-1e300", "9223372036854775807", "18446744073709551615", "\"now\"", "400000000000"]
        {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_without_the_value() {
        for text in [
            "secret",
            "[\"secret\"]",
            r#"{"actor": ["secret"]}"#,
            r#"{"set": "secret"}"#,
            r#"{"set": {"a": "secret"}}"#,
            r#"{"set": {"a": {"b": {"$decimal": "secret"}}}}"#,
            r#"{"set": {"a": {"b": "secret"}, "a": {}}}"#,
            r#"{"delete": {"a": "secret"}}"#,
            r#"{"delete": {"a": [{"secret": 1}]}}"#,
        ] {
            let mut report = Vec::new();
            parse(text).unwrap_err().report(&mut report).unwrap();
            assert!(!String::from_utf8(report).unwrap().contains("secret"), "{text}");
        }
    }

    #[test]
    fn names_are_checked() {
        assert!(parse(r#"{"set": {"a//b": {"c": 1}}}"#).is_err());
        assert!(parse(r#"{"delete": {"a": ["b-c"]}}"#).is_err());
    }
}
