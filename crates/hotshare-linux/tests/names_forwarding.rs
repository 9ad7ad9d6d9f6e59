//! The DNS forwarder with a real `dig` behind it and a resolver before it. Needs root.

mod lan_support;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use hotshare_core::names::Sites;
use hotshare_linux::names::{Names, NamesConfig, NamesError, NamesView, SiteSeen};
use lan_support::resolver::Resolver;
use lan_support::{Served, Space, runtime};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 1);
const OPEN: &str = "10.7.0.20";
const CLOSED: &str = "10.7.0.21";
const FIRST: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 53);
const SECOND: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 54);

/// An internet with room for two resolvers, a box, and a phone with an open and a closed address.
struct World {
    internet: Space,
    the_box: Space,
    phone: Space,
    view: watch::Sender<NamesView>,
}

fn view(resolvers: &[Ipv4Addr]) -> NamesView {
    let open = BTreeSet::from([OPEN.parse().expect("an address")]);
    NamesView {
        resolvers: resolvers.to_vec(),
        gateway: GATEWAY,
        prefix: 24,
        open: Arc::new(open),
        sites: Arc::default(),
        web_name: Arc::default(),
    }
}

impl World {
    fn new() -> World {
        let (internet, the_box, phone) = (Space::new("internet"), Space::new("box"), Space::new("phone"));
        internet.cable("carrier0", &the_box, "uplink0");
        the_box.cable("lan0", &phone, "eth0");
        for address in ["198.51.100.1/24", "198.51.100.53/24", "198.51.100.54/24"] {
            internet.run("ip", &["address", "add", address, "dev", "carrier0"]);
        }
        the_box.run("ip", &["address", "add", "198.51.100.2/24", "dev", "uplink0"]);
        the_box.run("ip", &["address", "add", "10.7.0.1/24", "dev", "lan0"]);
        for address in [OPEN, CLOSED] {
            phone.run("ip", &["address", "add", &format!("{address}/24"), "dev", "eth0"]);
        }
        // Neighbours are known, so that every packet on the uplink is somebody's question.
        let mac = |space: &Space, port: &str| {
            space.run("cat", &[&format!("/sys/class/net/{port}/address")]).trim().to_owned()
        };
        for ip in ["198.51.100.53", "198.51.100.54"] {
            let lladdr = mac(&internet, "carrier0");
            the_box.run("ip", &["neighbour", "add", ip, "lladdr", &lladdr, "dev", "uplink0"]);
        }
        let lladdr = mac(&the_box, "uplink0");
        internet.run("ip", &["neighbour", "add", "198.51.100.2", "lladdr", &lladdr, "dev", "carrier0"]);
        let (view, _) = watch::channel(view(&[FIRST]));
        World { internet, the_box, phone, view }
    }

    fn serve(&self) -> Served<Result<(), NamesError>> {
        self.serve_as(NamesConfig { lan: "lan0".into(), gateway: GATEWAY })
    }

    fn serve_as(&self, config: NamesConfig) -> Served<Result<(), NamesError>> {
        self.serve_with(config, |names| names)
    }

    fn serve_with(
        &self,
        config: NamesConfig,
        with: impl FnOnce(Names) -> Names + Send + 'static,
    ) -> Served<Result<(), NamesError>> {
        let (stop, view) = (CancellationToken::new(), self.view.subscribe());
        let token = stop.clone();
        let (bound, is_bound) = std::sync::mpsc::channel();
        let thread = self.the_box.inside(move || {
            runtime().block_on(async {
                let names = Names::bind(config);
                let _listening = bound.send(());
                with(names?).serve(view, token).await
            })
        });
        is_bound.recv().expect("it binds or fails");
        Served::new(stop, thread)
    }

    fn dig_from(&self, client: &str, args: &[&str]) -> String {
        let all = [&["-b", client, "@10.7.0.1", "+tries=1", "+time=6"], args].concat();
        self.phone.run("dig", &all)
    }

    fn dig(&self, args: &[&str]) -> String {
        self.dig_from(OPEN, args)
    }
}

fn status(answer: &str) -> &str {
    let (_, rest) = answer.split_once("status: ").unwrap_or_else(|| panic!("{answer}"));
    rest.split(',').next().expect("it goes on")
}

/// The lifetime of the first answer.
fn ttl(answer: &str, name: &str) -> u32 {
    let line = answer.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{answer}"));
    line.split_whitespace().nth(1).expect("a lifetime").parse().expect("a number")
}

