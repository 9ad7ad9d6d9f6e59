//! The Internet behind the box, with an observer at its end of the link that shares nothing with the meter.
//!
//! The box hides who is who behind one address. So each person gets ports of their own over there, and the
//! observer tells people apart by the port that they speak to.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hotshare_lab::inside::Inside;
use hotshare_lab::layout;
use hotshare_lab::observer::{Kind, Observer, Tally, Way};
use hotshare_lab::world;
use nlink::netlink::addr::Ipv4Address;
use nlink::netlink::namespace::Netns;
use nlink::{Connection, Route};

use crate::measure::tool_in;

/// How many people have ports of their own.
const PEOPLE: u8 = 16;

/// A person's ports in the Internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports(pub(crate) u8);

impl Ports {
    /// Their web server.
    #[must_use]
    pub(crate) fn web(self) -> SocketAddr {
        (layout::WEB_ADDR, layout::PHONE_WEB_PORTS + u16::from(self.0)).into()
    }

    /// Swallows what they send.
    #[must_use]
    pub(crate) fn sink(self) -> SocketAddr {
        (layout::WEB_ADDR, layout::UDP_SINK_PORTS + u16::from(self.0)).into()
    }

    fn has(self, service: u16) -> bool {
        service == self.web().port() || service == self.sink().port()
    }
}

/// The namespace, its servers, and who watches.
#[derive(Debug)]
pub(crate) struct Internet {
    inside: Inside,
    observer: Observer,
}

impl Internet {
    /// An Internet that is joined to the box by a cable.
    pub(crate) async fn join_by_cable() -> Result<Internet> {
        let (space, far) = begin().await?;
        let hotspot = Netns::current()?;
        let near = Connection::<Route>::new_in(&hotspot)?;
        world::link_uplink(&far, &near, &hotspot).await?;
        drop(space);
        Internet::open(layout::CARRIER_PORT).await
    }

    /// The namespace alone, for an Internet that the box is to reach in another way.
    pub(crate) async fn prepare() -> Result<Netns> {
        Ok(begin().await?.0)
    }

    /// The rest of it: `interface` is its end of that way.
    pub(crate) async fn join_by(interface: &str) -> Result<Internet> {
        let far = Connection::<Route>::new_in(&Netns::open(layout::INTERNET)?)?;
        far.add_address(Ipv4Address::new(interface, layout::CARRIER_ADDR, layout::UPLINK_PREFIX)).await?;
        Internet::open(interface).await
    }

    async fn open(interface: &str) -> Result<Internet> {
        let inside = Inside::enter(layout::INTERNET)?;
        let observer = Observer::start(inside.space(), interface, 32).await?;
        hotshare_lab::internet::serve(&inside, PEOPLE).await.context("start the Internet's servers")?;
        Ok(Internet { inside, observer })
    }

    /// Teaches it the way to a network behind the box, for boxes that hide nobody.
    pub(crate) fn teach_route(&self, network: &str) -> Result<()> {
        let via = layout::UPLINK_ADDR.to_string();
        tool_in(self.inside.space(), "ip", &["route", "add", network, "via", &via]).map(drop)
    }

    /// All that has passed until now; an error if anything was missed.
    pub(crate) fn tally(&self) -> Result<Tally> {
        self.observer.exact()
    }

    /// Waits until a person's packets have stopped, and says what passed.
    pub(crate) async fn settled(&self, ports: Ports) -> Result<Passed> {
        let mut before = passed(&self.tally()?, ports);
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            let now = passed(&self.tally()?, ports);
            if now == before {
                return Ok(now);
            }
            before = now;
        }
        bail!("the packets of {ports:?} do not stop: {before:?}")
    }
}

/// What the box sends itself has lived no hop yet: resets in the name of people who are closed, above all.
const OWN_HOPS: u8 = 64;

/// Layer-3 bytes and packets of one person, as the far side counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) up: u64,
    pub(crate) down: u64,
    pub(crate) packets_up: u64,
}

/// What passed for a person. What the box sent by itself in their name is not theirs.
pub(crate) fn passed(tally: &Tally, ports: Ports) -> Passed {
    let of = |way: Way| {
        tally.sum(|w, kind| {
            let own = |ttl: &u8| w == Way::In && *ttl == OWN_HOPS;
            w == way && matches!(kind, Kind::V4 { service, ttl, .. } if ports.has(*service) && !own(ttl))
        })
    };
    Passed { up: of(Way::In).bytes, down: of(Way::Out).bytes, packets_up: of(Way::In).packets }
}

/// Pings and their answers, of everybody together.
pub(crate) fn pinged(tally: &Tally) -> Passed {
    let of = |way: Way| tally.sum(|w, kind| w == way && matches!(kind, Kind::V4 { protocol: 1, .. }));
    Passed { up: of(Way::In).bytes, down: of(Way::Out).bytes, packets_up: of(Way::In).packets }
}

async fn begin() -> Result<(Netns, Connection<Route>)> {
    let space = Netns::create(layout::INTERNET)?;
    let far = Connection::<Route>::new_in(&space)?;
    far.set_link_up("lo").await?;
    for addr in [layout::WEB_ADDR, layout::TOPUP_ADDR, layout::DNS_ADDR] {
        far.add_address(Ipv4Address::new("lo", addr, 32)).await?;
    }
    Ok((space, far))
}
