//! The doors, over real sockets; only the pages behind them are a fake.

use std::path::PathBuf;
use std::time::Duration;

use axum::routing::get;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::*;
use crate::config::WebTls;

struct Fake {
    at: SocketAddr,
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Fake {
    /// Whoever gets through is told by which door.
    fn start(secure: Option<Arc<Secure>>, is_tls: bool) -> Fake {
        let pages = Router::new()
            .route("/", get(async |visitor: axum::Extension<Visitor>| format!("{:?}", visitor.door)))
            .fallback(async || StatusCode::NOT_FOUND);
        let pages = Arc::new(OnceLock::from(pages));
        Fake::with(PortalDoor { pages, secure, is_tls })
    }

    fn with(door: PortalDoor) -> Fake {
        let listener = bind_at("lo", SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("bound");
        let at = listener.local_addr().expect("an address");
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(serve(listener, door, stop.clone()));
        Fake { at, tasks, stop }
    }

    async fn raw(&self, request: &str) -> String {
        talk(TcpStream::connect(self.at).await.expect("connected"), request).await
    }

    async fn get(&self, host: &str) -> String {
        self.raw(&format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n")).await
    }
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    let _written = stream.write_all(request.as_bytes()).await;
    let mut reply = Vec::new();
    let _read = stream.read_to_end(&mut reply).await;
    String::from_utf8(reply).expect("text")
}

#[tokio::test]
async fn only_who_asks_for_us_sees_the_page_and_others_are_told_where_it_is() {
    let fake = Fake::start(None, false);
    for host in ["127.0.0.1", "127.0.0.1:80", "Hotshare.internal", "hotshare.internal:80"] {
        let reply = fake.get(host).await;
        assert!(reply.starts_with("HTTP/1.1 200 ") && reply.ends_with("Lan"), "{host}: {reply}");
    }
    for request in [
        "GET / HTTP/1.1\r\nhost: evil.example\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: 127.0.0.1.evil.example\r\n\r\n",
        "GET /hotspot-detect.html HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: hotshare.internal.evil.example\r\n\r\n",
        "GET /generate_204 HTTP/1.1\r\nhost: connectivitycheck.gstatic.com\r\n\r\n",
        "POST /ask HTTP/1.1\r\nhost: evil.example\r\ncontent-length: 0\r\n\r\n",
    ] {
        let reply = fake.raw(request).await;
        assert!(reply.contains(" 302 Found\r\n") && reply.contains("cache-control: no-store"), "{reply}");
        assert!(reply.contains("location: http://hotshare.internal/\r\n"), "{request}: {reply}");
        // The connection was read to its end.
        assert!(reply.contains("connection: close\r\n") && !reply.ends_with("Lan"), "{reply}");
    }
    let reply = fake.raw("GET /v1/status HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").await;
    assert!(reply.starts_with("HTTP/1.1 404 "), "{reply}");
}

#[tokio::test]
async fn who_only_stands_in_the_door_gives_way() {
    let fake = Fake::start(None, false);
    let mut idle = Vec::new();
    for n in 0..5 * DoorLimits::LAN.per_address {
        let mut stream = TcpStream::connect(fake.at).await.expect("connected");
        stream.write_all(b"GET / HT").await.expect("written");
        idle.push(stream);
        if n % 5 == 4 {
            assert!(fake.get("127.0.0.1").await.ends_with("Lan"), "after {n}");
        }
    }
    let mut rest = Vec::new();
    let oldest = timeout(Duration::from_secs(1), idle[0].read_to_end(&mut rest)).await;
    assert!(oldest.is_ok(), "the first of them is still there");
}

#[tokio::test]
async fn nobody_is_let_in_before_there_is_something_to_see_and_the_end_is_quick() {
    let mut fake = Fake::with(PortalDoor { pages: Arc::default(), secure: None, is_tls: false });
    assert_eq!(fake.get("127.0.0.1").await, "");
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

/// Files as an owner makes them.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Files {
        Files(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, args: &[&str]) {
        let done = std::process::Command::new("openssl").args(args).current_dir(self.0.path()).output();
        let done = done.expect("openssl runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// A certificate `web.pem` for a name, and its key `web-key.pem`.
    fn make(&self, name: &str, days: &[&str]) -> WebTls {
        let (subject, names) = (format!("/CN={name}"), format!("subjectAltName=DNS:{name}"));
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        let mut args = vec!["req", "-x509", "-subj", &subject, "-addext", &names];
        args.extend(key);
        args.extend(["-addext", "basicConstraints=critical,CA:FALSE"]);
        args.extend(["-keyout", "web-key.pem", "-out", "web.pem"]);
        args.extend(days);
        self.openssl(&args);
        self.files(name)
    }

    fn files(&self, name: &str) -> WebTls {
        WebTls { name: name.to_owned(), certificate: self.path("web.pem"), key: self.path("web-key.pem") }
    }

    /// Connects as a browser does that trusts `web.pem`.
    async fn get(&self, fake: &Fake, name: &str, host: &str) -> Result<String, std::io::Error> {
        let mut roots = rustls::RootCertStore::empty();
        let pem = std::fs::read(self.path("web.pem")).expect("read");
        roots.add(rustls::pki_types::CertificateDer::from_pem_slice(&pem).expect("PEM")).expect("added");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = TcpStream::connect(fake.at).await?;
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let stream = connector.connect(name, stream).await?;
        Ok(talk(stream, &format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n")).await)
    }
}

#[tokio::test]
async fn the_owners_certificate_opens_a_door_of_its_own() {
    let files = Files::new();
    let secure = Arc::new(Secure::open(&files.make("box.example.org", &["-days", "30"])).expect("usable"));
    let (plain, tls) = (Fake::start(Some(Arc::clone(&secure)), false), Fake::start(Some(secure), true));
    let reply = files.get(&tls, "box.example.org", "BOX.example.org").await.expect("TLS");
    assert!(reply.starts_with("HTTP/1.1 200 ") && reply.ends_with("LanTls"), "{reply}");
    let reply = files.get(&tls, "box.example.org", "hotshare.internal").await.expect("TLS");
    assert!(reply.starts_with("HTTP/1.1 421 "), "{reply}");
    assert!(files.get(&tls, "other.example.org", "box.example.org").await.is_err(), "another name");
    assert!(!tls.get("box.example.org").await.contains("LanTls"), "in the clear");
    let reply = plain.get("box.example.org").await;
    assert!(reply.contains("location: https://box.example.org/\r\n"), "{reply}");
    assert!(plain.get("127.0.0.1").await.ends_with("Lan"));

    // Another certificate in its place is used soon, and one that is broken is not.
    files.make("box.example.org", &["-days", "31"]);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    files.get(&tls, "box.example.org", "box.example.org").await.expect("the new one is trusted, and served");
    let good = std::fs::read(files.path("web.pem")).expect("read");
    std::fs::write(files.path("web.pem"), "nothing").expect("written");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let still = {
        let stream = TcpStream::connect(tls.at).await.expect("connected");
        std::fs::write(files.path("web.pem"), good).expect("written");
        drop(stream);
        files.get(&tls, "box.example.org", "box.example.org").await
    };
    still.expect("the last good one goes on");
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_before_anything_begins() {
    use std::os::unix::fs::PermissionsExt as _;

    let files = Files::new();
    let told = |files: &WebTls| {
        let problem = Secure::open(files).expect_err("it cannot be used");
        (
            problem
                .to_string()
                .replace(&*files.certificate.to_string_lossy(), "CERT")
                .replace(&*files.key.to_string_lossy(), "KEY"),
            problem.is_age(),
        )
    };
    let said = |words: &str| (words.to_owned(), false);
    assert_eq!(
        told(&files.files("box.example.org")),
        said("cannot read CERT, which [web] names; check the path and who may read it")
    );
    let web = files.make("box.example.org", &["-days", "30"]);
    let other = WebTls { name: "other.example.org".into(), ..web.clone() };
    assert_eq!(told(&other), said("the certificate CERT is not for other.example.org, the name in [web]"));
    let swapped = WebTls { certificate: web.key.clone(), key: web.certificate.clone(), ..web.clone() };
    assert!(told(&swapped).0.contains("holds no certificate"), "{:?}", told(&swapped));
    std::fs::copy(files.path("web-key.pem"), files.path("first-key.pem")).expect("copied");
    files.make("box.example.org", &["-days", "30"]);
    let old_key = WebTls { key: files.path("first-key.pem"), ..web.clone() };
    assert_eq!(told(&old_key), said("the key KEY does not belong to the certificate CERT"));
    std::fs::set_permissions(&web.key, std::fs::Permissions::from_mode(0o644)).expect("mode");
    assert!(told(&web).0.starts_with("KEY can be read by everybody"), "{:?}", told(&web));
    std::fs::set_permissions(&web.key, std::fs::Permissions::from_mode(0o640)).expect("mode");
    Secure::open(&web).expect("a group may read it");
    std::fs::write(&web.key, "-----BEGIN PRIVATE KEY-----\n").expect("written");
    assert_eq!(told(&web), said("KEY holds no private key; it must be PEM, without a passphrase"));
    let web = files.make("box.example.org", &["-days", "30"]);
    let in_days = |days: u64| std::time::SystemTime::now() + Duration::from_secs(days * 86_400);
    certificate::load(&web, in_days(29)).expect("its last day");
    let ended = certificate::load(&web, in_days(31)).expect_err("it has ended");
    assert!(ended.is_age() && ended.to_string().contains("ended on 20"), "{ended}");
    // A clock that is behind is not the certificate's fault.
    certificate::load(&web, std::time::SystemTime::UNIX_EPOCH).expect("usable");
}
