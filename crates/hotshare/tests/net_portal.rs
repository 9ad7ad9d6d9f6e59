//! Who is closed finds out why: by what their system does, in real traffic, and without a byte on the uplink. Needs root.

mod net;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hotshare_api::Verdict;
use hotshare_lab::lab::Lab;
use hotshare_lab::layout::{self, WEB_ADDR};
use hotshare_lab::phone::Phone;
use hotshare_lab::{PROBES, Probe, ResponseCode};
use net::{Eyes, person, wait_verdict};
use serde_json::{Value, json};

const PAGE: &str = "http://hotshare.internal/";

/// Where the phone's system finds the name, if at all.
async fn found(phone: &Phone, host: &str) -> Result<Option<Ipv4Addr>> {
    let (code, addresses) = phone.resolve(host).await?;
    ensure!(code == ResponseCode::NoError || addresses.is_empty(), "{host}: {code} {addresses:?}");
    Ok(addresses.first().copied())
}

fn is_led_to_the_page(reply: &str) -> bool {
    let head = reply.split("\r\n\r\n").next().unwrap_or_default();
    head.starts_with("HTTP/1.1 302 ") && head.contains(&format!("\r\nlocation: {PAGE}\r\n"))
}

fn is_the_sites_own(reply: &str, probe: &Probe) -> bool {
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or_default();
    head.starts_with(&format!("HTTP/1.1 {} ", probe.code)) && body == probe.body
}

/// Every system's probe: from a closed phone to the page, from an open one to the far server, charged like anything.
#[tokio::test]
async fn systems_find_the_portal_while_they_are_closed_and_only_then() -> Result<()> {
    let lab = net::ready(3, None, None, None).await?;
    let [open, closed, blocked] = &lab.phones[..] else { bail!("three phones") };
    // One of each kind: paused by the owner, and blocked, which is nobody's business but the owner's.
    lab.api.pause("phone-2", true).await?;
    lab.api.block(&layout::phone_mac_text(3), true).await?;
    wait_verdict(&lab, "phone-2", Verdict::Paused, Duration::from_secs(5)).await?;
    let eyes = Eyes::open(&lab).await?;
    let before = eyes.billed()?;
    for phone in [closed, blocked] {
        for probe in &PROBES {
            let at =
                found(phone, probe.host).await?.with_context(|| format!("{}: no address", probe.system))?;
            ensure!(at != WEB_ADDR, "{}: the true address was asked for", probe.system);
            let reply = phone.probe(at, probe.host, probe.path).await?;
            ensure!(is_led_to_the_page(&reply), "{}: {reply}", probe.system);
            // By the true address, as a phone knows it that was open a moment ago.
            let reply = phone.probe(WEB_ADDR, probe.host, probe.path).await?;
            ensure!(is_led_to_the_page(&reply), "{}, by its address: {reply}", probe.system);
            // Nothing else of it is led anywhere, HTTPS least of all, and nobody waits for it.
            for (to, port) in [(at, 443), (WEB_ADDR, 443), (at, 853), (WEB_ADDR, phone.web_port())] {
                let begin = Instant::now();
                ensure!(!phone.reaches((to, port)).await?, "{to}:{port} answers");
                ensure!(begin.elapsed() < Duration::from_millis(500), "{to}:{port} hangs");
            }
        }
        ensure!(found(phone, "www.example.com").await?.is_none(), "any other name is refused");
        ensure!(phone.page().await?.starts_with("HTTP/1.1 200 "));
    }
    ensure!(eyes.billed()? == before, "closed phones cost {} bytes", eyes.billed()? - before);

    for probe in &PROBES {
        let at = found(open, probe.host).await?;
        ensure!(at == Some(WEB_ADDR), "{}: {at:?}", probe.system);
        let reply = open.probe(WEB_ADDR, probe.host, probe.path).await?;
        ensure!(is_the_sites_own(&reply, probe), "{}: {reply}", probe.system);
    }
    let (tally, status) = eyes.settle(&lab).await?;
    eyes.check_billed(&tally, &status)?;
    ensure!(status.plan.billed > before, "an open phone's probes are charged");
    ensure!(person(&status, "phone-1")?.down == eyes.down(0)?, "{:?}", person(&status, "phone-1"));
    for name in ["phone-2", "phone-3"] {
        let person = person(&status, name)?;
        ensure!(person.up + person.down == 0, "the page is charged: {person:?}");
    }
    lab.tear_down().await
}

