//! Real doors on real sockets, with a real store; only the brain is a fake.

mod authenticator;
mod guard;
mod interface;
mod crowd;
mod passkeys;

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use axum::Extension;
use hotshare_api::path;
use hotshare_core::access::{AccessChange, AdminFrom, Role};
use hotshare_core::ask::{Answer, Ask, DeviceStatus};
use hotshare_core::units::{BootTime, Bytes, Mac, Now, UnixTime};
use hotshare_web::Who;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};

use std::time::Duration;

use super::*;
use crate::daemon::Ledger;
use crate::serve::{AccessSettings, AlertDesk, BrainSender, Limits};

const PASSWORD: &str = "purple otters juggle at noon";
const START: i64 = 1_795_455_000;

/// A door that is open, and what was changed behind it.
struct House {
    folder: tempfile::TempDir,
    port: u16,
    desk: AccessDesk,
    /// Seconds since [`START`].
    clock: Arc<AtomicI64>,
    changed: Arc<AtomicUsize>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    ledger: Option<Ledger>,
}

/// The device at 127.0.0.1, as the brain knows it.
fn device(person: Option<&str>) -> DeviceStatus {
    DeviceStatus {
        mac: Mac([2, 0, 0x5e, 0, 0, 9]),
        person: person.map(|name| name.parse().expect("a name")),
        blocked: false,
        host_name: None,
        address: Some(Ipv4Addr::LOCALHOST),
        up: Bytes(0),
        down: Bytes(0),
        first_seen: UnixTime(0),
        claim: None,
    }
}

impl House {
    async fn open() -> House {
        House::with(Door::Machine, AdminFrom::OwnerDevices, DoorLimits::MACHINE, None).await
    }

    async fn lan(admin_from: AdminFrom, device: Option<DeviceStatus>) -> House {
        House::with(Door::Lan, admin_from, DoorLimits::MACHINE, device).await
    }

