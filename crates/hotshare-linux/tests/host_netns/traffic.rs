//! What passes through the box and what does not, with real packets. The meter is played by a test's table that
//! sets its mark; what leaves the box is counted in the Internet's namespace.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use crate::world::{BOX_ON_UPLINK, GATEWAY, SERVER, World, asynchronously, inside, ip, nft, pause};

const SHORT: Duration = Duration::from_millis(400);

fn at(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(address.parse().unwrap(), port)
}

/// Listens in the namespace; each connection gets its own bytes back.
pub(crate) fn echo(namespace: &str, address: &str, port: u16) {
    let listener = inside(namespace, || TcpListener::bind(at(address, port)).unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(n @ 1..) = stream.read(&mut buffer) {
                    if stream.write_all(&buffer[..n]).is_err() {
                        return;
                    }
                }
            });
        }
    });
}

/// Whether a TCP connection echoes; else how it failed.
pub(crate) fn talks(namespace: &str, address: &str, port: u16) -> Result<(), ErrorKind> {
    inside(namespace, || {
        let attempt = || {
            let mut stream = TcpStream::connect_timeout(&at(address, port), SHORT)?;
            stream.set_read_timeout(Some(SHORT))?;
            stream.write_all(b"hello")?;
            stream.read_exact(&mut [0; 5])
        };
        attempt().map_err(|error| error.kind())
    })
}

/// Whether an ICMP echo comes back.
pub(crate) fn pings(namespace: &str, address: &str) -> bool {
    let address: Ipv4Addr = address.parse().unwrap();
    inside(namespace, || {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        // Type 8, code 0, checksum, id 0x1234, sequence 1.
        let request = [8, 0, 0xe5, 0xca, 0x12, 0x34, 0, 1];
        let until = Instant::now() + SHORT;
        if socket.send_to(&request, &SocketAddr::new(address.into(), 0).into()).is_err() {
            return false;
        }
        while Instant::now() < until {
            let mut buffer = [MaybeUninit::uninit(); 256];
            let Ok((n, from)) = socket.recv_from(&mut buffer) else { continue };
            // An IP header of 20 bytes, then an echo reply.
            let reply = n >= 28 && first_of(&buffer[20]) == 0;
            if reply && from.as_socket_ipv4().is_some_and(|from| *from.ip() == address) {
                return true;
            }
        }
        false
    })
}

#[allow(unsafe_code, reason = "socket2 receives into memory that it does not promise to have filled")]
fn first_of(byte: &MaybeUninit<u8>) -> u8 {
    // SAFETY: only called for bytes below the received length.
    unsafe { byte.assume_init() }
}

#[test]
fn nothing_passes_without_the_mark_and_everything_with_it() {
    let world = World::new(2);
    world.share();
    world.watch_carrier();
    echo(&world.net(), SERVER, 8080);
    let phone = world.phone(1);

    assert_eq!(
        talks(&phone, SERVER, 8080),
        Err(ErrorKind::ConnectionRefused),
        "refused at once, not in silence"
    );
    assert!(!pings(&phone, SERVER));
    inside(&phone, || {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        for _ in 0..500 {
            let _ = socket.send_to(&[0; 200], at(SERVER, 9));
        }
    });
    assert_eq!(world.seen_at_carrier(), 0, "an unmarked packet has left");

    world.mark(&[1]);
    assert_eq!(talks(&phone, SERVER, 8080), Ok(()));
    assert!(pings(&phone, SERVER));
    let seen = world.seen_at_carrier();
    assert!(seen > 5);
    assert_eq!(talks(&world.phone(2), SERVER, 8080), Err(ErrorKind::ConnectionRefused));
    assert_eq!(world.seen_at_carrier(), seen, "the other phone's packets have left");
}

#[test]
fn the_far_end_sees_the_uplinks_address_and_a_segment_that_fits() {
    let world = World::new(1);
    ip(&format!("-n {} link set uplink0 mtu 1300", world.host_ns()));
    world.share();
    world.mark(&[1]);
    let listener = inside(&world.net(), || TcpListener::bind(at(SERVER, 8080)).unwrap());
    let (server, phone) = std::thread::scope(|scope| {
        let phone = scope.spawn(|| inside(&world.phone(1), || TcpStream::connect(at(SERVER, 8080)).unwrap()));
        (listener.accept().unwrap(), phone.join().unwrap())
    });
    assert_eq!(server.1.ip(), BOX_ON_UPLINK.parse::<IpAddr>().unwrap());
    // 1300 less 40 of headers, less 12 of timestamps.
    assert!(segment(&server.0) <= 1260, "{}", segment(&server.0));
    assert!(segment(&phone) <= 1260, "{}", segment(&phone));
}

