//! Sites by name become addresses: which questions are about one, and what was answered lately.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::plan::SiteName;
use crate::units::BootTime;

/// An answer holds for at least so long: a station may go on with what it began, long after the answer's own time.
const LEAST_SECS: u32 = 3_600;
/// Nothing is believed longer.
const MOST_SECS: u32 = 86_400;
/// While a part is for some sites, a station may keep an answer for so long: it asks again before an address is
/// forgotten here.
pub const TOLD_SECS: u32 = 300;

/// Which sites the plan speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sites {
    /// Those that any part of it is kept for: where they lead to is remembered, so that what was begun before such
    /// a part can go on.
    pub named: BTreeSet<SiteName>,
    /// Nothing but these may be reached now; `None`: everything.
    pub only: Option<BTreeSet<SiteName>>,
}

impl Sites {
    /// Whether a name, by its labels, may be asked for now.
    #[must_use]
    pub fn admit(&self, labels: &[&[u8]]) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|site| site.holds(labels)))
    }

    /// The sites that a name is of.
    #[must_use]
    pub fn of(&self, labels: &[&[u8]]) -> Vec<SiteName> {
        self.named.iter().filter(|site| site.holds(labels)).cloned().collect()
    }
}

/// The addresses that were answered for sites, and until when they are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered(BTreeMap<(SiteName, Ipv4Addr), BootTime>);

impl Answered {
    /// As many are remembered; then those that end first are forgotten.
    pub const MOST: usize = 1024;

    /// `address` was answered for `site`, to be believed for `secs`.
    pub fn note(&mut self, site: SiteName, address: Ipv4Addr, secs: u32, now: BootTime) {
        let until = now.plus_secs(u64::from(secs.clamp(LEAST_SECS, MOST_SECS)));
        let kept = self.0.entry((site, address)).or_default();
        *kept = until.max(*kept);
        while self.0.len() > Answered::MOST {
            let first = self.0.iter().min_by_key(|(_, until)| **until).map(|(key, _)| key.clone());
            first.map(|first| self.0.remove(&first));
        }
    }

    /// Forgets what is not believed any more.
    pub fn forget(&mut self, now: BootTime) {
        self.0.retain(|_, until| now < *until);
    }

    /// The addresses that lead to these sites.
    #[must_use]
    pub fn addresses(&self, only: &BTreeSet<SiteName>) -> BTreeSet<Ipv4Addr> {
        let leads = |name: &SiteName| only.iter().any(|site| site.covers(name));
        self.0.keys().filter(|(name, _)| leads(name)).map(|(_, address)| *address).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn set(names: &[&str]) -> BTreeSet<SiteName> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn ip(n: u16) -> Ipv4Addr {
        let [a, b] = n.to_be_bytes();
        Ipv4Addr::new(192, 0, a, b)
    }

    #[test]
    fn names_of_sites_are_admitted_with_all_under_them() {
        let mut sites = Sites { named: set(&["carrier.example", "pay.carrier.example"]), only: None };
        let name: [&[u8]; 3] = [b"PAY", b"carrier", b"example"];
        assert!(sites.admit(&name) && sites.admit(&[b"other", b"example"]));
        assert_eq!(sites.of(&name).len(), 2);
        sites.only = Some(set(&["pay.carrier.example"]));
        assert!(sites.admit(&name) && !sites.admit(&name[1..]) && !sites.admit(&[b"other", b"example"]));
        sites.only = Some(set(&[]));
        assert!(!sites.admit(&name));
    }

    #[test]
    fn an_answer_is_believed_for_a_while_and_a_later_one_for_longer() {
        let (mut answered, at) = (Answered::default(), |secs| BootTime::default().plus_secs(secs));
        let one = set(&["a.example"]);
        let site = one.first().unwrap();
        answered.note(site.clone(), ip(1), 5, at(0));
        answered.note(site.clone(), ip(2), 7200, at(0));
        answered.note(site.clone(), ip(3), u32::MAX, at(0));
        let left = |answered: &mut Answered, secs| {
            answered.forget(at(secs));
            answered.addresses(&one).len()
        };
        assert_eq!(left(&mut answered, 3599), 3);
        answered.note(site.clone(), ip(1), 60, at(3599));
        assert_eq!(left(&mut answered, 7198), 3);
        assert_eq!(left(&mut answered, 7200), 1);
        assert_eq!(left(&mut answered, 86_400), 0);
    }

    #[test]
    fn only_what_leads_to_the_sites_that_count_now() {
        let mut answered = Answered::default();
        for (n, site) in set(&["a.example", "b.a.example", "c.example"]).into_iter().enumerate() {
            answered.note(site, ip(u16::try_from(n).unwrap()), 60, BootTime::default());
        }
        assert_eq!(answered.addresses(&set(&["a.example"])).len(), 2);
        assert_eq!(answered.addresses(&set(&["b.a.example"])), [ip(1)].into());
        assert!(answered.addresses(&set(&[])).is_empty());
    }

    #[test]
    fn its_space_is_bounded() {
        let mut answered = Answered::default();
        let site = set(&["a.example"]);
        for n in 0..5000 {
            let now = BootTime::default().plus_secs(n.into());
            answered.note(site.first().unwrap().clone(), ip(n), 60, now);
        }
        let kept = answered.addresses(&site);
        assert_eq!(kept.len(), Answered::MOST);
        assert!(kept.contains(&ip(4999)) && !kept.contains(&ip(0)));
    }
}
