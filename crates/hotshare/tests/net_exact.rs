//! What is recorded is what the far side counted, exactly; changes act at once; the closed stay closed.
//! Needs root.

mod net;

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hotshare_api::Verdict;
use hotshare_lab::Flood;
use hotshare_lab::ResponseCode;
use hotshare_lab::lab::Lab;
use hotshare_lab::layout;
use hotshare_lab::observer::{Kind, Way};
use hotshare_lab::phone::{Progress, checksum};
use net::{ENDLESS, Eyes, MIB, gather, grows, person, wait_verdict};

/// TCP, UDP, ICMP and fragments, both ways, with merged packets and without: every byte is accounted for.
#[tokio::test]
async fn recorded_is_what_the_far_side_counted() -> Result<()> {
    let _backlog = net::Backlog::widen()?;
    let lab = net::bare(2, None).await?;
    let carrier = lab.watch_carrier().await?;
    let lab = net::ready_with(lab, "", None, None).await?;
    let eyes = Eyes::with_carrier(&lab, carrier).await?;
    for merged in [true, false] {
        lab.set_offloads(merged).await?;
        mixed(&lab).await?;
        let (tally, status) = eyes.settle(&lab).await?;
        let mut up = 0;
        for (place, phone) in lab.phones.iter().enumerate() {
            let recorded = person(&status, &phone.person())?;
            ensure!(recorded.down == eyes.down(place)?, "down: {recorded:?}, counted {}", eyes.down(place)?);
            ensure!(recorded.recorded >= recorded.up + recorded.down, "{recorded:?}");
            up += recorded.up;
        }
        ensure!(up == eyes.up_all()?, "up: recorded {up}, counted {}", eyes.up_all()?);
        let plan = &status.plan;
        eyes.check_billed(&tally, &status)?;
        ensure!(
            plan.delivered == eyes.delivered()?,
            "delivered: {} and {}",
            plan.delivered,
            eyes.delivered()?
        );
        ensure!(plan.billed == plan.delivered + plan.refused + plan.own, "{plan:?}");
        println!("merged {merged}: billed {}, delivered {}", plan.billed, plan.delivered);
    }
    lab.tear_down().await
}

async fn mixed(lab: &Lab) -> Result<()> {
    let progress = Progress::default();
    let mut transfers = Vec::new();
    let mut floods = Vec::new();
    let flood = Flood { size: 700, rate: 60_000_000, millis: 1_000 };
    for phone in &lab.phones {
        for _ in 0..4 {
            transfers.push(phone.download(phone.web_port(), 12 * MIB, &progress));
            transfers.push(phone.upload(phone.web_port(), 6 * MIB, &progress));
        }
        floods.push(phone.flood_up(phone.sink_port(), flood));
        floods.push(phone.flood_down(flood, &progress));
    }
    for phone in &lab.phones {
        // Odd sizes, above and below the MTU, in up to nine fragments.
        for size in [1, 63, 1472, 1473, 2999, 12_345] {
            phone.echo(size, 3).await?;
            phone.ping(layout::WEB_ADDR, size, 3).await?;
        }
        phone.resolve("www.example.com").await?;
    }
    let count = transfers.len();
    let (ended, hanging) = gather(transfers, Duration::from_secs(30)).await?;
    ensure!(ended.iter().filter(|t| t.complete).count() == count, "{hanging} hang; {ended:?}");
    for flood in floods {
        flood.await??;
    }
    ensure!(lab.phones[0].echo(12_345, 1).await? == 1, "fragments do not pass");
    ensure!(lab.phones[0].ping(layout::WEB_ADDR, 2999, 1).await? == 1, "a large ping does not pass");
    Ok(())
}

