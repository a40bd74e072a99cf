//! A log as one stream of bytes, the same on every driver. Drawn in `docs/format.md`.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;

use annals_codec::{Timestamp, Uuid, Value};
use serde::{Deserialize, Serialize};
use serde_bytes::Bytes;

use super::handle::{CONTEXT_BYTES_MAX, Log, VALUE_BYTES_MAX};
use super::pages::payload;
use super::{Action, Commit, CommitEntries, CommitId, Context, Entry, Key, Order, Position, PositionRange};
use crate::error::Error;

/// The first bytes of every dump: a name and the version of the format.
const MAGIC: [u8; 8] = *b"ANNALS\0\x01";
const MAGIC_NAME: usize = 7;

/// Kinds of frames; the first byte of a frame's body.
const COMMIT: u8 = b'C';
const ENTRY: u8 = b'E';
const END: u8 = b'Z';

/// The longest body of a frame that is read: a value, a context, and some room.
const BODY_BYTES_MAX: u64 = VALUE_BYTES_MAX + CONTEXT_BYTES_MAX + (1 << 20);

/// How much is handed to a driver at a time while loading: entries, and bytes of values.
const LOAD_ENTRIES: usize = 10_000;
const LOAD_BYTES: usize = 8 << 20;

/// How much went through a dump or a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DumpSummary {
    /// The commits written or read.
    pub commits: u64,
    /// The entries written or read.
    pub entries: u64,
    /// Of the commits read, those that the log had already.
    pub skipped: u64,
}

/// Members that say nothing are left out, and so may later ones be.
#[derive(Serialize, Deserialize)]
struct CommitFrame {
    first: u64,
    count: u64,
    recorded_at: Timestamp,
    id: Uuid,
    given: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct EntryFrame<'a> {
    namespace: &'a str,
    field: &'a str,
    action: u8,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    value: Option<&'a Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct EndFrame {
    commits: u64,
    entries: u64,
}

const SET: u8 = 0;
const DELETED: u8 = 1;
const ERASED: u8 = 2;

impl Log {
    /// Writes every commit with everything that belongs to it: positions, times, contexts, ids and
    /// values to the byte. Equal logs give equal bytes, whatever their drivers.
    ///
    /// It is the log as it was when the writing began. A dump that comes upon what was erased since is
    /// given up, without an end: it may hold values of the same erasure, and could not say that they are
    /// gone.
    ///
    /// `progress` is called with each commit's position.
    ///
    /// # Errors
    /// [`Error::DumpIo`] if `out` cannot be written, [`Error::ErasedMeanwhile`] if the dump is to be
    /// written again, or whatever reading the log gives.
    pub fn dump(
        &self,
        out: &mut impl Write,
        mut progress: impl FnMut(Position),
    ) -> Result<DumpSummary, Error> {
        let mut frames = FrameWriter { out };
        frames.raw(&MAGIC)?;
        let mut summary = DumpSummary::default();
        let through = self.last_position()?;
        for commit in self.commits(PositionRange::through(through), Order::OldestFirst) {
            let commit = commit?;
            if let Some(by) = commit.entries.iter().filter_map(erasure_of).find(|by| *by > through) {
                return Err(Error::ErasedMeanwhile { by });
            }
            frames.commit(&commit)?;
            summary.commits += 1;
            summary.entries += commit.entries.len() as u64;
            progress(commit.commit.last);
        }
        frames.frame(END, &EndFrame { commits: summary.commits, entries: summary.entries })?;
        frames.out.flush().map_err(writing)?;
        Ok(summary)
    }

