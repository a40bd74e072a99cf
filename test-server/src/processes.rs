//! Signals to a process and to those that it has started.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// A process and its children, stopped or not.
pub(crate) struct Family {
    parent: Pid,
}

impl Family {
    pub(crate) fn of(pid: &str) -> Result<Family, String> {
        let parent = pid.trim().parse().ok().and_then(Pid::from_raw);
        parent.map(|parent| Family { parent }).ok_or_else(|| "the server does not say its process".into())
    }

    pub(crate) fn is_alive(&self) -> bool {
        !has_gone(self.parent)
    }

    /// Stops all of them where they are: the parent first, so that no child is missed.
    pub(crate) fn pause(&self) -> Result<Vec<Pid>, String> {
        signal(self.parent, Signal::STOP)?;
        let children = self.children()?;
        for child in &children {
            signal(*child, Signal::STOP)?;
        }
        Ok(children)
    }

    /// Lets them go on.
    pub(crate) fn go_on(&self) -> Result<(), String> {
        for child in self.children()? {
            signal(child, Signal::CONT)?;
        }
        signal(self.parent, Signal::CONT)
    }

    /// Ends all of them at once, without a chance to do anything more. Returns who they were.
    pub(crate) fn kill(&self) -> Result<Vec<Pid>, String> {
        let mut all = self.pause()?;
        all.push(self.parent);
        for process in &all {
            signal(*process, Signal::KILL)?;
        }
        Ok(all)
    }

    fn children(&self) -> Result<Vec<Pid>, String> {
        let all = fs::read_dir("/proc").map_err(|_| "only Linux tells what a process has started")?;
        let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        Ok(pids.filter_map(Pid::from_raw).filter(|pid| parent(*pid) == Some(self.parent)).collect())
    }
}

/// Returns whether nothing of a process is left but, at most, what its parent has not asked for yet.
pub(crate) fn has_gone(pid: Pid) -> bool {
    matches!(about(pid).as_ref().and_then(|about| about.split(' ').next()), None | Some("Z" | "X"))
}

fn parent(pid: Pid) -> Option<Pid> {
    Pid::from_raw(about(pid)?.split(' ').nth(1)?.parse().ok()?)
}

/// Returns what the system says of a process: its state, its parent and more.
fn about(pid: Pid) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The name before may hold anything, but what follows no parenthesis.
    Some(stat.rsplit_once(") ")?.1.to_owned())
}

/// Sends a signal, unless the process has gone by itself.
fn signal(pid: Pid, signal: Signal) -> Result<(), String> {
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(format!("the server cannot be sent a signal: {error}")),
    }
}
