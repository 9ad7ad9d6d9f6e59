//! From where the dashboard can be reached, and that idle connections keep nobody out, in real traffic. Needs root.

mod net;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hotshare_lab::inside::Inside;
use hotshare_lab::lab::Lab;
use hotshare_lab::layout;
use hotshare_lab::phone::Phone;
use hotshare_lab::{ResponseCode, dhcp};
use net::{Eyes, person};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const MACHINE: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 4680);

fn get(host: impl std::fmt::Display, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

/// One request from a namespace, and its reply.
async fn http(from: &Inside, to: (Ipv4Addr, u16), request: String) -> Result<String> {
    from.run(async move {
        let talk = async {
            let mut stream = TcpStream::connect(to).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut reply = Vec::new();
            stream.read_to_end(&mut reply).await?;
            Ok(String::from_utf8_lossy(&reply).into_owned())
        };
        tokio::time::timeout(Duration::from_secs(5), talk).await.context("no reply within 5 s")?
    })
    .await
}

fn status(reply: &str) -> u16 {
    reply.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

fn gateway(phone: &Phone) -> Result<Ipv4Addr> {
    phone.lease()?.router.context("the lease names no router")
}

async fn seen_by(phone: &Phone, path: &str) -> Result<u16> {
    let gateway = gateway(phone)?;
    Ok(status(&http(phone.inside(), (gateway, 80), get(gateway, path)).await?))
}

/// Every TCP port that somebody listens on in the box's namespace, as the kernel says.
async fn listening(lab: &Lab) -> Result<Vec<u16>> {
    let table = lab.hotspot.run(async { Ok(std::fs::read_to_string("/proc/thread-self/net/tcp")?) }).await?;
    let mut ports: Vec<u16> = Vec::new();
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if fields.get(3) == Some(&"0A") {
            let port = fields.get(1).and_then(|local| local.split(':').nth(1)).context("a port")?;
            ports.push(u16::from_str_radix(port, 16)?);
        }
    }
    ports.sort_unstable();
    ports.dedup();
    Ok(ports)
}

#[tokio::test]
async fn only_from_where_the_owner_lets_it_be_reached() -> Result<()> {
    let lab = net::ready(2, None, None, None).await?;
    let [own, guest] = &lab.phones[..] else { bail!("two phones") };
    let there = gateway(own)?;

    // From the uplink, by the box's own address and by the gateway's: nothing of all that listens.
    let ports = listening(&lab).await?;
    ensure!(ports.contains(&80) && ports.contains(&MACHINE.1), "{ports:?}");
    let route = ["route", "add", &format!("{there}/32"), "via", &layout::UPLINK_ADDR.to_string()];
    let added = net::in_space(layout::INTERNET, "ip", &route)?;
    ensure!(added.status.success(), "{added:?}");
    for at in [layout::UPLINK_ADDR, there] {
        for port in &ports {
            let to = (at, *port);
            let made =
                lab.internet
                    .run(async move {
                        Ok(tokio::time::timeout(Duration::from_secs(1), TcpStream::connect(to)).await)
                    })
                    .await?;
            ensure!(!matches!(made, Ok(Ok(_))), "{to:?} answers to the uplink");
        }
    }
    // The machine's own door is its own: not at the gateway, not from the LAN.
    ensure!(!own.reaches((there, MACHINE.1)).await?, "the machine's door is open to the LAN");

    // The machine itself is sent to log in.
    let reply = http(&lab.hotspot, MACHINE, get("127.0.0.1:4680", "/admin")).await?;
    ensure!(status(&reply) == 303 && reply.contains("location: /admin/login\r\n"), "{reply}");
    let reply = http(&lab.hotspot, MACHINE, get("evil.example", "/admin/login")).await?;
    ensure!(status(&reply) == 421, "another name is answered: {reply}");

    // A guest sees my data and nothing of the dashboard; a person who is made an owner gets to log in.
    for phone in [own, guest] {
        ensure!(seen_by(phone, "/").await? == 200);
        for path in ["/admin", "/admin/login", "/v1/status", "/metrics"] {
            ensure!(seen_by(phone, path).await? == 403, "{path} is shown to {}", phone.person());
        }
    }
    let (code, told) = net::verb(&lab, &["--lab", "access", "owner", "phone-1"]).await?;
    ensure!(code == Some(0), "{told}");
    ensure!(seen_by(own, "/admin/login").await? == 200, "an owner's device");
    ensure!(seen_by(own, "/v1/status").await? == 401 && seen_by(guest, "/admin/login").await? == 403);

    // Whoever has a link is the owner, wherever it is used.
    let (code, told) = net::verb(&lab, &["--lab", "access", "link"]).await?;
    ensure!(code == Some(0), "{told}");
    let mut link =
        told.lines().filter_map(|line| line.split_once(&there.to_string())).map(|(_, path)| path.trim());
    let link = link.next_back().with_context(|| format!("no link for the LAN: {told}"))?.to_owned();
    ensure!(seen_by(guest, &link).await? == 200, "the link leads nowhere");
    let fields = "password=purple+otters+juggle+at+noon&repeated=purple+otters+juggle+at+noon";
    let form = format!(
        "POST {link} HTTP/1.1\r\nHost: {there}\r\nOrigin: http://{there}\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{fields}",
        fields.len()
    );
    let reply = http(guest.inside(), (there, 80), form).await?;
    ensure!(status(&reply) == 303 && reply.contains("location: /admin\r\n"), "{reply}");
    let cookie = reply.lines().find_map(|line| line.strip_prefix("set-cookie: ")).context("a cookie")?;
    let cookie = cookie.split(';').next().unwrap_or_default();
    ensure!(
        seen_by(guest, "/admin/login").await? == 200,
        "the device on which a link was used is the owner's"
    );
    let inside =
        format!("GET /admin HTTP/1.1\r\nHost: {there}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
    ensure!(status(&http(guest.inside(), (there, 80), inside.clone()).await?) == 200, "not logged in");
    // Nobody but the owner's devices, whatever they bring along.
    let (_, _) = net::verb(&lab, &["--lab", "access", "owner", "--none"]).await?;
    ensure!(status(&http(guest.inside(), (there, 80), inside).await?) == 403, "the cookie opens the door");
    lab.tear_down().await
}

/// A thousand connections that say nothing, from a device and on the machine: all the others have what they had.
#[tokio::test]
async fn a_thousand_idle_connections_keep_nobody_waiting() -> Result<()> {
    const IDLE: usize = 1000;
    const BYTES: u64 = 40_000_000;
    let lab = net::ready(2, Some(100_000_000), None, None).await?;
    let [quiet, loud] = &lab.phones[..] else { bail!("two phones") };
    let there = gateway(quiet)?;
    let eyes = Eyes::open(&lab).await?;
    let progress = Arc::new(AtomicU64::new(0));
    let transfer = quiet.download(quiet.web_port(), BYTES, &progress);

    let mut idle = Vec::new();
    for (from, to) in [(loud.inside(), (there, 80)), (&lab.hotspot, MACHINE)] {
        let held = from.run(async move {
            let mut held = Vec::new();
            for n in 0..IDLE {
                let made = tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(to)).await;
                let mut stream = made.with_context(|| format!("connection {n} to {to:?}"))??;
                // Some say nothing, some begin to.
                if n % 2 == 0 {
                    // It may have been put out already.
                    drop(stream.write_all(b"GET / HTTP/1.1\r\nHost: ").await);
                }
                held.push(stream);
            }
            Ok(held)
        });
        idle.push(held.await?);
    }
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let begin = Instant::now();
        let (code, _) = quiet.resolve("www.example.com").await?;
        ensure!(code == ResponseCode::NoError, "{code}");
        ensure!(quiet.page().await?.starts_with("HTTP/1.1 200 "), "the page of another device");
        let reply = http(&lab.hotspot, MACHINE, get("127.0.0.1", "/admin/login")).await?;
        ensure!(status(&reply) == 200, "the machine's own browser: {reply}");
        slowest = slowest.max(begin.elapsed());
    }
    println!("a name, a page and the login took {slowest:?} at most");
    let mac = layout::phone_mac(1);
    let lease =
        quiet.inside().run(async move { dhcp::ask(mac, "phone-1", Duration::from_secs(10)).await }).await?;
    ensure!(lease.address == quiet.lease()?.address, "another address");

    let done = transfer.await??;
    ensure!(done.complete && done.bytes == BYTES, "{done:?}");
    println!("{} bytes of the download came", progress.load(Ordering::Relaxed));
    let (tally, seen) = eyes.settle(&lab).await?;
    eyes.check_billed(&tally, &seen)?;
    ensure!(person(&seen, "phone-1")?.down == eyes.down(0)?, "{:?}", person(&seen, "phone-1"));
    drop(idle);
    lab.tear_down().await
}