    /// Appends the commits of a dump, as they stood in the log that it was written from.
    ///
    /// Commits at positions that the log has already must be equal to those, and are passed over, so
    /// that a load that was interrupted can be done again.
    /// `progress` is called with each commit's position.
    ///
    /// # Errors
    /// [`Error::Dump`] where the dump is damaged or cut off, [`Error::Restore`] if it does not
    /// continue this log; the whole commits before that place are in the log then.
    pub fn load(
        &self,
        input: &mut impl BufRead,
        mut progress: impl FnMut(Position),
    ) -> Result<DumpSummary, Error> {
        let had = self.last_position()?;
        let mut summary = DumpSummary::default();
        let mut waiting = Waiting { log: self, commits: Vec::new(), entries: 0, bytes: 0 };
        for commit in DumpReader::new(input)? {
            let commit = match commit {
                Ok(commit) => commit,
                Err(error) => return waiting.restore().and(Err(error)),
            };
            let last = commit.commit.last;
            summary.commits += 1;
            summary.entries += commit.entries.len() as u64;
            if commit.commit.first <= had {
                self.check_same(&commit)?;
                summary.skipped += 1;
            } else {
                waiting.add(commit)?;
            }
            progress(last);
        }
        waiting.restore()?;
        Ok(summary)
    }

    fn check_same(&self, loaded: &CommitEntries) -> Result<(), Error> {
        let position = loaded.commit.first;
        if self.commit_at(position)?.as_ref() == Some(loaded) {
            return Ok(());
        }
        Err(Error::Restore {
            position,
            reason: "the log has another commit there, or values were erased on one side only",
        })
    }
}

/// Commits that were read and are to be restored together.
struct Waiting<'a> {
    log: &'a Log,
    commits: Vec<CommitEntries>,
    entries: usize,
    bytes: usize,
}

impl Waiting<'_> {
    fn add(&mut self, commit: CommitEntries) -> Result<(), Error> {
        self.entries += commit.entries.len();
        self.bytes += payload(&commit.entries);
        self.commits.push(commit);
        if self.entries < LOAD_ENTRIES && self.bytes < LOAD_BYTES { Ok(()) } else { self.restore() }
    }

    fn restore(&mut self) -> Result<(), Error> {
        (self.entries, self.bytes) = (0, 0);
        match std::mem::take(&mut self.commits) {
            commits if commits.is_empty() => Ok(()),
            commits => self.log.restore(&commits),
        }
    }
}

/// Reads a dump through and says what is in it, without keeping anything.
///
/// # Errors
/// [`Error::Dump`] where it is damaged or cut off.
pub fn check_dump(input: &mut impl BufRead) -> Result<DumpSummary, Error> {
    let mut summary = DumpSummary::default();
    for commit in DumpReader::new(input)? {
        summary.commits += 1;
        summary.entries += commit?.entries.len() as u64;
    }
    Ok(summary)
}

fn erasure_of(entry: &Entry) -> Option<Position> {
    match entry.action {
        Action::Erased { by } => Some(by),
        Action::Set(_) | Action::Deleted => None,
    }
}

fn writing(error: io::Error) -> Error {
    Error::DumpIo { doing: "written", source: Arc::new(error) }
}

fn reading(error: io::Error) -> Error {
    Error::DumpIo { doing: "read", source: Arc::new(error) }
}

struct FrameWriter<'a, W> {
    out: &'a mut W,
}

