//! How far a long command has come.

use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar on standard error; invisible unless that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Returns a bar of `total` steps, or a count of them if that is 0: not known.
    pub(crate) fn new(total: u64) -> Progress {
        let template = match total {
            0 => "{spinner} {human_pos}",
            _ => "{bar:40} {percent:>3} %  {human_pos}/{human_len}  {eta} left",
        };
        let style = ProgressStyle::with_template(template).expect("the templates are valid");
        Progress(ProgressBar::new(total).with_style(style))
    }

    pub(crate) fn hidden() -> Progress {
        Progress(ProgressBar::hidden())
    }

    /// Shows that `done` of the steps are done.
    pub(crate) fn set(&self, done: u64) {
        self.0.set_position(done);
    }

    /// Runs `write`, which writes to the terminal, without the bar in its way.
    pub(crate) fn aside<R>(&self, write: impl FnOnce() -> R) -> R {
        self.0.suspend(write)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
