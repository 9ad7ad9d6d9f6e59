//! A part of the plan that is kept for some sites: the rules that hold it, and where the sites are. What cannot be put
//! in force is tried again with each tick; the brain keeps the plan closed until it is.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use hotshare_core::brain::Event;
use hotshare_core::names::{Answered, Sites};
use hotshare_linux::clock;
use hotshare_linux::names::SiteSeen;
use hotshare_linux::nat;

use super::execute::{Hands, POKES};

/// What is to be reached, and how far that has come.
#[derive(Debug, Default)]
pub(super) struct SiteHand {
    wanted: Sites,
    answered: Answered,
    /// The rules are not as they should be.
    unready: bool,
    /// The set is not as it should be.
    stale: bool,
    /// How often flows to elsewhere are still to be made to speak.
    pokes: u8,
}

impl Hands {
    pub(super) async fn keep_to_sites(&mut self, wanted: Sites) -> Option<Event> {
        self.view.send_modify(|view| view.sites = wanted.clone().into());
        if wanted.only != self.sites.wanted.only {
            self.sites.pokes = POKES;
        }
        self.sites.wanted = wanted;
        self.put_sites_in_force().await
    }

    async fn put_sites_in_force(&mut self) -> Option<Event> {
        self.sites.unready = false;
        match self.try_sites().await {
            Ok(()) => {
                self.poke_strays().await;
                Some(Event::SitesReady(self.sites.wanted.only.clone()))
            }
            Err(error) => {
                tracing::warn!(error = %error, "the rules for sites could not be set; will try again");
                self.sites.unready = true;
                None
            }
        }
    }

    /// The set before the rules that need it.
    async fn try_sites(&mut self) -> Result<(), hotshare_linux::host::HostError> {
        self.host.set_sites(&self.site_addresses()).await?;
        self.wanted.only_sites = self.sites.wanted.only.is_some();
        self.host.reconcile(&self.wanted.desired()).await.map(drop)
    }

    fn site_addresses(&self) -> BTreeSet<Ipv4Addr> {
        self.sites.wanted.only.as_ref().map(|only| self.sites.answered.addresses(only)).unwrap_or_default()
    }

    /// Somebody is about to hear where a site is.
    pub(super) async fn site_seen(&mut self, seen: SiteSeen) {
        for site in &seen.sites {
            for (address, secs) in &seen.addresses {
                self.sites.answered.note(site.clone(), *address, *secs, clock::boot());
            }
        }
        self.show_sites().await;
        // Who waited for it may be gone.
        _ = seen.known.send(());
    }

    /// What is not in the set cannot be reached: nothing worse than that can come of a failure.
    async fn show_sites(&mut self) {
        self.sites.stale = false;
        if let Err(error) = self.host.set_sites(&self.site_addresses()).await {
            tracing::warn!(error = %error, "where sites are could not be told to the rules; will try again");
            self.sites.stale = true;
        }
    }

    /// With each tick: what was answered long ago is forgotten, and what failed is tried again.
    pub(super) async fn mind_sites(&mut self) -> Option<Event> {
        let before = self.site_addresses();
        self.sites.answered.forget(clock::boot());
        if self.sites.stale || before != self.site_addresses() {
            self.show_sites().await;
        }
        if self.sites.unready {
            return self.put_sites_in_force().await;
        }
        self.poke_strays().await;
        None
    }

    /// Flows to elsewhere whose station is silent are made to speak, so that they are reset.
    async fn poke_strays(&mut self) {
        if self.sites.wanted.only.is_none() || self.sites.pokes == 0 {
            return;
        }
        self.sites.pokes -= 1;
        let (stations, sites) = (self.addresses(), self.site_addresses());
        if let Err(error) = nat::poke_flows(self.wanted.lan(), &stations, &sites).await {
            tracing::warn!(error = %error, "flows to elsewhere could not be reset");
        }
    }
}