    async fn with(
        door: Door,
        admin_from: AdminFrom,
        limits: DoorLimits,
        device: Option<DeviceStatus>,
    ) -> House {
        let folder = tempfile::tempdir().expect("a folder");
        let store = hotshare_store::Store::open(&folder.path().join("ledger.sqlite")).expect("a store");
        let book = store.access().expect("a book");
        let ledger =
            Ledger::start(store, mpsc::unbounded_channel().0, watch::channel(()).0).expect("a thread");
        let mut tasks = JoinSet::new();
        let brain = brain(&mut tasks, device);
        let clock = Arc::new(AtomicI64::new(0));
        let at = Arc::clone(&clock);
        let now = move || {
            let secs = at.load(Ordering::SeqCst);
            let boot = BootTime::default().plus_secs(7200 + secs.unsigned_abs());
            Now { boot, wall: UnixTime(START + secs), synced: true }
        };
        let settings =
            AccessSettings { admin_from, machine_port: Some(4680), lan: Some("http://127.0.0.1".into()) };
        let desk = AccessDesk::new(settings, book, ledger.access_writer(), brain.clone(), Arc::new(now));
        let state = AppState {
            brain,
            ledger_path: folder.path().join("ledger.sqlite"),
            radio: None,
            certificate: None,
            down: CancellationToken::new(),
            limits: Limits::default(),
            alerts: AlertDesk::default(),
            access: desk.clone(),
        };
        let changed = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&changed);
        let page = async |Extension(who): Extension<Who>| format!("{:?} csrf={}", who.role, who.csrf);
        let change = async move |Extension(_): Extension<Who>| {
            count.fetch_add(1, Ordering::SeqCst);
            "changed"
        };
        let dashboard = Router::new()
            .route("/admin", axum::routing::get(page))
            .route("/admin/style.css", axum::routing::get(async || "style"))
            .route("/admin/change", axum::routing::post(change.clone()).get(change))
            .fallback(async || not_found());
        let hosts = Hosts::new(["hotspot.example".to_owned()]);
        let inside = pages(desk.clone(), routes::router(state), dashboard, to_dashboard(), None);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let stop = CancellationToken::new();
        tasks.spawn(serve(listener, door, only_hosts(hosts, inside), limits, stop.clone()));
        House { folder, port, desk, clock, changed, stop, tasks, ledger: Some(ledger) }
    }

    fn later(&self, secs: i64) {
        self.clock.fetch_add(secs, Ordering::SeqCst);
    }

    fn changes(&self) -> usize {
        self.changed.load(Ordering::SeqCst)
    }

    /// Sends bytes, and reads until the door closes.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.expect("connected");
        // The door may have closed already: then its reply says why.
        let _written = stream.write_all(bytes).await;
        let mut reply = Vec::new();
        let _read = stream.read_to_end(&mut reply).await;
        String::from_utf8_lossy(&reply).into_owned()
    }

    /// As a browser sends it: `extra` are more lines of the head.
    async fn send(&self, method: &str, path: &str, extra: &str, body: &str) -> Reply {
        let (port, length) = (self.port, body.len());
        let head = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{extra}");
        let head = if body.is_empty() { head } else { format!("{head}content-length: {length}\r\n") };
        Reply::of(&self.raw(format!("{head}\r\n{body}").as_bytes()).await)
    }

    async fn get(&self, path: &str, cookie: &str) -> Reply {
        self.send("GET", path, &format!("cookie: {cookie}\r\n"), "").await
    }

    /// A form of a page of ours.
    async fn post(&self, path: &str, cookie: &str, body: &str) -> Reply {
        let port = self.port;
        let extra = format!(
            "cookie: {cookie}\r\norigin: http://127.0.0.1:{port}\r\ncontent-type: application/x-www-form-urlencoded\r\n"
        );
        self.send("POST", path, &extra, body).await
    }

    /// The path of a link that is fresh.
    async fn link(&self, role: Role) -> String {
        let link = self.desk.make_link(role).await.expect("a link");
        let link = link.machine.expect("a door");
        link.strip_prefix("http://localhost:4680").expect("the place").to_owned()
    }

    /// A password is set, and the browser that set it is logged in by this cookie.
    async fn moved_in(&self) -> String {
        let link = self.link(Role::Owner).await;
        let reply = self.post(&link, "", &set_password(PASSWORD)).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        reply.cookie()
    }

    async fn csrf(&self, cookie: &str) -> String {
        let reply = self.get("/admin", cookie).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.body.split("csrf=").nth(1).expect("a token").to_owned()
    }

    /// Tries a password.
    async fn log_in(&self, password: &str) -> Reply {
        self.post("/admin/login", "", &format!("password={}", form(password))).await
    }
}

fn form(text: &str) -> String {
    text.replace(' ', "+")
}

fn set_password(password: &str) -> String {
    format!("password={0}&repeated={0}", form(password))
}

struct Reply {
    status: u16,
    head: String,
    body: String,
    text: String,
}

impl Reply {
    fn of(text: &str) -> Reply {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Reply { status, head: head.to_owned(), body: body.to_owned(), text: text.to_owned() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }

    /// What it sets, as a browser sends it back.
    fn cookie(&self) -> String {
        let set = self.header("set-cookie").expect("a cookie");
        set.split(';').next().expect("a value").to_owned()
    }
}

fn brain(tasks: &mut JoinSet<()>, device: Option<DeviceStatus>) -> BrainSender {
    let (brain, mut asks) = mpsc::channel::<(Ask, tokio::sync::oneshot::Sender<Answer>)>(4);
    tasks.spawn(async move {
        while let Some((ask, reply)) = asks.recv().await {
            let mut status = crate::serve::tests::status();
            status.devices.extend(device.clone());
            let answer = if ask == Ask::Status { Answer::Status(Box::new(status)) } else { Answer::Done };
            drop(reply.send(answer));
        }
    });
    brain
}
