//! What `sslmode` means, in libpq's words.

use annals_core::Error;

#[cfg(feature = "tls-rustls")]
pub(crate) use crate::rustls::{Certificates, Connector};
#[cfg(not(feature = "tls-rustls"))]
pub(crate) use without::{Certificates, Connector};

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsMode {
    /// Not at all.
    Disable,
    /// Only if the server insists.
    Allow,
    /// If the server can.
    Prefer,
    /// Against being read; whose certificate it is does not matter, unless there is a root to check it by.
    Require,
    /// ... and the certificate must come from a root that is trusted.
    VerifyCa,
    /// ... and be the host's.
    VerifyFull,
}

impl TlsMode {
    const NAMES: [(&str, TlsMode); 6] = [
        ("disable", TlsMode::Disable),
        ("allow", TlsMode::Allow),
        ("prefer", TlsMode::Prefer),
        ("require", TlsMode::Require),
        ("verify-ca", TlsMode::VerifyCa),
        ("verify-full", TlsMode::VerifyFull),
    ];

    pub(crate) fn parse(name: &str) -> Result<TlsMode, Error> {
        let mode = TlsMode::NAMES.iter().find(|(known, _)| *known == name).map(|(_, mode)| *mode);
        let known = || TlsMode::NAMES.map(|(known, _)| known).join(", ");
        let mode = mode.ok_or_else(|| Error::Invalid(format!("`sslmode` is one of {}", known())))?;
        let is_needed = matches!(mode, TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull);
        if is_needed && !Connector::IS_BUILT_IN {
            return Err(Error::Invalid(format!(
                "`sslmode={name}` needs TLS, and this program was built without it: build it with the feature \
                 `tls-rustls` of annals-driver-postgres"
            )));
        }
        Ok(mode)
    }
}

#[cfg(not(feature = "tls-rustls"))]
mod without {
    use std::time::Instant;

    use annals_core::Error;
    use postgres::NoTls;
    use tokio_postgres::Config;

    use super::TlsMode;
    use crate::client::Client;
    use crate::failure::Failure;
    use crate::parameters::Parameters;

    pub(crate) struct Certificates;

    impl Certificates {
        #[expect(clippy::unnecessary_wraps, reason = "finding certificates can fail, where there is TLS")]
        pub(crate) fn find(_parameters: &Parameters) -> Result<Certificates, Error> {
            Ok(Certificates)
        }
    }

    pub(crate) struct Connector;

    impl Connector {
        pub(crate) const IS_BUILT_IN: bool = false;

        #[expect(clippy::unnecessary_wraps, reason = "certificates can be wrong, where there is TLS")]
        pub(crate) fn new(_mode: TlsMode, _certificates: &Certificates) -> Result<Connector, Failure> {
            Ok(Connector)
        }

        pub(crate) fn connect(self, host: &Config, deadline: Instant) -> Result<Client, Failure> {
            Client::connect(host, NoTls, deadline)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_protected_as_asked_is_refused() {
        for (name, mode) in TlsMode::NAMES {
            let can = Connector::IS_BUILT_IN || matches!(name, "disable" | "allow" | "prefer");
            assert_eq!(TlsMode::parse(name).ok(), can.then_some(mode), "{name}");
        }
        assert!(TlsMode::parse("Require").is_err());
    }
}
