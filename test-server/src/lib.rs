//! A throw-away PostgreSQL server, and a pooler before it: started for one command or one test, gone
//! after it. And the server that tests are given, with places on it that they have for themselves.
//!
//! ```no_run
//! let mut server = annals_test_server::Settings::new().start()?;
//! println!("{}", server.url());
//! server.kill()?;
//! server.start_again()?;
//! # Ok::<(), String>(())
//! ```

#[cfg(unix)]
mod folder;
mod given;
#[cfg(unix)]
mod keeper;
#[cfg(unix)]
mod owner;
#[cfg(feature = "places")]
mod places;
#[cfg(unix)]
mod pooler;
#[cfg(unix)]
mod processes;
#[cfg(unix)]
mod programs;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod settings;

pub use given::{NO_SERVER, POOLER, SERVER, counted, given_pooler_url, given_url, skipped};
#[cfg(feature = "places")]
pub use places::{OwnLog, Schema, next_number};
#[cfg(unix)]
pub use pooler::Pooler;
#[cfg(unix)]
pub use server::Server;
#[cfg(unix)]
pub use settings::Settings;

#[cfg(unix)]
fn said(error: &std::io::Error) -> String {
    format!("the server cannot be started: {error}")
}
