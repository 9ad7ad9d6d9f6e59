//! What each message does (RFC 2131, section 4.3).

use std::net::Ipv4Addr;

use super::options::options_for;
use super::{Answer, Delivery, Kind, LeaseChange, LeaseTable, Outcome, Reply, ReplyKind, Request, Silence};
use crate::units::Now;

impl LeaseTable {
    /// Answers a station. The reply may leave only when the changes are on disk; once they are,
    /// [`LeaseTable::written`] is to be told what [`Outcome::written`] says.
    pub fn handle(&mut self, now: Now, request: &Request) -> Outcome {
        if !request.mac.is_station() {
            return silent(Silence::NotAStation);
        }
        if request.source != request.mac {
            return silent(Silence::Forged);
        }
        if !request.relay.is_unspecified() {
            return silent(Silence::Relayed);
        }
        self.sweep(now.boot);
        match request.kind {
            Kind::Discover => self.discover(now, request),
            Kind::Request => self.request(now, request),
            Kind::Decline => self.decline(now, request),
            Kind::Release => self.released(now, request),
            Kind::Inform => self.inform(request),
        }
    }

    fn discover(&mut self, now: Now, request: &Request) -> Outcome {
        let Some(found) = self.find(request.mac, request.requested, now.boot) else {
            let complaint = self.may_complain(now.boot).then_some(LeaseChange::PoolFull { mac: request.mac });
            return Outcome {
                answer: Answer::Silent(Silence::PoolFull),
                changes: complaint.into_iter().collect(),
            };
        };
        if let Some(gone) = found.gone {
            self.remove(gone);
        }
        self.offer(request.mac, found.ip, now.boot);
        let reply = self.grant(ReplyKind::Offer, request, found.ip);
        Outcome { answer: Answer::Reply(reply), changes: Vec::new() }
    }

    /// A REQUEST means four things, told apart by what is filled in (RFC 2131, section 4.3.2).
    fn request(&mut self, now: Now, request: &Request) -> Outcome {
        let held = self.holding(request.mac).map(|holding| (holding.ip, holding.taken));
        match (request.server, request.requested) {
            // SELECTING, another server: our offer is free again.
            (Some(server), _) if server != self.rules.gateway => {
                if held.is_some_and(|(_, taken)| !taken) {
                    self.remove(request.mac);
                }
                silent(Silence::OtherServer)
            }
            // SELECTING us: what was offered, or what it has, or what is still free.
            (Some(_), Some(wish)) => {
                let free = held.is_none() && self.is_free(wish) && self.len() < super::MOST_LEASES;
                let own = held.is_some_and(|(ip, _)| ip == wish);
                if own || free { self.bind(now, request, wish) } else { refuse() }
            }
            (Some(_), None) => silent(Silence::Pointless),
            // INIT-REBOOT: only what it had.
            (None, Some(wish)) if request.client.is_unspecified() => self.bind_own(now, request, wish),
            // RENEWING and REBINDING: likewise.
            (None, _) if !request.client.is_unspecified() => self.bind_own(now, request, request.client),
            (None, _) => silent(Silence::Pointless),
        }
    }

    fn bind_own(&mut self, now: Now, request: &Request, ip: Ipv4Addr) -> Outcome {
        let own = self.holding(request.mac).is_some_and(|holding| holding.taken && holding.ip == ip);
        if own { self.bind(now, request, ip) } else { refuse() }
    }

    fn bind(&mut self, now: Now, request: &Request, ip: Ipv4Addr) -> Outcome {
        let changes = self.take(request.mac, ip, request.client_id.clone(), request.host_name.clone(), now);
        let reply = self.grant(ReplyKind::Ack, request, ip);
        Outcome { answer: Answer::Reply(reply), changes }
    }

    /// The station found its address in use by somebody else.
    fn decline(&mut self, now: Now, request: &Request) -> Outcome {
        let declined =
            request.requested.filter(|_| request.server.is_none_or(|server| server == self.rules.gateway));
        let own = self.holding(request.mac).filter(|holding| Some(holding.ip) == declined);
        let Some((ip, taken)) = own.map(|holding| (holding.ip, holding.taken)) else {
            return silent(Silence::Pointless);
        };
        self.quarantine(request.mac, ip, now.boot);
        let gone = taken.then_some(LeaseChange::Gone(request.mac));
        let changes = gone.into_iter().chain([LeaseChange::Declined { mac: request.mac, ip }]).collect();
        Outcome { answer: Answer::Silent(Silence::Done), changes }
    }

    fn released(&mut self, now: Now, request: &Request) -> Outcome {
        let live = |holding: &&super::table::Holding| {
            holding.taken && holding.until > now.boot && holding.ip == request.client
        };
        if self.holding(request.mac).filter(live).is_none() {
            return silent(Silence::Pointless);
        }
        self.release(request.mac, now.boot);
        Outcome { answer: Answer::Silent(Silence::Done), changes: vec![LeaseChange::Gone(request.mac)] }
    }

    /// A station with an address of its own making wants to know the rest.
    fn inform(&self, request: &Request) -> Outcome {
        if !self.pool.contains(request.client) {
            return silent(Silence::Pointless);
        }
        let reply = Reply {
            kind: ReplyKind::Ack,
            yours: Ipv4Addr::UNSPECIFIED,
            client: request.client,
            lease_secs: None,
            delivery: Delivery::Station(request.client),
            options: options_for(&self.rules, self.pool, request.wants.as_deref()),
        };
        Outcome { answer: Answer::Reply(reply), changes: Vec::new() }
    }

    fn grant(&self, kind: ReplyKind, request: &Request, ip: Ipv4Addr) -> Reply {
        let delivery = if !request.client.is_unspecified() {
            Delivery::Station(request.client)
        } else if request.broadcast {
            Delivery::Broadcast
        } else {
            Delivery::Station(ip)
        };
        // An OFFER's `ciaddr` is zero (RFC 2131, table 3).
        let client = if kind == ReplyKind::Ack { request.client } else { Ipv4Addr::UNSPECIFIED };
        Reply {
            kind,
            yours: ip,
            client,
            lease_secs: Some(self.rules.lease_secs),
            delivery,
            options: options_for(&self.rules, self.pool, request.wants.as_deref()),
        }
    }
}

const fn silent(why: Silence) -> Outcome {
    Outcome { answer: Answer::Silent(why), changes: Vec::new() }
}

/// NAK: to everybody, since the station's address may be wrong for this network.
const fn refuse() -> Outcome {
    let reply = Reply {
        kind: ReplyKind::Nak,
        yours: Ipv4Addr::UNSPECIFIED,
        client: Ipv4Addr::UNSPECIFIED,
        lease_secs: None,
        delivery: Delivery::Broadcast,
        options: Vec::new(),
    };
    Outcome { answer: Answer::Reply(reply), changes: Vec::new() }
}
