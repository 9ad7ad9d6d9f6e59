//! The observer against traffic that is known from elsewhere: a plain router in place of the daemon.
//! Needs root.

#![allow(clippy::expect_used, reason = "a test may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use hotshare_lab::Flood;
use hotshare_lab::lab::Lab;
use hotshare_lab::lock::Lock;
use hotshare_lab::observer::{Kind, Way};
use hotshare_lab::{layout, world};
use nlink::netlink::addr::Ipv4Address;
use nlink::netlink::route::Ipv4Route;
use nlink::netlink::{Connection, Route};

const ETHERNET: u64 = 14;

/// The laboratory with one phone and a router that neither filters nor counts.
async fn routed() -> Result<Lab> {
    let lock = Lock::wait(Duration::from_secs(600)).await?;
    let lab = Lab::build(lock, "/nonexistent".into(), 1, None).await?;
    lab.hotspot.space().sysctl().set("net.ipv4.ip_forward", "1")?;
    // Neighbour discovery must not slip in between two readings that are to be compared.
    for inside in [&lab.internet, &lab.hotspot, lab.phones[0].inside()] {
        inside.space().sysctl().set("net.ipv6.conf.all.disable_ipv6", "1")?;
    }
    let near = Connection::<Route>::new_in(lab.hotspot.space())?;
    near.add_address(Ipv4Address::new("lan1", "10.9.0.1".parse()?, 24)).await?;
    let far = Connection::<Route>::new_in(lab.internet.space())?;
    far.add_route(Ipv4Route::new("10.9.0.0".parse()?, 24).gateway(layout::UPLINK_ADDR)).await?;
    let phone = Connection::<Route>::new_in(lab.phones[0].inside().space())?;
    phone.add_address(Ipv4Address::new("eth0", "10.9.0.2".parse()?, 24)).await?;
    phone.add_route(Ipv4Route::default_route().gateway("10.9.0.1".parse()?)).await?;
    Ok(lab)
}

/// (received, sent) layer-3 bytes by the interface's own counters, exact only where nothing is merged and nothing
/// was thrown away: what a full backlog of the other end drops (net.core.netdev_max_backlog), the sender never counts.
async fn counters(space: &nlink::netlink::namespace::Netns, name: &str) -> Result<(u64, u64)> {
    let links = Connection::<Route>::new_in(space)?;
    let link = links.get_link_by_name(name).await?.context("the interface is gone")?;
    let stats = link.stats().context("no counters")?;
    anyhow::ensure!(stats.tx_dropped() == 0, "{name} threw {} packets away", stats.tx_dropped());
    Ok((stats.rx_bytes() - ETHERNET * stats.rx_packets(), stats.tx_bytes() - ETHERNET * stats.tx_packets()))
}

fn is_ip(_: Way, kind: &Kind) -> bool {
    matches!(kind, Kind::V4 { .. })
}

#[tokio::test]
async fn counts_what_is_sent() -> Result<()> {
    let lab = routed().await?;
    let carrier = lab.watch_carrier().await?;
    let phone = lab.watch_phone(0).await?;

    // Datagrams of a known size and number, with a service port of their own.
    let sink = lab.phones[0].sink_port();
    let sent = lab.phones[0].flood_up(sink, Flood { size: 1000, rate: 100_000_000, millis: 300 }).await??;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let seen = carrier.exact()?.sum(|way, kind| {
        way == Way::In && matches!(kind, Kind::V4 { service, ttl: 63, .. } if *service == sink)
    });
    assert_eq!((seen.packets, seen.bytes), (sent, sent * 1028));

    // An echo larger than the MTU: 4000 + 8 bytes in three fragments, each with its own header.
    assert_eq!(lab.phones[0].echo(4000, 3).await?, 3);
    let pieces = carrier.exact()?.sum(|_, kind| matches!(kind, Kind::V4 { fragment: true, .. }));
    assert_eq!((pieces.packets, pieces.bytes), (2 * 3 * 3, 2 * 3 * (4008 + 3 * 20)));
    assert_eq!(lab.phones[0].ping(layout::WEB_ADDR, 56, 3).await?, 3);
    let pings = carrier.exact()?.sum(|_, kind| matches!(kind, Kind::V4 { protocol: 1, fragment: false, .. }));
    assert_eq!((pings.packets, pings.bytes), (6, 6 * 84));

    // Merged packets: the observer at the carrier sees them merged, the box's port behind counts them apart.
    world::set_offloads(lab.hotspot.space(), "lan1", false).await?;
    let before = carrier.exact()?.with_ttl(Way::Out, 64);
    let port_before = counters(lab.hotspot.space(), "lan1").await?;
    let progress = Arc::new(AtomicU64::new(0));
    let done = lab.phones[0].download(80, 200 << 20, &progress).await??;
    assert!(done.complete);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let port = counters(lab.hotspot.space(), "lan1").await?;
    let tally = carrier.exact()?;
    let (at_carrier, at_port) = (tally.with_ttl(Way::Out, 64) - before, port.1 - port_before.1);
    assert_eq!(at_carrier, at_port);
    assert!(at_carrier > 200 << 20);
    assert_eq!(progress.load(Ordering::Relaxed), 200 << 20);

    // The phone's observer sees the same bytes one hop later.
    let at_phone = phone.exact()?;
    assert_eq!(at_phone.with_ttl(Way::In, 63), tally.with_ttl(Way::Out, 64));
    assert!(at_phone.sum(is_ip).bytes > 0);
    lab.tear_down().await
}

