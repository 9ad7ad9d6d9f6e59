//! TLS by rustls with ring: the certificates that the system trusts, or only those that the owner names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Why no server can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read the certificates in {}", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    #[error("{} holds no certificate that can be used; it must be PEM, “-----BEGIN CERTIFICATE-----” and so on", .0.display())]
    NoCertificates(PathBuf),
    #[error("this system trusts no certificates: install the package ca-certificates, or name a ca_file")]
    NothingTrusted,
    #[error("TLS cannot be used")]
    Broken(#[from] rustls::Error),
}

/// Whom to trust. `ca_file`: only what is signed by one of these.
pub fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let pem = read_pem(path)?;
            let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
            if roots.add_parsable_certificates(certificates).0 == 0 {
                return Err(TlsError::NoCertificates(path.to_owned()));
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            if roots.add_parsable_certificates(found.certs).0 == 0 {
                return Err(TlsError::NothingTrusted);
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

pub(crate) fn read_pem(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|e| TlsError::Unreadable(path.to_owned(), e))
}
