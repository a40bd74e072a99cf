use std::collections::BTreeSet;

/// Tokens of namespaces that mean something elsewhere.
const TOKENS: [&str; 26] = [
    "a",
    "A",
    "x",
    "0",
    "1e5",
    "-1",
    "-",
    "--",
    "_",
    "...",
    ".a",
    "null",
    "NULL",
    "select",
    "SELECT",
    "user",
    "drop-table",
    "annals",
    "annals_log",
    "__annals",
    "pg_catalog",
    "public",
    "sqlite_master",
    "con",
    "true",
    "main",
];

/// Identifiers, most of which look like another one, or become one when they are folded.
const IDENTIFIERS: [&str; 26] = [
    "a",
    "A",
    "\u{430}",
    "\u{ff41}",
    "s",
    "\u{17f}",
    "K",
    "\u{212a}",
    "\u{df}",
    "\u{1e9e}",
    "ss",
    "fi",
    "\u{fb01}",
    "\u{e9}",
    "e\u{301}",
    "\u{130}",
    "i",
    "\u{131}",
    "\u{540d}\u{524d}",
    "\u{1d431}",
    "order",
    "ORDER",
    "rowid",
    "log",
    "_",
    "\u{64a}\u{648}",
];

/// Texts that end, begin or change what stands around them, where somebody pastes them into it.
const HOSTILE: [&str; 38] = [
    "'",
    "\"",
    "''",
    "\\",
    "\\'",
    "`",
    "\0",
    "..",
    "../..",
    "/",
    "//",
    ";",
    "; DROP TABLE annals_log",
    "--",
    "/*",
    "*/",
    "$1",
    "$$",
    "$a$",
    "?",
    "?1",
    ":a",
    "@a",
    "%",
    "%s",
    "%00",
    "{",
    "{}",
    "}",
    "[0]",
    "&annals.mode=rwc",
    "#",
    " ",
    "\n",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{feff}",
    "\u{1f980}",
];

/// Lengths at which something is cut somewhere: identifiers of servers, names of files, keys.
const LENGTHS: [usize; 10] = [62, 63, 64, 127, 255, 256, 898, 899, 900, 1200];

/// Returns so many different texts, the same ones each time, that could be taken for something else
/// than a name, or for one another: quotes, SQL, paths, parameters of statements and URLs, controls, twins
/// by letter case and by Unicode, long ones that differ in their last byte.
///
/// About a third are namespaces, a third fields, and the others neither.
///
/// ```
/// use annals_core::{Field, Namespace};
/// let names = annals_conformance::hostile_names(900);
/// assert_eq!(names.len(), 900);
/// assert!(names.iter().filter(|name| Namespace::new(name).is_ok()).count() > 200);
/// assert!(names.iter().filter(|name| Field::new(name).is_ok()).count() > 200);
/// assert!(names.iter().any(|name| name.contains('\0')));
/// ```
#[must_use]
pub fn hostile_names(count: usize) -> Vec<String> {
    let mut dice = Dice(17);
    let (mut names, mut known) = (Vec::with_capacity(count), BTreeSet::new());
    while names.len() < count {
        let name = match names.len() % 3 {
            0 => dice.name(&TOKENS, "/"),
            1 => dice.name(&IDENTIFIERS, "_"),
            _ => dice.name(&HOSTILE, "a"),
        };
        if known.insert(name.clone()) {
            names.push(name);
        }
    }
    names
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn name(&mut self, parts: &[&str], between: &str) -> String {
        let count = 1 + self.below(4);
        let name = (0..count).map(|_| parts[self.below(parts.len())]).collect::<Vec<_>>().join(between);
        match self.below(6) {
            0 => name.to_uppercase(),
            1 => name.to_lowercase(),
            // Few differ in more than the end.
            2 => format!("{}{}", "x".repeat(LENGTHS[self.below(LENGTHS.len())] - 1), self.below(10)),
            3 => format!("x{}{name}", "y".repeat(LENGTHS[self.below(4)])),
            _ => name,
        }
    }
}
