//! The owner's certificate for the pages: looked at before anything is changed, and again whenever its files are
//! replaced.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hotshare_core::certificate::Life;
use hotshare_core::units;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, RootCertStore, ServerConfig};
use tokio::time::Instant;

use crate::config::WebTls;

/// Files are looked at this often at most, when somebody comes.
const PAUSE: Duration = Duration::from_secs(1);
/// More than any chain or key has.
const LARGEST: u64 = 256 * 1024;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateProblem {
    #[error("cannot read {}, which [web] names; check the path and who may read it", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    #[error("{}, which [web] names, is larger than any certificate", .0.display())]
    TooLarge(PathBuf),
    #[error("{} holds no certificate; it must be PEM, “-----BEGIN CERTIFICATE-----” and so on", .0.display())]
    NoCertificate(PathBuf),
    #[error("{} holds no private key; it must be PEM, without a passphrase", .0.display())]
    NoKey(PathBuf),
    #[error("{} can be read by everybody: take that away with `chmod 600`, and use another key if it may be known", .0.display())]
    Open(PathBuf),
    #[error("the key {} does not belong to the certificate {}", .key.display(), .certificate.display())]
    DoesNotFit { certificate: PathBuf, key: PathBuf },
    #[error("the certificate {} is not for {name}, the name in [web]", .certificate.display())]
    OtherName { certificate: PathBuf, name: String },
    #[error("the certificate {} ended on {ended}; get a new one", .certificate.display())]
    Expired { certificate: PathBuf, ended: String },
    #[error("the certificate {} cannot be used", .certificate.display())]
    Unusable { certificate: PathBuf, source: rustls::Error },
}

impl CertificateProblem {
    /// The owner made no mistake; time has passed.
    pub(crate) fn is_age(&self) -> bool {
        matches!(self, CertificateProblem::Expired { .. })
    }
}

/// The certificate in use, and where the next one will be.
#[derive(Debug)]
pub(crate) struct Secure {
    files: WebTls,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    config: Arc<ServerConfig>,
    stamps: Option<[Stamp; 2]>,
    looked: Instant,
}

/// By which a replaced file is known: when it was changed, its size and its number.
type Stamp = (i64, i64, u64, u64);

impl Secure {
    /// Reads and checks what the configuration names.
    pub(crate) fn open(files: &WebTls) -> Result<Secure, CertificateProblem> {
        let stamps = stamps(files);
        let (config, _) = load(files, SystemTime::now())?;
        Ok(Secure {
            files: files.clone(),
            state: Mutex::new(State { config, stamps, looked: Instant::now() }),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.files.name
    }

    /// What the next connection is served with. A new certificate that cannot be used is told once, and the old one goes
    /// on.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() >= PAUSE {
            state.looked = Instant::now();
            let now = stamps(&self.files);
            if now != state.stamps {
                state.stamps = now;
                match load(&self.files, SystemTime::now()) {
                    Ok((config, _)) => {
                        tracing::info!("the pages have a new certificate");
                        state.config = config;
                    }
                    Err(error) => {
                        let error: &dyn std::error::Error = &error;
                        tracing::error!(error, "the new certificate is not used; the old one goes on");
                    }
                }
            }
        }
        Arc::clone(&state.config)
    }
}

fn stamps(files: &WebTls) -> Option<[Stamp; 2]> {
    let stamp = |path: &Path| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.mtime(), meta.mtime_nsec(), meta.len(), meta.ino()))
    };
    Some([stamp(&files.certificate)?, stamp(&files.key)?])
}

/// Reads and checks files that may become the ones in use, and says how long the certificate is good.
pub(crate) fn check(files: &WebTls) -> Result<Option<Life>, CertificateProblem> {
    load(files, SystemTime::now()).map(|(_, life)| life)
}

