//! The queue that slowed packets wait in *before* they are charged: a pair of veth of our own with an HTB queue.
//!
//! It only makes slowness gentle and fair. The kernel programs hold the rate with or without it, so nothing here
//! is urgent, and a packet that finds its queue full was never charged. The host's own queues are not touched; to
//! take the pair away is to undo all of it. docs/decisions/0007-slow.md says why it is made so.

use std::collections::{BTreeMap, BTreeSet};

use hotshare_core::desired::Setting;
use hotshare_core::meter::AccountOrder;
use hotshare_core::units::{Rate, Slot};
use nlink::netlink::link::VethLink;
use nlink::netlink::tc::{BfifoConfig, HtbClassConfig, HtbQdiscConfig};
use nlink::netlink::{Connection, sysctl};
use nlink::{Bytes, TcHandle};

use super::abi::{QUEUE_DOWN, QUEUE_HANDLE};

/// As the programs have it.
const HANDLE: u32 = QUEUE_HANDLE >> 16;
/// Classes of nobody's: for packets whose person has no class yet, and those above all people, up and down.
const STRAY: u32 = 0xf000;
const ALL: [(u32, u32); 2] = [(0xf001, 0), (0xf002, QUEUE_DOWN)];
/// Without a rate for all: faster than any line here, 32 Gbit/s.
const NO_LIMIT: Rate = Rate(4_000_000_000);
/// What a class has of its own, in bytes a second. The rest it borrows, and borrowing is what is fair.
const OWN: Rate = Rate(100);
/// A full Ethernet frame.
const FRAME: u32 = 1514;
/// No class may send more than this many frames before it is the next one's turn.
const LONGEST_TURN: u32 = 64;
/// A queue holds a tenth of a second, or this: twenty flows need that many segments to go on without losses that
/// the carrier would bill again.
const SHORTEST: u64 = 64 << 10;
/// Enough for a tenth of a second of 1 Gbit/s.
const LONGEST: u64 = 12 << 20;
/// Longer than any line's packets.
const MTU: u32 = 65_000;

/// Why the queue is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("could not open a netlink socket; are we root?")]
    Open(#[source] nlink::Error),
    #[error("could not {what} the queue {name} for slowed traffic; does the kernel have veth and sch_htb?")]
    Kernel { what: &'static str, name: String, source: nlink::Error },
    #[error("the interface {0} of the queue for slowed traffic is gone")]
    Gone(String),
}

/// Both ends of the pair, as interface numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueEnds {
    /// Where packets enter and leave.
    pub front: u32,
    /// Where they turn round, and wait.
    pub back: u32,
}

/// What one person's classes are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Class {
    ceiling: Rate,
    turn: u32,
}

/// The queue of one box. Dropping it leaves it in force.
pub struct Queue {
    conn: Connection<nlink::Route>,
    names: [String; 2],
    ends: QueueEnds,
    all: Option<Rate>,
    people: BTreeMap<Slot, (Option<Rate>, u16)>,
    made: BTreeMap<Slot, Class>,
}

impl Queue {
    /// Makes the pair, `name` with a 0 and a 1 behind it, in place of one that an earlier process left.
    pub async fn make(name: &str) -> Result<Queue, QueueError> {
        let conn = Connection::<nlink::Route>::new().map_err(QueueError::Open)?;
        let names = [format!("{name}0"), format!("{name}1")];
        delete(&conn, &names[0]).await?;
        let failed = |what| kernel(what, &names[0]);
        let pair = VethLink::new(names[0].as_str(), names[1].as_str()).mtu(MTU);
        conn.add_link(pair).await.map_err(failed("make"))?;
        let ends =
            QueueEnds { front: number(&conn, &names[0]).await?, back: number(&conn, &names[1]).await? };
        for end in &names {
            no_ipv6(end)?;
        }
        // Merged packets are cut up on their way in: turns are then short, whatever sends.
        conn.set_link_gso_max_segs_by_index(ends.front, 1).await.map_err(failed("cut packets up in"))?;
        let htb = HtbQdiscConfig::new().default_class(STRAY);
        let handle = Some(TcHandle::major_only(u16::try_from(HANDLE).unwrap_or(u16::MAX)));
        conn.add_qdisc_by_index_full(ends.back, TcHandle::ROOT, handle, htb)
            .await
            .map_err(failed("order"))?;
        let mut queue =
            Queue { conn, names, ends, all: None, people: BTreeMap::new(), made: BTreeMap::new() };
        queue.class(handle_of(0), STRAY, OWN, Class { ceiling: OWN, turn: FRAME }).await?;
        queue.order_all().await?;
        for end in [ends.front, ends.back] {
            queue.conn.set_link_up_by_index(end).await.map_err(kernel("switch on", &queue.names[0]))?;
        }
        Ok(queue)
    }

    /// Takes away what [`Queue::make`] made, and what waits in it. That there is none is fine.
    pub async fn remove(name: &str) -> Result<(), QueueError> {
        let conn = Connection::<nlink::Route>::new().map_err(QueueError::Open)?;
        delete(&conn, &format!("{name}0")).await
    }

