//! Servers that other people wrote, each on a port of its own and gone with its test.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test program uses a part of it, and may panic"
)]

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hotshare_core::alert::{Alert, AlertId, Kind};
use hotshare_core::units::{Bytes, UnixTime};

/// A process that ends with the test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Running {
    /// Makes it accept and hang, or go on.
    pub fn freeze(&self, frozen: bool) {
        let signal = if frozen { "-STOP" } else { "-CONT" };
        assert!(Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap().success());
    }
}

pub fn run(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub async fn until_listening(port: u16) {
    until("the server listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()).await;
}

pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "waited a minute: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A certificate for `name` that signs itself, and its key.
pub fn certificate(dir: &Path, stem: &str, name: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) = (dir.join(format!("{stem}.pem")), dir.join(format!("{stem}.key")));
    run(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            &format!("/CN={stem}"),
            "-addext",
            &format!("subjectAltName={name}"),
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            key.to_str().unwrap(),
            "-out",
            certificate.to_str().unwrap(),
        ],
    );
    (certificate, key)
}

pub fn secret(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, format!("{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

pub fn alert(n: u64) -> Alert {
    Alert {
        id: AlertId(n),
        at: UnixTime(1_795_000_000),
        kind: Kind::AllowanceLevel,
        about: Some("小明".into()),
        percent: Some(80),
        used: Some(Bytes(1_600_000_000)),
        limit: Some(Bytes(2_000_000_000)),
        title: "小明 has used 80 % of the allowance".into(),
        text: "1.60 GB of 2.00 GB are used.".into(),
    }
}

/// How the sink is protected.
pub struct Sink {
    pub mode: &'static str,
    pub user: &'static str,
    pub password: &'static str,
}

/// aiosmtpd.
pub async fn sink(dir: &Path, port: u16, certificate: (&Path, &Path), how: Sink) -> Running {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hotshare-notify/tests/support/sink.py");
    let child = Command::new("/usr/bin/python3")
        .arg(script)
        .arg(port.to_string())
        .arg(dir.join("mails"))
        .args([certificate.0, certificate.1])
        .args([how.mode, how.user, how.password])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);
    until_listening(port).await;
    running
}

/// The mails that the sink took.
pub fn mails(dir: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(dir.join("mails")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// mosquitto, with these lines in its configuration.
pub async fn mosquitto(dir: &Path, port: u16, lines: &str) -> Running {
    let config = dir.join("mosquitto.conf");
    std::fs::write(&config, format!("user root\npersistence false\nlistener {port} 127.0.0.1\n{lines}\n"))
        .unwrap();
    let program = if Path::new("/usr/sbin/mosquitto").exists() { "/usr/sbin/mosquitto" } else { "mosquitto" };
    let log = std::fs::File::create(dir.join("mosquitto.log")).unwrap();
    let child = Command::new(program).arg("-c").arg(&config).stderr(log).spawn().unwrap();
    let running = Running(child);
    until_listening(port).await;
    running
}

/// mosquitto_sub on everything, writing retain flag, topic and payload as lines of a file.
pub fn subscriber(dir: &Path, port: u16, more: &[&str]) -> (Running, PathBuf) {
    let path = dir.join(format!("heard-{}", free_port()));
    let file = std::fs::File::create(&path).unwrap();
    let child = Command::new("mosquitto_sub")
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-q", "1", "-t", "#", "-F", "%r %t %p"])
        .args(more)
        .stdout(file)
        .spawn()
        .unwrap();
    (Running(child), path)
}

/// What a subscriber heard: retain flag, topic, payload.
pub fn heard(path: &Path) -> Vec<(bool, String, String)> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let mut parts = line.splitn(3, ' ');
            let retained = parts.next()? == "1";
            Some((retained, parts.next()?.to_owned(), parts.next().unwrap_or_default().to_owned()))
        })
        .collect()
}
