//! All or nothing: what Hotshare does to the host is undone by a stop, by a failed start, and after a kill.
//! Needs root.

mod net;

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hotshare_api::Verdict;
use hotshare_lab::lab::Lab;
use hotshare_lab::layout;
use hotshare_lab::phone::Progress;
use net::dump::{dump, unchanged};
use net::{Eyes, MIB, person, wait_verdict};

const CONFIG: &str = "/run/hotshare-lab/hotshare.toml";

fn up_args<'a>(lan: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["--lab", "up", "--uplink", "uplink0", "--config", CONFIG];
    for port in lan {
        args.extend(["--lan", port]);
    }
    args.extend(more);
    args
}

async fn refused(lab: &Lab, args: &[&str]) -> Result<(Option<i32>, String)> {
    tokio::time::timeout(Duration::from_secs(10), net::verb(lab, args))
        .await
        .context("it did not fail but ran")?
}

/// Stop in order, `down` from elsewhere, kill and stop: the box's network is as it was, in every detail.
#[tokio::test]
async fn a_stop_gives_everything_back() -> Result<()> {
    for phones in [1, 2] {
        // With one port there is no bridge, with two there is.
        let mut lab = net::bare(phones, None).await?;
        let before = dump(&lab)?;
        lab.up().await?;
        lab.join().await?;
        ensure!(dump(&lab)? != before, "up changed nothing");
        lab.down().await?;
        unchanged(&lab, &before).await.context("after a stop in order")?;

        lab.up().await?;
        let (code, text) = net::verb(&lab, &["--lab", "down"]).await?;
        ensure!(code == Some(0), "down: {text}");
        let daemon = lab.daemon.as_mut().expect("started");
        for _ in 0..200 {
            if daemon.ended()?.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        ensure!(daemon.ended()?.is_some_and(|status| status.success()), "down did not stop the daemon");
        lab.daemon = None;
        unchanged(&lab, &before).await.context("after down")?;

        lab.up().await?;
        lab.kill()?;
        lab.up().await?;
        lab.down().await?;
        unchanged(&lab, &before).await.context("after a kill, a start and a stop")?;

        lab.up().await?;
        lab.kill()?;
        let (code, text) = refused(&lab, &up_args(&["lan1", "nosuch0"], &[])).await?;
        ensure!(code != Some(0), "started with a port that does not exist: {text}");
        unchanged(&lab, &before).await.context("after a kill and a start that failed")?;
        lab.tear_down().await?;
    }
    Ok(())
}

/// A dry run says what it would do, and does nothing.
#[tokio::test]
async fn a_check_changes_nothing() -> Result<()> {
    let lab = net::bare(2, None).await?;
    let before = dump(&lab)?;
    let files = || -> Vec<_> {
        std::fs::read_dir(layout::RUN_DIR).into_iter().flatten().flatten().map(|e| e.path()).collect()
    };
    let (had, pins) = (files(), std::path::Path::new(layout::PIN_DIR).exists());
    let (code, text) = refused(&lab, &up_args(&["lan1", "lan2"], &["--check"])).await?;
    ensure!(code == Some(0), "{code:?}: {text}");
    ensure!(text.contains("uplink0") && text.contains("lan1") && text.contains("lan2"), "{text}");
    unchanged(&lab, &before).await?;
    ensure!(files() == had, "files: {had:?} then {:?}", files());
    ensure!(pins == std::path::Path::new(layout::PIN_DIR).exists(), "maps were pinned");
    lab.tear_down().await
}

/// What is wrong is said, with what to do, and nothing is changed.
#[tokio::test]
async fn a_wrong_start_is_refused_clearly() -> Result<()> {
    let lab = net::bare(1, None).await?;
    let before = dump(&lab)?;
    let (code, text) = refused(&lab, &up_args(&["nosuch0"], &[])).await?;
    ensure!(code == Some(1) || code == Some(2), "{code:?}: {text}");
    ensure!(text.contains("nosuch0"), "{text}");
    let (code, text) = refused(&lab, &up_args(&[], &[])).await?;
    ensure!(code != Some(0) && text.contains("--lan"), "{code:?}: {text}");
    let mut args = up_args(&["lan1"], &[]);
    args[3] = "nosuch1";
    let (code, text) = refused(&lab, &args).await?;
    ensure!(code != Some(0) && text.contains("nosuch1"), "{code:?}: {text}");
    let (code, text) = refused(&lab, &up_args(&["uplink0"], &[])).await?;
    ensure!(code != Some(0) && text.contains("uplink0"), "the uplink as a LAN port: {code:?}: {text}");
    std::fs::write(CONFIG, "[lan]\nsubnet = \"100.64.0.0/24\"\n")?;
    let (code, text) = refused(&lab, &up_args(&["lan1"], &[])).await?;
    ensure!(code != Some(0) && text.contains("100.64.0.0/24"), "a subnet that is taken: {code:?}: {text}");
    std::fs::write(CONFIG, "[lan]\nsubnett = \"10.1.0.0/24\"\n")?;
    let (code, text) = refused(&lab, &up_args(&["lan1"], &[])).await?;
    ensure!(code != Some(0) && text.contains("subnett") && text.contains('2'), "no line: {code:?}: {text}");
    unchanged(&lab, &before).await?;
    lab.tear_down().await
}

/// A second daemon is refused and does not disturb the first.
#[tokio::test]
async fn a_second_daemon_is_refused() -> Result<()> {
    let lab = net::ready(1, None, None, None).await?;
    let pid = lab.api.status().await?.daemon.pid;
    let progress = Progress::default();
    let transfer = lab.phones[0].download(80, 64 * MIB, &progress);
    let (code, text) = refused(&lab, &up_args(&["lan1"], &[])).await?;
    ensure!(code == Some(1) || code == Some(2), "{code:?}: {text}");
    ensure!(text.contains(&pid.to_string()) || text.contains("already"), "{text}");
    ensure!(lab.api.status().await?.daemon.pid == pid);
    ensure!(transfer.await??.complete, "the first one was disturbed");
    lab.tear_down().await
}

/// The card is pulled out and put back: a stated state, nothing lost, and it works again by itself.
#[tokio::test]
async fn an_uplink_that_vanishes_and_returns() -> Result<()> {
    let lab = net::bare(1, None).await?;
    let carrier = lab.watch_carrier().await?;
    let lab = net::ready_with(lab, "", Some(1 << 30), None).await?;
    let first = Eyes::with_carrier(&lab, carrier).await?;
    let progress = Progress::default();
    ensure!(lab.phones[0].download(80, 4 * MIB, &progress).await??.complete);
    let (tally, status) = first.settle(&lab).await?;
    first.check_billed(&tally, &status)?;

    lab.pull_card().await?;
    let took = wait_verdict(&lab, "phone-1", Verdict::NoUplink, Duration::from_secs(5)).await?;
    println!("pulled out: said so after {took:?}");
    let counted = first.carrier.exact()?.billed();
    ensure!(!lab.phones[0].reaches((layout::WEB_ADDR, lab.phones[0].web_port())).await?);

    lab.insert_card().await?;
    let second = lab.watch_carrier().await?;
    let took = wait_verdict(&lab, "phone-1", Verdict::Open, Duration::from_secs(10)).await?;
    println!("put back: open after {took:?}");
    let again = Progress::default();
    ensure!(lab.phones[0].download(80, 4 * MIB, &again).await??.complete, "no traffic after the return");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let status = lab.api.status().await?;
    let down = first.down(0)?;
    ensure!(person(&status, "phone-1")?.down == down, "{status:?}, counted {down}");
    // The new link speaks for itself (neighbour discovery and the like, under 2 kB) before the observer or the
    // meter can be on it. Of people's traffic nothing passes until then: theirs is exact, above.
    let billed = u64::try_from(first.expected(counted + second.exact()?.billed()))?;
    ensure!(status.plan.billed.abs_diff(billed) < 2_000, "{} and {billed}", status.plan.billed);
    lab.tear_down().await
}

/// A phone's port that is unplugged and plugged in again.
#[tokio::test]
async fn a_lan_port_that_vanishes_and_returns() -> Result<()> {
    let lab = net::ready(2, None, None, None).await?;
    lab.unplug(0).await?;
    let progress = Progress::default();
    ensure!(lab.phones[1].download(80, MIB, &progress).await??.complete, "the other phone is disturbed");
    let mut lab = lab;
    lab.plug(0).await?;
    for _ in 0..50 {
        if lab.phones[0].join().await.is_ok()
            && lab.phones[0].reaches((layout::WEB_ADDR, lab.phones[0].web_port())).await?
        {
            let eyes = Eyes::open(&lab).await?;
            let before = lab.api.person("phone-1").await?;
            ensure!(lab.phones[0].download(80, MIB, &progress).await??.complete);
            let (_, status) = eyes.settle(&lab).await?;
            let after = person(&status, "phone-1")?;
            ensure!(after.down - before.down == eyes.down(0)?, "unmetered after the return: {after:?}");
            return lab.tear_down().await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("the phone is not served after its port came back")
}

/// Real clients, not only ours: ISC dhclient and busybox udhcpc get a lease, and `dig`-like names resolve.
#[tokio::test]
async fn real_dhcp_clients_get_a_lease() -> Result<()> {
    let mut lab = net::bare(2, None).await?;
    lab.up().await?;
    let folder = tempfile::tempdir()?;
    let leases = folder.path().join("leases");
    let pid = folder.path().join("pid");
    let mut dhclient = Command::new("ip")
        .args(["netns", "exec", &layout::phone_space(1), "dhclient", "-d", "-v", "-1", "-sf", "/bin/true"])
        .arg("-lf")
        .arg(&leases)
        .arg("-pf")
        .arg(&pid)
        .arg(layout::PHONE_PORT)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("run dhclient (package isc-dhcp-client)")?;
    let mut text = String::new();
    for _ in 0..100 {
        text = std::fs::read_to_string(&leases).unwrap_or_default();
        if text.contains("fixed-address") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    dhclient.kill()?;
    dhclient.wait()?;
    ensure!(
        text.contains("fixed-address") && text.contains("routers") && text.contains("domain-name-servers"),
        "{text}"
    );

    let output = tokio::task::spawn_blocking(|| {
        Command::new("ip")
            .args([
                "netns",
                "exec",
                &layout::phone_space(2),
                "udhcpc",
                "-f",
                "-n",
                "-q",
                "-t",
                "5",
                "-T",
                "1",
            ])
            .args(["-i", layout::PHONE_PORT, "-s", "/bin/true"])
            .output()
    })
    .await?
    .context("run udhcpc (package udhcpc)")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && said.contains("lease of"), "udhcpc: {said}");
    let addresses = lab.api.status().await?.devices.iter().filter(|d| d.address.is_some()).count();
    ensure!(addresses == 2, "{addresses} leases");
    lab.tear_down().await
}
