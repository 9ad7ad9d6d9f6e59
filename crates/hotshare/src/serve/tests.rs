//! A real server on a real socket; only the brain is a fake.

mod air;
mod reports;
mod statement;

use std::time::Duration;

use hotshare_core::ask::{CarrierStatus, PersonStatus, PlanStatus, Refusal, Remaining, Status};
use hotshare_core::people::{Allowance, Every};
use hotshare_core::plan::{Hours, Period, Plan};
use hotshare_core::policy::Verdict;
use hotshare_core::units::{Bytes, UnixTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::*;

/// A server that runs, and what its brain was asked.
pub(super) struct Fake {
    folder: tempfile::TempDir,
    pub(super) state: AppState,
    down: CancellationToken,
    stop: CancellationToken,
    asked: mpsc::UnboundedReceiver<Ask>,
    tasks: JoinSet<()>,
}

fn limits() -> Limits {
    Limits {
        connections: 4,
        head_time: Duration::from_millis(300),
        body_time: Duration::from_millis(300),
        answer_time: Duration::from_millis(300),
        connection_time: Duration::from_secs(3),
        ..Limits::default()
    }
}

/// Who may come in, where nobody can be written down: the store's thread is gone.
fn access(path: &Path, brain: BrainSender) -> AccessDesk {
    let store = hotshare_store::Store::open(path).expect("a store");
    let book = store.access().expect("a book");
    let ledger = crate::daemon::Ledger::start(store, mpsc::unbounded_channel().0, watch::channel(()).0)
        .expect("a thread");
    let settings = AccessSettings { admin_from: Default::default(), machine_port: Some(4680), lan: None };
    AccessDesk::new(settings, book, ledger.access_writer(), brain, Arc::new(hotshare_linux::clock::now))
}

impl Fake {
    /// `answer` is the brain; `None`: it is stuck.
    fn start(answer: impl Fn(&Ask) -> Option<Answer> + Send + 'static) -> Fake {
        Fake::with_radio(answer, None)
    }

    fn with_radio(answer: impl Fn(&Ask) -> Option<Answer> + Send + 'static, view: Option<RadioView>) -> Fake {
        // The receiver keeps what was last sent.
        let radio = view.map(|view| watch::channel(view).1);
        let folder = tempfile::tempdir().expect("a folder");
        let listener = bind(&folder.path().join("api.sock")).expect("bound");
        let (brain, mut asks) = mpsc::channel::<(Ask, oneshot::Sender<Answer>)>(4);
        let (seen, asked) = mpsc::unbounded_channel();
        let (down, stop) = (CancellationToken::new(), CancellationToken::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut stuck = Vec::new();
            while let Some((ask, reply)) = asks.recv().await {
                match answer(&ask) {
                    Some(answer) => drop(reply.send(answer)),
                    None => stuck.push(reply),
                }
                drop(seen.send(ask));
            }
        });
        let ledger_path = folder.path().join("ledger.sqlite");
        let alerts = AlertDesk::default();
        let access = access(&folder.path().join("access.sqlite"), brain.clone());
        let (down_too, limits, certificate) = (down.clone(), limits(), None);
        let state =
            AppState { brain, ledger_path, radio, certificate, down: down_too, limits, alerts, access };
        tasks.spawn(serve(listener, state.clone(), stop.clone()));
        Fake { folder, state, down, stop, asked, tasks }
    }

    pub(super) fn obedient() -> Fake {
        Fake::start(|ask| {
            Some(if *ask == Ask::Status { Answer::Status(Box::new(status())) } else { Answer::Done })
        })
    }

    async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.folder.path().join("api.sock")).await.expect("connected")
    }

    /// Sends bytes, and reads until the server closes.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may have closed already: then its reply says why.
        let _written = stream.write_all(bytes).await;
        let mut reply = Vec::new();
        let _read = stream.read_to_end(&mut reply).await;
        String::from_utf8(reply).expect("text")
    }

    pub(super) async fn send(&self, method: &str, path: &str, body: &str) -> (u16, serde_json::Value) {
        let length = body.len();
        let reply = self
            .raw(format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes())
            .await;
        parsed(&reply)
    }
}

