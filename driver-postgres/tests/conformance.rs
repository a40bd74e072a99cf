//! The PostgreSQL driver keeps every promise of the contract, however its commits come into the
//! database, also boxed, behind a decorator, and beside other logs.

mod common;

use annals_conformance::{Faulty, ScanDriver};
use annals_core::Driver;
use annals_driver_postgres::{AppendBy, PostgresOptions};
use common::Scratch;

/// Returns what opens a log at a place of its own; where there is no server, and that is said, a log
/// that only shows that the rule can be run.
fn place(with: fn(PostgresOptions) -> PostgresOptions) -> impl FnMut() -> Box<dyn Driver> {
    let scratch = Scratch::new();
    let stand_in = std::sync::Arc::new(ScanDriver::new());
    move || match &scratch {
        Some(scratch) => Box::new(with(scratch.options()).open().expect("the log opens")),
        None => Box::new(std::sync::Arc::clone(&stand_in)),
    }
}

annals_conformance::suite!(|| place(|options| options));

annals_conformance::suite!(by_statements, || place(|options| options.append_by(AppendBy::Statements)));

annals_conformance::suite!(decorated, || {
    let mut open = place(|options| options);
    move || Faulty::new(open())
});