/// While a part of the plan is for some sites: nothing else is answered, and an address only when the rules know it.
#[test]
fn sites_are_told_before_they_are_answered() {
    const PATIENCE: Duration = Duration::from_millis(300);
    let world = World::new();
    let _resolver = Resolver::start(&world.internet, FIRST);
    let named: BTreeSet<_> = BTreeSet::from(["www.example".parse().expect("a site")]);
    world.view.send_modify(|view| {
        view.sites = Arc::new(Sites { named: named.clone(), only: Some(named.clone()) });
    });
    let (tell, mut told) = mpsc::channel::<SiteSeen>(8);
    let config = NamesConfig { lan: "lan0".into(), gateway: GATEWAY };
    let mut served = world.serve_with(config, |names| names.telling(tell));
    let rules = thread::spawn(move || {
        let mut seen = Vec::new();
        while let Some(news) = told.blocking_recv() {
            thread::park_timeout(PATIENCE);
            seen.push((news.sites, news.addresses.into_iter().map(|(ip, _)| ip).collect::<Vec<_>>()));
            _ = news.known.send(());
        }
        seen
    });
    for _ in 0..2 {
        let begin = Instant::now();
        let answer = world.dig(&["wWw.example"]);
        assert!(answer.contains("192.0.2.1") && ttl(&answer, "wWw.example") <= 300, "{answer}");
        assert!(begin.elapsed() >= PATIENCE, "answered after {:?}", begin.elapsed());
    }
    for other in ["example.org", "www.example.org", "ww.example"] {
        let answer = world.dig(&[other]);
        assert_eq!(status(&answer), "REFUSED", "{answer}");
    }
    assert_eq!(status(&world.dig(&["hotshare.internal"])), "NOERROR");
    served.end().expect("it ends");
    let seen = rules.join().expect("no panic");
    let once = (named.into_iter().collect::<Vec<_>>(), vec![Ipv4Addr::new(192, 0, 2, 1)]);
    assert_eq!(seen, [once.clone(), once]);
}

#[test]
fn answers_are_forwarded_kept_and_grow_old() {
    let world = World::new();
    let resolver = Resolver::start(&world.internet, FIRST);
    let mut served = world.serve();
    let first = world.dig(&["www.example"]);
    assert!(first.contains("192.0.2.1") && status(&first) == "NOERROR", "{first}");
    assert!(first.contains(" ra;") || first.contains(" ra "), "{first}");
    thread::park_timeout(Duration::from_millis(2100));
    let second = world.dig(&["www.example"]);
    assert_eq!(resolver.asked(), 1, "the second answer was kept");
    assert!((296..=298).contains(&ttl(&second, "www.example.")), "{second}");

    // One that may be kept for a second, and one that must not be.
    for _ in 0..2 {
        world.dig(&["short.example"]);
        thread::park_timeout(Duration::from_millis(1100));
        world.dig(&["once.example"]);
    }
    assert_eq!((resolver.asked_for("short.example."), resolver.asked_for("once.example.")), (2, 2));

    // That something is not there is kept as well, and so is a failure for a moment.
    for name in ["gone.example", "nodata.example", "broken.example"] {
        let (first, second) = (world.dig(&[name]), world.dig(&[name]));
        assert_eq!(status(&first), status(&second));
        assert_eq!(resolver.asked_for(&format!("{name}.")), 1, "{name}");
    }
    assert_eq!(status(&world.dig(&["gone.example"])), "NXDOMAIN");
    assert_eq!(status(&world.dig(&["broken.example"])), "SERVFAIL");

    // An alias is kept for as long as its shortest part.
    let alias = world.dig(&["alias.example"]);
    assert!(alias.contains("target.example.") && alias.contains("192.0.2.2"), "{alias}");
    served.end().expect("it served");
}

#[test]
fn letters_strange_records_and_signatures_pass() {
    let world = World::new();
    let resolver = Resolver::start(&world.internet, FIRST);
    let _served = world.serve();
    let odd = world.dig(&["wWw.ExAmPlE"]);
    let again = world.dig(&["WwW.eXaMpLe"]);
    assert!(odd.contains(";wWw.ExAmPlE.") && again.contains(";WwW.eXaMpLe."), "{odd}{again}");
    assert_eq!(resolver.asked(), 1, "the letters' case makes no other name");

    let strange = world.dig(&["strange.example", "TYPE65280"]);
    assert!(strange.contains("\\# 4 01020304"), "{strange}");

    let unsigned = world.dig(&["signed.example"]);
    assert!(!unsigned.contains("RRSIG") && !unsigned.contains(" ad"), "{unsigned}");
    let signed = world.dig(&["+dnssec", "signed.example"]);
    assert!(signed.contains("RRSIG") && signed.contains(" ad"), "{signed}");
    assert!(signed.contains("flags: do"), "{signed}");
    assert!(!world.dig(&["signed.example"]).contains("RRSIG"), "kept apart");

    let plain = world.dig(&["+noedns", "www.example"]);
    assert!(!plain.contains("OPT PSEUDOSECTION") && plain.contains("192.0.2.1"), "{plain}");
    assert_eq!(status(&world.dig(&["+edns=1", "+noednsnegotiation", "www.example"])), "BADVERS");
}

