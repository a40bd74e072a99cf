use std::fmt;
use std::str::FromStr;

use super::sweep::Selection;
use super::{Context, Erasable, Erasure, Field, Key, Log, Namespace};
use crate::error::Error;

/// What a key keeps of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Keep {
    All,
    Latest,
}

/// Rules that say which keys keep all their values, and which only the latest.
///
/// The first rule that fits a key counts; a key that none fits keeps all. A rule is written as a
/// pattern of namespaces, and a field where it is about that field only: `game/*`, `sensor/**`,
/// `player/* position`. In a pattern `*` stands for any one token, and `**`, as the last, for one or
/// more.
///
/// ```
/// use annals_core::{Key, Retention};
///
/// let rules = Retention::keep_all().all("sensor/roof")?.latest("sensor/**")?.latest("player/* position")?;
/// let keeps_latest_only = |namespace, field| Key::parse(namespace, field).map(|key| rules.keeps_latest_only(&key));
/// assert!(keeps_latest_only("sensor/cellar/1", "celsius")?);
/// assert!(!keeps_latest_only("sensor/roof", "celsius")?, "an earlier rule keeps all");
/// assert!(!keeps_latest_only("player/7", "score")?, "no rule is about it");
/// # Ok::<(), annals_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    rules: Vec<(Keep, Rule)>,
}

impl Retention {
    /// Keeps all values of all keys.
    #[must_use]
    pub fn keep_all() -> Retention {
        Retention::default()
    }

    /// Adds a rule: these keys keep all their values, whatever later rules say.
    ///
    /// # Errors
    /// [`Error::Name`] or [`Error::Invalid`] if it is not written as a rule is.
    pub fn all(self, rule: &str) -> Result<Retention, Error> {
        self.with(Keep::All, rule)
    }

    /// Adds a rule: of these keys only the newest entry keeps its value, and if that is a deletion,
    /// none does.
    ///
    /// # Errors
    /// As [`Retention::all`].
    pub fn latest(self, rule: &str) -> Result<Retention, Error> {
        self.with(Keep::Latest, rule)
    }

    /// Returns whether values of `key` may go that are not the latest any more.
    #[must_use]
    pub fn keeps_latest_only(&self, key: &Key) -> bool {
        let fitting = self.rules.iter().find(|(_, rule)| rule.fits(key));
        fitting.is_some_and(|(keep, _)| *keep == Keep::Latest)
    }

    fn with(mut self, keep: Keep, rule: &str) -> Result<Retention, Error> {
        self.rules.push((keep, rule.parse()?));
        Ok(self)
    }
}

/// Writes the rules in order: `keep the latest of sensor/**, all of the rest`.
impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keep ")?;
        for (keep, rule) in &self.rules {
            let what = if *keep == Keep::All { "all" } else { "the latest" };
            write!(f, "{what} of {rule}, ")?;
        }
        f.write_str(if self.rules.is_empty() { "all" } else { "all of the rest" })
    }
}

/// Which keys a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    /// Tokens of a namespace, `*` and `**`.
    pattern: Vec<String>,
    field: Option<Field>,
}

impl Rule {
    fn fits(&self, key: &Key) -> bool {
        self.field.as_ref().is_none_or(|field| field == key.field()) && self.fits_namespace(key.namespace())
    }

    fn fits_namespace(&self, namespace: &Namespace) -> bool {
        let mut tokens = namespace.tokens();
        for part in &self.pattern {
            match (part.as_str(), tokens.next()) {
                (_, None) => return false,
                ("**", Some(_)) => return true,
                ("*", Some(_)) => {}
                (part, Some(token)) if part != token => return false,
                _ => {}
            }
        }
        tokens.next().is_none()
    }
}

impl FromStr for Rule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Rule, Error> {
        let (pattern, field) =
            text.split_once(' ').map_or((text, None), |(pattern, field)| (pattern, Some(field)));
        let pattern: Vec<String> = pattern.split('/').map(str::to_owned).collect();
        if let Some((_, earlier)) = pattern.split_last()
            && earlier.iter().any(|token| token == "**")
        {
            return Err(Error::Invalid("in a retention rule `**` comes last: sensor/**".into()));
        }
        for token in pattern.iter().filter(|token| !matches!(token.as_str(), "*" | "**")) {
            Namespace::new(token)?;
        }
        Ok(Rule { pattern, field: field.map(Field::new).transpose()? })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern.join("/"))?;
        self.field.as_ref().map_or(Ok(()), |field| write!(f, " {field}"))
    }
}

impl Log {
    /// Erases the values that `retention` does not keep, and gives back the room that they took.
    ///
    /// A key's newest entry is never touched, so that what is the case now reads as before; a read of the
    /// past that comes upon an erased value says so. Everything else is as with [`Log::erase`]: audited,
    /// durable, a few thousand entries at a time, to be repeated if it was interrupted. `progress` is
    /// called with what was done so far.
    ///
    /// # Errors
    /// As [`Log::erase`].
    pub fn compact(
        &self,
        retention: &Retention,
        context: &Context,
        progress: impl FnMut(&Erasure),
    ) -> Result<Erasure, Error> {
        self.sweep(&Selection::superseded(retention, self.last_position()?), context, progress)
    }

    /// Counts what [`Log::compact`] would erase, and erases nothing.
    ///
    /// # Errors
    /// As [`Log::compact`].
    pub fn compactable(&self, retention: &Retention) -> Result<Erasable, Error> {
        self.count(&Selection::superseded(retention, self.last_position()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latest_only(rules: &Retention, namespace: &str, field: &str) -> bool {
        rules.keeps_latest_only(&Key::parse(namespace, field).unwrap())
    }

    #[test]
    fn a_star_is_one_token_and_two_are_one_or_more() {
        let rules =
            Retention::keep_all().latest("a/*").unwrap().latest("b/**").unwrap().latest("*/c/x").unwrap();
        for namespace in ["a/b", "b/a", "b/a/c/d", "a/c/x", "q/c/x"] {
            assert!(latest_only(&rules, namespace, "f"), "{namespace}");
        }
        for namespace in ["a", "a/b/c", "b", "bb/a", "c/x", "q/c/x/y", "q/c"] {
            assert!(!latest_only(&rules, namespace, "f"), "{namespace}");
        }
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let rules =
            Retention::keep_all().all("a/* f").unwrap().latest("a/*").unwrap().latest("** g").unwrap();
        assert!(!latest_only(&rules, "a/b", "f"));
        assert!(latest_only(&rules, "a/b", "e"));
        assert!(latest_only(&rules, "x/y/z", "g"));
        assert!(!latest_only(&rules, "x/y/z", "f"));
        assert_eq!(
            rules.to_string(),
            "keep all of a/* f, the latest of a/*, the latest of ** g, all of the rest"
        );
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for text in ["", "a//b", "**/a", "a/** b c", "a/* 1st", "a/x*", "../a", "a/", " f"] {
            let refused = Retention::keep_all().latest(text).unwrap_err();
            assert_eq!(refused.kind(), crate::ErrorKind::Invalid, "{text:?}");
        }
    }
}
