//! MQTT through Debian's mosquitto, listened to by its own client.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hotshare_core::ask::{Answer, Ask, CarrierStatus, PersonStatus, PlanStatus, Remaining, Status};
use hotshare_core::people::{Allowance, Every};
use hotshare_core::plan::{Hours, Period, Plan, Zone};
use hotshare_core::policy::Verdict;
use hotshare_core::units::{Bytes, UnixTime};
use hotshare_notify::mqtt::{Mqtt, MqttConfig};
use support::{Running, alert, certificate, free_port, heard, mosquitto, run, secret, subscriber, until};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const OPEN: &str = "allow_anonymous true";

fn config(port: u16) -> MqttConfig {
    MqttConfig {
        server: "127.0.0.1".into(),
        port,
        tls: false,
        login: None,
        ca_file: None,
        topic: "home/van".into(),
        discovery: "homeassistant".into(),
        every: Duration::from_millis(200),
        timeout: Duration::from_secs(3),
    }
}

/// The plan has `used` of 20 GB used; so has everybody.
fn status(used: u64, people: &[&str]) -> Status {
    let person = |name: &&str| PersonStatus {
        name: name.parse().unwrap(),
        allowance: Allowance::Limited { bytes: Bytes(20_000_000_000), every: Every::Month },
        up: Bytes(0),
        down: Bytes(used),
        recorded: Bytes(used),
        balance: Some(Bytes(20_000_000_000 - used)),
        limit: Some(Bytes(20_000_000_000)),
        credit: 0,
        wish: None,
        weight: 1,
        at_end: hotshare_core::policy::AtEnd::Stop,
        bed_times: Hours::default(),
        until: None,
        renews: None,
        verdict: Verdict::Open,
        remaining: Remaining::default(),
        devices: 1,
        device_limit: None,
        key: None,
        outlook: None,
    };
    let plan = Plan::simple(Some(Bytes(20_000_000_000)), Period::Monthly { day: 5 }, Zone::utc());
    Status {
        at: UnixTime(0),
        clock_held: false,
        uplink: None,
        closed: None,
        cards: Vec::new(),
        plan: PlanStatus {
            plan,
            begins: UnixTime(0),
            ends: Some(UnixTime(1_796_425_200)),
            billed: Bytes(used),
            recorded: Bytes(used),
            balance: Some(Bytes(20_000_000_000 - used)),
            usable: Some(Bytes(20_000_000_000 - used)),
            reserve: Bytes(0),
            delivered: Bytes(0),
            refused: Bytes(0),
            own: Bytes(0),
            corrected: 0,
            parts: Vec::new(),
            in_use: Some(0),
            asks_for: None,
            carrier: CarrierStatus::default(),
            outlook: None,
        },
        people: people.iter().map(person).collect(),
        devices: Vec::new(),
    }
}

