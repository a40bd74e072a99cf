use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::owner::is_root;

/// Returns the folder with the server's programs: of the newest version that is installed.
pub(crate) fn of_server() -> Result<PathBuf, String> {
    find_or_install("postgresql", || {
        let is_complete =
            |folder: &PathBuf| ["initdb", "postgres"].iter().all(|program| folder.join(program).exists());
        in_path(is_complete).or_else(|| {
            let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
            let version = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
            let newest = versions.filter_map(|entry| Some(entry.ok()?.path())).max_by_key(version)?;
            Some(newest.join("bin")).filter(is_complete)
        })
    })
}

/// Returns the program of the pooler.
pub(crate) fn pooler() -> Result<PathBuf, String> {
    find_or_install("pgbouncer", || {
        let has_it = |folder: &PathBuf| folder.join("pgbouncer").exists();
        let folder = in_path(has_it).or_else(|| Some(PathBuf::from("/usr/sbin")).filter(has_it));
        Some(folder?.join("pgbouncer"))
    })
}

fn in_path(is_it: impl FnMut(&PathBuf) -> bool) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).find(is_it)
}

/// Finds something of a package, which is installed on Debian if it is missing.
fn find_or_install(package: &str, find: impl Fn() -> Option<PathBuf>) -> Result<PathBuf, String> {
    if let Some(found) = find() {
        return Ok(found);
    }
    if !is_root() || !Path::new("/usr/bin/apt-get").exists() {
        return Err(format!("`{package}` is not on this machine; install it"));
    }
    install(package)?;
    find().ok_or_else(|| format!("`{package}` was installed, but does not hold what it should"))
}

fn install(package: &str) -> Result<(), String> {
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let arguments = ["install", "--yes", "--no-install-recommends", package];
    if apt(&arguments) || (apt(&["update"]) && apt(&arguments)) {
        Ok(())
    } else {
        Err(format!("`{package}` is not on this machine, and cannot be installed"))
    }
}