#[tokio::test]
async fn agrees_with_the_interface_where_nothing_is_merged() -> Result<()> {
    let lab = routed().await?;
    for (space, name) in [
        (lab.internet.space(), layout::CARRIER_PORT),
        (lab.hotspot.space(), layout::UPLINK_PORT),
        (lab.hotspot.space(), "lan1"),
        (lab.phones[0].inside().space(), layout::PHONE_PORT),
    ] {
        world::set_offloads(space, name, false).await?;
    }
    // All windows together stay under the backlog of 1,000 packets, so that a busy machine drops none.
    for inside in [&lab.internet, lab.phones[0].inside()] {
        for buffers in ["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"] {
            inside.space().sysctl().set(buffers, "4096 65536 65536")?;
        }
    }
    let before = counters(lab.internet.space(), layout::CARRIER_PORT).await?;
    let carrier = lab.watch_carrier().await?;
    let progress = Arc::new(AtomicU64::new(0));
    let transfers: Vec<_> = (0..8)
        .flat_map(|_| {
            let phone = &lab.phones[0];
            [phone.download(80, 8 << 20, &progress), phone.upload(80, 8 << 20, &progress)]
        })
        .collect();
    for transfer in transfers {
        assert!(transfer.await??.complete);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let tally = carrier.exact()?;
    let after = counters(lab.internet.space(), layout::CARRIER_PORT).await?;
    let arp = |way| tally.sum(|w, kind| w == way && matches!(kind, Kind::Arp)).bytes;
    assert_eq!(tally.layer3(Way::In) + arp(Way::In), after.0 - before.0);
    assert_eq!(tally.layer3(Way::Out) + arp(Way::Out), after.1 - before.1);
    lab.tear_down().await
}

#[tokio::test]
async fn a_laboratory_leaves_nothing_and_there_is_only_one() -> Result<()> {
    let lab = routed().await?;
    let second = Lock::take().expect_err("two laboratories at once");
    assert!(second.to_string().contains(&std::process::id().to_string()), "{second}");
    lab.tear_down().await?;
    let names = nlink::netlink::namespace::list()?;
    assert!(!names.iter().any(|name| name.starts_with(layout::PREFIX)), "{names:?}");
    assert!(!std::path::Path::new(layout::RUN_DIR).exists());
    drop(Lock::take()?);
    Ok(())
}

#[tokio::test]
async fn a_rate_holds_both_ways() -> Result<()> {
    let lock = Lock::wait(Duration::from_secs(600)).await?;
    drop(lock);
    let lab = routed().await?;
    let far = Connection::<Route>::new_in(lab.internet.space())?;
    world::shape(&far, world::Rate(40_000_000)).await?;
    for up in [false, true] {
        let carrier = lab.watch_carrier().await?;
        let progress = Arc::new(AtomicU64::new(0));
        let phone = &lab.phones[0];
        let transfer =
            if up { phone.upload(80, 1 << 30, &progress) } else { phone.download(80, 1 << 30, &progress) };
        tokio::time::sleep(Duration::from_millis(500)).await;
        let begin = progress.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let rate = (progress.load(Ordering::Relaxed) - begin) * 8 * 10 / 15;
        transfer.abort();
        assert!((28_000_000..42_000_000).contains(&rate), "up {up}: {rate} bit/s of payload");
        carrier.exact()?;
    }
    lab.tear_down().await
}