    #[must_use]
    pub fn ends(&self) -> QueueEnds {
        self.ends
    }

    /// Follows an order to the kernel's accounts. Cheap when nothing about rates has changed.
    pub async fn follow(&mut self, slot: Slot, order: &AccountOrder) -> Result<(), QueueError> {
        let rate = order.rate.map(|rate| Rate(rate.0.clamp(1, NO_LIMIT.0)));
        if slot == Slot::PLAN {
            if self.all != rate {
                self.all = rate;
                self.order_all().await?;
            }
        } else if order.count_only {
            self.people.remove(&slot); // a device's, or given up
        } else {
            self.people.insert(slot, (rate, order.weight.max(1)));
        }
        self.order_people().await
    }

    async fn order_all(&mut self) -> Result<(), QueueError> {
        let rate = self.all.unwrap_or(NO_LIMIT);
        for (top, _) in ALL {
            self.class(handle_of(0), top, rate, Class { ceiling: rate, turn: FRAME }).await?;
        }
        Ok(())
    }

    /// By level: what there should be, against what was made.
    async fn order_people(&mut self) -> Result<(), QueueError> {
        let wanted = self.wanted();
        let gone: BTreeSet<Slot> =
            self.made.keys().filter(|slot| !wanted.contains_key(slot)).copied().collect();
        for slot in gone {
            for (top, way) in ALL {
                let deleted =
                    self.conn.del_class_by_index(self.ends.back, handle_of(top), handle_of(way | slot.0));
                deleted.await.map_err(kernel("take a class out of", &self.names[1]))?;
            }
            self.made.remove(&slot);
        }
        for (slot, class) in wanted {
            if self.made.get(&slot) == Some(&class) {
                continue;
            }
            for (top, way) in ALL {
                self.class(handle_of(top), way | slot.0, OWN, class).await?;
                let limit =
                    BfifoConfig::new().limit(Bytes::new((class.ceiling.0 / 10).clamp(SHORTEST, LONGEST)));
                let parent = handle_of(way | slot.0);
                let bounded = self.conn.replace_qdisc_by_index_full(self.ends.back, parent, None, limit);
                bounded.await.map_err(kernel("bound", &self.names[1]))?;
            }
            self.made.insert(slot, class);
        }
        Ok(())
    }

    fn wanted(&self) -> BTreeMap<Slot, Class> {
        let lightest = self.people.values().map(|(_, weight)| *weight).min().unwrap_or(1).max(1);
        let class = |rate: Rate, weight: u16| Class {
            ceiling: rate.min(self.all.unwrap_or(NO_LIMIT)),
            turn: (u32::from(weight) * FRAME / u32::from(lightest)).min(LONGEST_TURN * FRAME),
        };
        self.people
            .iter()
            .filter_map(|(slot, (own, weight))| {
                // Who is fast again keeps the class: what waits in it leaves at once, and is not lost.
                let before = self.made.contains_key(slot).then_some(NO_LIMIT);
                let rate = own.or(self.all).or(before)?;
                Some((*slot, class(rate, *weight)))
            })
            .collect()
    }

    async fn class(&self, parent: TcHandle, id: u32, own: Rate, class: Class) -> Result<(), QueueError> {
        // What may go at once: two frames, or 5 ms, because timers are late.
        let burst = |rate: Rate| Bytes::new((rate.0 / 200).max(u64::from(2 * FRAME)));
        let config = HtbClassConfig::new(nlink::Rate::bytes_per_sec(own.0))
            .ceil(nlink::Rate::bytes_per_sec(class.ceiling.0))
            .burst(burst(own))
            .cburst(burst(class.ceiling))
            .quantum(class.turn);
        let done = self.conn.replace_class_by_index(self.ends.back, parent, handle_of(id), config);
        done.await.map_err(kernel("set a rate in", &self.names[1]))
    }
}

/// The class with this number, or the queue itself for 0.
fn handle_of(id: u32) -> TcHandle {
    TcHandle::from_raw(HANDLE << 16 | id)
}

fn kernel(what: &'static str, name: &str) -> impl FnOnce(nlink::Error) -> QueueError {
    let name = name.to_owned();
    move |source| QueueError::Kernel { what, name, source }
}

async fn number(conn: &Connection<nlink::Route>, name: &str) -> Result<u32, QueueError> {
    let found = conn.get_link_by_name(name).await.map_err(kernel("find", name))?;
    found.map(|link| link.ifindex()).ok_or_else(|| QueueError::Gone(name.to_owned()))
}

async fn delete(conn: &Connection<nlink::Route>, name: &str) -> Result<(), QueueError> {
    match conn.del_link(name).await {
        Err(error) if error.is_not_found() || error.is_no_device() => Ok(()),
        result => result.map_err(kernel("take away", name)),
    }
}

/// Neither end is to say anything by itself.
fn no_ipv6(name: &str) -> Result<(), QueueError> {
    match sysctl::set(&Setting::Ipv6Disabled(name.to_owned()).path(), "1") {
        Err(error) if !error.is_not_found() => Err(kernel("switch off IPv6 on", name)(error)),
        _ => Ok(()),
    }
}
