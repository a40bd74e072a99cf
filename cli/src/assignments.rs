//! Fields and values on a command line: `score:=10`, `name=Ann`, `price:decimal=1.10`, `photo:bytes@=a.jpg`.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use annals::codec::{Registry, Value};
use annals::{Field, VALUE_BYTES_MAX};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::failure::Failure;
use crate::json;

/// The forms, for help texts.
pub(crate) const FORMS: &str = "K=TEXT, K:=JSON, K@=FILE (the file's text), or with a type K:TYPE=TEXT and \
    K:TYPE@=FILE, where TYPE is text, json, bool, integer, float, decimal, uuid, timestamp, datetime, date, time, \
    duration or bytes (base64 on the command line, as they are in a file)";

/// A field and the value that it is given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assignment {
    pub(crate) field: Field,
    pub(crate) value: Value,
}

impl Assignment {
    /// Reads an assignment; a plain `K=TEXT` is text.
    pub(crate) fn parse(text: &str, registry: &Registry) -> Result<Assignment, Failure> {
        Written::split(text)?.assignment(|source| source.read().map(Value::Text), registry)
    }

    /// Reads a condition; a plain `K=TEXT` is JSON if it can be read as such, else text.
    pub(crate) fn parse_condition(text: &str, registry: &Registry) -> Result<Assignment, Failure> {
        let plain = |source: &Source<'_>| {
            let text = source.read()?;
            Ok(json::parse_value(&text, registry).unwrap_or(Value::Text(text)))
        };
        Written::split(text)?.assignment(plain, registry)
    }
}

/// An assignment taken apart, not yet understood.
struct Written<'a> {
    field: Field,
    /// The name of the type, `None` if there is no colon.
    kind: Option<&'a str>,
    source: Source<'a>,
}