/// Opened: the next question and the next connection are true, even from the port that was led astray before.
#[tokio::test]
async fn who_is_opened_reaches_the_true_sites_at_once() -> Result<()> {
    let lab = net::ready(1, None, None, None).await?;
    let phone = &lab.phones[0];
    let probe = &PROBES[0];
    let request = format!("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", probe.path, probe.host);
    for port in [40_001, 40_002, 40_003] {
        lab.api.pause("phone-1", true).await?;
        let lie = found(phone, probe.host).await?.context("an address")?;
        for to in [WEB_ADDR, lie] {
            let reply = phone.http_from(port, (to, 80), &request).await?;
            ensure!(is_led_to_the_page(&reply), "closed, {to}: {reply}");
        }
        lab.api.pause("phone-1", false).await?;
        let begin = Instant::now();
        ensure!(found(phone, probe.host).await? == Some(WEB_ADDR), "a name is still led astray");
        let reply = phone.http_from(port, (WEB_ADDR, 80), &request).await?;
        ensure!(is_the_sites_own(&reply, probe), "open: {reply}");
        println!("open: the true site answered after {:?}", begin.elapsed());
        // Who remembers the answer all the same hears at once that it is none, but for the page's own port.
        let begin = Instant::now();
        ensure!(!phone.reaches((lie, 443)).await? && begin.elapsed() < Duration::from_millis(500));
    }
    lab.tear_down().await
}

/// Without an uplink the page is there, says so, and systems find it.
#[tokio::test]
async fn the_page_needs_no_uplink() -> Result<()> {
    let lab = net::ready(1, None, None, None).await?;
    let phone = &lab.phones[0];
    let page = phone.page().await?;
    ensure!(page.contains("You are phone-1."), "{page}");
    lab.pull_card().await?;
    wait_verdict(&lab, "phone-1", Verdict::NoUplink, Duration::from_secs(5)).await?;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let page = phone.page().await?;
    ensure!(page.contains("has no connection to the internet"), "{page}");
    for probe in &PROBES[..3] {
        let at = found(phone, probe.host).await?.context("an address")?;
        ensure!(is_led_to_the_page(&phone.probe(at, probe.host, probe.path).await?), "{}", probe.system);
    }
    lab.tear_down().await
}

