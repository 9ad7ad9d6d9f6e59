//! Who has which address.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::{LeaseChange, LeaseRules, Leased, MOST_LEASES, OFFER_SECS, Pool, QUARANTINE_SECS, Written};
use crate::units::{BootTime, Mac, Now, UnixTime};

/// Every station's address, and the addresses that nobody may have for a while.
///
/// An expired lease stays until its address is needed, so that a station that returns finds its own.
#[derive(Clone, Debug)]
pub struct LeaseTable {
    pub(super) rules: LeaseRules,
    pub(super) pool: Pool,
    holdings: BTreeMap<Mac, Holding>,
    mac_by_ip: BTreeMap<Ipv4Addr, Mac>,
    /// Whose each address is on disk: whoever takes it next has to end that.
    rows: BTreeMap<Ipv4Addr, Mac>,
    /// Declined addresses, and when they may be given out again.
    quarantine: BTreeMap<Ipv4Addr, BootTime>,
    /// No "pool is full" is said before.
    quiet_until: BootTime,
    /// Counts up; orders what has the same time.
    serial: u64,
}

/// A station's address.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub(super) ip: Ipv4Addr,
    /// The station has taken the address, now or once; otherwise it was only offered.
    pub(super) taken: bool,
    /// The address is the station's until then.
    pub(super) until: BootTime,
    /// The disk says so until then. `None`: it says nothing, or something else.
    pub(super) kept: Option<UnixTime>,
    pub(super) client_id: Option<Vec<u8>>,
    pub(super) host_name: Option<String>,
    serial: u64,
}

/// An address for a station, and who had to give it up for that.
pub(super) struct Found {
    pub(super) ip: Ipv4Addr,
    pub(super) gone: Option<Mac>,
}

impl LeaseTable {
    /// A table with the leases that were kept.
    ///
    /// A kept lease runs as long as the wall clock says it still would, but no longer than one could have
    /// been kept for; if nobody vouches for the wall clock, a whole lease time from now.
    #[must_use]
    pub fn new(rules: LeaseRules, mut kept: Vec<Leased>, now: Now) -> LeaseTable {
        let pool = Pool::new(rules.gateway, rules.prefix);
        let mut table = LeaseTable {
            rules,
            pool,
            holdings: BTreeMap::new(),
            mac_by_ip: BTreeMap::new(),
            rows: BTreeMap::new(),
            quarantine: BTreeMap::new(),
            quiet_until: BootTime(0),
            serial: 0,
        };
        kept.sort_by_key(|leased| std::cmp::Reverse(leased.expires));
        kept.retain(|leased| table.admit(leased));
        // The oldest first, so that it has the lowest serial and is the first to lose its address.
        for leased in kept.into_iter().rev() {
            table.load(leased, now);
        }
        table
    }

    /// Whether a kept lease still fits; of two with the same address, the one that runs longer does.
    fn admit(&mut self, leased: &Leased) -> bool {
        let fits = leased.mac.is_station()
            && self.pool.contains(leased.ip)
            && self.mac_by_ip.len() < MOST_LEASES
            && !self.mac_by_ip.contains_key(&leased.ip)
            && !self.mac_by_ip.values().any(|&mac| mac == leased.mac);
        if fits {
            self.mac_by_ip.insert(leased.ip, leased.mac);
        }
        fits
    }

    fn load(&mut self, leased: Leased, now: Now) {
        let longest = i64::from(self.rules.lease_secs).saturating_mul(2);
        let left = if now.synced {
            leased.expires.0.saturating_sub(now.wall.0).clamp(0, longest)
        } else {
            i64::from(self.rules.lease_secs)
        };
        let until = now.boot.plus_secs(u64::try_from(left).unwrap_or(0));
        self.rows.insert(leased.ip, leased.mac);
        self.put(
            leased.mac,
            Holding {
                ip: leased.ip,
                taken: true,
                until,
                kept: Some(leased.expires),
                client_id: leased.client_id,
                host_name: leased.host_name,
                serial: 0,
            },
        );
    }

