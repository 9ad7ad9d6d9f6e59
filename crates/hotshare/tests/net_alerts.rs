//! The whole way of an alert: raised by the daemon, and delivered to real servers that are down, slow and back, while
//! the daemon is killed. Needs root.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod net;
#[path = "../../hotshare-notify/tests/support/mod.rs"]
mod support;

use std::convert::Infallible;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hotshare_api::{Alerts, DeliveryState};
use hotshare_lab::lab::Lab;
use hotshare_lab::layout;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use nix::sched::{CloneFlags, setns};
use support::{Running, Sink, certificate, free_port, heard, mails, mosquitto, secret, sink, subscriber};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A webhook's server: it keeps what it took, or takes connections and says nothing.
#[derive(Default)]
struct Hook {
    hangs: AtomicBool,
    took: Mutex<Vec<(String, serde_json::Value)>>,
}

impl Hook {
    async fn serve(self: Arc<Self>, port: u16) {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let mut open = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let hook = Arc::clone(&self);
            open.spawn(async move {
                // It takes the connection, reads nothing, and in the end lets go of it.
                let hung = hook.hangs.load(Ordering::Relaxed);
                while hook.hangs.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                if hung {
                    return;
                }
                let answer = service_fn(|request: Request<Incoming>| {
                    let hook = Arc::clone(&hook);
                    async move {
                        let number = request.headers()["idempotency-key"].to_str().unwrap().to_owned();
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        hook.took.lock().unwrap().push((number, serde_json::from_slice(&body).unwrap()));
                        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
                    }
                });
                let http = hyper::server::conn::http1::Builder::new();
                drop(http.serve_connection(TokioIo::new(stream), answer).await);
            });
        }
    }
}

/// Everything that listens, and where.
struct Servers {
    dir: tempfile::TempDir,
    hook: Arc<Hook>,
    ports: [u16; 3],
    tasks: JoinSet<()>,
}

impl Servers {
    fn new() -> Servers {
        let dir = tempfile::tempdir().unwrap();
        certificate(dir.path(), "server", "DNS:localhost");
        secret(dir.path(), "password", "s3cret");
        let ports = [free_port(), free_port(), free_port()];
        Servers { dir, hook: Arc::default(), ports, tasks: JoinSet::new() }
    }

    fn config(&self) -> String {
        let ([hook, mail, mqtt], dir) = (self.ports, self.dir.path().display());
        format!(
            "[alerts]\nretry_first = \"1s\"\nretry_longest = \"2s\"\ngive_up = \"1h\"\ntimeout = \"2s\"\n\
             [alerts.webhook]\nurl = \"http://127.0.0.1:{hook}/hook\"\n\
             [alerts.mail]\nserver = \"localhost\"\nport = {mail}\nca_file = \"{dir}/server.pem\"\n\
             from = \"hotshare@example.org\"\nto = [\"anna@example.org\"]\n\
             user = \"hotshare\"\npassword_file = \"{dir}/password\"\n\
             [alerts.mqtt]\nserver = \"127.0.0.1\"\nport = {mqtt}\nsecurity = \"none\"\nevery = \"1s\"\n"
        )
    }

    async fn sink(&self) -> Running {
        let (certificate, key) = (self.dir.path().join("server.pem"), self.dir.path().join("server.key"));
        let how = Sink { mode: "starttls", user: "hotshare", password: "s3cret" };
        sink(self.dir.path(), self.ports[1], (&certificate, &key), how).await
    }

    async fn broker(&self) -> Running {
        mosquitto(self.dir.path(), self.ports[2], "allow_anonymous true").await
    }

    /// How often each server has taken an alert of this level of the plan, or any other.
    fn took(&self, ears: &Path, percent: u64) -> [usize; 3] {
        let hook = self.hook.took.lock().unwrap();
        let hook = hook.iter().filter(|(_, body)| body["percent"] == percent).count();
        let subject = format!("Hotshare: {percent} % of the plan is used");
        let mail = mails(self.dir.path()).iter().filter(|mail| mail["subject"] == subject.as_str()).count();
        let says = format!("\"percent\":{percent}");
        let on_topic = |(_, topic, payload): &(bool, String, String)| {
            topic == "hotshare/alert" && payload.contains(&says)
        };
        [hook, mail, heard(ears).iter().filter(|message| on_topic(message)).count()]
    }
}

async fn alerts(lab: &Lab) -> Result<Alerts> {
    let (code, said) = net::verb(lab, &["--lab", "--json", "alerts"]).await?;
    ensure!(code == Some(0), "{code:?} {said}");
    Ok(serde_json::from_str(&said)?)
}