#[test]
fn large_answers_go_over_tcp_on_both_sides() {
    let world = World::new();
    let resolver = Resolver::start(&world.internet, FIRST);
    let _served = world.serve();
    let large = world.dig(&["large.example", "TXT"]);
    assert!(large.contains("Truncated, retrying in TCP mode") && large.contains("ANSWER: 60"), "{large}");
    assert_eq!(resolver.streams.load(Ordering::Relaxed), 1);
    // 40 addresses fit into what EDNS allows, and not into 512 bytes.
    assert!(!world.dig(&["medium.example"]).contains("Truncated"));
    let cut = world.dig(&["+noedns", "+ignore", "medium.example"]);
    assert!(cut.contains(" tc"), "{cut}");
    assert!(world.dig(&["+tcp", "medium.example"]).contains("ANSWER: 40"));
}

#[test]
fn local_names_stay_local() {
    let world = World::new();
    let resolver = Resolver::start(&world.internet, FIRST);
    let _served = world.serve();
    for client in [OPEN, CLOSED] {
        let own = world.dig_from(client, &["hotshare.internal"]);
        assert!(own.contains("10.7.0.1") && own.contains(" aa "), "{own}");
        assert!(world.dig_from(client, &["+tcp", "hotshare.internal"]).contains("10.7.0.1"));
        let none = world.dig_from(client, &["hotshare.internal", "AAAA"]);
        assert!(status(&none) == "NOERROR" && none.contains("SOA"), "{none}");
        assert!(world.dig_from(client, &["-x", "10.7.0.1"]).contains("hotshare.internal."));
        for name in ["printer.local", "nas.home.arpa", "x.internal", "9.1.168.192.in-addr.arpa"] {
            assert_eq!(status(&world.dig_from(client, &[name])), "NXDOMAIN", "{name}");
        }
        assert_eq!(status(&world.dig_from(client, &["example", "ANY", "+notcp"])), "NOTIMP");
    }
    assert_eq!(resolver.asked(), 0);
    let rebind = world.dig(&["rebind.example"]);
    assert!(rebind.contains("192.0.2.3") && !rebind.contains("A\t10.7.0.1"), "{rebind}");
}

#[test]
fn a_closed_station_leaves_no_packet_on_the_uplink() {
    let world = World::new();
    let _resolver = Resolver::start(&world.internet, FIRST);
    let _served = world.serve();
    world.dig(&["www.example"]);
    let before = world.internet.received("carrier0");
    for name in ["www.example", "other.example", "gone.example", "_x._tcp.example", "com"] {
        for kind in ["A", "AAAA", "TXT", "SRV"] {
            if name == "com" && kind.starts_with('A') {
                continue;
            }
            let answer = world.dig_from(CLOSED, &[name, kind]);
            assert_eq!(status(&answer), "REFUSED", "{name} {kind}: {answer}");
            assert!(!answer.contains("192.0.2.1"), "not even what is kept");
        }
    }
    assert_eq!(status(&world.dig_from(CLOSED, &["+tcp", "www.example"])), "REFUSED");
    assert_eq!(world.internet.received("carrier0"), before);

    // Opened, it is served; closed while it waits, it is not.
    world.view.send_modify(|view| {
        view.open = Arc::new(BTreeSet::from([OPEN, CLOSED].map(|ip| ip.parse().expect("an address"))));
    });
    assert_eq!(status(&world.dig_from(CLOSED, &["other.example"])), "NOERROR");
    world.view.send_modify(|view| view.open = Arc::default());
    assert_eq!(status(&world.dig_from(OPEN, &["www.example"])), "REFUSED");
}