fn parsed(reply: &str) -> (u16, serde_json::Value) {
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((reply, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, serde_json::from_str(body).unwrap_or(serde_json::Value::Null))
}

fn code(body: &serde_json::Value) -> &str {
    body["error"]["code"].as_str().unwrap_or("none")
}

pub(crate) fn status() -> Status {
    Status {
        at: UnixTime(1_795_455_000),
        clock_held: false,
        uplink: None,
        closed: Some(Verdict::Open),
        cards: Vec::new(),
        plan: PlanStatus {
            plan: Plan::simple(
                Some(Bytes(1000)),
                Period::Monthly { day: 5 },
                crate::zone::named("Europe/Berlin").expect("a zone"),
            ),
            begins: UnixTime(1_793_833_200),
            ends: None,
            billed: Bytes(600),
            recorded: Bytes(700),
            balance: Some(Bytes(300)),
            usable: Some(Bytes(290)),
            reserve: Bytes(10),
            delivered: Bytes(500),
            refused: Bytes(60),
            own: Bytes(40),
            corrected: -5,
            parts: Vec::new(),
            in_use: Some(0),
            asks_for: None,
            carrier: CarrierStatus::default(),
            outlook: None,
        },
        people: vec![PersonStatus {
            name: "anna".parse().expect("a name"),
            allowance: Allowance::Limited { bytes: Bytes(2000), every: Every::Week },
            up: Bytes(1),
            down: Bytes(2),
            recorded: Bytes(3),
            balance: Some(Bytes(1997)),
            limit: Some(Bytes(2000)),
            credit: 0,
            wish: None,
            weight: 1,
            at_end: hotshare_core::policy::AtEnd::Stop,
            bed_times: Hours::default(),
            until: None,
            renews: None,
            verdict: Verdict::Closed(hotshare_core::policy::Why::Paused),
            remaining: Remaining { of_plan: Some(Bytes(290)), bytes: Some(Bytes(0)), until: None },
            devices: 1,
            device_limit: None,
            key: None,
            outlook: None,
        }],
        devices: Vec::new(),
    }
}

#[tokio::test]
async fn a_status_is_promised() {
    let fake = Fake::obedient();
    let (status, body) = fake.send("GET", "/v1/status", "").await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["schema"], 1);
    assert_eq!(body["daemon"]["pid"], std::process::id());
    assert_eq!(body["closed"], serde_json::Value::Null);
    assert_eq!(
        (&body["plan"]["cap"], &body["plan"]["billed"], &body["plan"]["balance"]),
        (&1000.into(), &600.into(), &300.into())
    );
    assert_eq!(body["plan"]["corrected"], -5);
    let anna = &body["people"][0];
    assert_eq!(anna["name"], "anna");
    assert_eq!((&anna["allowance"], &anna["allowance_every"]), (&2000.into(), &"week".into()));
    assert_eq!(anna["verdict"], "paused");
    for (path, key) in [("/v1/people", "people"), ("/v1/devices", "devices"), ("/v1/plan", "plan")] {
        let (status, part) = fake.send("GET", path, "").await;
        assert_eq!((status, &part["schema"], &part[key]), (200, &1.into(), &body[key]), "{path}");
    }
}

