//! A throw-away PostgreSQL server, and a pooler before it: started for one command or one test, gone
//! after it.
//!
//! ```no_run
//! let mut server = annals_test_server::Settings::new().start()?;
//! println!("{}", server.url());
//! server.kill()?;
//! server.start_again()?;
//! # Ok::<(), String>(())
//! ```

#![cfg(unix)]

mod folder;
mod keeper;
mod owner;
mod pooler;
mod processes;
mod programs;
mod server;
mod settings;

pub use pooler::Pooler;
pub use server::Server;
pub use settings::Settings;

fn said(error: &std::io::Error) -> String {
    format!("the server cannot be started: {error}")
}