#[allow(unsafe_code, reason = "neither std nor socket2 reads TCP_MAXSEG without a feature")]
fn segment(stream: &TcpStream) -> i32 {
    let mut value: libc::c_int = 0;
    let mut len = libc::socklen_t::try_from(size_of::<libc::c_int>()).unwrap();
    // SAFETY: the descriptor is open, the value is as long as `len` says, and both outlive the call.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_MAXSEG,
            (&raw mut value).cast(),
            &raw mut len,
        )
    };
    assert_eq!(result, 0);
    value
}

#[test]
fn a_wrong_source_and_ipv6_do_not_pass_even_with_the_mark() {
    let world = World::new(1);
    let (host, net, phone) = (world.host_ns(), world.net(), world.phone(1));
    for (namespace, device) in [(&host, "uplink0"), (&net, "carrier0"), (&phone, "eth0")] {
        inside(namespace, || {
            std::fs::write(format!("/proc/sys/net/ipv6/conf/{device}/disable_ipv6"), "0").unwrap();
        });
    }
    world.share();
    nft(
        &host,
        "table inet tst { chain p { type filter hook prerouting priority -150; meta mark set 0x40000000 } }",
    );
    inside(&host, || std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap());
    ip(&format!("-n {net} addr add 2001:db8::10/64 dev carrier0 nodad"));
    ip(&format!("-n {host} addr add 2001:db8::2/64 dev uplink0 nodad"));
    ip(&format!("-n {phone} addr add 2001:db8:1::11/64 dev eth0 nodad"));
    ip(&format!("-n {phone} addr add 203.0.113.9/32 dev eth0"));
    nft(
        &net,
        "table inet obs { counter seen {} \n chain p { type filter hook prerouting priority -300
         ip saddr 203.0.113.9 counter name seen
         ip saddr 172.29.77.0/24 counter name seen
         ip6 saddr 2001:db8:1::/64 counter name seen } }",
    );
    // The box's MAC is known to the phone, so that its IPv6 stack needs no answer from the box.
    let lan = ip(&format!("-n {host} -br link show lan1"));
    let mac = lan.split_ascii_whitespace().nth(2).unwrap().to_owned();
    ip(&format!("-n {phone} -6 neigh add fe80::1 lladdr {mac} dev eth0"));
    ip(&format!("-n {phone} -6 route add default via fe80::1 dev eth0"));
    inside(&phone, || {
        let socket = UdpSocket::bind("203.0.113.9:0").unwrap();
        let six = UdpSocket::bind("[2001:db8:1::11]:0").unwrap();
        for _ in 0..50 {
            let _ = socket.send_to(b"spoofed", at(SERVER, 9));
            six.send_to(b"six", "[2001:db8::10]:9").unwrap();
        }
    });
    pause(200);
    assert_eq!(world.seen_at_carrier(), 0);
    let own = inside(&host, || std::fs::read_to_string("/proc/net/if_inet6").unwrap());
    assert!(!own.contains("lan1"), "the LAN side speaks IPv6: {own}");
}

#[test]
fn nothing_passes_through_an_interface_that_came_back_until_the_meter_is_on_it() {
    let world = World::new(2);
    let (host, net) = (world.host_ns(), world.net());
    world.share();
    world.mark(&[1]);
    echo(&net, SERVER, 8080);
    assert_eq!(talks(&world.phone(1), SERVER, 8080), Ok(()));

    ip(&format!("-n {host} link del uplink0"));
    ip(&format!("link add uplink0 netns {host} type veth peer name carrier0 netns {net}"));
    world.connect_uplink();
    inside(&host, || std::fs::write("/proc/sys/net/ipv4/conf/uplink0/forwarding", "1").unwrap());
    world.watch_carrier();
    assert!(talks(&world.phone(1), SERVER, 8080).is_err());
    assert_eq!(world.seen_at_carrier(), 0);
    world.share();
    assert_eq!(talks(&world.phone(1), SERVER, 8080), Ok(()));

    let before = world.wanted().metered;
    ip(&format!("-n {host} link del hotshare0"));
    let mut wanted = world.wanted();
    wanted.metered = before;
    world.on_box(async |mut hand| hand.reconcile(&wanted.desired()).await.map(drop).unwrap());
    assert_ne!(world.wanted().metered, before);
    assert!(talks(&world.phone(1), SERVER, 8080).is_err());
    world.share();
    assert_eq!(talks(&world.phone(1), SERVER, 8080), Ok(()));
}

