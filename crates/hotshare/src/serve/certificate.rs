//! How it stands with the certificate of the pages.

use hotshare_api as api;
use hotshare_core::certificate::{Held, Life, Next};
use hotshare_core::units::UnixTime;

use super::AppState;

/// What is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateView {
    pub(crate) name: String,
    /// It is got, and not the owner's files.
    pub(crate) by_itself: bool,
    /// `None`: there is none that can be used.
    pub(crate) life: Option<Life>,
    /// What is done about a new one.
    pub(crate) next: Option<Next>,
    pub(crate) failed: Option<Failed>,
}

/// Tries that came to nothing, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) at: UnixTime,
    pub(crate) times: u32,
    pub(crate) why: String,
}

impl AppState {
    /// As it is told.
    pub(super) fn certificate(&self) -> Option<api::Certificate> {
        let view = self.certificate.as_ref()?.borrow();
        let (next_try, waits_for) = match view.next {
            Some(Next::At(at)) => (Some(at.0), None),
            Some(Next::Held(Held::Closed(_))) => (None, Some(api::CertificateWait::Uplink)),
            Some(Next::Held(Held::Clock)) => (None, Some(api::CertificateWait::Clock)),
            Some(Next::Try) | None => (None, None),
        };
        Some(api::Certificate {
            name: view.name.clone(),
            by_itself: view.by_itself,
            until: view.life.map(|life| life.ends.0),
            next_try,
            waits_for,
            failed: view.failed.as_ref().map(|failed| api::CertificateFailed {
                at: failed.at.0,
                times: failed.times,
                why: failed.why.clone(),
            }),
        })
    }
}
