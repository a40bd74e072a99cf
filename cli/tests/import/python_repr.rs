//! Reads what Python's `repr` writes, as far as the fixtures use it.

use annals::codec::{Complex, Date, DateTime, Decimal, OffsetTimestamp, Time, Value};

/// Returns the value of a Python type whose `repr` is given; sets are shown as sorted lists.
pub(crate) fn value(type_name: &str, repr: &str) -> Value {
    let mut reader = Reader { rest: repr };
    let value = reader.value();
    assert_eq!(reader.rest, "", "all of {repr} is read");
    match (type_name, value) {
        ("set" | "frozenset", Value::List(items)) => Value::Set(items.into_iter().collect()),
        (_, value) => value,
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn take(&mut self, start: &str) -> bool {
        let rest = self.rest.strip_prefix(start);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, start: &str) {
        assert!(self.take(start), "`{start}` at {}", self.rest);
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = self.rest.split_at(self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn value(&mut self) -> Value {
        match self.rest.as_bytes() {
            [b'\'' | b'"', ..] => Value::Text(String::from_utf8(self.quoted(true)).unwrap()),
            [b'b', b'\'' | b'"', ..] => {
                self.expect("b");
                Value::Bytes(self.quoted(false))
            }
            [b'[', ..] => Value::List(self.items("[", "]")),
            [b'{', ..] => self.map(),
            [b'(', ..] => self.tuple_or_complex(),
            [b'-' | b'0'..=b'9', ..] => number(self.number()),
            _ => self.named(),
        }
    }

    fn number(&mut self) -> &'a str {
        self.take_while(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | '-' | '+'))
    }

    fn quoted(&mut self, is_text: bool) -> Vec<u8> {
        let quote = self.rest.chars().next().unwrap();
        self.expect(&quote.to_string());
        let mut bytes = Vec::new();
        loop {
            let next = self.rest.chars().next().expect("a closing quote");
            self.rest = &self.rest[next.len_utf8()..];
            match next {
                '\\' => {
                    let escaped = self.escape();
                    let character = char::from(escaped);
                    if is_text { bytes.extend(character.to_string().bytes()) } else { bytes.push(escaped) }
                }
                _ if next == quote => return bytes,
                _ => bytes.extend(next.to_string().bytes()),
            }
        }
    }

    fn escape(&mut self) -> u8 {
        let (letter, rest) = self.rest.split_at(1);
        self.rest = rest;
        match letter {
            "n" => b'\n',
            "r" => b'\r',
            "t" => b'\t',
            "x" => {
                let (digits, rest) = self.rest.split_at(2);
                self.rest = rest;
                u8::from_str_radix(digits, 16).unwrap()
            }
            "\\" | "'" | "\"" => letter.as_bytes()[0],
            _ => panic!("an escape of letter {letter}"),
        }
    }

    fn items(&mut self, open: &str, close: &str) -> Vec<Value> {
        self.expect(open);
        let mut items = Vec::new();
        while !self.take(close) {
            items.push(self.value());
            let _ = self.take(", ") || self.take(",");
        }
        items
    }

    fn map(&mut self) -> Value {
        self.expect("{");
        let mut entries = annals::codec::Map::new();
        while !self.take("}") {
            let key = self.value();
            self.expect(": ");
            entries.insert(key, self.value());
            self.take(", ");
        }
        Value::Map(entries)
    }

    /// `(1, 'x')` or `(0.5-2j)`.
    fn tuple_or_complex(&mut self) -> Value {
        let inside = self.rest.trim_start_matches('(').split(')').next().unwrap();
        let Some(complex) = inside.strip_suffix('j') else { return Value::Tuple(self.items("(", ")")) };
        self.rest = &self.rest[inside.len() + 2..];
        let sign = complex.rfind(['+', '-']).unwrap();
        let (re, im) = complex.split_at(sign);
        Value::Complex(Complex { re: re.parse().unwrap(), im: im.parse().unwrap() })
    }

    /// `None`, `True`, `Decimal('1.10')`, `datetime.date(2016, 5, 4)`, …
    fn named(&mut self) -> Value {
        let name = self.take_while(|c| c.is_ascii_alphabetic() || c == '.');
        match name {
            "None" => return Value::Null,
            "True" => return true.into(),
            "False" => return false.into(),
            "inf" | "nan" => return name.parse::<f64>().unwrap().into(),
            _ => {}
        }
        let (arguments, is_utc) = self.arguments();
        let number = |index: usize| -> u32 {
            let number = arguments.get(index).map_or(Ok(0), |value| value.as_integer().unwrap().try_into());
            number.unwrap()
        };
        let date = || Date::new(number(0).try_into().unwrap(), number(1), number(2)).unwrap();
        let time = |from: usize| {
            Time::new(number(from), number(from + 1), number(from + 2), number(from + 3)).unwrap()
        };
        let text = || arguments[0].as_text().unwrap();
        match name {
            "bytearray" => arguments[0].clone(),
            "Decimal" => text().parse::<Decimal>().unwrap().into(),
            "UUID" => text().parse::<annals::codec::Uuid>().unwrap().into(),
            "datetime.date" => date().into(),
            "datetime.time" => time(0).into(),
            "datetime.datetime" if is_utc => {
                format!("{}Z", DateTime::new(date(), time(3))).parse::<OffsetTimestamp>().unwrap().into()
            }
            "datetime.datetime" => DateTime::new(date(), time(3)).into(),
            _ => panic!("a value of type {name}"),
        }
    }

    fn arguments(&mut self) -> (Vec<Value>, bool) {
        self.expect("(");
        let (mut arguments, mut is_utc) = (Vec::new(), false);
        while !self.take(")") {
            if self.take("tzinfo=datetime.timezone.utc") {
                is_utc = true;
            } else {
                arguments.push(self.value());
            }
            self.take(", ");
        }
        (arguments, is_utc)
    }
}

fn number(text: &str) -> Value {
    match text.parse::<i128>() {
        Ok(integer) => integer.into(),
        Err(_) => text.parse::<f64>().unwrap().into(),
    }
}

#[test]
fn what_python_writes_is_read() {
    for (type_name, repr, expected) in [
        ("int", "-7", Value::from(-7)),
        ("float", "1e-05", Value::from(1e-5)),
        ("bool", "True", Value::from(true)),
        ("str", r"'a\'\n\x7f'", Value::from("a'\n\x7f")),
        ("bytes", r"b'\x00\\x'", Value::Bytes(b"\0\\x".to_vec())),
        ("tuple", "(7, 'x', None)", Value::Tuple(vec![7.into(), "x".into(), Value::Null])),
        ("tuple", "(7,)", Value::Tuple(vec![7.into()])),
        ("complex", "(0.5-2j)", Complex { re: 0.5, im: -2.0 }.into()),
        ("dict", "{'a': [1]}", Value::map([("a", vec![Value::from(1)].into())])),
    ] {
        assert_eq!(value(type_name, repr), expected, "{repr}");
    }
}