#[test]
fn phones_cannot_reach_each_other() {
    let world = World::new(2);
    world.share();
    world.mark(&[1, 2]);
    let (one, two) = (world.phone(1), world.phone(2));
    echo(&two, "172.29.77.12", 8080);
    assert!(talks(&one, "172.29.77.12", 8080).is_err(), "through the bridge");
    assert!(!pings(&one, "172.29.77.12"));
    // Bounced off the gateway.
    for (phone, other) in [(&one, 12), (&two, 11)] {
        ip(&format!("-n {phone} route add 172.29.77.{other}/32 via {GATEWAY}"));
    }
    assert!(talks(&one, "172.29.77.12", 8080).is_err(), "through the gateway");
    assert!(!pings(&one, "172.29.77.12"));
}

#[test]
fn of_the_host_only_dhcp_dns_and_the_portal_are_reached() {
    let world = World::new(1);
    let (host, phone) = (world.host_ns(), world.phone(1));
    world.share();
    world.mark(&[1]);
    for port in [53, 80, 443, 8022] {
        echo(&host, "0.0.0.0", port);
    }
    for (port, expected) in [
        (53, Ok(())),
        (80, Ok(())),
        (443, Err(ErrorKind::ConnectionRefused)),
        (8022, Err(ErrorKind::ConnectionRefused)),
    ] {
        assert_eq!(talks(&phone, GATEWAY, port), expected, "port {port} of the gateway");
    }
    // Whoever is closed finds the portal at port 80 of every address; whoever is open finds what is there.
    assert_eq!(talks(&phone, BOX_ON_UPLINK, 80), Ok(()));
    let open = BTreeSet::from([Ipv4Addr::new(172, 29, 77, 11)]);
    world.on_box(async move |mut host| host.set_open(&open).await.unwrap());
    for port in [53, 80, 8022] {
        assert!(talks(&phone, BOX_ON_UPLINK, port).is_err(), "port {port} of the uplink's address");
        assert!(talks(&world.net(), GATEWAY, port).is_err(), "port {port} of the gateway, from the Internet");
    }
    // What the host offers to the Internet is not ours to close.
    assert_eq!(talks(&world.net(), BOX_ON_UPLINK, 8022), Ok(()));
    assert!(!pings(&phone, GATEWAY));
    assert!(!pings(&phone, BOX_ON_UPLINK));

    let heard = |address: &str, port: u16, broadcast: bool| {
        let server = inside(&host, || bind(port));
        server.set_read_timeout(Some(SHORT)).unwrap();
        inside(&phone, || {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            socket.set_broadcast(broadcast).unwrap();
            let _ = socket.send_to(b"hello", at(address, port));
        });
        server.recv(&mut [0; 8]).is_ok()
    };
    assert!(heard("255.255.255.255", 67, true) && heard(GATEWAY, 67, false) && heard(GATEWAY, 53, false));
    assert!(
        !heard("255.255.255.255", 68, true)
            && !heard(GATEWAY, 5353, false)
            && !heard(BOX_ON_UPLINK, 53, false)
    );
    assert!(!heard("172.29.77.255", 53, true));
}

/// A program that another test starts holds a copy of a closed socket for a moment, between fork and exec.
fn bind(port: u16) -> UdpSocket {
    for _ in 0..20 {
        if let Ok(socket) = UdpSocket::bind(at("0.0.0.0", port)) {
            return socket;
        }
        pause(50);
    }
    panic!("UDP port {port} stays in use")
}

#[test]
fn from_the_internet_only_replies_come_in() {
    let world = World::new(1);
    world.share();
    world.mark(&[1]);
    echo(&world.phone(1), "172.29.77.11", 8080);
    assert!(talks(&world.net(), "172.29.77.11", 8080).is_err());
    assert!(!pings(&world.net(), "172.29.77.11"));
    assert!(pings(&world.phone(1), SERVER));
}

/// Reads until the connection ends; how, and when.
fn ended(mut stream: TcpStream) -> (ErrorKind, Instant) {
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut buffer = vec![0; 65536];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (ErrorKind::UnexpectedEof, Instant::now()),
            Ok(_) => {}
            Err(error) => return (error.kind(), Instant::now()),
        }
    }
}

/// Writes until the connection ends; how, and when.
fn pushed(mut stream: TcpStream) -> (ErrorKind, Instant) {
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let block = vec![0; 65536];
    loop {
        if let Err(error) = stream.write_all(&block) {
            return (error.kind(), Instant::now());
        }
    }
}

fn assert_reset(end: (ErrorKind, Instant), since: Instant) {
    assert!([ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&end.0), "{:?}", end.0);
    assert!(
        end.1.duration_since(since) < Duration::from_millis(500),
        "after {:?}",
        end.1.duration_since(since)
    );
}