/// “Who are you?”: from the page to the owner, and back to an open phone.
#[tokio::test]
async fn a_stranger_says_who_they_are_and_is_let_in() -> Result<()> {
    let mut lab = net::bare(1, None).await?;
    lab.up().await?;
    lab.join().await?;
    lab.api.add_person("bo", None).await?;
    let phone = &lab.phones[0];
    let page = phone.page().await?;
    ensure!(page.contains("This device waits.") && page.contains("action=\"/claim\""), "{page}");
    let reply = phone.form("/claim", "name=Bo+%3Cscript%3E+M%C3%BCller").await?;
    ensure!(reply.starts_with("HTTP/1.1 303 "), "{reply}");
    let page = phone.page().await?;
    ensure!(page.contains("You said that you are Bo script Müller."), "{page}");
    let (code, list) = net::verb(&lab, &["--lab", "devices"]).await?;
    ensure!(code == Some(0) && list.contains("says “Bo script"), "{list}");
    let devices = lab.api.status().await?.devices;
    ensure!(devices[0].claim.as_deref() == Some("Bo script Müller"), "{devices:?}");
    let told = |events: &Value, kind: &str| {
        let events = events["events"].as_array().cloned().unwrap_or_default();
        events.iter().filter(|event| event["kind"] == kind && event.to_string().contains("Bo script")).count()
    };
    let mut tries = 0;
    while told(&lab.api.events().await?, "device-waiting") == 0 {
        tries += 1;
        ensure!(tries < 50, "the owner is not told: {}", lab.api.events().await?);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ensure!(told(&lab.api.events().await?, "device-claim") == 1);

    // It is on the disk, and a flood of other names is not.
    lab.kill()?;
    lab.up().await?;
    let phone = &lab.phones[0];
    ensure!(lab.api.status().await?.devices[0].claim.as_deref() == Some("Bo script Müller"));
    let mut taken = 0;
    for n in 0..10 {
        taken += u32::from(phone.form("/claim", &format!("name=n{n}")).await?.starts_with("HTTP/1.1 303 "));
    }
    ensure!(taken == 3, "{taken} of ten were written");
    let (code, told) =
        net::verb(&lab, &["--lab", "devices", "assign", &layout::phone_mac_text(1), "bo"]).await?;
    ensure!(code == Some(0), "{told}");
    ensure!(phone.reaches((WEB_ADDR, phone.web_port())).await?, "it is not open");
    let devices = lab.api.status().await?.devices;
    ensure!((devices[0].person.as_deref(), &devices[0].claim) == (Some("bo"), &None), "{devices:?}");
    // The page knows a status for a second.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    ensure!(
        phone.form("/give", "to=bo&mb=1").await?.starts_with("HTTP/1.1 400 "),
        "who has no end gives nothing"
    );
    lab.tear_down().await
}

/// Giving on the page, to the last MB and no further.
#[tokio::test]
async fn what_is_left_can_be_given_away_and_no_more() -> Result<()> {
    let lab = net::ready(2, None, None, Some(5_000_000)).await?;
    let [giver, taker] = &lab.phones[..] else { bail!("two phones") };
    ensure!(giver.page().await?.contains("<option>phone-2</option>"));
    let reply = giver.form("/give", "to=phone-2&mb=6").await?;
    ensure!(reply.starts_with("HTTP/1.1 400 ") && reply.contains("You have not so much left."), "{reply}");
    ensure!(giver.form("/give", "to=phone-2&mb=2").await?.starts_with("HTTP/1.1 303 "));
    let balances = async || -> Result<_> {
        let (one, two) = (lab.api.person("phone-1").await?, lab.api.person("phone-2").await?);
        Ok((one.balance, two.balance))
    };
    ensure!(balances().await? == (Some(3_000_000), Some(7_000_000)), "{:?}", balances().await?);
    ensure!(giver.form("/give", "to=phone-2&mb=3").await?.starts_with("HTTP/1.1 303 "));
    ensure!(balances().await? == (Some(0), Some(10_000_000)), "{:?}", balances().await?);
    wait_verdict(&lab, "phone-1", Verdict::AllowanceUsed, Duration::from_secs(5)).await?;
    ensure!(taker.form("/ask", "mb=200").await?.starts_with("HTTP/1.1 303 "));
    ensure!(lab.api.person("phone-2").await?.wish.map(|wish| wish.bytes) == Some(200_000_000));
    lab.tear_down().await
}

/// The files of an owner who has a name and a certificate.
fn certificate(dir: &Path) -> Result<(PathBuf, PathBuf)> {
    let (certificate, key) = (dir.join("web.pem"), dir.join("web-key.pem"));
    let done = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args([
            "-days",
            "30",
            "-subj",
            "/CN=box.example.org",
            "-addext",
            "subjectAltName=DNS:box.example.org",
        ])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .context("openssl makes a certificate")?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok((certificate, key))
}

/// What a real client gets that trusts the certificate, with the phone's own resolver.
fn https(place: usize, trusted: &Path, path: &str) -> Result<(String, Value)> {
    let space = layout::phone_space(u8::try_from(place + 1)?);
    let url = format!("https://box.example.org{path}");
    let trusted = trusted.display().to_string();
    let output = net::in_space(&space, "curl", &["-sS", "-i", "-m", "5", "--cacert", &trusted, &url])?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{url}: {}{text}", String::from_utf8_lossy(&output.stderr));
    let (head, body) = text.split_once("\r\n\r\n").context("a reply")?;
    Ok((head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or(Value::Null)))
}

