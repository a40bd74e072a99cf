//! What libpq takes from its surroundings where the caller says nothing.

use std::env;
use std::path::{Path, PathBuf};

use annals_core::Error;

use crate::parameters::Parameters;

/// The variables, and the parameters that they stand for.
const VARIABLES: [(&str, &str); 15] = [
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGPORT", "port"),
    ("PGDATABASE", "dbname"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGPASSFILE", "passfile"),
    ("PGOPTIONS", "options"),
    ("PGAPPNAME", "application_name"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
];

/// Variables that would change what is meant, and that nobody here obeys.
const REFUSED: [&str; 3] = ["PGSERVICE", "PGREQUIRESSL", "PGSSLCRL"];

/// Fills in what `parameters` leaves open: from the environment, else as libpq has it.
pub(crate) fn complete(parameters: &mut Parameters) -> Result<(), Error> {
    complete_from(parameters, |variable| env::var(variable).ok())
}

fn complete_from(
    parameters: &mut Parameters,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(), Error> {
    if let Some(name) = REFUSED.iter().find(|name| variable(name).is_some_and(|value| !value.is_empty())) {
        return Err(Error::Invalid(format!("${name} is set, and not understood here; unset it")));
    }
    for (name, parameter) in VARIABLES {
        parameters.set_if_missing(parameter, || variable(name));
    }
    if parameters.get("host").is_none() && parameters.get("hostaddr").is_none() {
        parameters.set("host", default_host());
    }
    parameters.set_if_missing("port", || Some("5432".to_owned()));
    parameters.set_if_missing("user", || whoami::username().ok());
    let user = parameters.get("user").map(str::to_owned);
    parameters.set_if_missing("dbname", || user);
    // Whoever names the roots that everybody trusts wants to know the server by its name.
    let is_public = parameters.get("sslrootcert") == Some("system");
    let mode = if is_public { "verify-full" } else { "prefer" };
    parameters.set_if_missing("sslmode", || Some(mode.to_owned()));
    parameters.set_if_missing("passfile", || in_home(".pgpass"));
    parameters.set_if_missing("sslrootcert", || {
        in_home(".postgresql/root.crt").filter(|file| Path::new(file).exists())
    });
    if let Some(certificate) = in_home(".postgresql/postgresql.crt").filter(|file| Path::new(file).exists()) {
        parameters.set_if_missing("sslcert", || Some(certificate));
        parameters.set_if_missing("sslkey", || in_home(".postgresql/postgresql.key"));
    }
    Ok(())
}

/// The folder of the server's socket, where there are such folders.
fn default_host() -> String {
    let folders = ["/var/run/postgresql", "/tmp"];
    let folder = folders.iter().find(|folder| cfg!(unix) && Path::new(folder).is_dir());
    (*folder.unwrap_or(&"localhost")).to_owned()
}

fn in_home(file: &str) -> Option<String> {
    let home = env::home_dir().filter(|home| *home != PathBuf::new())?;
    home.join(file).into_os_string().into_string().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(text: &str, set: &[(&str, &str)]) -> Result<Parameters, Error> {
        let mut parameters = Parameters::parse(text).unwrap();
        let variable =
            |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
        complete_from(&mut parameters, variable).map(|()| parameters)
    }

    #[test]
    fn what_is_written_goes_before_the_environment() {
        let set = [("PGHOST", "env"), ("PGUSER", "alice"), ("PGPASSWORD", "p"), ("PGSSLMODE", "require")];
        let parameters = completed("postgres://h?sslmode=disable", &set).unwrap();
        let get = |name| parameters.get(name).unwrap();
        assert_eq!(["host", "user", "dbname", "password"].map(get), ["h", "alice", "alice", "p"]);
        assert_eq!(["sslmode", "port"].map(get), ["disable", "5432"]);
    }

    #[test]
    fn an_empty_variable_is_as_good_as_none() {
        let parameters = completed("postgres://h", &[("PGPORT", ""), ("PGSERVICE", "")]).unwrap();
        assert_eq!(parameters.get("port"), Some("5432"));
    }

    #[test]
    fn what_cannot_be_obeyed_is_refused() {
        for name in REFUSED {
            let error = completed("postgres://h", &[(name, "x")]).map(|_| ()).unwrap_err();
            assert!(error.to_string().contains(name));
        }
    }
}