#[test]
fn who_is_closed_is_reset_at_once_at_whichever_end_sends() {
    let world = World::new(2);
    world.share();
    world.mark(&[1, 2]);
    let listener = inside(&world.net(), || TcpListener::bind(at(SERVER, 8080)).unwrap());
    let pair = |phone: u8| {
        let namespace = world.phone(phone);
        std::thread::scope(|scope| {
            let client = || inside(&namespace, || TcpStream::connect(at(SERVER, 8080)).unwrap());
            let client = scope.spawn(client);
            (listener.accept().unwrap().0, client.join().unwrap())
        })
    };
    let (down_server, mut down_phone) = pair(1);
    let (up_server, up_phone) = pair(1);
    let (mut other_server, mut other_phone) = pair(2);
    let copy = |stream: &TcpStream| stream.try_clone().unwrap();
    let (far, near) = (copy(&down_server), copy(&up_phone));
    let download = std::thread::spawn(move || pushed(far));
    let upload = std::thread::spawn(move || pushed(near));
    let (near, far) = (copy(&down_phone), copy(&up_server));
    let downloaded = std::thread::spawn(move || ended(near));
    std::thread::spawn(move || ended(far));
    pause(200);

    let closed_at = Instant::now();
    world.on_box(async |mut host| host.set_closed(&[[172, 29, 77, 11].into()].into()).await.unwrap());
    assert_reset(download.join().unwrap(), closed_at);
    assert_reset(upload.join().unwrap(), closed_at);
    // Who only listened learns of it with the next word.
    let spoke_at = Instant::now();
    let _ = down_phone.write_all(b"x");
    assert_reset(downloaded.join().unwrap(), spoke_at);
    let spoke_at = Instant::now();
    let _ = (&up_server).write_all(b"x");
    assert_reset(pushed(up_server), spoke_at);
    assert_eq!(talks(&world.phone(1), SERVER, 8080), Err(ErrorKind::ConnectionRefused));

    other_phone.write_all(b"still here").unwrap();
    other_server.read_exact(&mut [0; 10]).unwrap();
    world.on_box(async |mut host| host.set_closed(&[].into()).await.unwrap());
    let (mut server, mut phone) = pair(1);
    phone.write_all(b"back").unwrap();
    server.read_exact(&mut [0; 4]).unwrap();
}

#[test]
fn who_is_closed_stays_closed_when_the_rules_are_replaced() {
    let world = World::new(1);
    world.share();
    world.mark(&[1]);
    echo(&world.net(), SERVER, 8080);
    assert_eq!(talks(&world.phone(1), SERVER, 8080), Ok(()));
    let closed = [[172, 29, 77, 11].into(), [172, 29, 77, 99].into()].into();
    world.on_box(async |mut host| host.set_closed(&closed).await.unwrap());
    // Another run, with other rules.
    let mut wanted = world.wanted();
    wanted.portal_ports.insert(8443);
    world.on_box(async |mut host| {
        assert_eq!(host.reconcile(&wanted.desired()).await.unwrap().steps.len(), 1);
    });
    assert_eq!(talks(&world.phone(1), SERVER, 8080), Err(ErrorKind::ConnectionRefused));
    // Whatever somebody else did to the set in the meantime.
    world.on_box(async |mut host| {
        host.set_closed(&closed).await.unwrap();
        nft(&world.host_ns(), "delete element inet hotshare closed { 172.29.77.99 }");
        host.set_closed(&[[172, 29, 77, 98].into()].into()).await.unwrap();
    });
    assert_eq!(talks(&world.phone(1), SERVER, 8080), Ok(()));
}

#[test]
fn forgotten_flows_are_gone_and_others_stay() {
    use nlink::netlink::netfilter::ConntrackFilter;
    use nlink::netlink::{Connection, Netfilter};

    let world = World::new(2);
    world.share();
    world.mark(&[1, 2]);
    echo(&world.net(), SERVER, 8080);
    let (one, two) = (Ipv4Addr::new(172, 29, 77, 11), Ipv4Addr::new(172, 29, 77, 12));
    assert_eq!(talks(&world.phone(1), SERVER, 8080), Ok(()));
    assert_eq!(talks(&world.phone(2), SERVER, 8080), Ok(()));
    asynchronously(&world.host_ns(), async || {
        let conn = Connection::<Netfilter>::new().unwrap();
        let flows = async |of: Ipv4Addr| {
            conn.get_conntrack_matching(&ConntrackFilter::new().orig_src(of)).await.unwrap().len()
        };
        assert!(flows(one).await > 0 && flows(two).await > 0);
        hotshare_linux::nat::forget_flows(one).await.unwrap();
        assert_eq!(flows(one).await, 0);
        assert!(flows(two).await > 0);
    });
}