#[tokio::test]
async fn each_change_asks_the_brain_what_was_meant() {
    let mut fake = Fake::obedient();
    let mut told = String::new();
    for (method, path, body) in [
        ("POST", "/v1/people", r#"{"name":"anna","allowance":2000,"allowance_every":"month"}"#),
        ("POST", "/v1/people", r#"{"name":"小明","allowance":null,"allowance_every":null}"#),
        ("PATCH", "/v1/people/anna", r#"{"allowance":5,"allowance_every":"total"}"#),
        ("PATCH", "/v1/people/anna", r#"{"allowance":null}"#),
        ("PATCH", "/v1/people/%E5%B0%8F%E6%98%8E", r#"{"paused":true}"#),
        ("DELETE", "/v1/people/anna", ""),
        ("PATCH", "/v1/devices/02%3A00%3A5e%3A10%3A00%3A01", r#"{"person":"anna"}"#),
        ("PATCH", "/v1/devices/02:00:5E:10:00:01", r#"{"blocked":false}"#),
        ("DELETE", "/v1/devices/02-00-5e-10-00-01", ""),
        ("POST", "/v1/devices/02:00:5e:10:00:01/claim", r#"{"name":" Bo  <b>Müller\u202e"}"#),
        ("PATCH", "/v1/plan", r#"{"cap":null}"#),
        ("PATCH", "/v1/plan", r#"{"cap":9,"period":{"kind":"every-days","days":28,"from":"2026-11-01"}}"#),
        ("PATCH", "/v1/plan", r#"{"period":{"kind":"once","from":"2026-11-01","until":"2026-11-30"}}"#),
        ("POST", "/v1/plan/correct", r#"{"used":3200000000}"#),
    ] {
        let (status, reply) = fake.send(method, path, body).await;
        assert_eq!(
            (status, &reply["schema"], &reply["done"]),
            (200, &1.into(), &true.into()),
            "{path} {body}"
        );
        told += &format!("{method} {path} {body}\n    {:?}\n", fake.asked.recv().await.expect("asked"));
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn a_figure_is_answered_with_what_was_learnt_from_it() {
    let fake = Fake::obedient();
    let (status, reply) = fake.send("POST", "/v1/plan/correct", r#"{"used":7}"#).await;
    assert_eq!((status, &reply["done"], &reply["carrier"]["factor"]), (200, &true.into(), &1000.into()));
    assert_eq!(reply["carrier"]["confidence"], "nothing");
    // It is done, even if the brain has no time to tell more.
    let silent = Fake::start(|ask| (*ask != Ask::Status).then_some(Answer::Done));
    let (status, reply) = silent.send("POST", "/v1/plan/correct", r#"{"used":7}"#).await;
    assert_eq!((status, reply), (200, serde_json::json!({"schema": 1, "done": true, "carrier": null})));
}

#[tokio::test]
async fn bad_requests_are_told_apart_and_reach_nobody() {
    let mut fake = Fake::obedient();
    for (method, path, body, status, word) in [
        ("GET", "/v1/nothing", "", 404, "no-such-path"),
        ("GET", "/", "", 404, "no-such-path"),
        ("DELETE", "/v1/status", "", 405, "wrong-method"),
        ("PUT", "/v1/people/anna", "{}", 405, "wrong-method"),
        ("GET", "/v1/down", "", 405, "wrong-method"),
        ("POST", "/v1/people", "", 400, "bad-request"),
        ("POST", "/v1/people", "{\"name\":", 400, "bad-request"),
        ("POST", "/v1/people", "[]", 400, "bad-request"),
        (
            "POST",
            "/v1/people",
            r#"{"name":"Anna","allowance":null,"allowance_every":null}"#,
            400,
            "bad-request",
        ),
        ("POST", "/v1/people", r#"{"name":"anna","allowance":5,"allowance_every":null}"#, 400, "bad-request"),
        (
            "POST",
            "/v1/people",
            r#"{"name":"anna","allowance":-5,"allowance_every":"day"}"#,
            400,
            "bad-request",
        ),
        (
            "POST",
            "/v1/people",
            r#"{"name":"anna","allowance":5,"allowance_every":"year"}"#,
            400,
            "bad-request",
        ),
        ("PATCH", "/v1/people/anna", "{}", 400, "bad-request"),
        ("PATCH", "/v1/people/anna", r#"{"pasued":true}"#, 400, "bad-request"),
        ("PATCH", "/v1/people/anna", r#"{"allowance":null,"paused":true}"#, 400, "bad-request"),
        ("PATCH", "/v1/people/anna", r#"{"device_limit":3,"paused":true}"#, 400, "bad-request"),
        ("PATCH", "/v1/people/anna", r#"{"device_limit":-1}"#, 400, "bad-request"),
        ("POST", "/v1/people/anna/key", "{}", 405, "wrong-method"),
        ("GET", "/v1/people/anna/invite", "", 405, "wrong-method"),
        ("POST", "/v1/people/Anna/invite", "{}", 400, "bad-request"),
        ("PATCH", "/v1/people/%ff", r#"{"paused":true}"#, 400, "bad-request"),
        ("PATCH", "/v1/people/..%2Fplan", r#"{"paused":true}"#, 400, "bad-request"),
        ("PATCH", "/v1/devices/nonsense", r#"{"blocked":true}"#, 400, "bad-request"),
        ("POST", "/v1/devices/02:00:5e:10:00:01/claim", r#"{"name":"<>"}"#, 400, "bad-request"),
        ("PATCH", "/v1/devices/02:00:5e:10:00:01", "{}", 400, "bad-request"),
        ("PATCH", "/v1/plan", "{}", 400, "bad-request"),
        ("PATCH", "/v1/plan", r#"{"zone":"Europe/Nowhere"}"#, 400, "bad-request"),
        (
            "PATCH",
            "/v1/plan",
            r#"{"parts":[{"name":"a","sites":["http://a.example/"]}]}"#,
            400,
            "bad-request",
        ),
        ("PATCH", "/v1/plan", r#"{"period":{"kind":"monthly","day":32}}"#, 422, "bad-period"),
        ("PATCH", "/v1/plan", r#"{"period":{"kind":"monthly","day":0}}"#, 422, "bad-period"),
        (
            "PATCH",
            "/v1/plan",
            r#"{"period":{"kind":"once","from":"2026-11-01T00:00","until":"x"}}"#,
            400,
            "bad-request",
        ),
        ("POST", "/v1/plan/correct", r#"{"used":"3GB"}"#, 400, "bad-request"),
        ("GET", "/v1/usage?by=year", "", 400, "bad-request"),
        ("GET", "/v1/usage?sinec=1", "", 400, "bad-request"),
        ("GET", "/v1/events?since=yesterday", "", 400, "bad-request"),
    ] {
        let (got, reply) = fake.send(method, path, body).await;
        assert_eq!((got, code(&reply)), (status, word), "{method} {path} {body}: {reply}");
        let message = reply["error"]["message"].as_str().unwrap_or_default();
        assert!(message.len() > 10, "{reply}");
    }
    assert!(fake.asked.try_recv().is_err(), "the brain was asked");
}

#[tokio::test]
async fn a_body_must_be_declared_small_and_quick() {
    let mut fake = Fake::obedient();
    let reply = fake
        .raw(b"POST /v1/plan/correct HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{\"used\":1}")
        .await;
    assert_eq!((parsed(&reply).0, code(&parsed(&reply).1)), (415, "not-json"));

    let large = format!("{{\"name\":\"{}\"}}", "a".repeat(limits().body_size));
    let (status, reply) = fake.send("POST", "/v1/people", &large).await;
    assert_eq!((status, code(&reply)), (413, "too-large"));

    // Chunked: nobody says how much is coming.
    let chunk = format!("1000\r\n{}\r\n", "a".repeat(0x1000));
    let endless = format!(
        "POST /v1/people HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{}",
        chunk.repeat(64)
    );
    let reply = parsed(&fake.raw(endless.as_bytes()).await);
    assert_eq!((reply.0, code(&reply.1)), (413, "too-large"));

    let slow = "POST /v1/people HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let reply = parsed(&fake.raw(slow.as_bytes()).await);
    assert_eq!((reply.0, code(&reply.1)), (408, "too-slow"));
    assert!(fake.asked.try_recv().is_err(), "the brain was asked");
}

#[tokio::test]
async fn a_client_that_says_nothing_is_dropped_and_takes_nobodys_place() {
    let fake = Fake::obedient();
    let mut idle = Vec::new();
    for n in 0..limits().connections {
        let mut stream = fake.connect().await;
        if n % 2 == 0 {
            stream.write_all(b"GET /v1/status HT").await.expect("written");
        }
        idle.push(stream);
    }
    // All places are taken; this one waits in the queue until they are dropped.
    let begun = std::time::Instant::now();
    let (status, _) = fake.send("GET", "/v1/status", "").await;
    assert_eq!(status, 200);
    assert!(begun.elapsed() >= limits().head_time / 2, "nobody had to wait: {:?}", begun.elapsed());
    for mut stream in idle {
        let mut rest = Vec::new();
        let _read = stream.read_to_end(&mut rest).await;
    }
}

#[tokio::test]
async fn an_endless_head_is_cut_off() {
    let fake = Fake::obedient();
    let head = format!("GET /v1/status HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(64 * 1024));
    let reply = fake.raw(head.as_bytes()).await;
    assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 431"), "{reply}");
    let reply = fake.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not HTTP at all\r\n\r\n").await;
    assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 400"), "{reply}");
}

#[tokio::test]
async fn a_brain_that_is_stuck_or_gone_is_told() {
    let fake = Fake::start(|_| None);
    for _ in 0..8 {
        let (status, reply) = fake.send("GET", "/v1/status", "").await;
        assert_eq!((status, code(&reply)), (503, "busy"));
    }

    let folder = tempfile::tempdir().expect("a folder");
    let (brain, asks) = mpsc::channel(1);
    drop(asks);
    let state = AppState {
        access: access(&folder.path().join("access.sqlite"), brain.clone()),
        alerts: AlertDesk::default(),
        brain,
        ledger_path: folder.path().into(),
        radio: None,
        certificate: None,
        down: CancellationToken::new(),
        limits: limits(),
    };
    let no = state.ask(Ask::Status).await.expect_err("nobody is there");
    assert!(no.is(hotshare_api::Code::Busy));
}

#[tokio::test]
async fn a_refusal_keeps_its_reason() {
    let anna: hotshare_core::people::PersonName = "anna".parse().expect("a name");
    let mac = "02:00:5e:10:00:01".parse().expect("an address");
    for (refusal, status, word) in [
        (Refusal::NoSuchPerson(anna.clone()), 404, "no-such-person"),
        (Refusal::NameTaken(anna.clone()), 409, "name-taken"),
        (Refusal::NoSuchDevice(mac), 404, "no-such-device"),
        (Refusal::NotAStation(mac), 422, "not-a-station"),
        (Refusal::Full(4094), 409, "full"),
        (Refusal::NoKey(anna.clone()), 404, "no-key"),
        (Refusal::NoWifi, 409, "no-wifi"),
        (Refusal::NotPersonal(hotshare_core::radio::Mode::Sealed), 409, "wrong-mode"),
        (Refusal::NoNetworkKey(hotshare_core::radio::Mode::People), 409, "wrong-mode"),
        (Refusal::JoinedByKey(mac, anna.clone()), 409, "joined-by-key"),
        (Refusal::EndsInThePast, 422, "ends-in-the-past"),
        (Refusal::NotWritten("disk full".into()), 500, "not-written"),
    ] {
        let message = refusal.to_string();
        let fake = Fake::start(move |_| Some(Answer::Refused(refusal.clone())));
        let (got, reply) = fake.send("PATCH", "/v1/people/anna", r#"{"paused":true}"#).await;
        assert_eq!((got, code(&reply)), (status, word));
        assert_eq!(reply["error"]["message"], message);
    }
}

#[tokio::test]
async fn down_asks_the_daemon_to_stop_and_the_server_ends_when_told() {
    let fake = Fake::obedient();
    let (status, reply) = fake.send("POST", "/v1/down", "").await;
    assert_eq!((status, reply), (200, serde_json::json!({"schema": 1, "done": true})));
    assert!(fake.down.is_cancelled());
    fake.stop.cancel();
    let Fake { folder, state, mut tasks, .. } = fake;
    // The brain listens to whoever could still ask.
    drop(state);
    let ended = async { while tasks.join_next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("the server ends");
    let gone = UnixStream::connect(folder.path().join("api.sock")).await;
    assert!(gone.is_err(), "somebody still listens");
}

#[tokio::test]
async fn the_socket_is_not_for_everybody_and_replaces_a_dead_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("api.sock");
    drop(bind(&path).expect("bound"));
    assert!(path.exists(), "a dead socket stays behind");
    let _listener = bind(&path).expect("bound again");
    let mode = std::fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);

    let wrong = folder.path().join("folder");
    std::fs::create_dir(&wrong).expect("made");
    let told = bind(&wrong).expect_err("a folder is no socket").to_string();
    assert!(told.starts_with("cannot replace the socket"), "{told}");
}

/// The tool's own client against the real server: what the command line does.
#[tokio::test]
async fn the_client_understands_the_server() {
    use crate::client::{CallError, Client};
    let fake = Fake::obedient();
    let client = Client::new(fake.folder.path().join("api.sock"));
    let status: hotshare_api::Status = client.get("/v1/status").await.expect("a status");
    assert_eq!(status.people.len(), 1);
    let change = hotshare_api::PersonChange { paused: Some(true), ..Default::default() };
    let path = hotshare_api::path::person("小明");
    let done: hotshare_api::Done = client.patch(&path, &change).await.expect("done");
    assert!(done.done);
    let no = client.get::<hotshare_api::Status>("/v1/nothing").await.expect_err("no such path");
    assert!(matches!(no, CallError::No { refused: true, .. }), "{no:?}");
    let gone = Client::new(fake.folder.path().join("gone.sock"));
    let no = gone.get::<hotshare_api::Status>("/v1/status").await.expect_err("nobody");
    assert!(matches!(no, CallError::NotRunning(_)), "{no:?}");
}
