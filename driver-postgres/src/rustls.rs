//! TLS by rustls: which certificates are trusted, and for what.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use annals_core::{Error, ErrorKind};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::client::Client;
use crate::failure::Failure;
use crate::parameters::Parameters;
use crate::tls::TlsMode;

/// The certificates that a connection needs.
pub(crate) struct Certificates {
    /// Whom to trust; `None` where nobody said.
    roots: Option<Arc<RootCertStore>>,
    /// Who we are, where the server wants to know.
    own: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl Certificates {
    /// Reads the files that the parameters name.
    pub(crate) fn find(parameters: &Parameters) -> Result<Certificates, Error> {
        let mode = TlsMode::parse(parameters.get("sslmode").unwrap_or_default())?;
        let roots = match parameters.get("sslrootcert") {
            _ if mode == TlsMode::Disable => None,
            Some("system") if mode != TlsMode::VerifyFull => {
                return Err(invalid("`sslrootcert=system` goes with `sslmode=verify-full` only"));
            }
            Some("system") => Some(Arc::new(public_roots()?)),
            Some(file) => Some(Arc::new(roots_in(Path::new(file))?)),
            None if matches!(mode, TlsMode::VerifyCa | TlsMode::VerifyFull) => {
                return Err(invalid(
                    "there is no root certificate to check the server by; name its file in `sslrootcert`, or take \
                     the system's with `sslrootcert=system`",
                ));
            }
            None => None,
        };
        let own = match (parameters.get("sslcert"), parameters.get("sslkey")) {
            (Some(certificate), Some(key)) if mode != TlsMode::Disable => {
                Some((certificates_in(Path::new(certificate))?, key_in(Path::new(key))?))
            }
            _ => None,
        };
        Ok(Certificates { roots, own })
    }
}

fn public_roots() -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(invalid("the system has no root certificates")) } else { Ok(roots) }
}

fn roots_in(file: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates_in(file)? {
        roots.add(certificate).map_err(|_| no_certificate(file))?;
    }
    Ok(roots)
}

fn certificates_in(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    read.ok().filter(|found| !found.is_empty()).ok_or_else(|| no_certificate(file))
}

fn no_certificate(file: &Path) -> Error {
    Error::Invalid(format!("{} cannot be read as a certificate", file.display()))
}

fn key_in(file: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    if !is_private(file) {
        let (file, advice) = (file.display(), "`chmod 600` closes it");
        return Err(Error::Invalid(format!("others may read the key {file}, so it is not used; {advice}")));
    }
    PrivateKeyDer::from_pem_file(file)
        .map_err(|_| Error::Invalid(format!("{} cannot be read as a key", file.display())))
}

#[cfg(unix)]
fn is_private(file: &Path) -> bool {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    // A file of root may be read by a group, as libpq has it.
    let others = |about: &fs::Metadata| if about.uid() == 0 { 0o037 } else { 0o077 };
    fs::metadata(file).map_or(true, |about| about.permissions().mode() & others(&about) == 0)
}

#[cfg(not(unix))]
fn is_private(file: &Path) -> bool {
    fs::metadata(file).is_ok()
}

fn invalid(message: &str) -> Error {
    Error::Invalid(message.to_owned())
}

/// What makes a connection that is protected, or may be.
pub(crate) struct Connector(MakeRustlsConnect);

impl Connector {
    pub(crate) const IS_BUILT_IN: bool = true;

    pub(crate) fn new(mode: TlsMode, certificates: &Certificates) -> Result<Connector, Failure> {
        let failed =
            |_| Failure::Refused(ErrorKind::Invalid, "the certificates cannot be used for TLS".into());
        let provider = Arc::new(ring::default_provider());
        let verifier = Verifier::new(mode, certificates, &provider)?;
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(failed)?.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        let config = match &certificates.own {
            Some((own, key)) => config.with_client_auth_cert(own.clone(), key.clone_key()).map_err(failed)?,
            None => config.with_no_client_auth(),
        };
        Ok(Connector(MakeRustlsConnect::new(config)))
    }

    pub(crate) fn connect(self, host: &Config, deadline: Instant) -> Result<Client, Failure> {
        Client::connect(host, self.0, deadline)
    }
}

/// Judges a server's certificate as far as libpq does: by the root, if there is one to judge by, and by
/// the name of the host only under `verify-full`.
#[derive(Debug)]
struct Verifier {
    chain: Option<Arc<WebPkiServerVerifier>>,
    checks_name: bool,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(
        mode: TlsMode,
        certificates: &Certificates,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Verifier, Failure> {
        let chain = certificates.roots.as_ref().map(|roots| {
            WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider)).build()
        });
        let failed = |_| Failure::Refused(ErrorKind::Invalid, "the root certificates cannot be used".into());
        let chain = chain.transpose().map_err(failed)?;
        Ok(Verifier { chain, checks_name: mode == TlsMode::VerifyFull, provider: Arc::clone(provider) })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(certificate, between, name, ocsp, now) {
            // The name is looked at last: all else is well.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            judged => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
