//! The file with passwords that libpq reads: `~/.pgpass`.

use std::fs;
use std::path::Path;

use annals_core::Error;

/// What a password is looked for by.
pub(crate) struct Whom<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: &'a str,
    pub(crate) database: &'a str,
    pub(crate) user: &'a str,
}

/// Returns the password in `file` for this user of this server; none if there is no such file or line.
pub(crate) fn find(file: &Path, whom: &Whom<'_>) -> Result<Option<String>, Error> {
    let Ok(about) = fs::metadata(file) else { return Ok(None) };
    if !about.is_file() {
        return Ok(None);
    }
    if !is_private(&about) {
        return Err(Error::Invalid(format!(
            "others may read the file of passwords {0}, so it is not used; `chmod 600 {0}` closes it",
            file.display()
        )));
    }
    let unreadable = |_| Error::Invalid(format!("the file of passwords {} cannot be read", file.display()));
    Ok(fs::read_to_string(file).map_err(unreadable)?.lines().find_map(|line| password(line, whom)))
}

#[cfg(unix)]
fn is_private(about: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    about.permissions().mode() & 0o077 == 0
}

#[cfg(not(unix))]
fn is_private(_about: &fs::Metadata) -> bool {
    true
}

/// Returns the password of a line `host:port:database:user:password` that speaks of `whom`.
fn password(line: &str, whom: &Whom<'_>) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let fields = fields(line);
    let [host, port, database, user, password] = <[String; 5]>::try_from(fields).ok()?;
    // A server on this machine is called localhost, however it is reached.
    let hosts: &[&str] = if whom.host.starts_with('/') { &[whom.host, "localhost"] } else { &[whom.host] };
    let fits = |field: &str, wanted: &[&str]| field == "*" || wanted.contains(&field);
    let is_meant = fits(&host, hosts)
        && fits(&port, &[whom.port])
        && fits(&database, &[whom.database])
        && fits(&user, &[whom.user]);
    is_meant.then_some(password)
}

/// Splits a line at its colons, but for those behind a backslash.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let escaped = if character == '\\' { characters.next() } else { None };
        match (character, fields.last_mut()) {
            (':', _) => fields.push(String::new()),
            (character, Some(field)) => field.push(escaped.unwrap_or(character)),
            (_, None) => {}
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOM: Whom<'_> = Whom { host: "h", port: "5432", database: "d", user: "u" };

    #[test]
    fn the_first_line_that_fits_is_taken() {
        let found = |lines: &str| lines.lines().find_map(|line| password(line, &WHOM));
        assert_eq!(
            found("# h:5432:d:u:no\nx:5432:d:u:no\nh:5432:d:u:one\n*:*:*:*:two").as_deref(),
            Some("one")
        );
        assert_eq!(found(r"*:*:*:*:a\:b\\c").as_deref(), Some(r"a:b\c"));
        assert_eq!(found("h:5432:d:u"), None);
        assert_eq!(found("h:5433:d:u:no\nh:5432:D:u:no"), None);
    }

    #[test]
    fn a_socket_is_on_localhost() {
        let whom = Whom { host: "/run", ..WHOM };
        assert_eq!(password("localhost:*:d:u:p", &whom).as_deref(), Some("p"));
        assert_eq!(password("/run:*:d:u:p", &whom).as_deref(), Some("p"));
        assert_eq!(password("localhost:*:d:u:p", &WHOM), None);
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_others_may_read_is_refused_by_its_name() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pass");
        assert_eq!(find(&file, &WHOM).unwrap(), None, "there is none");
        fs::write(&file, "h:5432:d:u:secret\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let error = find(&file, &WHOM).unwrap_err().to_string();
        assert!(error.contains("chmod 600") && !error.contains("secret"), "{error}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(find(&file, &WHOM).unwrap().as_deref(), Some("secret"));
    }
}