impl<W: Write> FrameWriter<'_, W> {
    fn raw(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.out.write_all(bytes).map_err(writing)
    }

    fn frame(&mut self, kind: u8, content: &impl Serialize) -> Result<(), Error> {
        let encoded = annals_codec::encode(content);
        let encoded = encoded.map_err(|problem| Error::Encode { what: "the dump".into(), problem })?;
        let size = encoded.len() as u64 + 1;
        let length = u32::try_from(size).ok().filter(|length| u64::from(*length) <= BODY_BYTES_MAX);
        let length = length.ok_or_else(|| Error::TooLarge {
            what: "a dump's frame".into(),
            size,
            limit: BODY_BYTES_MAX,
        })?;
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&[kind]);
        checksum.update(&encoded);
        self.raw(&length.to_le_bytes())?;
        self.raw(&checksum.finalize().to_le_bytes())?;
        self.raw(&[kind])?;
        self.raw(&encoded)
    }

    fn commit(&mut self, CommitEntries { commit, entries }: &CommitEntries) -> Result<(), Error> {
        let context = commit.context.clone();
        let frame = CommitFrame {
            first: commit.first.get(),
            count: commit.len(),
            recorded_at: commit.recorded_at,
            id: commit.id.uuid(),
            given: matches!(commit.id, CommitId::Given(_)),
            actor: context.actor,
            reason: context.reason,
            location: context.location,
            occurred_at: context.occurred_at,
            tags: context.tags,
        };
        self.frame(COMMIT, &frame)?;
        entries.iter().try_for_each(|entry| self.entry(entry))
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), Error> {
        let (action, value, by) = match &entry.action {
            Action::Set(bytes) => (SET, Some(Bytes::new(bytes)), None),
            Action::Deleted => (DELETED, None, None),
            Action::Erased { by } => (ERASED, None, Some(by.get())),
        };
        let frame = EntryFrame {
            namespace: entry.key.namespace().as_str(),
            field: entry.key.field().as_str(),
            action,
            value,
            by,
            actor: entry.actor.clone(),
            reason: entry.reason.clone(),
        };
        self.frame(ENTRY, &frame)
    }
}

/// The commits of a dump, in order; ends after the end frame or the first error.
struct DumpReader<'a, R> {
    input: &'a mut R,
    /// Bytes read so far.
    offset: u64,
    seen: EndFrame,
    done: bool,
}