/// Waits until the newest alert's deliveries are as wanted.
async fn deliveries(
    lab: &Lab,
    what: &str,
    wanted: impl Fn(&hotshare_api::Delivery) -> bool,
) -> Result<Alerts> {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let alerts = alerts(lab).await?;
        let newest = alerts.alerts.first();
        if newest.is_some_and(|alert| alert.deliveries.len() == 3 && alert.deliveries.iter().all(&wanted)) {
            return Ok(alerts);
        }
        ensure!(Instant::now() < end, "{what}: {alerts:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn alerts_arrive_once_whatever_servers_and_daemon_do() -> Result<()> {
    let mut lab = net::bare(1, None).await?;
    // From here on this thread, and what it starts, is in the box.
    let home = File::open("/proc/thread-self/ns/net")?;
    setns(File::open(Path::new("/run/netns").join(layout::BOX))?, CloneFlags::CLONE_NEWNET)?;
    let mut servers = Servers::new();
    let mut start = lab.start().clone();
    start.config.push_str(&servers.config());
    lab.up_with(&start).await?;
    lab.api.set_cap(Some(1_000_000_000)).await?;

    // Down: tried again and again, also by the daemon's next life.
    lab.api.correct(600_000_000).await?;
    let pending = |least: u32| {
        move |d: &hotshare_api::Delivery| {
            d.state == DeliveryState::Pending && d.attempts >= least && d.error.is_some()
        }
    };
    deliveries(&lab, "all servers are down", pending(2)).await?;
    lab.kill()?;
    lab.up_with(&start).await?;
    let before = deliveries(&lab, "still down", pending(3)).await?;
    ensure!(before.alerts.len() == 1, "{before:?}");

    // Slow: they accept, and hang. The daemon answers all the same, and at once.
    servers.hook.hangs.store(true, Ordering::Relaxed);
    servers.tasks.spawn(Arc::clone(&servers.hook).serve(servers.ports[0]));
    let (sink, broker) = (servers.sink().await, servers.broker().await);
    let (_ears, ears) = subscriber(servers.dir.path(), servers.ports[2], &[]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let connected_before = alerts(&lab).await?;
    sink.freeze(true);
    broker.freeze(true);
    let mut slowest = Duration::ZERO;
    let hanging = Instant::now();
    while hanging.elapsed() < Duration::from_secs(6) {
        let asked = Instant::now();
        lab.api.status().await?;
        slowest = slowest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("while servers hang, the slowest status took {} ms", slowest.as_millis());
    ensure!(slowest < Duration::from_secs(1), "{slowest:?}");
    let hook = |alerts: &Alerts| {
        let deliveries = alerts.alerts.first().map(|alert| alert.deliveries.clone()).unwrap_or_default();
        deliveries.into_iter().find(|delivery| delivery.channel == "webhook").context("a webhook")
    };
    let hung = hook(&alerts(&lab).await?)?;
    ensure!(hung.error.as_deref().is_some_and(|why| why.contains("no answer")), "{hung:?}");
    ensure!(hung.attempts > hook(&connected_before)?.attempts, "{hung:?}");

    // Back: each has it once.
    servers.hook.hangs.store(false, Ordering::Relaxed);
    sink.freeze(false);
    broker.freeze(false);
    let back = Instant::now();
    deliveries(&lab, "the servers are back", |d| d.state == DeliveryState::Delivered).await?;
    println!("delivered {} ms after they were back", back.elapsed().as_millis());

    // Killed and started again: nothing is raised or sent again.
    lab.kill()?;
    lab.up_with(&start).await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    ensure!(alerts(&lab).await?.alerts.len() == 1, "raised again");
    ensure!(servers.took(&ears, 50) == [1, 1, 1], "{:?}", servers.took(&ears, 50));

    // The next level, with everything in order: raised, and killed at once, some times.
    lab.api.correct(850_000_000).await?;
    for _ in 0..5 {
        lab.kill()?;
        lab.up_with(&start).await?;
    }
    let told = deliveries(&lab, "the next level", |d| d.state == DeliveryState::Delivered).await?;
    ensure!(told.alerts.len() == 2, "{told:?}");
    let numbers: Vec<String> =
        servers.hook.took.lock().unwrap().iter().map(|(number, _)| number.clone()).collect();
    println!("after kills in the middle, the webhook heard {numbers:?}");
    ensure!(servers.took(&ears, 50) == [1, 1, 1], "{:?}", servers.took(&ears, 50));
    ensure!(servers.took(&ears, 80).iter().all(|times| *times >= 1), "{:?}", servers.took(&ears, 80));
    let (_, events) = net::verb(&lab, &["--lab", "events"]).await?;
    ensure!(events.matches("% of the plan is used").count() == 2, "{events}");

    // A test says what works.
    let (code, said) = net::verb(&lab, &["--lab", "alerts", "test"]).await?;
    ensure!(code == Some(0) && said.matches("delivered").count() == 3, "{code:?} {said}");
    drop(sink);
    let (code, said) = net::verb(&lab, &["--lab", "alerts", "test"]).await?;
    ensure!(code == Some(2) && said.contains("mail: not delivered"), "{code:?} {said}");

    setns(home, CloneFlags::CLONE_NEWNET)?;
    drop(broker);
    lab.tear_down().await
}
