//! A part of the plan that is kept for some sites: which are in force, and that nothing of it is spent before the
//! rules say so.

use std::collections::BTreeSet;

use super::{Brain, Command};
use crate::diary::Happening;
use crate::names::Sites;
use crate::plan::{Bucket, SiteName, site};
use crate::units::{Account, Slot};

/// What the hands were told of sites, and what they have done.
#[derive(Debug, Default)]
pub(super) struct Kept {
    told: Sites,
    /// What the rules let be reached, as far as it is known. `None`: everything.
    in_force: Option<BTreeSet<SiteName>>,
    /// The plan is closed until the rules are in force.
    shut: bool,
    /// As the diary knows it.
    noted: Option<Option<BTreeSet<SiteName>>>,
}

impl Brain {
    /// What may be reached now: of the part in use, and of the one that still has granted what is not spent.
    /// `None`: everything.
    fn sites_wanted(&self) -> Option<BTreeSet<SiteName>> {
        match (self.sites_of_part(), self.book.sites_granted()) {
            (Some(used), Some(granted)) => Some(site::common(used, granted)),
            (Some(sites), None) | (None, Some(sites)) => Some(sites.clone()),
            (None, None) => None,
        }
    }

    /// Those of the part in use.
    fn sites_of_part(&self) -> Option<&BTreeSet<SiteName>> {
        self.plan_in_use().place.and_then(|place| self.book.plan.buckets.get(place)).and_then(Bucket::sites)
    }

    /// The plan is closed until the rules let no more be reached than may be. The meter is read after that, before
    /// anything is written: what passed until then is not this part's.
    pub(super) fn shut_for_sites(&mut self) {
        let wanted = self.sites_wanted();
        let shut = wanted.is_some() && wanted != self.sites.in_force;
        if shut && !self.sites.shut {
            self.read_first();
        }
        self.sites.shut = shut;
    }

    pub(super) fn is_shut_for_sites(&self) -> bool {
        self.sites.shut
    }

    /// The rules let these be reached, and nothing else.
    pub(super) fn sites_are(&mut self, only: Option<BTreeSet<SiteName>>) {
        self.sites.in_force = only;
    }

    /// Comes after the orders to the meter: the gate is closed before the rules change.
    pub(super) fn order_sites(&mut self) {
        let named = self.book.plan.buckets.iter().flat_map(|bucket| &bucket.only.sites).cloned().collect();
        let sites = Sites { named, only: self.sites_wanted() };
        if self.sites.told != sites {
            self.sites.told = sites.clone();
            self.out.push_back(Command::Sites(sites));
        }
    }

    /// A line of the diary when a part begins that is for some sites, and when it ends.
    pub(super) fn judge_sites(&mut self) {
        let now = self.plan_in_use();
        if now.place.is_none() {
            return; // closed, which has lines of its own
        }
        let sites = self.sites_of_part().cloned();
        let before = self.sites.noted.replace(sites.clone());
        if before.is_none_or(|before| before == sites) {
            return;
        }
        self.note(Happening::OnlySites { sites: sites.map(|sites| sites.into_iter().collect()) });
    }
}

impl crate::book::Book {
    /// The only sites for which what is granted and not spent may be used; `None`: all. Rules that let more be
    /// reached would give it away.
    #[must_use]
    pub fn sites_granted(&self) -> Option<&BTreeSet<SiteName>> {
        let account = self.granted.get(&Slot::PLAN)?.account;
        let part = self.plan.buckets.iter().find(|bucket| Account::Bucket(bucket.id) == account);
        part.and_then(Bucket::sites)
    }
}
