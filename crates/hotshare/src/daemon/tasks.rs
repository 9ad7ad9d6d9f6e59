//! Everything that runs beside the event loop. The only place that spawns.
//!
//! ```text
//!   lease (DHCP)  --LeaseNews-->  event loop  --watch NamesView-->  names (DNS)
//!   radio         --RadioNews-->              --watch RadioOrders-->  radio (hostapd)
//!   API socket    --Ask-------->              --NamesView
//!   modem         --Modems----->
//!   alerts        <--raised----  ledger thread
//!   certificate   --Ask, told of each new one-->
//!   signals       --Stop------->
//! ```

use std::time::Duration;

use hotshare_core::lease::LeaseRules;
use hotshare_core::names::NamesView;
use hotshare_core::radio::RadioOrders;
use hotshare_core::record::Leased;
use hotshare_core::units::Mac;
use hotshare_core::uplink::Subnet;
use hotshare_linux::lease::{self, LeaseConfig, LeaseNews};
use hotshare_linux::modem::{self, Modems};
use hotshare_linux::names;
use hotshare_linux::radio::{Radio, RadioNews, RadioView};
use hotshare_notify::mqtt::Link;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::alerts::Courier;
use super::certificate::Keeper;
use crate::serve;
use crate::serve::portal::PortalDoor;

/// A task that ended although nobody told it to.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) what: What,
    pub(super) error: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Lease,
    Names,
    Portal,
    Radio,
    Api,
    Door,
}

impl What {
    pub(super) fn words(self) -> &'static str {
        match self {
            What::Lease => "the DHCP server",
            What::Names => "the DNS forwarder",
            What::Portal => "the page for browsers",
            What::Radio => "the access point",
            What::Api => "the API's socket",
            What::Door => "the machine's door for browsers",
        }
    }
}

/// The tasks, and the token that ends them.
pub(super) struct Tasks {
    set: JoinSet<Option<Ended>>,
    stop: CancellationToken,
    lan_stop: CancellationToken,
}

/// What the LAN side's servers need.
#[derive(Clone, Debug)]
pub(super) struct LanSide {
    pub(super) lan: String,
    pub(super) subnet: Subnet,
    pub(super) lease_time: Duration,
    /// Where the portal's interface for systems is (RFC 8910), if it is there.
    pub(super) capport: Option<String>,
}

impl LanSide {
    pub(super) fn lease_config(&self) -> LeaseConfig {
        let mut rules = LeaseRules::new(self.subnet.gateway(), self.subnet.prefix_len());
        rules.lease_secs = u32::try_from(self.lease_time.as_secs()).unwrap_or(u32::MAX);
        rules.captive_portal.clone_from(&self.capport);
        LeaseConfig { lan: self.lan.clone(), rules }
    }
}

impl Tasks {
    pub(super) fn new() -> Tasks {
        let stop = CancellationToken::new();
        Tasks { set: JoinSet::new(), lan_stop: stop.child_token(), stop }
    }

    pub(super) fn serve_api(&mut self, listener: UnixListener, state: serve::AppState) {
        let stop = self.stop.clone();
        self.spawn(async move {
            serve::serve(listener, state, stop.clone()).await;
            ended(What::Api, "it closed".into(), &stop)
        });
    }

    /// The dashboard on the machine itself.
    pub(super) fn serve_machine_door(&mut self, listeners: Vec<TcpListener>, pages: axum::Router) {
        let stop = self.stop.clone();
        self.spawn(async move {
            serve::door::serve_machine(listeners, pages, stop.clone()).await;
            ended(What::Door, "it closed".into(), &stop)
        });
    }

    pub(super) fn serve_leases(
        &mut self,
        server: lease::Lease,
        leases: Vec<Leased>,
        news: mpsc::Sender<LeaseNews>,
    ) {
        let stop = self.lan_stop.clone();
        self.spawn(async move {
            match server.serve(leases, news, stop.clone()).await {
                Ok(()) => ended(What::Lease, "it ended".into(), &stop),
                Err(error) => ended(What::Lease, error.to_string(), &stop),
            }
        });
    }

    pub(super) fn serve_names(&mut self, server: names::Names, view: watch::Receiver<NamesView>) {
        let stop = self.lan_stop.clone();
        self.spawn(async move {
            match server.serve(view, stop.clone()).await {
                Ok(()) => ended(What::Names, "it ended".into(), &stop),
                Err(error) => ended(What::Names, error.to_string(), &stop),
            }
        });
    }

    pub(super) fn serve_portal(&mut self, listener: TcpListener, door: PortalDoor) {
        let stop = self.lan_stop.clone();
        self.spawn(async move {
            serve::portal::serve(listener, door, stop.clone()).await;
            ended(What::Portal, "it closed".into(), &stop)
        });
    }

    pub(super) fn serve_radio(
        &mut self,
        radio: Radio,
        orders: watch::Receiver<RadioOrders>,
        kicks: mpsc::Receiver<Mac>,
        news: mpsc::Sender<RadioNews>,
        view: watch::Sender<RadioView>,
    ) {
        let stop = self.stop.clone();
        self.spawn(async move {
            match radio.serve(orders, kicks, news, view, stop.clone()).await {
                Ok(()) => ended(What::Radio, "it ended".into(), &stop),
                Err(error) => ended(What::Radio, error.to_string(), &stop),
            }
        });
    }

    /// Listens to what is told of SIMs.
    pub(super) fn follow_modems(&mut self, modems: watch::Sender<Modems>) {
        let stop = self.stop.clone();
        self.spawn(async move {
            stop.run_until_cancelled(modem::follow(modems)).await;
            None
        });
    }

    /// Delivers alerts. Nothing waits for these tasks, and none of them ends before it is told to.
    pub(super) fn carry_alerts(&mut self, couriers: Vec<Courier>, link: Option<Link>) {
        for courier in couriers {
            let stop = self.stop.clone();
            self.spawn(async move {
                courier.run(stop).await;
                None
            });
        }
        if let Some(link) = link {
            let stop = self.stop.clone();
            self.spawn(async move {
                link.run(stop).await;
                None
            });
        }
    }

    /// Looks after the certificate of the pages. Nothing waits for it.
    pub(super) fn keep_certificate(&mut self, keeper: Keeper) {
        let stop = self.stop.clone();
        self.spawn(async move {
            keeper.run(stop).await;
            None
        });
    }

    /// Ends the LAN side's servers, so that others can be bound.
    pub(super) fn stop_lan_side(&mut self) {
        self.lan_stop.cancel();
        self.lan_stop = self.stop.child_token();
    }

    fn spawn(&mut self, task: impl Future<Output = Option<Ended>> + Send + 'static) {
        self.set.spawn(task);
    }

    /// The next task that ended although nobody told it to; never returns while all is well.
    pub(super) async fn next_ended(&mut self) -> Ended {
        loop {
            match self.set.join_next().await {
                Some(Ok(None)) => {}
                Some(Ok(Some(ended))) => return ended,
                Some(Err(panic)) => return Ended { what: What::Api, error: panic.to_string() },
                None => std::future::pending().await,
            }
        }
    }

    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        let all = async { while self.set.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(3), all).await.is_err() {
            tracing::warn!("some tasks did not end in time");
        }
    }
}

fn ended(what: What, error: String, stop: &CancellationToken) -> Option<Ended> {
    (!stop.is_cancelled()).then_some(Ended { what, error })
}
