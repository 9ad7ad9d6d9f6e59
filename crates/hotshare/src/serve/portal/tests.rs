//! The page over a real socket; only the brain is a fake.

use std::net::Ipv4Addr;

use hotshare_core::ask::{DeviceStatus, KeyStatus};
use hotshare_core::policy::{Verdict, Why};
use hotshare_core::units::{Bytes, Mac, Rate, UnixTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

use super::*;

struct Fake {
    at: SocketAddr,
    tasks: JoinSet<()>,
    asked: Arc<std::sync::atomic::AtomicUsize>,
    wished: Arc<std::sync::atomic::AtomicUsize>,
    stop: CancellationToken,
}

impl Fake {
    fn start(status: Option<Status>) -> Fake {
        let listener = bind_at("lo", SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("bound");
        let at = listener.local_addr().expect("an address");
        let (brain, mut asks) = mpsc::channel::<(Ask, oneshot::Sender<Answer>)>(4);
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let wished = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let wishes = Arc::clone(&wished);
        let (count, stop, mut tasks) = (Arc::clone(&asked), CancellationToken::new(), JoinSet::new());
        tasks.spawn(async move {
            let mut stuck = Vec::new();
            while let Some((ask, reply)) = asks.recv().await {
                if let Ask::Wish { name, bytes } = &ask {
                    assert_eq!((name.as_str(), *bytes), ("anna", Bytes(200_000_000)));
                    wishes.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    drop(reply.send(Answer::Done));
                    continue;
                }
                assert_eq!(ask, Ask::Status, "the page may ask for nothing else");
                count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                match &status {
                    Some(status) => drop(reply.send(Answer::Status(Box::new(status.clone())))),
                    None => stuck.push(reply),
                }
            }
        });
        tasks.spawn(serve(listener, brain, stop.clone()));
        Fake { at, tasks, asked, wished, stop }
    }

    fn wishes(&self) -> usize {
        self.wished.load(std::sync::atomic::Ordering::SeqCst)
    }

    async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.at).await.expect("connected");
        let _written = stream.write_all(request.as_bytes()).await;
        let mut reply = Vec::new();
        let _read = stream.read_to_end(&mut reply).await;
        String::from_utf8(reply).expect("text")
    }

    async fn page(&self, language: &str) -> String {
        let request = format!("GET / HTTP/1.1\r\nhost: 127.0.0.1\r\naccept-language: {language}\r\n\r\n");
        self.raw(&request).await
    }
}

/// The asking device is the one at 127.0.0.1.
fn status(change: impl FnOnce(&mut Status)) -> Status {
    let mut status = super::super::tests::status();
    let mac: Mac = "02:00:5e:10:00:01".parse().expect("an address");
    status.devices = vec![DeviceStatus {
        mac,
        person: Some("anna".parse().expect("a name")),
        blocked: false,
        host_name: Some("<b>Pixel</b>".into()),
        address: Some(Ipv4Addr::LOCALHOST),
        up: Bytes(1),
        down: Bytes(2),
        first_seen: UnixTime(0),
    }];
    status.people[0].verdict = Verdict::Open;
    status.people[0].renews = Some(UnixTime(1_796_079_600));
    change(&mut status);
    status
}

fn body(reply: &str) -> &str {
    let body = reply.split_once("<body>").map_or("", |(_, body)| body);
    body.split_once("</body>").map_or("", |(body, _)| body).trim()
}

