//! A certificate that is got by itself: from a real ACME server, proven at real name servers, seen by phones, through
//! everything that can go wrong on the way. Needs root.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod net;
#[path = "../../hotshare-notify/tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hotshare_api::{Certificate, Verdict};
use hotshare_lab::daemon::Start;
use hotshare_lab::lab::Lab;
use hotshare_lab::layout::{self, INTERNET};
use hotshare_lab::phone::Progress;
use net::{MIB, fetch, in_space, wait_verdict};
use support::{Running, certificate, secret};

const CA: &str = "198.51.100.30";
/// The name servers of the zones: the first is told of changes, the second has them from it.
const NS: [&str; 2] = ["198.51.100.31", "198.51.100.32"];
const NAME: &str = "box.example.org";
/// Its proof is in another zone, by an alias.
const ELSEWHERE: &str = "van.example.org";
const PROOFS: [&str; 2] = ["_acme-challenge.box.example.org", "van.proof.example.net"];
/// Of pebble's list.
const BLOCKED: &str = "blocked.example.org";
const SECRET: &str = "c2VjcmV0IG9mIHRoZSBsYWJvcmF0b3J5";

/// The servers of others on the laboratory's Internet.
struct Far {
    dir: tempfile::TempDir,
    names: Vec<Running>,
    ca: Option<Running>,
}

