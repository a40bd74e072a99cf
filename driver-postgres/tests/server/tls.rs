//! What `sslmode` means, shown by a server whose certificate was made for the run.

use std::path::{Path, PathBuf};

use annals_core::{Driver, ErrorKind};
use annals_test_server::{Server, Settings};
use postgres::{Client, NoTls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::common::{Scratch, own_server};

/// The name that the server's certificate is for.
const NAME: &str = "db.annals.test";

/// An authority that signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Authority {
        let mut parameters = CertificateParams::new([]).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    /// Writes its own certificate, by which others are checked, into a folder.
    fn write(&self, folder: &Path, name: &str) -> PathBuf {
        let file = folder.join(name);
        std::fs::write(&file, self.0.pem()).unwrap();
        file
    }

    /// Returns a certificate for the server, and its key.
    fn sign(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new([NAME.to_owned()]).unwrap();
        (parameters.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

/// A server that some may reach only by TLS, and some only without.
struct Protected {
    // Dropped in this order: the schema stands on the server.
    scratch: Scratch,
    server: Server,
    roots: TempDir,
}

impl Protected {
    fn start() -> Option<Protected> {
        let authority = Authority::new();
        let (certificate, key) = authority.sign();
        let settings = Settings::new()
            .file("server.crt", certificate)
            .file("server.key", key)
            .set("ssl", "on")
            .access("host all either 127.0.0.1/32 trust")
            .access("hostnossl all secret 127.0.0.1/32 reject")
            .access("hostssl all secret 127.0.0.1/32 trust")
            .access("hostssl all open 127.0.0.1/32 reject")
            .access("hostnossl all open 127.0.0.1/32 trust");
        let server = own_server(&settings)?;
        let roots = tempfile::tempdir().unwrap();
        authority.write(roots.path(), "right.crt");
        Authority::new().write(roots.path(), "wrong.crt");
        let scratch = Scratch::on(&server);
        let users = "CREATE ROLE either SUPERUSER LOGIN; CREATE ROLE secret SUPERUSER LOGIN;
            CREATE ROLE open SUPERUSER LOGIN";
        scratch.sql().batch_execute(users).unwrap();
        Some(Protected { scratch, server, roots })
    }

    /// Opens a log and returns whether the connection is protected.
    fn open(&self, user: &str, host: &str, parameters: &str) -> Result<bool, ErrorKind> {
        let roots = self.roots.path().display().to_string();
        let parameters = parameters.replace("ROOTS", &roots);
        let url = format!(
            "postgres://{user}@{host}:{}/postgres?hostaddr=127.0.0.1&{parameters}",
            self.server.port()
        );
        let driver = self.scratch.options_at(&url).open().map_err(|error| error.kind())?;
        driver.last_position().unwrap();
        let sql = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = $1";
        let row = self.scratch.sql().query_one(sql, &[&self.scratch.application()]).unwrap();
        drop(driver);
        // Not before it has gone is the next one the only one.
        while !self.scratch.sql().query(sql, &[&self.scratch.application()]).unwrap().is_empty() {
            std::thread::yield_now();
        }
        Ok(row.get(0))
    }
}

const REFUSED: Result<bool, ErrorKind> = Err(ErrorKind::Unavailable);

#[test]
fn each_mode_protects_as_it_does_with_libpq() {
    let Some(server) = Protected::start() else { return };
    let (plain, protected) = (Ok(false), Ok(true));
    let right = "sslrootcert=ROOTS/right.crt";
    for (mode, either, secret, open) in [
        ("sslmode=disable", plain, REFUSED, plain),
        ("sslmode=allow", plain, protected, plain),
        ("sslmode=prefer", protected, protected, plain),
        ("sslmode=require", protected, protected, REFUSED),
        (&format!("sslmode=verify-ca&{right}"), protected, protected, REFUSED),
        (&format!("sslmode=verify-full&{right}"), protected, protected, REFUSED),
    ] {
        for (user, expected) in [("either", either), ("secret", secret), ("open", open)] {
            assert_eq!(server.open(user, NAME, mode), expected, "{mode} for {user}");
        }
    }
}

#[test]
fn a_certificate_is_judged_as_far_as_the_mode_asks() {
    let Some(server) = Protected::start() else { return };
    let (plain, protected) = (Ok(false), Ok(true));
    for (host, parameters, expected) in [
        // A root that is named is asked even where that would not be needed.
        (NAME, "sslmode=require&sslrootcert=ROOTS/right.crt", protected),
        (NAME, "sslmode=require&sslrootcert=ROOTS/wrong.crt", REFUSED),
        (NAME, "sslmode=verify-ca&sslrootcert=ROOTS/wrong.crt", REFUSED),
        (NAME, "sslmode=verify-full&sslrootcert=ROOTS/wrong.crt", REFUSED),
        (NAME, "sslmode=prefer&sslrootcert=ROOTS/wrong.crt", plain),
        // The name is asked for by one mode only.
        ("other.annals.test", "sslmode=require", protected),
        ("other.annals.test", "sslmode=verify-ca&sslrootcert=ROOTS/right.crt", protected),
        ("other.annals.test", "sslmode=verify-full&sslrootcert=ROOTS/right.crt", REFUSED),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=ROOTS/right.crt", REFUSED),
        // Nobody signs for the whole world here.
        (NAME, "sslmode=verify-full&sslrootcert=system", REFUSED),
        (NAME, "sslmode=verify-full&sslrootcert=ROOTS/missing.crt", Err(ErrorKind::Invalid)),
    ] {
        assert_eq!(server.open("either", host, parameters), expected, "{parameters} for {host}");
    }
}

#[test]
fn a_server_without_tls_is_refused_where_it_is_asked_for() {
    let Some(server) = own_server(&Settings::new().access("host all postgres 127.0.0.1/32 trust")) else {
        return;
    };
    let scratch = Scratch::on(&server);
    let url = |mode| format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode={mode}", server.port());
    for mode in ["disable", "allow", "prefer"] {
        scratch.options_at(&url(mode)).open().unwrap().last_position().unwrap();
    }
    let error = scratch.options_at(&url("require")).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("TLS"), "{error}");
    // It would have let in whoever does without.
    Client::connect(&url("disable"), NoTls).unwrap();
}
