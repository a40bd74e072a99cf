//! The two ways to write where a server is, as libpq knows them: a URL, and pairs of key and value.

use std::collections::BTreeMap;

use annals_core::Error;

/// Parameters by name, in libpq's words. They may hold a password, so there is no `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Returns what is written in `text`: `postgres://user@host/db?key=value` or `host=… dbname=…`.
    pub(crate) fn parse(text: &str) -> Result<Parameters, Error> {
        match ["postgres://", "postgresql://"].iter().find_map(|scheme| text.strip_prefix(scheme)) {
            Some(rest) => from_url(rest),
            None => {
                let rest = ["postgres:", "postgresql:"].iter().find_map(|scheme| text.strip_prefix(scheme));
                match rest {
                    Some(query) if query.starts_with('?') => from_url(query),
                    pairs => from_pairs(pairs.unwrap_or(text)),
                }
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Takes a parameter out.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Sets a parameter unless it is there, or the value is empty.
    pub(crate) fn set_if_missing(&mut self, name: &str, value: impl FnOnce() -> Option<String>) {
        if !self.0.contains_key(name)
            && let Some(value) = value().filter(|value| !value.is_empty())
        {
            self.set(name, value);
        }
    }
}

/// An empty value is as good as none, as libpq has it.
fn set_given(parameters: &mut Parameters, name: &str, value: String) {
    if !value.is_empty() {
        parameters.set(name, value);
    }
}

fn from_url(rest: &str) -> Result<Parameters, Error> {
    let mut parameters = Parameters::default();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    set_given(&mut parameters, "user", decoded(user)?);
    set_given(&mut parameters, "password", decoded(password)?);
    set_given(&mut parameters, "dbname", decoded(database)?);
    let (hosts, ports) = hosts_and_ports(hosts)?;
    set_given(&mut parameters, "host", hosts);
    set_given(&mut parameters, "port", ports);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            // Not quoted: it could be a password that was not escaped.
            return Err(invalid("a parameter after `?` has no `=`"));
        };
        set_given(&mut parameters, &decoded(name)?, decoded(value)?);
    }
    Ok(parameters)
}

/// Returns the hosts and the ports of `host1:port1,host2:port2`, a list each; no ports where none is given.
fn hosts_and_ports(text: &str) -> Result<(String, String), Error> {
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    for part in text.split(',') {
        let (host, port) = match part.strip_prefix('[').map(|rest| rest.split_once(']')) {
            Some(Some((host, rest))) => (host, rest.strip_prefix(':').unwrap_or(rest)),
            Some(None) => return Err(invalid("an address that begins with `[` does not end with `]`")),
            None => part.rsplit_once(':').unwrap_or((part, "")),
        };
        hosts.push(decoded(host)?);
        ports.push(port);
    }
    let ports = if ports.iter().all(|port| port.is_empty()) { String::new() } else { ports.join(",") };
    Ok((hosts.join(","), ports))
}

fn decoded(text: &str) -> Result<String, Error> {
    let wrong =
        || invalid("a `%` in the URL is not followed by two hexadecimal digits of UTF-8; write it as `%25`");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
                let (high, low) = (digit().ok_or_else(wrong)?, digit().ok_or_else(wrong)?);
                u8::try_from(16 * high + low).map_err(|_| wrong())?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

/// Returns `text` so that [`decoded`] gives it back, wherever in a URL it stands.
pub(crate) fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    text.bytes().fold(String::new(), |mut out, byte| {
        match is_plain(byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

fn from_pairs(text: &str) -> Result<Parameters, Error> {
    let mut parameters = Parameters::default();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let Some((name, after)) = rest.split_once('=') else {
            return Err(invalid("write the server as `postgres://user@host/db` or as `host=… dbname=…`"));
        };
        let (value, after) = value(after.trim_start())?;
        set_given(&mut parameters, name.trim_end(), value);
        rest = after.trim_start();
    }
    Ok(parameters)
}

/// Returns the value that `text` begins with, and what follows it. Quotes hold blanks together; a
/// backslash takes the next character as it is.
fn value(text: &str) -> Result<(String, &str), Error> {
    let (quoted, text) = text.strip_prefix('\'').map_or((false, text), |rest| (true, rest));
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            blank if !quoted && blank.is_whitespace() => {
                return Ok((value, text.get(at..).unwrap_or_default()));
            }
            character => value.push(character),
        }
    }
    if quoted {
        Err(invalid("a value that begins with a quote does not end with one"))
    } else {
        Ok((value, ""))
    }
}

fn invalid(message: &str) -> Error {
    Error::Invalid(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parsed(text: &str) -> Vec<(String, String)> {
        Parameters::parse(text).unwrap().0.into_iter().collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn urls_are_read_as_libpq_reads_them() {
        assert_eq!(parsed("postgres://"), []);
        assert_eq!(parsed("postgresql:///db"), pairs(&[("dbname", "db")]));
        assert_eq!(parsed("postgres:?annals.log=chess"), pairs(&[("annals.log", "chess")]));
        assert_eq!(
            parsed("postgres://us%40er:p%3a%2F@h:1/d%20b?sslmode=require&annals.log=a/b"),
            pairs(&[
                ("annals.log", "a/b"),
                ("dbname", "d b"),
                ("host", "h"),
                ("password", "p:/"),
                ("port", "1"),
                ("sslmode", "require"),
                ("user", "us@er"),
            ])
        );
        assert_eq!(
            parsed("postgres://[::1]:5,h,%2Frun%2Fpg:7/"),
            pairs(&[("host", "::1,h,/run/pg"), ("port", "5,,7")])
        );
        assert_eq!(parsed("postgres://h?host=/run&port="), pairs(&[("host", "/run")]));
    }

    #[test]
    fn pairs_are_read_as_libpq_reads_them() {
        assert_eq!(
            parsed(r"postgres:host = '/a b'  user=it\'s dbname='q\'\\' port=''"),
            pairs(&[("dbname", r"q'\"), ("host", "/a b"), ("user", "it's")])
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused_without_quoting_it() {
        for text in [
            "postgres://h/%zz",
            "postgres://h/%2",
            "postgres://h?secret",
            "postgres://[::1",
            "secret",
            "a='secret",
        ] {
            let error = Parameters::parse(text).map(|_| ()).unwrap_err().to_string();
            assert!(!error.contains("secret") && !error.contains("zz"), "{error}");
        }
    }

    #[test]
    fn what_was_encoded_is_decoded_again() {
        for text in ["", "plain/a.b_c-d", "it's & more?=%@:", "größe\0"] {
            assert_eq!(decoded(&encoded(text)).unwrap(), text);
        }
    }
}
