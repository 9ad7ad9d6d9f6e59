//! The rules that keep the LAN to some sites.

use hotshare_core::brain::Event;
use hotshare_core::meter::{AccountOrder, Reading};
use hotshare_core::names::Sites;
use hotshare_core::units::Slot;

use super::World;

impl World {
    pub(super) fn keep_to(&mut self, sites: Sites) {
        if !self.stubborn {
            self.only_sites = sites.only;
            self.news(Event::Read(self.readings()));
            self.news(Event::SitesReady(self.only_sites.clone()));
        }
    }

    /// What a part has granted that is for some sites is not spent while everything can be reached.
    pub(super) fn gives_nothing_away(&self, slot: Slot, order: AccountOrder) {
        if slot == Slot::PLAN && order.open && order.granted > self.readings_of(slot).used() {
            let granted = self.book.sites_granted();
            let kept = granted.is_none() || self.only_sites.is_some();
            assert!(kept, "open for everything, with a grant for {granted:?}");
        }
    }

    fn readings_of(&self, slot: Slot) -> Reading {
        self.cells.get(&slot).map(|cell| cell.reading).unwrap_or_default()
    }
}