    /// The leases that run now, and those that ran out and still have their address.
    #[must_use]
    pub fn len(&self) -> usize {
        self.holdings.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.holdings.is_empty()
    }

    /// The stations whose lease runs, with their addresses.
    pub fn live(&self, now: BootTime) -> impl Iterator<Item = (Mac, Ipv4Addr)> {
        self.holdings
            .iter()
            .filter(move |(_, holding)| holding.taken && holding.until > now)
            .map(|(&mac, holding)| (mac, holding.ip))
    }

    /// What [`LeaseChange::Kept`] said is on disk now: renewals within it need no writing.
    pub fn written(&mut self, written: Written) {
        if let Some(holding) = self.holdings.get_mut(&written.mac).filter(|holding| holding.ip == written.ip)
        {
            holding.kept = Some(written.expires);
        }
        self.rows.retain(|_, owner| *owner != written.mac);
        self.rows.insert(written.ip, written.mac);
    }

    pub(super) fn holding(&self, mac: Mac) -> Option<&Holding> {
        self.holdings.get(&mac)
    }

    /// Nobody has the address, and nobody declined it lately.
    pub(super) fn is_free(&self, ip: Ipv4Addr) -> bool {
        self.pool.contains(ip) && !self.mac_by_ip.contains_key(&ip) && !self.quarantine.contains_key(&ip)
    }

    /// The station's own address; else the one it asks for; else one that its hardware address leads to;
    /// else the one that has been unused for longest. `None` when every address is in use.
    pub(super) fn find(&self, mac: Mac, wish: Option<Ipv4Addr>, now: BootTime) -> Option<Found> {
        if let Some(holding) = self.holdings.get(&mac) {
            return Some(Found { ip: holding.ip, gone: None });
        }
        let free = if self.holdings.len() < MOST_LEASES {
            let wish = wish.filter(|&ip| self.is_free(ip));
            wish.or_else(|| self.pool.walk(mac).find(|&ip| self.is_free(ip)))
        } else {
            None
        };
        if let Some(ip) = free {
            return Some(Found { ip, gone: None });
        }
        let expired = self.holdings.iter().filter(|(_, holding)| holding.until <= now);
        let (&gone, holding) = expired.min_by_key(|(_, holding)| (holding.until, holding.serial))?;
        Some(Found { ip: holding.ip, gone: Some(gone) })
    }

    /// Holds an address for a station that was offered it. Few can be held at once: a flood of questions
    /// must not use up the pool, so the oldest offer gives way.
    pub(super) fn offer(&mut self, mac: Mac, ip: Ipv4Addr, now: BootTime) {
        let until = now.plus_secs(OFFER_SECS);
        if let Some(holding) = self.holdings.get_mut(&mac) {
            holding.until = holding.until.max(until);
            return;
        }
        let offers = || self.holdings.iter().filter(|(_, holding)| !holding.taken);
        if offers().count() >= self.most_offers() {
            let oldest = offers().min_by_key(|(_, holding)| holding.serial).map(|(&mac, _)| mac);
            if let Some(oldest) = oldest {
                self.remove(oldest);
            }
        }
        let offered =
            Holding { ip, taken: false, until, kept: None, client_id: None, host_name: None, serial: 0 };
        self.put(mac, offered);
    }

    fn most_offers(&self) -> usize {
        usize::try_from(self.pool.size() / 2).unwrap_or(usize::MAX).clamp(1, 64)
    }