#[tokio::test]
async fn it_says_who_you_are_what_is_left_and_why_it_is_closed() {
    let mut told = String::new();
    let closed = |why| move |status: &mut Status| status.people[0].verdict = Verdict::Closed(why);
    let cases: [(&str, Status); 9] = [
        ("open", status(|_| ())),
        (
            "key with an end",
            status(|s| {
                s.people[0].key =
                    Some(KeyStatus { since: UnixTime(0), until: Some(UnixTime(1_795_541_400)) });
            }),
        ),
        ("used up", status(closed(Why::AllowanceUsed))),
        ("paused", status(closed(Why::Paused))),
        ("plan used", status(|s| s.closed = Some(Verdict::Closed(Why::PlanUsed)))),
        ("only sites, slowly", status(|s| s.people[0].verdict = Verdict::OnlySites(Some(Rate(16_000))))),
        ("nobody's", status(|s| s.devices[0].person = None)),
        ("blocked", status(|s| s.devices[0].blocked = true)),
        ("stranger", status(|s| s.devices.clear())),
    ];
    for (name, status) in cases {
        let fake = Fake::start(Some(status));
        for language in ["en", "zh-CN"] {
            let page = fake.page(language).await;
            assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
            assert!(!page.contains("Pixel"), "what a device calls itself is not needed here: {page}");
            told += &format!("--- {name}, {language}\n{}\n", body(&page));
        }
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn every_reply_is_locked_down() {
    let fake = Fake::start(Some(status(|_| ())));
    for path in ["/", "/style.css", "/nothing"] {
        let reply = fake.raw(&format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")).await;
        let head = reply.split("\r\n\r\n").next().unwrap_or_default();
        assert!(head.contains("content-security-policy: default-src 'none'; style-src 'self';"), "{head}");
        assert!(head.contains("x-content-type-options: nosniff"), "{head}");
        assert!(head.contains("cache-control: no-store"), "{head}");
        assert!(!reply.contains("<script"), "{reply}");
    }
}

#[tokio::test]
async fn anything_else_is_not_found() {
    let fake = Fake::start(Some(status(|_| ())));
    for request in [
        "GET /v1/status HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
        "GET /../etc/passwd HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 2\r\n\r\nhi",
        "GET / HTTP/1.1\r\nhost: evil.example\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: 127.0.0.1.evil.example\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    ] {
        let reply = fake.raw(request).await;
        assert!(
            reply.starts_with("HTTP/1.1 404 ") || reply.starts_with("HTTP/1.0 404 "),
            "{request}: {reply}"
        );
    }
    assert_eq!(fake.asked.load(std::sync::atomic::Ordering::SeqCst), 0, "the brain was asked");
    let reply = fake.raw("GET / HTTP/1.1\r\nhost: Hotshare.internal:80\r\n\r\n").await;
    assert!(reply.contains("You are anna."), "{reply}");
}

#[tokio::test]
async fn the_brain_is_asked_once_a_second_however_many_ask() {
    let fake = Fake::start(Some(status(|_| ())));
    for _ in 0..20 {
        assert!(fake.page("en").await.contains("You are anna."));
    }
    assert!(fake.asked.load(std::sync::atomic::Ordering::SeqCst) <= 2, "asked too often");
}

#[tokio::test]
async fn one_address_has_so_many_places_and_the_rest_goes_on() {
    let fake = Fake::start(Some(status(|_| ())));
    let mut idle = Vec::new();
    for _ in 0..PER_ADDRESS {
        let mut stream = TcpStream::connect(fake.at).await.expect("connected");
        stream.write_all(b"GET / HT").await.expect("written");
        idle.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(fake.page("en").await, "", "more places than there are");
    drop(idle);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(fake.page("en").await.contains("You are anna."), "a place is not given back");
}

#[tokio::test]
async fn a_brain_that_is_stuck_is_told_and_the_end_is_quick() {
    let mut fake = Fake::start(None);
    let page = fake.page("en").await;
    assert!(page.starts_with("HTTP/1.1 503 ") && page.contains("Load this page again"), "{page}");
    fake.stop.cancel();
    let ended = async { while fake.tasks.join_next().await.is_some() {} };
    timeout(Duration::from_secs(2), ended).await.expect("the server ends");
    assert!(TcpStream::connect(fake.at).await.is_err(), "somebody still listens");
}

#[tokio::test]
async fn an_address_that_is_not_there_is_told() {
    let told = bind_at("lo", SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 77), 0)).expect_err("not ours");
    assert_eq!(told.to_string(), "cannot listen for browsers at 192.0.2.77:0 on lo");
    assert!(bind_at("no-such-lan", SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).is_err());
}

#[tokio::test]
async fn more_is_asked_for_once_and_from_the_page_alone() {
    let person = |s: &mut Status| s.people[0].wish = None;
    let ask = |fields: &str, body: &str| {
        let length = body.len();
        format!("POST /ask HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {length}\r\n{fields}\r\n{body}")
    };
    let own = "origin: http://127.0.0.1\r\n";
    let fake = Fake::start(Some(status(person)));
    let page = fake.page("en").await;
    assert!(
        page.contains("form-action 'self'") && page.contains("<form method=\"post\" action=\"/ask\">"),
        "{page}"
    );
    let before = fake.wishes();
    for (fields, body) in [
        ("", "mb=200"),
        ("origin: null\r\n", "mb=200"),
        ("origin: http://evil.example\r\n", "mb=200"),
        ("origin: https://127.0.0.1\r\n", "mb=200"),
        (own, "mb=201"),
        (own, "mb=200&mb=500"),
        (own, "mb=-1"),
        (own, ""),
        (own, &"mb=200".repeat(100)),
    ] {
        let reply = fake.raw(&ask(fields, body)).await;
        assert!(reply.starts_with("HTTP/1.1 400 "), "{fields}{body}: {reply}");
    }
    assert_eq!(fake.wishes(), before, "none of these was a wish");
    let reply = fake.raw(&ask(own, "mb=200")).await;
    assert!(reply.starts_with("HTTP/1.1 303 ") && reply.contains("location: /\r\n"), "{reply}");
    assert_eq!(fake.wishes(), before + 1);

    let waiting = hotshare_core::record::Wish {
        person: hotshare_core::units::PersonId(1),
        bytes: Bytes(200_000_000),
        at: UnixTime(0),
    };
    let fake = Fake::start(Some(status(|s| s.people[0].wish = Some(waiting))));
    let page = fake.page("en").await;
    assert!(page.contains("You asked for 200.00 MB") && !page.contains("<form"), "{page}");
    assert!(fake.raw(&ask(own, "mb=500")).await.starts_with("HTTP/1.1 303 "));
    assert_eq!(fake.wishes(), 0, "it waits for an answer");

    for change in [|s: &mut Status| s.devices[0].person = None, |s: &mut Status| s.devices[0].blocked = true]
    {
        let fake = Fake::start(Some(status(change)));
        let reply = fake.raw(&ask(own, "mb=500")).await;
        assert!(reply.starts_with("HTTP/1.1 404 "), "{reply}");
        assert_eq!(fake.wishes(), 0);
    }
    let fake =
        Fake::start(Some(status(|s| s.people[0].allowance = hotshare_core::people::Allowance::Unlimited)));
    assert!(!fake.page("en").await.contains("<form"), "there is nothing to ask for");
}