struct Box_ {
    mqtt: Mqtt,
    figures: watch::Sender<Status>,
    connected: Arc<Notify>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Box_ {
    fn start(config: &MqttConfig) -> Box_ {
        let (brain, mut asks) = mpsc::channel::<(Ask, oneshot::Sender<Answer>)>(4);
        let (figures, shown) = watch::channel(status(5_000_000_000, &["anna", "小明"]));
        let (connected, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let (mqtt, link) = Mqtt::open(config, brain, Arc::clone(&connected)).unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(link.run(stop.clone()));
        tasks.spawn(async move {
            while let Some((_, reply)) = asks.recv().await {
                let status = shown.borrow().clone();
                drop(reply.send(Answer::Status(Box::new(status))));
            }
        });
        Box_ { mqtt, figures, connected, stop, tasks }
    }

    async fn connected(&self) {
        tokio::time::timeout(Duration::from_secs(60), self.connected.notified()).await.unwrap();
    }
}

async fn hears(path: &Path, topic: &str, holds: impl Fn(&str) -> bool) {
    let what = format!("{topic} in {path:?}");
    until(&what, || heard(path).iter().any(|(_, t, payload)| t == topic && holds(payload))).await;
}

fn alerts(path: &Path) -> Vec<String> {
    let on_topic =
        |(_, topic, payload): (bool, String, String)| (topic == "home/van/alert").then_some(payload);
    heard(path).into_iter().filter_map(on_topic).collect()
}

async fn listening(dir: &Path, port: u16) -> (Running, std::path::PathBuf) {
    let (running, path) = subscriber(dir, port, &[]);
    // It is subscribed when it hears what is said.
    until("the subscriber hears", || {
        run("mosquitto_pub", &["-h", "127.0.0.1", "-p", &port.to_string(), "-t", "probe", "-m", "x"]);
        !heard(&path).is_empty()
    })
    .await;
    (running, path)
}

#[tokio::test]
async fn home_assistant_finds_figures_and_alerts_and_what_is_gone_goes() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let _broker = mosquitto(dir.path(), port, OPEN).await;
    // Left by an earlier run, of somebody who is gone now.
    for topic in ["home/van/person/ben", "homeassistant/sensor/home_2fvan/person_ben_used/config"] {
        run("mosquitto_pub", &["-p", &port.to_string(), "-h", "127.0.0.1", "-r", "-t", topic, "-m", "{}"]);
    }
    let (_ears, path) = listening(dir.path(), port).await;
    let mut hotspot = Box_::start(&config(port));
    hotspot.connected().await;
    hotspot.mqtt.send(&alert(3)).await.unwrap();
    hears(&path, "home/van/last_alert", |payload| payload.contains("3-1795000000")).await;
    hears(&path, "home/van/plan", |payload| payload.contains("\"percent\":25")).await;
    let changed = status(15_000_000_000, &["小明"]);
    hotspot.figures.send_replace(changed);
    hears(&path, "home/van/plan", |payload| payload.contains("\"percent\":75")).await;
    hears(&path, "home/van/person/ben", str::is_empty).await;
    hears(&path, "home/van/person/anna", str::is_empty).await;
    hears(&path, "home/van/status", |payload| payload == "online").await;
    hotspot.stop.cancel();
    tokio::time::timeout(Duration::from_secs(10), hotspot.tasks.join_next()).await.unwrap();
    hears(&path, "home/van/status", |payload| payload == "offline").await;
    assert_eq!(alerts(&path).len(), 1);
    let event: serde_json::Value = serde_json::from_str(&alerts(&path)[0]).unwrap();
    assert_eq!((&event["event_type"], &event["percent"]), (&"allowance-level".into(), &80.into()));
    let plans = heard(&path).into_iter().filter(|(_, topic, _)| topic == "home/van/plan").count();
    assert_eq!(plans, 2, "figures are said when they change");

    // What somebody hears who comes later, such as Home Assistant after its own restart.
    let (_later, kept) = listening(dir.path(), port).await;
    hears(&kept, "home/van/last_alert", |_| true).await;
    let kept = heard(&kept);
    let config_of = |object: &str| {
        let topic = format!("homeassistant/{object}/config");
        let found = kept.iter().find(|(retained, t, _)| *retained && *t == topic);
        let (_, _, payload) = found.unwrap_or_else(|| panic!("{topic} of {kept:?}"));
        serde_json::from_str::<serde_json::Value>(payload).unwrap()
    };
    let left = config_of("sensor/home_2fvan/plan_left");
    assert_eq!((&left["state_topic"], &left["device_class"]), (&"home/van/plan".into(), &"data_size".into()));
    assert_eq!(left["availability_topic"], "home/van/status");
    assert_eq!(config_of("sensor/home_2fvan/person__e5_b0_8f_e6_98_8e_left")["name"], "小明 left");
    let events = config_of("event/home_2fvan/alert");
    assert!(events["event_types"].as_array().unwrap().contains(&"plan-level".into()));
    assert!(!kept.iter().any(|(_, topic, _)| topic.contains("anna") || topic.contains("ben")), "{kept:?}");
    assert!(!kept.iter().any(|(_, topic, _)| topic == "home/van/alert"), "an event is no state");
}

#[tokio::test]
async fn a_broker_that_is_down_slow_and_back_gets_what_it_acknowledged_once() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let hotspot = Box_::start(&MqttConfig { timeout: Duration::from_secs(1), ..config(port) });
    hotspot.mqtt.send(&alert(1)).await.unwrap_err();
    let broker = mosquitto(dir.path(), port, OPEN).await;
    let (ears, path) = listening(dir.path(), port).await;
    hotspot.connected().await;
    hotspot.mqtt.send(&alert(1)).await.unwrap();
    // It hangs, with an alert on its way: tried again and again, it is there once when the broker goes on.
    broker.freeze(true);
    for _ in 0..3 {
        let failed = hotspot.mqtt.send(&alert(2)).await.unwrap_err();
        assert!(!failed.for_good, "{failed:?}");
    }
    broker.freeze(false);
    hotspot.mqtt.send(&alert(2)).await.unwrap();
    until("both are heard", || alerts(&path).len() >= 2).await;
    // It hangs, and is started anew.
    broker.freeze(true);
    hotspot.mqtt.send(&alert(3)).await.unwrap_err();
    drop((broker, ears));
    assert_eq!(alerts(&path).len(), 2, "{:?}", alerts(&path));
    let _broker = mosquitto(dir.path(), port, OPEN).await;
    let (_ears, path) = listening(dir.path(), port).await;
    hotspot.connected().await;
    hotspot.mqtt.send(&alert(3)).await.unwrap();
    until("the alert is heard", || !alerts(&path).is_empty()).await;
    assert_eq!(alerts(&path).len(), 1);
}