#[test]
fn a_dead_uplink_fails_soon_and_its_return_is_noticed_at_once() {
    let world = World::new();
    let resolver = Resolver::start(&world.internet, FIRST);
    let _served = world.serve();
    let timed = |args: &[&str]| {
        let begin = Instant::now();
        let answer = world.dig(args);
        (status(&answer).to_owned(), begin.elapsed())
    };
    // It hears and says nothing.
    resolver.mute.store(true, Ordering::Relaxed);
    let (code, took) = timed(&["a.example"]);
    assert!(code == "SERVFAIL" && took < Duration::from_millis(4600), "{code} after {took:?}");
    assert!(resolver.asked() <= 3, "a metered uplink is not filled with questions");
    resolver.mute.store(false, Ordering::Relaxed);
    let (code, took) = timed(&["b.example"]);
    assert!(code == "NOERROR" && took < Duration::from_millis(1500), "{code} after {took:?}");
    // Nobody is there: the port is closed.
    drop(resolver);
    let (code, took) = timed(&["c.example"]);
    assert!(code == "SERVFAIL" && took < Duration::from_millis(1500), "{code} after {took:?}");
    // No uplink at all.
    world.view.send_modify(|view| view.resolvers.clear());
    let (code, took) = timed(&["d.example"]);
    assert!(code == "SERVFAIL" && took < Duration::from_millis(1500), "{code} after {took:?}");
    assert_eq!(status(&world.dig(&["hotshare.internal"])), "NOERROR");
    // Back, with another resolver.
    let _resolver = Resolver::start(&world.internet, SECOND);
    world.view.send_modify(|view| view.resolvers = vec![SECOND]);
    let (code, took) = timed(&["c.example"]);
    assert!(code == "NOERROR" && took < Duration::from_millis(1500), "{code} after {took:?}");
}

#[test]
fn one_of_two_resolvers_is_enough() {
    let world = World::new();
    let (first, second) = (Resolver::start(&world.internet, FIRST), Resolver::start(&world.internet, SECOND));
    world.view.send_replace(view(&[FIRST, SECOND]));
    let _served = world.serve();
    world.dig(&["a.example"]);
    assert_eq!((first.asked(), second.asked()), (1, 0), "one is asked, not both");
    first.mute.store(true, Ordering::Relaxed);
    let begin = Instant::now();
    assert_eq!(status(&world.dig(&["b.example"])), "NOERROR");
    assert!(begin.elapsed() < Duration::from_millis(2500), "{:?}", begin.elapsed());
    assert_eq!(status(&world.dig(&["c.example"])), "NOERROR");
    assert_eq!(first.asked_for("c.example."), 0, "the one that answers is asked first now");
    // One that fails is no better than one that is silent.
    first.mute.store(false, Ordering::Relaxed);
    let broken = world.dig(&["broken.example"]);
    assert_eq!(status(&broken), "SERVFAIL");
    assert_eq!((first.asked_for("broken.example."), second.asked_for("broken.example.")), (1, 1));
}

#[test]
fn the_same_question_of_many_is_asked_once() {
    let world = World::new();
    let resolver = Resolver::start(&world.internet, FIRST);
    let _served = world.serve();
    resolver.mute.store(true, Ordering::Relaxed);
    let phone = world.phone.inside(|| {
        let sockets: Vec<UdpSocket> =
            (0..20).map(|_| UdpSocket::bind((OPEN, 0)).expect("a socket")).collect();
        for (id, socket) in (0..).zip(&sockets) {
            socket.set_read_timeout(Some(Duration::from_secs(6))).expect("a timeout");
            socket.send_to(&query(id, "same.example.", RecordType::A), (GATEWAY, 53)).expect("sent");
        }
        for (id, socket) in (0..).zip(&sockets) {
            let mut buffer = [0; 512];
            let length = socket.recv(&mut buffer).expect("an answer");
            let answer = Message::from_vec(&buffer[..length]).expect("a message");
            assert_eq!((answer.metadata.id, answer.metadata.response_code), (id, ResponseCode::NoError));
        }
    });
    thread::park_timeout(Duration::from_millis(300));
    resolver.mute.store(false, Ordering::Relaxed);
    phone.join().expect("all were answered");
    assert!(resolver.asked() <= 2, "{} questions", resolver.asked());
}

fn query(id: u16, name: &str, kind: RecordType) -> Vec<u8> {
    let mut message = Message::query();
    message.metadata.id = id;
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
    message.to_vec().expect("it can be encoded")
}

