//! A log in a SQLite file, which several processes may hold at once.
//!
//! ```
//! use annals_core::{Batch, Context, Durability, Key, Log, Position};
//! use annals_driver_sqlite::SqliteDriver;
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("game.db");
//! let score = Key::parse("game/player1", "score")?;
//!
//! let log = Log::new(SqliteDriver::open(&path)?);
//! let batch = Batch::new(Context::new().actor("alice")).set(score.clone(), *b"\x0a");
//! let receipt = log.append(batch, Durability::Synced)?;
//! assert_eq!(receipt.durability, Durability::Synced);
//!
//! let elsewhere = Log::new(SqliteDriver::options().read_only(true).open(&path)?);
//! let newest = elsewhere.newest(&score, Position::MAX)?.unwrap();
//! assert_eq!(newest.entry.action.bytes().unwrap()[..], *b"\x0a");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Durability
//! [`Synced`](annals_core::Durability::Synced) commits with `synchronous=FULL` in WAL mode: the
//! commit survives `kill -9` and a power cut. [`Buffered`](annals_core::Durability::Buffered)
//! commits with `synchronous=NORMAL`: it survives a crash of the process, and a power cut may take
//! the newest such commits, never one in the middle; [`sync`](annals_core::Driver::sync), or the
//! next `Synced` commit of any process, makes them `Synced`. Receipts say what was asked for.
//!
//! # Several threads, several processes
//! Writers wait for one another, at most for [`SqliteOptions::busy_timeout`]; reads never wait for
//! a write. Every read sees the newest commit of any process. Do not carry an open driver over
//! `fork`, do not put the file on a network file system, and do not open, copy or hash it other
//! than through SQLite while a process has it open: closing such a descriptor drops the locks.
//!
//! # The file
//! Created with mode 0600; `-wal` and `-shm` files stand beside it while it is open. Tables are
//! private; three views are for people and their SQL: `annals_current` (a row a key with a value),
//! `annals_history` (a row an entry) and `annals_commits` (a row a commit). Their column `value`
//! is the value as SQL where the stored bytes are a null, boolean, integer, float or text, else
//! NULL (an integer above 2^63 − 1 is text of its digits, a NaN is NULL); `bytes` always holds the
//! stored bytes. They read in any SQLite shell from 3.37 on; while
//! other processes have the file open, only in one from 3.51.3 on.
//!
//! # Speed
//! Appends keep no index by key: an entry costs its own bytes, also where the keys of a batch are
//! spread over the whole log. The index follows in *passes*, a slice inside every so many appends.
//! What it does not name yet, the *tail*, is known in memory (at most some 80,000 entries, 2 MiB; a
//! batch larger than that is indexed in its own transaction) and is found again by the first read
//! after opening, which scans the tail and nothing before it: the same at any length of the log. The
//! design is that of posting lists in search engines, with one run in memory.
//!
//! [`last_position`](annals_core::Driver::last_position) costs little more than SQLite's `PRAGMA
//! data_version` while nobody writes.
//!
//! # Erasing
//! [`Erase`](annals_core::Erase) turns rows of values into rows that name their erasure, in one durable
//! transaction; then `scrub` writes the file anew (`VACUUM`) and empties the `-wal`, so that no copy is
//! left in a free page or in the gap of one. That takes as long as copying the file and as much room
//! again, beside the file and in the folder for temporary files (`SQLITE_TMPDIR`, else `TMPDIR`); writers
//! wait meanwhile. Without that room the answer is the kind [`Full`](annals_core::ErrorKind::Full), and
//! if some reader holds the `-wal` for longer than the busy timeout,
//! [`Busy`](annals_core::ErrorKind::Busy): the values are erased, and the scrub is to be done again.
//!
//! # Moving, copying, removing
//! Move, copy or replace a log only while nobody has it open; then it is one file. While it is open
//! the newest commits stand in its `-wal` file, which belongs to that file and to that name: left
//! behind, they are missing from the moved file, and SQLite would add them to whatever other file
//! next takes the name. Give a log no second name by a hard link. A symbolic link is followed once,
//! when the log is opened.
//!
//! On Unix a write looks first whether the file is still where it was, and once a second whether
//! its `-wal` is. If one was moved, removed or replaced, nothing is written, and this and every
//! later call answers with the kind [`Unavailable`](annals_core::ErrorKind::Unavailable). A read
//! looks only where it has to open a further connection, and until then answers from the file that
//! was opened. Put both files back together under one name (`log.db`, `log.db-wal`) and open the
//! log anew: every commit that was acknowledged is there. What was removed is gone, and a file that
//! is overwritten in place is not noticed.
//!
//! # Features
//! `bundled` (default) compiles SQLite into the program. Without it the system's library is used,
//! and opening refuses one older than 3.51.3, which may damage a file that others have open too.

mod added;
mod appender;
mod check;
mod check_index;
mod commits;
mod conditions;
#[cfg(test)]
mod costs;
mod driver;
mod entry_inserts;
mod erase;
mod failure;
mod held;
mod index;
mod keys;
mod known;
mod measure;
mod names;
mod of_key;
mod open;
mod options;
mod pass;
mod place;
mod plan;
mod positions;
mod posting;
mod reader;
mod readers;
mod reads;
mod rows;
mod run;
mod schema;
mod scopes;
mod tail;
mod writer;

pub use driver::SqliteDriver;
pub use options::SqliteOptions;
