use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use crate::owner::Owner;
use crate::said;

/// Makes a folder that nobody but its owner may enter.
pub(crate) fn private(owner: Owner) -> Result<TempDir, String> {
    let mut making = tempfile::Builder::new();
    making.prefix("annals-pg-").permissions(Permissions::from_mode(0o700));
    let folder = making.tempdir().map_err(|error| said(&error))?;
    owner.give(folder.path())?;
    Ok(folder)
}

/// Writes a file that nobody but its owner may read.
pub(crate) fn write_private(path: &Path, owner: Owner, contents: &str) -> Result<(), String> {
    fs::write(path, contents).map_err(|error| said(&error))?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(|error| said(&error))?;
    owner.give(path)
}

pub(crate) fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| said(&error))?;
    Ok(listener.local_addr().map_err(|error| said(&error))?.port())
}
