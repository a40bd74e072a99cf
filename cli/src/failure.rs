//! What ends a command early: words for people, and an exit code for scripts.

use std::error::Error as StdError;
use std::io::{self, ErrorKind as IoKind, Write};
use std::path::Path;
use std::process::ExitCode;

use annals::{ERASURES, Error, ErrorKind, revisions};
use anstyle::{AnsiColor, Style};

use crate::escape::escape;

/// How a command ended, as scripts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// There is no such value, or there are differences and `--exit-code` asked.
    No = 1,
    /// The command line or the input is wrong.
    Usage = 2,
    /// Another commit was first.
    Conflict = 3,
    /// The store, or a place to write to, cannot be used.
    Store = 4,
    /// What is stored, or a dump, is damaged.
    Damage = 5,
    /// Nobody reads the output any more: what a shell says of a program that SIGPIPE ended.
    BrokenPipe = 141,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command did not do what it was told.
///
/// Its texts carry names, positions and line numbers, never a stored value.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    causes: Vec<String>,
    help: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure { exit, message: message.into(), causes: Vec::new(), help: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, message)
    }

    /// Adds what the user can do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Failure {
        self.help = Some(help.into());
        self
    }

    /// Keeps `cause`, and what caused that in turn.
    pub(crate) fn because(mut self, cause: &(dyn StdError + 'static)) -> Failure {
        let mut next = Some(cause);
        while let Some(cause) = next {
            self.causes.push(cause.to_string());
            next = cause.source();
        }
        self
    }

    /// Puts the place in front of the message: `line 12: …`.
    pub(crate) fn within(mut self, place: &str) -> Failure {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Standard output, or what else a command writes its answer to, cannot be written.
    pub(crate) fn output(error: &io::Error) -> Failure {
        if error.kind() == IoKind::BrokenPipe {
            return Failure::new(Exit::BrokenPipe, "");
        }
        Failure::new(Exit::Store, "the output cannot be written").because(error)
    }

    /// The store cannot be opened.
    pub(crate) fn of_store(error: Error) -> Failure {
        match error.kind() {
            ErrorKind::Missing => Failure::from(error).help("`annals init` creates a store"),
            _ => error.into(),
        }
    }

    /// A file that the command line names cannot be read.
    pub(crate) fn unreadable(file: &Path, error: &io::Error) -> Failure {
        Failure::usage(format!("`{}` cannot be read", file.display())).because(error)
    }

    /// Writes the failure to standard error, and returns how a command ends that met it.
    pub(crate) fn tell(&self) -> Exit {
        // Where standard error is closed, the exit code has to do.
        let _ = self.report(&mut anstream::stderr());
        self.exit
    }

    /// Writes the failure as people read it; nothing if nobody reads the output any more.
    pub(crate) fn report(&self, out: &mut impl Write) -> io::Result<()> {
        if self.exit == Exit::BrokenPipe {
            return Ok(());
        }
        line(out, "", "error", AnsiColor::Red, &self.message)?;
        for cause in &self.causes {
            line(out, "  ", "cause", AnsiColor::Red, cause)?;
        }
        match &self.help {
            Some(help) => line(out, "  ", "help", AnsiColor::Cyan, help),
            None => Ok(()),
        }
    }
}

/// Writes `warning: …` to standard error.
pub(crate) fn warn(text: &str) {
    // Where standard error is closed there is nobody to tell.
    let _ = line(&mut anstream::stderr(), "", "warning", AnsiColor::Yellow, text);
}

fn line(out: &mut impl Write, indent: &str, word: &str, colour: AnsiColor, text: &str) -> io::Result<()> {
    let style = Style::new().bold().fg_color(Some(colour.into()));
    writeln!(out, "{indent}{style}{word}:{style:#} {}", escape(text))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        if let Error::DumpIo { doing: "written", source } = &error {
            return Failure::output(source);
        }
        let mut failure = Failure::new(exit_of(error.kind()), error.to_string());
        if let Some(cause) = error.source() {
            failure = failure.because(cause);
        }
        match error {
            Error::BeyondEnd { .. } => failure.help("`annals log -n 1` shows the last commit"),
            Error::Erased { .. } => failure.help(format!("`annals log {ERASURES}` says who did it, and why")),
            _ => failure,
        }
    }
}

impl From<revisions::Error> for Failure {
    fn from(error: revisions::Error) -> Failure {
        match error {
            revisions::Error::Core(error) => error.into(),
            other => Failure::new(exit_of(other.kind()), other.to_string()),
        }
    }
}

/// Returns the exit code of an error of `kind`.
pub(crate) fn exit_of(kind: ErrorKind) -> Exit {
    match kind {
        ErrorKind::NotFound | ErrorKind::Erased => Exit::No,
        ErrorKind::Invalid => Exit::Usage,
        ErrorKind::Conflict => Exit::Conflict,
        ErrorKind::Corrupt | ErrorKind::TypeMismatch => Exit::Damage,
        _ => Exit::Store,
    }
}

#[cfg(test)]
mod tests {
    use annals::Key;

    use super::*;

    fn reported(failure: &Failure) -> String {
        let mut out = Vec::new();
        failure.report(&mut out).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    #[test]
    fn a_report_names_causes_and_help_and_escapes_what_a_terminal_would_obey() {
        let io = io::Error::new(IoKind::NotFound, "gone\u{1b}[2J");
        let failure = Failure::usage("`a` cannot be read").because(&io).help("give another");
        assert_eq!(
            reported(&failure),
            "error: `a` cannot be read\n  cause: gone\\u001b[2J\n  help: give another\n"
        );
    }

    #[test]
    fn a_broken_pipe_is_quiet() {
        let failure = Failure::output(&io::Error::from(IoKind::BrokenPipe));
        assert_eq!((reported(&failure).as_str(), failure.exit), ("", Exit::BrokenPipe));
    }

    #[test]
    fn kinds_of_errors_have_their_exit_codes() {
        let key = Key::parse("a", "b").unwrap();
        assert_eq!(Failure::from(Error::NotFound { key }).exit, Exit::No);
        assert_eq!(Failure::from(Error::Invalid("x".into())).exit, Exit::Usage);
        assert_eq!(Failure::from(Error::Dump { offset: 1, reason: "x".into() }).exit, Exit::Damage);
        assert_eq!(exit_of(ErrorKind::Conflict), Exit::Conflict);
        assert_eq!(exit_of(ErrorKind::NewerFormat), Exit::Store);
        assert_eq!(exit_of(ErrorKind::Full), Exit::Store);
    }
}