#[tokio::test]
async fn the_broker_says_when_the_box_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let _broker = mosquitto(dir.path(), port, OPEN).await;
    let (_ears, path) = listening(dir.path(), port).await;
    let hotspot = Box_::start(&config(port));
    hotspot.connected().await;
    hears(&path, "home/van/status", |payload| payload == "online").await;
    // As when it is killed: no goodbye.
    drop(hotspot);
    hears(&path, "home/van/status", |payload| payload == "offline").await;
}

#[tokio::test]
async fn tls_and_login_are_what_they_must_be() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (ca, key) = certificate(dir, "server", "IP:127.0.0.1");
    let (other, _) = certificate(dir, "other", "IP:127.0.0.1");
    let users = dir.join("users");
    run("mosquitto_passwd", &["-b", "-c", users.to_str().unwrap(), "hotshare", "s3cret"]);
    let port = free_port();
    let lines = format!(
        "certfile {}\nkeyfile {}\nallow_anonymous false\npassword_file {}",
        ca.display(),
        key.display(),
        users.display()
    );
    let _broker = mosquitto(dir, port, &lines).await;
    let login = |password: &str| Some(("hotshare".to_owned(), secret(dir, password, password)));
    let good = MqttConfig { tls: true, ca_file: Some(ca), login: login("s3cret"), ..config(port) };
    let hotspot = Box_::start(&good);
    hotspot.connected().await;
    hotspot.mqtt.send(&alert(1)).await.unwrap();
    for (bad, says) in [
        (MqttConfig { ca_file: Some(other), ..good.clone() }, "certificate"),
        (MqttConfig { login: login("wr0ng"), topic: "second".into(), ..good.clone() }, "refused"),
        (MqttConfig { tls: false, topic: "third".into(), ..good.clone() }, ""),
    ] {
        let hotspot = Box_::start(&bad);
        let why = loop {
            let failed = hotspot.mqtt.send(&alert(2)).await.expect_err("not let in");
            if failed.why.contains("not connected") {
                break failed.why.to_lowercase();
            }
        };
        assert!(why.contains(says) && !why.contains("wr0ng"), "{why}");
    }
}
