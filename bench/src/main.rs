//! The ratios of Annals to baselines written by hand, part by part; `cargo xtask bench` runs it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark stops where something fails")]

mod child;
mod parts;

use std::process::ExitCode;

use annals_bench::{Run, timed};
use parts::PARTS;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == child::FLAG) {
        child::main(&arguments);
        return ExitCode::SUCCESS;
    }
    let all = arguments.len();
    arguments.retain(|argument| argument != "--quick");
    let run = Run::new(arguments.len() < all);
    if let Some(unknown) = arguments.iter().find(|name| !PARTS.iter().any(|part| part.name == **name)) {
        eprintln!("error: there is no part `{unknown}`\n\n{}", usage());
        return ExitCode::from(2);
    }
    for part in PARTS {
        if arguments.is_empty() || arguments.iter().any(|name| name == part.name) {
            let elapsed = timed(|| (part.run)(&run));
            println!("{}: {:.0} s, load {}", part.name, elapsed.as_secs_f64(), load());
        }
    }
    match run.missed() {
        0 => ExitCode::SUCCESS,
        missed => {
            println!("\nwanted figures that were missed: {missed}");
            ExitCode::FAILURE
        }
    }
}

/// Returns how busy the machine was in the last minute: figures of a busy one say less.
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}

fn usage() -> String {
    let parts: String = PARTS.iter().map(|part| format!("  {:14} {}\n", part.name, part.about)).collect();
    format!("usage: cargo xtask bench -- [--quick] [PART]...\n\nparts:\n{parts}")
}