#[test]
fn malformed_queries_and_idle_connections_stop_nobody() {
    let world = World::new();
    let _resolver = Resolver::start(&world.internet, FIRST);
    let mut served = world.serve();
    let phone = world.phone.inside(|| {
        let socket = UdpSocket::bind((CLOSED, 0)).expect("a socket");
        let good = query(7, "www.example.", RecordType::A);
        for cut in 0..good.len() {
            socket.send_to(&good[..cut], (GATEWAY, 53)).expect("sent");
        }
        let mut seed = 7u64;
        for n in 0..20_000u32 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(n.into());
            let mut bad = good.clone();
            let place = usize::try_from(seed >> 40).expect("short") % bad.len();
            bad[place] = seed.to_le_bytes()[3];
            // A full queue is the receiver's right.
            let _dropped = socket.send_to(&bad, (GATEWAY, 53));
        }
        // Forty connections that say nothing, or half of something.
        let connect = || {
            use socket2::{Domain, Socket, Type};
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
            let from: std::net::SocketAddrV4 = format!("{CLOSED}:0").parse().expect("an address");
            socket.bind(&from.into()).expect("ours");
            let to = std::net::SocketAddrV4::new(GATEWAY, 53);
            socket.connect(&to.into()).expect("the backlog takes it");
            TcpStream::from(socket)
        };
        let mut idle: Vec<TcpStream> = (0..40).map(|_| connect()).collect();
        for stream in &mut idle {
            let _refused = stream.write_all(&[0, 30, 1]);
        }
        idle
    });
    let idle = phone.join().expect("the phone sent everything");
    let answer = world.dig(&["+tcp", "www.example"]);
    assert!(answer.contains("192.0.2.1"), "others are served meanwhile: {answer}");
    assert!(world.dig(&["www.example"]).contains("192.0.2.1"));
    let mut open = 0;
    for mut stream in idle {
        stream.set_read_timeout(Some(Duration::from_millis(10))).expect("a timeout");
        let read = stream.read(&mut [0]);
        open += usize::from(read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    }
    assert!(open <= 4, "{open} connections of one station are held");
    served.end().expect("it served");
}

#[test]
fn what_is_wrong_with_the_address_is_said_and_a_restart_works_at_once() {
    let world = World::new();
    let config = NamesConfig { lan: "lan0".into(), gateway: Ipv4Addr::new(10, 9, 9, 9) };
    let missing = world.serve_as(config).wait().expect_err("nobody has that address");
    assert!(matches!(missing, NamesError::NoAddress { .. }), "{missing}");
    let config = NamesConfig { lan: "nothere".into(), gateway: GATEWAY };
    let missing = world.serve_as(config).wait().expect_err("there is no such interface");
    assert!(matches!(missing, NamesError::NoInterface { .. }), "{missing}");
    let _resolver = Resolver::start(&world.internet, FIRST);
    let mut first = world.serve();
    let second = world.serve().wait().expect_err("the port is taken");
    assert!(matches!(second, NamesError::PortTaken { .. }), "{second}");
    for _ in 0..5 {
        assert!(world.dig(&["+tcp", "www.example"]).contains("192.0.2.1"));
        first.end().expect("it served");
        first = world.serve();
    }
    // From the uplink's side nobody listens.
    let outside = world.internet.try_run("dig", &["@10.7.0.1", "+tries=1", "+time=1", "hotshare.internal"]);
    assert!(!outside.status.success());
    let outside =
        world.internet.try_run("dig", &["@198.51.100.2", "+tries=1", "+time=1", "hotshare.internal"]);
    assert!(!outside.status.success());
}

#[test]
fn twenty_thousand_kept_answers_come_quickly() {
    let world = World::new();
    let _resolver = Resolver::start(&world.internet, FIRST);
    world.view.send_modify(|view| {
        view.open = Arc::new((2..=250).map(|n| Ipv4Addr::new(10, 7, 0, n)).collect());
    });
    let _served = world.serve();
    world.dig(&["www.example"]);
    for n in 100..110 {
        world.phone.run("ip", &["address", "add", &format!("10.7.0.{n}/24"), "dev", "eth0"]);
    }
    let phone = world.phone.inside(|| {
        // From ten stations, so that no one's pace is exceeded; eight questions are out at a time.
        let mut sockets = Vec::new();
        for n in 100..110 {
            let socket = UdpSocket::bind((Ipv4Addr::new(10, 7, 0, n), 0)).expect("a socket");
            socket.connect((GATEWAY, 53)).expect("connected");
            socket.set_read_timeout(Some(Duration::from_secs(2))).expect("a timeout");
            sockets.push(socket);
        }
        let question = query(9, "www.example.", RecordType::A);
        let begin = Instant::now();
        let (rounds, out) = (250, 8);
        let mut buffer = [0; 512];
        for _ in 0..rounds {
            for socket in &sockets {
                (0..out).for_each(|_| assert!(socket.send(&question).is_ok()));
                (0..out).for_each(|_| assert!(socket.recv(&mut buffer).expect("none is lost") > 12));
            }
        }
        begin.elapsed()
    });
    let took = phone.join().expect("all were answered");
    println!("20,000 kept answers in {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}
