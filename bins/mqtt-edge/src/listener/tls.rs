//! What the TLS ports show, and what they ask for.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

use super::args::{ClientCertificate, TlsArgs};

/// Why TLS can't be offered, or new files are not taken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing or can't be read.
    #[error("cannot read {path}: {source}; see --tls-cert, --tls-key and --tls-client-ca")]
    Read {
        /// Which.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{path} has no {what} in PEM ({why})")]
    Pem {
        /// Which.
        path: String,
        /// What was looked for.
        what: &'static str,
        /// What was found.
        why: String,
    },
    /// Certificate and key do not belong together, or are of an unknown kind.
    #[error("the certificate in {certificate} and the key in {key} can't be used: {source}")]
    Pair {
        /// The file of the certificate.
        certificate: String,
        /// The file of the key.
        key: String,
        /// What rustls says.
        source: rustls::Error,
    },
    /// No client could be verified with these.
    #[error("the client CA in {path} can't be used: {source}")]
    ClientCa {
        /// Which.
        path: String,
        /// What rustls says.
        source: VerifierBuilderError,
    },
    /// Asked for, but not given.
    #[error("--tls-client-cert optional or required needs --tls-client-ca FILE")]
    NoClientCa,
    /// The system has no random numbers.
    #[error("TLS can't be started: {0}")]
    Rustls(#[from] rustls::Error),
}

/// Where certificates and key are.
#[derive(Clone, Debug)]
pub(super) struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
    client_certificate: ClientCertificate,
}

impl TlsFiles {
    /// From the options; `None` without a certificate.
    pub(super) fn new(args: &TlsArgs) -> Result<Option<Self>, TlsError> {
        let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) else {
            return Ok(None);
        };
        let usual = match args.tls_client_ca {
            Some(_) => ClientCertificate::Required,
            None => ClientCertificate::None,
        };
        let client_certificate = args.tls_client_cert.unwrap_or(usual);
        if client_certificate != ClientCertificate::None && args.tls_client_ca.is_none() {
            return Err(TlsError::NoClientCa);
        }
        Ok(Some(Self {
            certificate: certificate.clone(),
            key: key.clone(),
            client_ca: args.tls_client_ca.clone(),
            client_certificate,
        }))
    }

    /// All files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        [&self.certificate, &self.key]
            .into_iter()
            .chain(&self.client_ca)
            .map(PathBuf::as_path)
    }

    /// Reads the files. TLS 1.2 and 1.3, and only ciphers that authenticate what they encrypt:
    /// rustls has no others.
    pub(super) fn load(&self) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match self.verifier(provider)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder
            .with_single_cert(certificates(&self.certificate)?, key(&self.key)?)
            .map_err(|source| TlsError::Pair {
                certificate: shown(&self.certificate),
                key: shown(&self.key),
                source,
            })?;
        // Locks that all come back at once resume their sessions: a tenth of the work. The tickets
        // hold the state, so it costs no memory here, and they end with these certificates.
        config.ticketer = ring::Ticketer::new()?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 1;
        Ok(config)
    }

    fn verifier(
        &self,
        provider: Arc<CryptoProvider>,
    ) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
        let Some(path) = self
            .client_ca
            .as_ref()
            .filter(|_| self.client_certificate != ClientCertificate::None)
        else {
            return Ok(None);
        };
        let mut roots = RootCertStore::empty();
        for root in certificates(path)? {
            roots.add(root).map_err(|error| TlsError::Pem {
                path: shown(path),
                what: "root certificate",
                why: error.to_string(),
            })?;
        }
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let builder = match self.client_certificate {
            ClientCertificate::Required => builder,
            ClientCertificate::None | ClientCertificate::Optional => {
                builder.allow_unauthenticated()
            }
        };
        let verifier = builder.build().map_err(|source| TlsError::ClientCa {
            path: shown(path),
            source,
        })?;
        Ok(Some(verifier))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |error| pem_error(path, "certificate", error);
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(failed)?
        .collect();
    let found = found.map_err(failed)?;
    if found.is_empty() {
        return Err(failed(PemError::NoItemsFound));
    }
    Ok(found)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| pem_error(path, "private key", error))
}

fn pem_error(path: &Path, what: &'static str, error: PemError) -> TlsError {
    let path = shown(path);
    match error {
        PemError::Io(source) => TlsError::Read { path, source },
        other => TlsError::Pem {
            path,
            what,
            why: other.to_string(),
        },
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