    /// The station takes the address for a lease time. Says what has to be written.
    pub(super) fn take(
        &mut self,
        mac: Mac,
        ip: Ipv4Addr,
        client_id: Option<Vec<u8>>,
        host_name: Option<String>,
        now: Now,
    ) -> Vec<LeaseChange> {
        let until = now.boot.plus_secs(self.rules.lease_secs.into());
        let before = self.holdings.get(&mac).filter(|holding| holding.ip == ip);
        let same =
            before.is_some_and(|holding| holding.client_id == client_id && holding.host_name == host_name);
        let kept = before.and_then(|holding| holding.kept).filter(|_| same);
        let holding = Holding {
            ip,
            taken: true,
            until,
            kept,
            client_id: client_id.clone(),
            host_name: host_name.clone(),
            serial: 0,
        };
        self.put(mac, holding);
        // By the clock as it is now, so that a clock that was put right is put right on disk, too.
        let lease_secs = i64::from(self.rules.lease_secs);
        let needed = UnixTime(now.wall.0.saturating_add(lease_secs));
        if kept.is_some_and(|kept| kept >= needed) {
            return Vec::new();
        }
        let before = self.rows.get(&ip).copied().filter(|owner| *owner != mac);
        let expires = UnixTime(needed.0.saturating_add(lease_secs));
        let kept = LeaseChange::Kept(Leased { mac, ip, client_id, host_name, expires });
        before.map(LeaseChange::Gone).into_iter().chain([kept]).collect()
    }

    /// The station does not need its address now. It is kept for its return, if nobody needs it before.
    pub(super) fn release(&mut self, mac: Mac, now: BootTime) {
        if let Some(holding) = self.holdings.get_mut(&mac) {
            holding.until = now;
            holding.kept = None;
        }
        self.rows.retain(|_, owner| *owner != mac);
    }

    /// Ends the leases that ran out since the last call, in the order of hardware addresses. Their addresses are kept
    /// for their return, as with [`LeaseChange::Gone`] at a release.
    pub fn run_out(&mut self, now: BootTime) -> Vec<LeaseChange> {
        let mut over = Vec::new();
        for (mac, holding) in &mut self.holdings {
            let on_disk = self.rows.get(&holding.ip) == Some(mac);
            if holding.taken && holding.until <= now && on_disk {
                holding.kept = None;
                self.rows.remove(&holding.ip);
                over.push(LeaseChange::Gone(*mac));
            }
        }
        over
    }

    /// The address is nobody's for a while. At most a quarter of the pool can be; then the one that was
    /// declined first is free again.
    pub(super) fn quarantine(&mut self, mac: Mac, ip: Ipv4Addr, now: BootTime) {
        self.remove(mac);
        self.rows.retain(|_, owner| *owner != mac);
        let most = usize::try_from(self.pool.size() / 4).unwrap_or(usize::MAX).clamp(1, 64);
        if self.quarantine.len() >= most && !self.quarantine.contains_key(&ip) {
            let first = self.quarantine.iter().min_by_key(|(_, until)| **until).map(|(&ip, _)| ip);
            if let Some(first) = first {
                self.quarantine.remove(&first);
            }
        }
        self.quarantine.insert(ip, now.plus_secs(QUARANTINE_SECS));
    }

    /// Forgets offers that nobody took, and quarantines that are over.
    pub(super) fn sweep(&mut self, now: BootTime) {
        self.quarantine.retain(|_, until| *until > now);
        let stale = |holding: &Holding| !holding.taken && holding.until <= now;
        let gone: Vec<Mac> =
            self.holdings.iter().filter(|(_, holding)| stale(holding)).map(|(&mac, _)| mac).collect();
        for mac in gone {
            self.remove(mac);
        }
    }

    /// Whether it is time to say again that the pool is full.
    pub(super) fn may_complain(&mut self, now: BootTime) -> bool {
        let may = now >= self.quiet_until;
        if may {
            self.quiet_until = now.plus_secs(60);
        }
        may
    }

    pub(super) fn remove(&mut self, mac: Mac) {
        if let Some(holding) = self.holdings.remove(&mac) {
            self.mac_by_ip.remove(&holding.ip);
        }
    }

    fn put(&mut self, mac: Mac, mut holding: Holding) {
        self.serial += 1;
        holding.serial = self.serial;
        self.remove(mac);
        self.mac_by_ip.insert(holding.ip, mac);
        self.holdings.insert(mac, holding);
    }
}
