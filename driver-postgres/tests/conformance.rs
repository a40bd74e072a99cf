//! The PostgreSQL driver keeps every promise of the contract, however its commits come into the
//! database, also boxed, behind a decorator, by way of a pooler, and between logs that others write.

mod common;
mod neighbours;

use annals_conformance::{Faulty, ScanDriver};
use annals_core::Driver;
use annals_driver_postgres::{AppendBy, PostgresDriver, PostgresOptions};
use annals_test_server::given_pooler_url;
use common::Scratch;
use neighbours::Neighbours;

/// Returns what opens a log at a place of its own; where there is no server, and that is said, a log
/// that only shows that the rule can be run.
fn place(open: impl Fn(&Scratch) -> Option<PostgresDriver>) -> impl FnMut() -> Box<dyn Driver> {
    let scratch = Scratch::new();
    let stand_in = std::sync::Arc::new(ScanDriver::new());
    move || match scratch.as_ref().and_then(&open) {
        Some(driver) => Box::new(driver),
        None => Box::new(std::sync::Arc::clone(&stand_in)),
    }
}

fn direct(with: fn(PostgresOptions) -> PostgresOptions) -> impl FnMut() -> Box<dyn Driver> {
    place(move |scratch| Some(with(scratch.options()).open().expect("the log opens")))
}

/// By way of a pooler, which gives each transaction any session that is free.
fn pooled(with: fn(PostgresOptions) -> PostgresOptions) -> impl FnMut() -> Box<dyn Driver> {
    place(move |scratch| {
        let options = with(scratch.options_at(&given_pooler_url()?));
        Some(options.open().expect("the log opens by way of the pooler"))
    })
}

fn by_statements(options: PostgresOptions) -> PostgresOptions {
    options.append_by(AppendBy::Statements)
}

annals_conformance::suite!(|| direct(|options| options));

annals_conformance::suite!(statements, || direct(by_statements));

annals_conformance::suite!(decorated, || {
    let mut open = direct(|options| options);
    move || Faulty::new(open())
});

annals_conformance::suite!(by_pooler, || pooled(|options| options));

annals_conformance::suite!(statements_by_pooler, || pooled(by_statements));

annals_conformance::suite!(between_neighbours, || {
    let neighbours = Neighbours::new();
    let mut open = direct(|options| options);
    move || {
        let _ = &neighbours;
        open()
    }
});
