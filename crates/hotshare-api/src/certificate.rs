//! The certificate of the pages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the pages are served with by TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    /// Whom it is for.
    pub name: String,
    /// It is got and renewed by itself; else its files are the owner's.
    pub by_itself: bool,
    /// It is good until then, perhaps no more; `null`: there is none.
    pub until: Option<i64>,
    /// When a new one is tried to be got, if nothing happens until then; `null`: never, or it waits for something.
    pub next_try: Option<i64>,
    /// It is time for a new one, but that has to wait.
    pub waits_for: Option<CertificateWait>,
    /// What became of the tries since the last one that brought a certificate; `null`: none failed.
    pub failed: Option<CertificateFailed>,
}

/// What a new certificate waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateWait {
    /// Nothing may pass over the uplink; `closed` says why.
    Uplink,
    /// The machine's clock is known to be wrong.
    Clock,
    /// A reason that this release does not know.
    #[serde(other)]
    Unknown,
}

/// Tries that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateFailed {
    /// When the last one did.
    pub at: i64,
    /// How many, one after the other.
    pub times: u32,
    /// Why the last one did, in plain English. It may hold what other servers say: escape it before showing it.
    pub why: String,
}
