//! What is served on the LAN: DHCP, DNS and the doors to the pages, on an interface that may go and come again.

use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use hotshare_core::names::NamesView;
use hotshare_core::record::Leased;
use hotshare_core::uplink::Uplink;
use hotshare_linux::lease::{Lease, LeaseNews};
use hotshare_linux::modem::Modems;
use hotshare_linux::names::{Names, NamesConfig, SiteSeen};
use hotshare_linux::observe::ifindex;
use hotshare_linux::uplink::FindError;
use tokio::sync::{mpsc, watch};

use super::execute::Hands;
use super::start::find_uplink;
use super::tasks::{LanSide, Tasks};
use super::{UpOptions, certificate, chain};
use crate::serve;
use crate::serve::portal::{self, PortalDoor, Secure};

/// DHCP and DNS on the LAN side; bound again when the interface was made again.
pub(super) struct LanServers {
    pub(super) options: UpOptions,
    pub(super) uplink: String,
    pub(super) side: LanSide,
    pub(super) index: Option<u32>,
    pub(super) news: mpsc::Sender<LeaseNews>,
    pub(super) seen: mpsc::Sender<SiteSeen>,
    pub(super) pages: Arc<OnceLock<Router>>,
    /// What pages are made of; set with them.
    pub(super) state: Option<serve::AppState>,
    pub(super) secure: Option<Arc<Secure>>,
    pub(super) views: watch::Receiver<NamesView>,
    pub(super) modems: watch::Receiver<Modems>,
    /// The LAN is not there, or a server on it failed: looked at again with each tick.
    pub(super) missing: bool,
}

impl LanServers {
    /// The uplink that was chosen at start, if it is there. Another one may have another price, and is never
    /// taken instead without the owner's word.
    pub(super) async fn find_uplink(&self) -> Result<Uplink, FindError> {
        let modems = self.modems.borrow().clone();
        find_uplink(&self.options, Some(&self.uplink), &modems).await
    }

    pub(super) fn bind(&mut self, leases: Vec<Leased>, tasks: &mut Tasks) -> anyhow::Result<()> {
        let server = Lease::bind(self.side.lease_config())?;
        let gateway: Ipv4Addr = self.side.subnet.gateway();
        let names = Names::bind(NamesConfig { lan: self.side.lan.clone(), gateway })?;
        let names = names.telling(self.seen.clone());
        let page = portal::bind(&self.side.lan, gateway, portal::PORT)?;
        let tls = self.secure.is_some().then_some(portal::TLS_PORT);
        let tls = tls.map(|port| portal::bind(&self.side.lan, gateway, port)).transpose()?;
        tasks.serve_leases(server, leases, self.news.clone());
        for (listener, is_tls) in std::iter::once((page, false)).chain(tls.map(|tls| (tls, true))) {
            let door = PortalDoor { pages: Arc::clone(&self.pages), secure: self.secure.clone(), is_tls };
            tasks.serve_portal(listener, door);
        }
        tasks.serve_names(names, self.views.clone());
        self.index = ifindex(&self.side.lan);
        self.missing = false;
        Ok(())
    }

    /// There is a first certificate: the door by TLS opens, names lead to it, and devices are told of it when they ask for
    /// their address next. Later ones are found where they lie.
    pub(super) fn certificate_is_there(&mut self, view: &watch::Sender<NamesView>) {
        let (web, dir) = (&self.options.config.web, self.options.instance.acme_dir());
        let Some((files, state)) = certificate::files(web, &dir).zip(self.state.clone()) else { return };
        if self.secure.is_some() {
            return;
        }
        let secure = match Secure::open(&files) {
            Ok(secure) => Arc::new(secure),
            Err(error) => {
                return tracing::error!(error = chain(&error), "the certificate that was got is not used");
            }
        };
        let name = secure.name().to_owned();
        state.access.move_lan(format!("https://{name}"));
        self.side.capport = Some(capport(&secure));
        view.send_modify(|view| view.web_name = labels(&secure));
        self.pages = Arc::new(OnceLock::from(serve::pages(state, Some(name))));
        self.secure = Some(secure);
        self.missing = true;
    }

    /// Makes the LAN side again where it is not as it should be; says so once.
    pub(super) async fn check(
        &mut self,
        hands: &mut Hands,
        tasks: &mut Tasks,
        leases: Vec<Leased>,
    ) -> anyhow::Result<()> {
        let was_missing = self.missing;
        match hands.reconcile().await {
            Ok(missing) if missing.is_empty() => {}
            Ok(missing) if !was_missing => {
                tracing::warn!(ports = missing.join(", "), "LAN ports are gone; waiting for them");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(
                error = format!("{error:#}"),
                "the LAN side is not as it should be; will try again"
            ),
        }
        let index = ifindex(&self.side.lan);
        if index.is_none() {
            self.missing = true;
            return Ok(());
        }
        if index == self.index && !was_missing {
            return Ok(());
        }
        tasks.stop_lan_side();
        // The old sockets close when their tasks notice; until then a bind may fail, and is tried again.
        self.missing = true;
        tokio::task::yield_now().await;
        match self.bind(leases, tasks) {
            Ok(()) => tracing::info!("DHCP and DNS are served again"),
            Err(error) => tracing::warn!(error = format!("{error:#}"), "not served yet; will try again"),
        }
        Ok(())
    }
}

/// Where systems ask about the portal.
pub(super) fn capport(secure: &Secure) -> String {
    format!("https://{}{}", secure.name(), hotshare_web::me::CAPPORT_PATH)
}

/// The owner's name, as names are served.
pub(super) fn labels(secure: &Secure) -> Arc<[String]> {
    secure.name().split('.').map(ToOwned::to_owned).collect()
}