fn spawn(dir: &Path, log: &str, program: &str, args: &[&str]) -> Running {
    let log = std::fs::File::options().create(true).append(true).open(dir.join(log)).unwrap();
    let mut command = Command::new("ip");
    command.args(["netns", "exec", INTERNET, program]).args(args).env("PEBBLE_VA_NOSLEEP", "1");
    // Its keep of authorizations would spare us what is to be seen.
    command.env("PEBBLE_AUTHZREUSE", "0").stdin(Stdio::null());
    Running(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
}

fn far(program: &str, args: &[&str]) -> Result<String> {
    let output = in_space(INTERNET, program, args)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn until_far(what: &str, program: &str, args: &[&str], holds: impl Fn(&str) -> bool) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds(&far(program, args)?) {
        ensure!(Instant::now() < end, "waited 20 s: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

impl Far {
    /// `valid`: for so many seconds a certificate is good.
    async fn start(valid: u32) -> Result<Far> {
        for address in NS.iter().chain([&CA]) {
            far("ip", &["address", "add", &format!("{address}/32"), "dev", "lo"])?;
        }
        let dir = tempfile::tempdir()?;
        certificate(dir.path(), "ca", &format!("IP:{CA}"));
        secret(dir.path(), "dns-secret", SECRET);
        let config = serde_json::json!({"pebble": {
            "listenAddress": format!("{CA}:14000"), "managementListenAddress": format!("{CA}:15000"),
            "certificate": dir.path().join("ca.pem"), "privateKey": dir.path().join("ca.key"),
            "httpPort": 80, "tlsPort": 443, "ocspResponderURL": "", "externalAccountBindingRequired": false,
            "domainBlocklist": [BLOCKED], "retryAfter": {"authz": 1, "order": 1},
            "certificateValidityPeriod": valid,
        }});
        std::fs::write(dir.path().join("pebble.json"), config.to_string())?;
        let mut far = Far { dir, names: Vec::new(), ca: None };
        far.serve_names().await?;
        far.serve_certificates().await?;
        Ok(far)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn serve_certificates(&mut self) -> Result<()> {
        let config = self.path("pebble.json").display().to_string();
        let server = format!("{}:53", NS[0]);
        self.ca = Some(spawn(
            self.dir.path(),
            "pebble.log",
            "pebble",
            &["-strict", "-config", &config, "-dnsserver", &server],
        ));
        let root = format!("https://{CA}:15000/roots/0");
        until_far("pebble answers", "curl", &["-sk", &root], |root| root.contains("BEGIN CERTIFICATE"))
            .await?;
        std::fs::write(self.path("root.pem"), far("curl", &["-sk", &root])?)?;
        Ok(())
    }

    /// For whoever gives certificates, who is on the same machine, they follow aliases into other zones.
    async fn serve_names(&mut self) -> Result<()> {
        for (n, address) in NS.iter().enumerate() {
            let home = self.path(&format!("ns{n}"));
            std::fs::create_dir_all(&home)?;
            let mut config = format!(
                "options {{ directory \"{0}\"; pid-file none; listen-on {{ {address}; }}; listen-on-v6 {{ none; }};\n\
                 allow-recursion {{ localhost; }}; dnssec-validation no; session-keyfile none; lock-file none;\n\
                 notify-delay 0; notify-source {address}; transfer-source {address}; }};\n\
                 controls {{ }};\nkey \"hotshare\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n",
                home.display()
            );
            for zone in ["example.org", "example.net"] {
                let file = home.join(zone);
                if n == 0 && !file.exists() {
                    let servers = format!("ns1 A {}\nns2 A {}\n", NS[0], NS[1]);
                    let alias = "_acme-challenge.van CNAME van.proof.example.net.\n";
                    let text = format!(
                        "$TTL 60\n@ SOA ns1 host 1 60 60 3600 5\n@ NS ns1\n@ NS ns2\n{servers}{}",
                        if zone == "example.org" { alias } else { "" }
                    );
                    std::fs::write(&file, text)?;
                }
                config += &match n {
                    0 => format!(
                        "zone \"{zone}\" {{ type primary; file \"{zone}\"; allow-update {{ key hotshare; }}; }};\n"
                    ),
                    _ => format!("zone \"{zone}\" {{ type secondary; primaries {{ {}; }}; }};\n", NS[0]),
                };
            }
            let path = home.join("named.conf");
            std::fs::write(&path, config)?;
            let path = path.display().to_string();
            self.names.push(spawn(self.dir.path(), "named.log", "named", &["-f", "-c", &path]));
        }
        for address in NS {
            let at = format!("@{address}");
            until_far("named answers", "dig", &[&at, "example.net", "SOA", "+short"], |told| {
                told.contains("host.example.net")
            })
            .await?;
        }
        Ok(())
    }

    fn config(&self, name: &str) -> String {
        let dir = self.dir.path().display();
        format!(
            "[web]\nname = \"{name}\"\n[web.acme]\nagree_to_terms = true\ndirectory = \"https://{CA}:14000/dir\"\n\
             contact = \"anna@example.org\"\nca = \"{dir}/ca.pem\"\ndns_server = \"{}\"\ndns_key = \"hotshare\"\n\
             dns_secret = \"{dir}/dns-secret\"\nretry_first = \"1s\"\nretry_longest = \"2s\"\n",
            NS[0]
        )
    }

    fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }
}

/// What the name servers show of the proofs.
fn proofs() -> Result<String> {
    let mut shown = String::new();
    for proof in PROOFS {
        for address in NS {
            shown += &far("dig", &[&format!("@{address}"), proof, "TXT", "+short"])?;
        }
    }
    Ok(shown)
}

async fn told(lab: &Lab) -> Result<Certificate> {
    lab.api.status().await?.certificate.context("the status tells of a certificate")
}

async fn until(
    lab: &Lab,
    what: &str,
    secs: u64,
    holds: impl Fn(&Certificate) -> bool,
) -> Result<Certificate> {
    let end = Instant::now() + Duration::from_secs(secs);
    loop {
        let certificate = told(lab).await?;
        if holds(&certificate) {
            return Ok(certificate);
        }
        ensure!(Instant::now() < end, "waited {secs} s until {what}: {certificate:?}\n{}", log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn log() -> String {
    hotshare_lab::daemon::log_tail()
}

async fn failed(lab: &Lab, why: &str) -> Result<Certificate> {
    let is_it = |certificate: &Certificate| {
        certificate.failed.as_ref().is_some_and(|failed| failed.why.contains(why))
    };
    let told = until(lab, why, 25, is_it).await?;
    println!("{}", told.failed.as_ref().map(|failed| failed.why.as_str()).unwrap_or_default());
    Ok(told)
}

/// What a phone's own client gets that trusts the CA's root: the reply, and the certificates that came with it.
fn https(far: &Far, path: &str) -> Result<(String, String)> {
    let root = far.path("root.pem").display().to_string();
    let url = format!("https://{NAME}{path}");
    let args = ["-sS", "-m", "5", "--cacert", &root, "-w", "\n%{certs}", &url];
    let output = in_space(&layout::phone_space(1), "curl", &args)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{url}: {}{text}", String::from_utf8_lossy(&output.stderr));
    let (reply, certificates) = text.split_once('\n').context("a reply, then certificates")?;
    Ok((reply.to_owned(), certificates.to_owned()))
}

async fn happened(lab: &Lab, kind: &str) -> Result<usize> {
    let events = lab.api.events().await?;
    let events = events["events"].as_array().cloned().unwrap_or_default();
    Ok(events.iter().filter(|event| event["kind"] == kind).count())
}

/// From nothing to a phone that sees it, and on to the next one, while the daemon runs on.
#[tokio::test]
async fn a_certificate_is_got_shown_and_renewed() -> Result<()> {
    let lab = net::bare(1, None).await?;
    let mut far = Far::start(21).await?;
    far.ca = None;
    let mut lab = net::ready_with(lab, &far.config(NAME), Some(1 << 30), None).await?;
    // Before the first: the hotspot is there, and nobody is sent to a door that is closed.
    let gateway = lab.phones[0].lease()?.router.context("a router")?;
    ensure!(lab.phones[0].lease()?.captive_portal.is_none() && !lab.phones[0].reaches((gateway, 443)).await?);
    failed(&lab, "cannot connect to 198.51.100.30 port 14000").await?;
    ensure!(told(&lab).await?.until.is_none() && fetch(&lab, MIB).await?);
    let eyes = net::Eyes::open(&lab).await?;
    let before = eyes.billed()?;
    far.serve_certificates().await?;
    let got = until(&lab, "there is one", 20, |certificate| certificate.until.is_some()).await?;
    println!("the first certificate cost {} bytes on the uplink", eyes.billed()? - before);
    ensure!(got.by_itself && got.name == NAME && got.failed.is_none(), "{got:?}");
    ensure!(proofs()?.is_empty(), "left behind: {}", proofs()?);
    let end = Instant::now() + Duration::from_secs(5);
    while !lab.phones[0].reaches((gateway, 443)).await? {
        ensure!(Instant::now() < end, "the door does not open: {}", log());
    }
    lab.join().await?;
    let there = lab.phones[0].lease()?.captive_portal.as_deref();
    ensure!(there == Some("https://box.example.org/captive-portal/api"), "option 114 is {there:?}");
    let (reply, first) = https(&far, "/captive-portal/api")?;
    ensure!(reply.contains("\"captive\":false") && first.contains("BEGIN CERTIFICATE"), "{reply} {first}");

    // A third of its life is left: the next one, for whoever comes then.
    until(&lab, "it is renewed", 30, |now| now.until > got.until).await?;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let (reply, second) = https(&far, "/captive-portal/api")?;
    ensure!(reply.contains("\"captive\":false") && second != first, "the old one is shown");
    ensure!(proofs()?.is_empty(), "left behind: {}", proofs()?);
    ensure!(
        happened(&lab, "certificate-failed").await? == 1 && happened(&lab, "certificate-got").await? == 1
    );
    ensure!(happened(&lab, "certificate-renewed").await? >= 1, "{}", lab.api.events().await?);
    let (_, screen) = net::verb(&lab, &["--lab", "status"]).await?;
    ensure!(screen.contains("box.example.org, certificate good until"), "{screen}");
    ensure!(
        far.log("pebble.log").contains("There are now 1 accounts in memory"),
        "{}",
        far.log("pebble.log")
    );
    lab.tear_down().await
}

/// Whatever is wrong is said, is tried again by itself, and keeps nobody from the hotspot or its limits.
#[tokio::test]
async fn what_is_wrong_is_told_and_the_hotspot_goes_on() -> Result<()> {
    let lab = net::bare(2, None).await?;
    let mut far = Far::start(3600).await?;
    let right = std::fs::read(far.path("dns-secret"))?;
    secret(far.dir.path(), "dns-secret", "b3RoZXIgc2VjcmV0");
    let lab = net::ready_with(lab, &far.config(NAME), Some(1 << 30), Some(2 * MIB)).await?;
    let wrong = failed(&lab, "BADSIG: the secret in dns_secret or dns_algorithm is not the key's").await?;
    ensure!(wrong.until.is_none(), "{wrong:?}");
    let later = until(&lab, "the next try is known", 5, |now| now.next_try.is_some()).await?;
    ensure!(later.next_try > later.failed.as_ref().map(|failed| failed.at), "{later:?}");
    // Nobody is without the hotspot for it, and limits hold.
    ensure!(fetch(&lab, MIB).await?, "the hotspot does not work");
    let (progress, phone) = (Progress::default(), &lab.phones[0]);
    let more = vec![phone.download(phone.web_port(), 4 * MIB, &progress)];
    let (done, hanging) = net::gather(more, Duration::from_secs(3)).await?;
    ensure!(hanging == 1 || done.iter().all(|transfer| !transfer.complete), "more than the allowance came");
    wait_verdict(&lab, "phone-1", Verdict::AllowanceUsed, Duration::from_secs(5)).await?;

    std::fs::write(far.path("dns-secret"), right)?;
    far.names.clear();
    failed(&lab, "the name server 198.51.100.31:53 cannot be reached").await?;
    far.ca = None;
    far.serve_names().await?;
    failed(&lab, "cannot connect to 198.51.100.30 port 14000").await?;
    ensure!(told(&lab).await?.failed.is_some_and(|failed| failed.times > 2));
    far.serve_certificates().await?;
    let got = until(&lab, "there is one", 20, |now| now.until.is_some()).await?;
    ensure!(got.failed.is_none() && proofs()?.is_empty(), "{got:?} {}", proofs()?);
    ensure!(happened(&lab, "certificate-failed").await? == 1, "{}", lab.api.events().await?);
    lab.tear_down().await
}

/// Who gives certificates may refuse, and may be a stranger.
#[tokio::test]
async fn who_refuses_is_heard_and_strangers_are_not_trusted() -> Result<()> {
    let mut lab = net::bare(1, None).await?;
    let far = Far::start(3600).await?;
    let mut start = with(&lab, &far.config(BLOCKED));
    lab.up_with(&start).await?;
    let refused = failed(&lab, "it was refused: ").await?;
    ensure!(refused.failed.is_some_and(|failed| failed.why.contains("rejectedIdentifier")));
    lab.down().await?;
    certificate(far.dir.path(), "other", "IP:192.0.2.1");
    start = with(&lab, &far.config(NAME).replace("/ca.pem", "/other.pem"));
    lab.up_with(&start).await?;
    failed(&lab, "198.51.100.30 is not trusted").await?;
    ensure!(proofs()?.is_empty(), "left behind: {}", proofs()?);
    lab.tear_down().await
}

fn with(lab: &Lab, config: &str) -> Start {
    let mut start = lab.start().clone();
    start.config.push_str(config);
    start
}

/// Killed at each step that is written down, and started again: one account, one certificate, nothing left behind. The
/// proof is in another zone than the name, by an alias.
#[tokio::test]
async fn killed_in_the_middle_it_goes_on_with_the_same_account() -> Result<()> {
    let mut lab = net::bare(1, None).await?;
    let far = Far::start(3600).await?;
    let start = with(&lab, &far.config(ELSEWHERE));
    let folder = layout::state_dir().join("acme");
    for step in ["tries.json", "account-key.pem", "account.json", "record.json", "candidate.pem"] {
        lab.up_with(&start).await?;
        let end = Instant::now() + Duration::from_secs(15);
        while !folder.join(step).exists() {
            // The last file is there for a moment only.
            if folder.join("certificate.pem").exists() {
                break;
            }
            ensure!(Instant::now() < end, "{step} does not come: {}", log());
        }
        lab.kill()?;
        println!("killed when {step} was there; servers show: {:?}", proofs()?);
    }
    std::fs::remove_file(folder.join("certificate.pem")).ok();
    // While the proof is there: held by a name server that does not answer.
    far.names[1].freeze(true);
    lab.up_with(&start).await?;
    let at = format!("@{}", NS[0]);
    let shown = |told: &str| told.starts_with('"');
    until_far("the proof is set", "dig", &[&at, PROOFS[1], "TXT", "+short"], shown).await?;
    lab.kill()?;
    far.names[1].freeze(false);
    ensure!(!proofs()?.is_empty(), "the kill came too late");
    lab.up_with(&start).await?;
    until(&lab, "there is one", 20, |now| now.until.is_some()).await?;
    ensure!(proofs()?.is_empty(), "left behind: {}", proofs()?);
    let log = far.log("pebble.log");
    ensure!(log.contains("There are now 1 accounts in memory"), "{log}");
    ensure!(!log.contains("There are now 2 accounts in memory"), "another account was made: {log}");
    for file in std::fs::read_dir(&folder)? {
        use std::os::unix::fs::PermissionsExt as _;
        let (file, mode) = (file?.path(), 0o777);
        ensure!(file.metadata()?.permissions().mode() & mode == 0o600, "{} can be read", file.display());
    }
    lab.tear_down().await
}
