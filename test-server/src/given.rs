use std::collections::BTreeSet;
use std::env;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

/// The variable that says to tests where a server is.
pub const SERVER: &str = "ANNALS_TEST_POSTGRES";

/// The variable that says to tests where a pooler before that server is.
pub const POOLER: &str = "ANNALS_TEST_PGBOUNCER";

/// The variable by which tests are to do without a server.
pub const NO_SERVER: &str = "ANNALS_NO_POSTGRES";

/// Returns where the server is that tests are given, `None` where they are to do without one.
///
/// # Panics
/// If nobody has said either: a test that needs a server does not pass without one.
#[must_use]
pub fn given_url() -> Option<String> {
    if let Ok(url) = env::var(SERVER) {
        return Some(url);
    }
    assert!(
        env::var_os(NO_SERVER).is_some(),
        "this test needs a PostgreSQL server: run `cargo xtask postgres -- cargo test`, or set \
         {SERVER} to the URL of one, or {NO_SERVER}=1 to do without"
    );
    skipped("there is no PostgreSQL server");
    None
}

/// Returns where that server is by way of a pooler, `None` where there is none.
///
/// # Panics
/// As [`given_url`].
#[must_use]
pub fn given_pooler_url() -> Option<String> {
    given_url()?;
    let url = env::var(POOLER).ok();
    if url.is_none() {
        skipped(&format!("{POOLER} names no pooler"));
    }
    url
}

/// Says on the terminal that a test was not done.
pub fn skipped(why: &str) {
    say("SKIPPED", why);
}

/// Says on the terminal how much a test has shown.
pub fn counted(what: &str) {
    say("COUNTED", what);
}

/// Says a line once, past the capture that hides what passing tests say.
fn say(word: &str, what: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    let line = format!("{word} {test}: {what}\n");
    // A test may ask for several places.
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(line.clone()) {
        std::io::stderr().write_all(line.as_bytes()).expect("the terminal takes a line");
    }
}