/// Pause, resume, less, more, block, another person: each acts within 0.2 s, in the middle of a transfer.
#[tokio::test]
async fn changes_act_at_once() -> Result<()> {
    let lab = net::ready(1, None, None, None).await?;
    lab.api.add_person("other", None).await?;
    let eyes = Eyes::open(&lab).await?;
    let mac = layout::phone_mac_text(1);
    let progress = Progress::default();
    let flood = Flood { size: 1000, rate: 30_000_000, millis: 15_000 };
    let pouring = lab.phones[0].flood_down(flood, &progress);
    grows(&progress, 100_000, Duration::from_secs(2)).await?;

    let mut slow = Vec::new();
    for (what, close) in [("pause", 0), ("a smaller allowance", 1), ("block", 2)] {
        let begin = Instant::now();
        match close {
            0 => lab.api.pause("phone-1", true).await?,
            1 => lab.api.set_allowance("phone-1", Some(1)).await?,
            _ => lab.api.block(&mac, true).await?,
        }
        let answered = begin.elapsed();
        let closed = quiet(&eyes, begin).await?;
        println!(
            "{what}: nothing more after {} ms (answered after {} ms)",
            closed.as_millis(),
            answered.as_millis()
        );
        if closed > Duration::from_millis(200) {
            slow.push(format!("{what}: {closed:?}"));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let begin = Instant::now();
        match close {
            0 => lab.api.pause("phone-1", false).await?,
            1 => lab.api.set_allowance("phone-1", None).await?,
            _ => lab.api.block(&mac, false).await?,
        }
        grows(&progress, 1, Duration::from_secs(2)).await?;
        let opened = begin.elapsed();
        println!("{what} undone: traffic after {} ms", opened.as_millis());
        if opened > Duration::from_millis(200) {
            slow.push(format!("{what} undone: {opened:?}"));
        }
        grows(&progress, 100_000, Duration::from_secs(2)).await?;
    }

    // From one moment to the next the bytes are another person's.
    lab.api.assign(&mac, "other").await?;
    let before = lab.api.person("phone-1").await?.down;
    grows(&progress, 500_000, Duration::from_secs(2)).await?;
    pouring.abort();
    ensure!(lab.api.person("phone-1").await?.down == before, "bytes were booked to the person before");
    ensure!(slow.is_empty(), "slow: {slow:?}");
    lab.api.pause("other", true).await?;
    let (_, status) = eyes.settle_down(&lab).await?;
    let (sum, counted) = (person(&status, "phone-1")?.down + person(&status, "other")?.down, eyes.down(0)?);
    ensure!(sum == counted, "recorded {sum}, counted {counted}");
    lab.tear_down().await
}

/// When the last byte reached the phone, measured from `begin`, once nothing has come for a while.
async fn quiet(eyes: &Eyes, begin: Instant) -> Result<Duration> {
    let mut last = (eyes.down(0)?, begin.elapsed());
    while begin.elapsed() < last.1 + Duration::from_millis(400) {
        let now = eyes.down(0)?;
        if now != last.0 {
            last = (now, begin.elapsed());
        }
        ensure!(begin.elapsed() < Duration::from_secs(5), "the change does not act at all");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(last.1)
}

/// A device that nobody has let in: not a byte on the uplink, names answered from the box or refused.
#[tokio::test]
async fn a_closed_device_leaves_nothing_on_the_uplink() -> Result<()> {
    let mut lab = net::bare(2, None).await?;
    lab.up().await?;
    lab.join().await?; // nobody's devices, both
    lab.api.add_person("known", None).await?;
    lab.api.assign(&layout::phone_mac_text(2), "known").await?;
    let eyes = Eyes::open(&lab).await?;
    let stranger = &lab.phones[0];
    let gateway = stranger.lease()?.router.expect("a router");

    let (code, addresses) = stranger.resolve("hotshare.internal").await?;
    ensure!(code == ResponseCode::NoError && addresses == [gateway], "{code} {addresses:?}");
    let (code, addresses) = stranger.resolve("www.example.com").await?;
    ensure!(code == ResponseCode::Refused && addresses.is_empty(), "{code} {addresses:?}");
    ensure!(
        stranger.resolve_at(layout::DNS_ADDR, "www.example.com").await.is_err(),
        "the far resolver answers"
    );
    // What goes to port 80 is led to the portal, which net_portal.rs is about.
    ensure!(!stranger.reaches((layout::WEB_ADDR, stranger.web_port())).await?);
    ensure!(!stranger.reaches((layout::WEB_ADDR, 443)).await?);
    ensure!(stranger.ping(layout::WEB_ADDR, 56, 2).await? == 0);
    ensure!(stranger.ping(layout::UPLINK_ADDR, 56, 2).await? == 0, "the box's uplink address answers");
    ensure!(stranger.echo(3000, 2).await? == 0);
    stranger.flood_up(stranger.sink_port(), Flood { size: 1200, rate: 50_000_000, millis: 300 }).await??;
    let seen = eyes.carrier.exact()?;
    let v4 = seen.sum(|_, kind| matches!(kind, Kind::V4 { .. }));
    ensure!(v4.packets == 0, "on the uplink: {:?}", seen.rows());

    // Nothing of the box but DHCP, DNS and the portal is open to the LAN.
    ensure!(!stranger.reaches((gateway, 22)).await?);
    // Who is let in gets answers.
    let (code, addresses) = lab.phones[1].resolve("www.example.com").await?;
    ensure!(code == ResponseCode::NoError && addresses == [layout::WEB_ADDR], "{code} {addresses:?}");
    ensure!(lab.phones[1].reaches((layout::WEB_ADDR, 80)).await?);
    lab.tear_down().await
}

/// Stations cannot reach each other: not directly, not through the gateway, not by any protocol.
#[tokio::test]
async fn stations_do_not_meet() -> Result<()> {
    let lab = net::ready(2, None, None, None).await?;
    let eyes = Eyes::open(&lab).await?;
    let (from, to) = (lab.phones[0].lease()?.address, lab.phones[1].lease()?.address);
    ensure!(lab.phones[0].ping(to, 56, 2).await? == 0);
    ensure!(!lab.phones[0].reaches((to, 80)).await?);
    // By hand: to the neighbour itself, to everybody, and bounced through the gateway.
    let gateway = lab.phones[0].gateway_mac().await?;
    let socket = lab.phones[0].frame_socket().await?;
    for target in [layout::phone_mac(2), [0xff; 6], gateway] {
        for _ in 0..20 {
            nix::unistd::write(&socket, &udp_frame(target, layout::phone_mac(1), from, to, 5353))?;
            let mut odd = vec![0; 100];
            odd[..6].copy_from_slice(&target);
            odd[6..12].copy_from_slice(&layout::phone_mac(1));
            odd[12..14].copy_from_slice(&[0x88, 0xb5]); // for experiments (IEEE 802)
            nix::unistd::write(&socket, &odd)?;
        }
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let seen = eyes.phones[1].exact()?;
    let met = seen.sum(|way, kind| match kind {
        Kind::V4 { source, .. } => way == Way::In && *source == from,
        Kind::Other(ethertype) => way == Way::In && *ethertype == 0x88b5,
        Kind::V6 { .. } => way == Way::In,
        Kind::Arp | Kind::Rest => false,
    });
    ensure!(met.packets == 0, "phone-2 saw {:?}", seen.rows());
    ensure!(lab.phones[1].reaches((layout::WEB_ADDR, 80)).await?, "the neighbour is still served");
    lab.tear_down().await
}

/// Who lies about who they are is not forwarded, and nobody pays for it.
#[tokio::test]
async fn liars_get_nothing() -> Result<()> {
    let lab = net::ready(2, None, None, None).await?;
    lab.phones[0].ping(layout::WEB_ADDR, 8, 1).await?;
    let eyes = Eyes::open(&lab).await?;
    let (_, before) = eyes.settle(&lab).await?;
    let (mine, theirs) = (lab.phones[1].lease()?.address, lab.phones[0].lease()?.address);
    let gateway = lab.phones[1].gateway_mac().await?;
    let socket = lab.phones[1].frame_socket().await?;
    let nobody = [0x02, 0, 0, 0, 0, 0x77];
    let lies = [
        (layout::phone_mac(2), theirs),                        // the neighbour's address
        (layout::phone_mac(2), Ipv4Addr::new(203, 0, 113, 9)), // an address of nowhere
        (layout::phone_mac(2), layout::CARRIER_ADDR),          // the carrier's own
        (layout::phone_mac(2), Ipv4Addr::LOCALHOST),
        (nobody, mine), // an unknown device with a known address
        (nobody, theirs),
    ];
    for (mac, address) in lies {
        for _ in 0..50 {
            let frame = udp_frame(gateway, mac, address, layout::WEB_ADDR, layout::UDP_SINK_PORTS);
            nix::unistd::write(&socket, &frame)?;
        }
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let seen = eyes.carrier.exact()?;
    let leaked = seen.sum(net::is_v4_of(layout::UDP_SINK_PORTS));
    ensure!(leaked.packets == 0, "{:?}", seen.rows());
    let (_, after) = eyes.settle(&lab).await?;
    ensure!(person(&before, "phone-1")?.up == person(&after, "phone-1")?.up, "the neighbour paid");
    // The same frame told truly passes: the lies failed for being lies.
    nix::unistd::write(
        &socket,
        &udp_frame(gateway, layout::phone_mac(2), mine, layout::WEB_ADDR, layout::UDP_SINK_PORTS),
    )?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let passed = eyes.carrier.exact()?.sum(net::is_v4_of(layout::UDP_SINK_PORTS));
    ensure!(passed.packets == 1, "an honest frame does not pass");
    lab.tear_down().await
}

/// IPv6 is not forwarded, even where the host would have forwarded it before.
#[tokio::test]
async fn ipv6_does_not_leak() -> Result<()> {
    let lab = net::bare(1, None).await?;
    for (space, interface, address, route) in [
        (layout::INTERNET, "carrier0", "2001:db8:1::1/64", "2001:db8:2::/64 via 2001:db8:1::2"),
        (layout::BOX, "uplink0", "2001:db8:1::2/64", "default via 2001:db8:1::1"),
        ("hotshare-lab-phone-1", "eth0", "2001:db8:2::2/64", "default via 2001:db8:2::1"),
    ] {
        let done = net::in_space(space, "ip", &["-6", "address", "add", address, "dev", interface, "nodad"])?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let words: Vec<&str> = ["-6", "route", "add"].into_iter().chain(route.split(' ')).collect();
        let done = net::in_space(space, "ip", &words)?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    lab.hotspot.space().sysctl().set("net.ipv6.conf.all.forwarding", "1")?;
    let lab = net::ready_with(lab, "", None, None).await?;
    // The gateway's side, as a router would have it that serves IPv6, too.
    net::in_box("ip", &["-6", "address", "add", "2001:db8:2::1/64", "dev", "lan1", "nodad"])?;
    lab.hotspot.space().sysctl().set("net.ipv6.conf.all.forwarding", "1")?;
    let eyes = Eyes::open(&lab).await?;
    let gateway = lab.phones[0].gateway_mac().await?;
    let socket = lab.phones[0].frame_socket().await?;
    let mut frame = vec![0; 14 + 40 + 8];
    frame[..6].copy_from_slice(&gateway);
    frame[6..12].copy_from_slice(&layout::phone_mac(1));
    frame[12..14].copy_from_slice(&[0x86, 0xdd]);
    frame[14] = 0x60;
    frame[18..22].copy_from_slice(&[0, 8, 17, 64]); // length, UDP, hop limit
    frame[22..38].copy_from_slice(&"2001:db8:2::2".parse::<std::net::Ipv6Addr>()?.octets());
    frame[38..54].copy_from_slice(&"2001:db8:1::1".parse::<std::net::Ipv6Addr>()?.octets());
    frame[54..62].copy_from_slice(&[0x12, 0x34, 0, 7, 0, 8, 0xff, 0xff]);
    for _ in 0..50 {
        nix::unistd::write(&socket, &frame)?;
    }
    // And as the phone's own kernel does it.
    net::in_space("hotshare-lab-phone-1", "ping", &["-6", "-c", "2", "-W", "1", "2001:db8:1::1"]).ok();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let seen = eyes.carrier.exact()?;
    let lan: std::net::Ipv6Addr = "2001:db8:2::2".parse()?;
    let leaked =
        seen.sum(|_, kind| matches!(kind, Kind::V6 { source, target } if *source == lan || *target == lan));
    ensure!(leaked.packets == 0, "{:?}", seen.rows());
    lab.tear_down().await
}

/// An Ethernet frame with a small UDP datagram.
fn udp_frame(target: [u8; 6], source: [u8; 6], from: Ipv4Addr, to: Ipv4Addr, port: u16) -> Vec<u8> {
    let payload = [0x21; 32];
    let mut frame = Vec::new();
    frame.extend(target);
    frame.extend(source);
    frame.extend([0x08, 0x00]);
    let total = u16::try_from(28 + payload.len()).expect("small");
    let mut ip = vec![0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 17, 0, 0];
    ip[2..4].copy_from_slice(&total.to_be_bytes());
    ip.extend(from.octets());
    ip.extend(to.octets());
    let sum = checksum(&ip);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    frame.extend(ip);
    frame.extend(40_000_u16.to_be_bytes());
    frame.extend(port.to_be_bytes());
    frame.extend((total - 20).to_be_bytes());
    frame.extend([0, 0]); // UDP without a checksum
    frame.extend(payload);
    frame
}

/// Who is nobody's waits visibly, and is let in by one order.
#[tokio::test]
async fn a_waiting_device_is_let_in() -> Result<()> {
    let mut lab = net::bare(1, None).await?;
    lab.up().await?;
    lab.join().await?;
    let status = lab.api.status().await?;
    let device =
        status.devices.iter().find(|d| d.mac == layout::phone_mac_text(1)).expect("the device is listed");
    ensure!(device.person.is_none() && device.address == Some(lab.phones[0].lease()?.address.to_string()));
    ensure!(device.host_name.as_deref() == Some("phone-1"), "{device:?}");
    lab.api.add_person("anna", Some(MIB)).await?;
    let begin = Instant::now();
    lab.api.assign(&layout::phone_mac_text(1), "anna").await?;
    let progress = Progress::default();
    let transfer = lab.phones[0].download(80, 1000, &progress);
    ensure!(tokio::time::timeout(Duration::from_secs(2), transfer).await???.complete);
    println!("let in: 1000 bytes after {} ms", begin.elapsed().as_millis());
    let done = lab.phones[0].download(80, ENDLESS, &progress).await??;
    ensure!(!done.complete && progress.load(Ordering::Relaxed) < MIB);
    wait_verdict(&lab, "anna", Verdict::AllowanceUsed, Duration::from_secs(2)).await?;
    lab.tear_down().await
}