pub(super) fn load(
    files: &WebTls,
    now: SystemTime,
) -> Result<(Arc<ServerConfig>, Option<Life>), CertificateProblem> {
    let WebTls { name, certificate, key } = files;
    let unusable = |source| CertificateProblem::Unusable { certificate: certificate.clone(), source };
    let pem = read(certificate)?;
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
    let Some(first) = chain.first() else {
        return Err(CertificateProblem::NoCertificate(certificate.clone()));
    };
    let private =
        PrivateKeyDer::from_pem_slice(&read_key(key)?).map_err(|_| CertificateProblem::NoKey(key.clone()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());

    let parsed = ParsedCertificate::try_from(first).map_err(unusable)?;
    let asked =
        ServerName::try_from(name.clone()).map_err(|e| unusable(rustls::Error::General(e.to_string())))?;
    if rustls::client::verify_server_name(&parsed, &asked).is_err() {
        return Err(CertificateProblem::OtherName { certificate: certificate.clone(), name: name.clone() });
    }
    let life = life(&parsed, &provider);
    if let Some(ended) = life.and_then(|life| ended(life, now)) {
        return Err(CertificateProblem::Expired { certificate: certificate.clone(), ended });
    }
    let signing = provider.key_provider.load_private_key(private).map_err(unusable)?;
    let certified = CertifiedKey::new(chain.clone(), signing);
    match certified.keys_match() {
        // Of a kind of key that cannot say so, the first handshake would tell.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
        Err(_) => {
            let (certificate, key) = (certificate.clone(), key.clone());
            return Err(CertificateProblem::DoesNotFit { certificate, key });
        }
    }
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((Arc::new(config), life))
}

/// Between what times it is good. Who signed it is for devices to judge, and its time is what is looked at first: asked
/// about a time long before and one long after, the judge names both ends.
fn life(parsed: &ParsedCertificate<'_>, provider: &rustls::crypto::CryptoProvider) -> Option<Life> {
    const LONG_AFTER: u64 = 300_000_000_000;
    let judged = |secs| {
        let (roots, at) = (RootCertStore::empty(), UnixTime::since_unix_epoch(Duration::from_secs(secs)));
        let algorithms = provider.signature_verification_algorithms.all;
        match rustls::client::verify_server_cert_signed_by_trust_anchor(parsed, &roots, &[], at, algorithms) {
            Err(rustls::Error::InvalidCertificate(error)) => Some(error),
            Ok(()) | Err(_) => None,
        }
    };
    let unix = |time: UnixTime| i64::try_from(time.as_secs()).ok().map(units::UnixTime);
    let Some(CertificateError::ExpiredContext { not_after, .. }) = judged(LONG_AFTER) else { return None };
    let begins = match judged(0) {
        Some(CertificateError::NotValidYetContext { not_before, .. }) => unix(not_before)?,
        Some(_) | None => units::UnixTime(0),
    };
    Some(Life { begins, ends: unix(not_after)? })
}

/// The day on which it ended. That its time has not begun says only that the clock is behind.
fn ended(life: Life, now: SystemTime) -> Option<String> {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let ends = u64::try_from(life.ends.0).unwrap_or(0);
    let day = jiff::Timestamp::from_second(life.ends.0).ok()?.to_zoned(jiff::tz::TimeZone::UTC).date();
    (ends < now).then(|| day.to_string())
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateProblem> {
    let unreadable = |e| CertificateProblem::Unreadable(path.to_owned(), e);
    if std::fs::metadata(path).map_err(unreadable)?.len() > LARGEST {
        return Err(CertificateProblem::TooLarge(path.to_owned()));
    }
    std::fs::read(path).map_err(unreadable)
}

fn read_key(path: &Path) -> Result<Vec<u8>, CertificateProblem> {
    let meta = std::fs::metadata(path).map_err(|e| CertificateProblem::Unreadable(path.to_owned(), e))?;
    if meta.mode() & 0o007 != 0 {
        return Err(CertificateProblem::Open(path.to_owned()));
    }
    read(path)
}
