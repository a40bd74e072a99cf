//! The parts of a run, a file each.

mod alike;
mod batches;
mod big;
mod cache_memory;
mod cached;
mod commits;
mod growing_log;
mod growth;
mod memory_driver;
mod opening;
mod past;
mod reads;
mod replay;
mod revisions;
mod server_batches;
mod server_reads;
mod server_restore;
mod views;

use annals_bench::Run;

/// What is compared under one name.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&Run),
}

pub(crate) const PARTS: &[Part] = &[
    Part { name: "reads", about: "fresh reads of the SQLite driver beside queries by hand", run: reads::run },
    Part { name: "past", about: "as-of reads and views, uncached, beside queries by hand", run: past::run },
    Part { name: "growth", about: "time travel in a long log beside a short one", run: growth::run },
    Part { name: "views", about: "a view over 1,000,000 changes beside 1,000", run: views::run },
    Part { name: "cached", about: "cached reads beside a map behind a lock", run: cached::run },
    Part { name: "cache-memory", about: "the memory that a cached value takes", run: cache_memory::run },
    Part {
        name: "commits",
        about: "durable commits of one entry, from one thread and from 8",
        run: commits::run,
    },
    Part { name: "batches", about: "durable commits of 1,000 entries", run: batches::run },
    Part { name: "replay", about: "a walk over the whole log beside a scan by hand", run: replay::run },
    Part { name: "opening", about: "opening and reading one value in a new process", run: opening::run },
    Part {
        name: "revisions",
        about: "objects beside plain fields, long histories beside short",
        run: revisions::run,
    },
    Part { name: "memory-driver", about: "the memory driver beside a map by hand", run: memory_driver::run },
    Part {
        name: "pg-commits",
        about: "the commits of one entry, on a PostgreSQL server",
        run: commits::run_on_server,
    },
    Part {
        name: "pg-batches",
        about: "batches of 1,000 on the server, and the bytes that an entry takes",
        run: server_batches::run,
    },
    Part { name: "pg-reads", about: "fresh reads of the PostgreSQL driver", run: server_reads::run },
    Part { name: "pg-replay", about: "the walk, on the server", run: replay::run_on_server },
    Part { name: "pg-restore", about: "loading a log into the server beside COPY", run: server_restore::run },
    Part { name: "big", about: "10,000,000 entries inside 64 MiB (2 GB of disk for a while)", run: big::run },
];

/// Returns what a new process does under this name.
pub(crate) fn task(name: &str) -> fn(&[&str]) -> String {
    match name {
        "open-and-read" => opening::open_and_read,
        "fill-cache" => cache_memory::fill_cache,
        "read-all" => big::read_all,
        "follow" => big::follow,
        "dump" => big::dump,
        _ => panic!("there is no task `{name}`"),
    }
}