impl<'a, R: BufRead> DumpReader<'a, R> {
    fn new(input: &'a mut R) -> Result<DumpReader<'a, R>, Error> {
        let mut reader =
            DumpReader { input, offset: 0, seen: EndFrame { commits: 0, entries: 0 }, done: false };
        let mut magic = [0; MAGIC.len()];
        reader.exactly(&mut magic)?;
        let (name, version) = magic.split_at(MAGIC_NAME);
        if !MAGIC.starts_with(name) {
            return Err(reader.damaged(0, "it does not begin like a dump of Annals"));
        }
        if !MAGIC.ends_with(version) {
            let reason =
                format!("its format is version {}, this program reads version 1", version.escape_ascii());
            return Err(Error::Dump { offset: MAGIC_NAME as u64, reason });
        }
        Ok(reader)
    }

    fn next_commit(&mut self) -> Result<Option<CommitEntries>, Error> {
        let start = self.offset;
        let (kind, body) = self.frame()?;
        match kind {
            COMMIT => self.commit(start, &body).map(Some),
            END => self.end(start, &body).map(|()| None),
            _ => Err(self.damaged(start, "a frame of unknown kind, or out of place")),
        }
    }

    fn commit(&mut self, start: u64, body: &[u8]) -> Result<CommitEntries, Error> {
        let frame: CommitFrame = self.decode(start, body)?;
        let first = Position::new(frame.first).filter(|first| *first > Position::START);
        let last = frame.first.checked_add(frame.count).and_then(|end| Position::new(end.checked_sub(1)?));
        let (Some(first), Some(last)) = (first, last.filter(|_| frame.count > 0)) else {
            return Err(self.damaged(start, "a commit of impossible positions"));
        };
        let mut entries = Vec::new();
        for number in frame.first..=last.get() {
            let start = self.offset;
            let (kind, body) = self.frame()?;
            if kind != ENTRY {
                return Err(self.damaged(start, "a commit lacks entries"));
            }
            let position = Position::new(number).expect("it is not beyond the last");
            entries.push(self.entry(start, position, &body)?);
        }
        self.seen.commits += 1;
        self.seen.entries += frame.count;
        let id = if frame.given { CommitId::Given(frame.id) } else { CommitId::Made(frame.id) };
        let context = Context {
            actor: frame.actor,
            reason: frame.reason,
            location: frame.location,
            occurred_at: frame.occurred_at,
            tags: frame.tags,
        };
        let commit = Commit { first, last, id, recorded_at: frame.recorded_at, context };
        Ok(CommitEntries { commit: Arc::new(commit), entries })
    }

    fn entry(&self, start: u64, position: Position, body: &[u8]) -> Result<Entry, Error> {
        let frame: EntryFrame<'_> = self.decode(start, body)?;
        let Ok(key) = Key::parse(frame.namespace, frame.field) else {
            return Err(self.damaged(start, "an entry of an impossible key"));
        };
        let action = match (frame.action, frame.value, frame.by.map(Position::new)) {
            (SET, Some(bytes), None) if annals_codec::check(bytes).is_ok() => {
                Action::Set(Arc::from(&bytes[..]))
            }
            (SET, Some(_), None) => {
                return Err(self.damaged(start, "a value that is not in canonical form"));
            }
            (DELETED, None, None) => Action::Deleted,
            (ERASED, None, Some(Some(by))) if by > position => Action::Erased { by },
            (ERASED, None, _) => return Err(self.damaged(start, "an erased entry of an impossible erasure")),
            _ => return Err(self.damaged(start, "an entry of unknown action")),
        };
        Ok(Entry { position, key, action, actor: frame.actor, reason: frame.reason })
    }

    fn end(&mut self, start: u64, body: &[u8]) -> Result<(), Error> {
        let frame: EndFrame = self.decode(start, body)?;
        if (frame.commits, frame.entries) != (self.seen.commits, self.seen.entries) {
            return Err(self.damaged(start, "the end counts other commits than there were"));
        }
        if !self.input.fill_buf().map_err(reading)?.is_empty() {
            return Err(self.damaged(self.offset, "bytes follow the end"));
        }
        Ok(())
    }

    fn decode<'de, T: Deserialize<'de>>(&self, start: u64, body: &'de [u8]) -> Result<T, Error> {
        annals_codec::decode(body).map_err(|error| Error::Dump { offset: start, reason: error.to_string() })
    }

    fn frame(&mut self) -> Result<(u8, Vec<u8>), Error> {
        let start = self.offset;
        let (mut length, mut checksum, mut kind) = ([0; 4], [0; 4], [0; 1]);
        self.exactly(&mut length)?;
        self.exactly(&mut checksum)?;
        let length = u64::from(u32::from_le_bytes(length));
        if length == 0 || length > BODY_BYTES_MAX {
            return Err(self.damaged(start, "a frame of impossible length"));
        }
        self.exactly(&mut kind)?;
        // Grows as bytes arrive: a false length cannot make us allocate.
        let mut body = Vec::new();
        let read = self.input.by_ref().take(length - 1).read_to_end(&mut body).map_err(reading)?;
        self.offset += read as u64;
        if (read as u64) < length - 1 {
            return Err(self.cut_off());
        }
        let mut actual = crc32fast::Hasher::new();
        actual.update(&kind);
        actual.update(&body);
        if actual.finalize() != u32::from_le_bytes(checksum) {
            return Err(self.damaged(start, "a frame's checksum does not match"));
        }
        Ok((kind[0], body))
    }

    fn exactly(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        match self.input.read_exact(buffer) {
            Ok(()) => {
                self.offset += buffer.len() as u64;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.cut_off()),
            Err(error) => Err(reading(error)),
        }
    }

    fn cut_off(&self) -> Error {
        self.damaged(self.offset, "it is cut off here")
    }

    fn damaged(&self, offset: u64, reason: &str) -> Error {
        Error::Dump { offset, reason: reason.to_owned() }
    }
}

impl<R: BufRead> Iterator for DumpReader<'_, R> {
    type Item = Result<CommitEntries, Error>;

    fn next(&mut self) -> Option<Result<CommitEntries, Error>> {
        if self.done {
            return None;
        }
        let next = self.next_commit().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
}