async fn with_certificate(phones: u8, dir: &Path, allowance: Option<u64>) -> Result<(Lab, PathBuf)> {
    let (certificate, key) = certificate(dir)?;
    let config = format!(
        "[web]\nname = \"box.example.org\"\ncertificate = \"{}\"\nkey = \"{}\"\n",
        certificate.display(),
        key.display()
    );
    let lab = net::ready_with(net::bare(phones, None).await?, &config, Some(1 << 30), allowance).await?;
    Ok((lab, certificate))
}

/// RFC 8910 tells where, RFC 8908 tells what: over TLS, from the phone's own network, closed or open.
#[tokio::test]
async fn systems_that_ask_the_portal_are_told_the_truth() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (lab, trusted) = with_certificate(2, dir.path(), Some(5_000_000)).await?;
    const PATH: &str = "/captive-portal/api";
    for phone in &lab.phones {
        let told = phone.lease()?.captive_portal.as_deref();
        ensure!(told == Some("https://box.example.org/captive-portal/api"), "option 114 is {told:?}");
        let (_, addresses) = phone.resolve("box.example.org").await?;
        ensure!(addresses.first().copied() == phone.lease()?.router, "{addresses:?}");
    }
    let (head, told) = https(0, &trusted, PATH)?;
    ensure!(head.contains("\r\ncontent-type: application/captive+json"), "{head}");
    let open = json!({
        "captive": false, "user-portal-url": "https://box.example.org/", "bytes-remaining": 5_000_000,
        "can-extend-session": true
    });
    ensure!(told == open, "{told}");
    lab.api.pause("phone-2", true).await?;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let closed =
        json!({"captive": true, "user-portal-url": "https://box.example.org/", "can-extend-session": true});
    ensure!(https(1, &trusted, PATH)?.1 == closed, "{}", https(1, &trusted, PATH)?.1);
    let (head, _) = https(1, &trusted, "/")?;
    ensure!(head.starts_with("http/1.1 200 ") && head.contains("content-security-policy"), "{head}");

    // HTTPS to anywhere else is refused as ever: nothing speaks for another's name.
    let phone = &lab.phones[1];
    let at = found(phone, "captive.apple.com").await?.context("an address")?;
    ensure!(!phone.reaches((at, 443)).await? && !phone.reaches((WEB_ADDR, 443)).await?);
    lab.tear_down().await
}

/// Without a certificate nobody is sent to a door that is not there.
#[tokio::test]
async fn without_a_certificate_there_is_the_page_alone() -> Result<()> {
    let lab = net::ready(1, None, None, None).await?;
    let phone = &lab.phones[0];
    let lease = phone.lease()?;
    ensure!(lease.captive_portal.is_none(), "{lease:?}");
    let gateway = lease.router.context("a router")?;
    let begin = Instant::now();
    ensure!(!phone.reaches((gateway, 443)).await? && begin.elapsed() < Duration::from_millis(500));
    lab.tear_down().await
}

/// A certificate that cannot be used is told before anything is touched.
#[tokio::test]
async fn a_certificate_for_another_name_begins_nothing() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (certificate, key) = certificate(dir.path())?;
    let lab = net::bare(1, None).await?;
    let mut start = lab.start().clone();
    start.config += &format!(
        "[web]\nname = \"other.example.org\"\ncertificate = \"{}\"\nkey = \"{}\"\n",
        certificate.display(),
        key.display()
    );
    start.write_config()?;
    let before = net::dump::dump(&lab)?;
    let mut command = start.command(&["up"]);
    command.stdin(std::process::Stdio::null());
    let space = lab.hotspot.space().try_clone()?;
    let output = tokio::task::spawn_blocking(move || space.command(command)?.output()).await??;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success() && told.contains("is not for other.example.org"), "{told}");
    net::dump::unchanged(&lab, &before).await?;
    lab.tear_down().await
}