enum Source<'a> {
    Argument(&'a str),
    File(&'a Path),
}

impl<'a> Written<'a> {
    fn split(text: &'a str) -> Result<Written<'a>, Failure> {
        let Some((left, right)) = text.split_once('=') else {
            return Err(Failure::usage("an assignment has no `=`").help(format!("write {FORMS}")));
        };
        let (left, source) = match left.strip_suffix('@') {
            Some(left) => (left, Source::File(Path::new(right))),
            None => (left, Source::Argument(right)),
        };
        let (field, kind) = match left.split_once(':') {
            Some((field, "")) => (field, Some("json")),
            Some((field, kind)) => (field, Some(kind)),
            None => (left, None),
        };
        Ok(Written { field: Field::new(field)?, kind, source })
    }

    fn assignment(
        self,
        plain: impl FnOnce(&Source<'_>) -> Result<Value, Failure>,
        registry: &Registry,
    ) -> Result<Assignment, Failure> {
        let Written { field, kind, source } = self;
        let value = match kind {
            None => plain(&source),
            Some(kind) => source.read_as(kind, registry),
        };
        let value = value.map_err(|failure| failure.within(&format!("field `{field}`")))?;
        Ok(Assignment { field, value })
    }
}

impl Source<'_> {
    fn read(&self) -> Result<String, Failure> {
        match self {
            Source::Argument(text) => Ok((*text).to_owned()),
            Source::File(file) => String::from_utf8(read_file(file)?).map_err(|error| {
                Failure::usage(format!("`{}` is not UTF-8 text", file.display()))
                    .because(&error.utf8_error())
                    .help("store it as bytes: K:bytes@=FILE")
            }),
        }
    }

    fn read_as(&self, kind: &str, registry: &Registry) -> Result<Value, Failure> {
        match (kind, self) {
            ("bytes", Source::File(file)) => read_file(file).map(Value::Bytes),
            ("json", _) => json::parse_value(&self.read()?, registry),
            _ => typed(kind, &self.read()?),
        }
    }
}

fn read_file(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|file| file.take(VALUE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::unreadable(file, &error))?;
    if bytes.len() as u64 > VALUE_BYTES_MAX {
        return Err(Failure::usage(format!("`{}` is longer than {VALUE_BYTES_MAX} bytes", file.display())));
    }
    Ok(bytes)
}

fn typed(kind: &str, text: &str) -> Result<Value, Failure> {
    let value = match kind {
        "text" => Some(Value::Text(text.to_owned())),
        "bool" => text.parse().ok().map(Value::Bool),
        "integer" => text.parse().ok().map(Value::Integer),
        "float" => text.parse().ok().map(Value::Float),
        "decimal" => text.parse().ok().map(Value::Decimal),
        "uuid" => text.parse().ok().map(Value::Uuid),
        "timestamp" => text.parse().ok().map(Value::Timestamp),
        "datetime" => text.parse().ok().map(Value::DateTime),
        "date" => text.parse().ok().map(Value::Date),
        "time" => text.parse().ok().map(Value::Time),
        "duration" => text.parse().ok().map(Value::Duration),
        "bytes" => BASE64.decode(text).ok().map(Value::Bytes),
        _ => return Err(Failure::usage(format!("`{kind}` is no type")).help(format!("write {FORMS}"))),
    };
    value.ok_or_else(|| Failure::usage(format!("the text is no {kind}")).help(example(kind)))
}

/// What a value of a type looks like.
fn example(kind: &str) -> String {
    let example = match kind {
        "bool" => "true",
        "integer" => "-12",
        "float" => "1.5e-3",
        "decimal" => "1.10",
        "uuid" => "01939f3e-6d2c-7000-8000-3f1c2a4b5d6e",
        "timestamp" => "2026-04-08T07:53:44+02:00",
        "datetime" => "2026-04-08T07:53:44",
        "date" => "2026-04-08",
        "time" => "07:53:44",
        "duration" => "PT1H30M",
        _ => "aGVsbG8= (base64)",
    };
    format!("write it as in {example}")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use annals::codec::Kind;

    use super::*;

    const KINDS: [Kind; 12] = [
        Kind::Text,
        Kind::Bool,
        Kind::Integer,
        Kind::Float,
        Kind::Decimal,
        Kind::Uuid,
        Kind::Timestamp,
        Kind::DateTime,
        Kind::Date,
        Kind::Time,
        Kind::Duration,
        Kind::Bytes,
    ];

    fn parse(text: &str) -> Result<Value, Failure> {
        Assignment::parse(text, &Registry::default()).map(|assignment| assignment.value)
    }

    fn condition(text: &str) -> Value {
        Assignment::parse_condition(text, &Registry::default()).unwrap().value
    }

    #[test]
    fn a_plain_assignment_is_text_and_a_plain_condition_is_json_where_it_can_be() {
        assert_eq!(parse("a=10").unwrap(), Value::from("10"));
        assert_eq!(parse("a=x=y").unwrap(), Value::from("x=y"));
        assert_eq!(condition("a=10"), Value::from(10));
        assert_eq!(condition("a=1.0"), Value::from(1.0));
        assert_eq!(condition("a=true"), Value::from(true));
        assert_eq!(condition("a=high"), Value::from("high"));
        assert_eq!(condition("a:text=10"), Value::from("10"));
    }

    #[test]
    fn json_is_strict_and_lossless() {
        assert_eq!(parse("a:=10").unwrap(), Value::from(10));
        assert_eq!(parse(r#"a:={"$decimal":"1.10"}"#).unwrap(), Value::Decimal("1.10".parse().unwrap()));
        assert!(parse("a:=high").is_err());
        assert!(Assignment::parse_condition("a:=high", &Registry::default()).is_err());
    }

    #[test]
    fn every_type_reads_its_example() {
        for kind in KINDS {
            let name = kind.name();
            let example = example(name);
            let text = example.trim_start_matches("write it as in ").trim_end_matches(" (base64)");
            assert_eq!(parse(&format!("a:{name}={text}")).unwrap().kind(), kind);
        }
        assert_eq!(parse("a:bytes=aGVsbG8=").unwrap(), Value::Bytes(b"hello".to_vec()));
        assert_eq!(parse("a:float=nan").unwrap(), Value::from(f64::NAN));
    }

    #[test]
    fn files_are_text_or_as_bytes_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fs::write(&file, b"10\n").unwrap();
        let name = file.display();
        assert_eq!(parse(&format!("a@={name}")).unwrap(), Value::from("10\n"));
        assert_eq!(parse(&format!("a:@={name}")).unwrap(), Value::from(10));
        fs::write(&file, b"\xff").unwrap();
        assert_eq!(parse(&format!("a:bytes@={name}")).unwrap(), Value::Bytes(vec![255]));
        assert!(parse(&format!("a@={name}")).is_err());
        assert!(parse(&format!("a@={name}.gone")).is_err());
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name_without_the_value() {
        for text in ["secret", "a-b=secret", "a:odd=secret", "a:integer=secret", "a:=secret", "=secret"] {
            let mut report = Vec::new();
            parse(text).unwrap_err().report(&mut report).unwrap();
            assert!(!String::from_utf8(report).unwrap().contains("secret"), "{text}");
        }
    }
}
