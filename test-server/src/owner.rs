use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::geteuid;

use crate::said;

/// Whom servers run as: they refuse to run as root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    /// `None`: whoever runs this program.
    ids: Option<(u32, u32)>,
}

impl Owner {
    pub(crate) fn of_servers() -> Result<Owner, String> {
        if !is_root() {
            return Ok(Owner { ids: None });
        }
        let ids = ["postgres", "nobody"].iter().find_map(|user| Some((id("-u", user)?, id("-g", user)?)));
        ids.map(|ids| Owner { ids: Some(ids) }).ok_or_else(|| "there is no user to run the server as".into())
    }

    pub(crate) fn run<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        match self.ids {
            Some((user, group)) => command.uid(user).gid(group).current_dir("/"),
            None => command,
        }
    }

    pub(crate) fn give(&self, path: &Path) -> Result<(), String> {
        let Some((user, group)) = self.ids else { return Ok(()) };
        chown(path, Some(user), Some(group)).map_err(|error| said(&error))
    }
}

pub(crate) fn is_root() -> bool {
    geteuid().is_root()
}

fn id(which: &str, user: &str) -> Option<u32> {
    let output = Command::new("id").args([which, user]).output().ok().filter(|out| out.status.success())?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
