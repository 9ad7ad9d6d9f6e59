//! The box: the real daemon as a user starts it, and the real command line.

mod plain;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hotshare_api::{AirState, Key, Status, Wifi};
use hotshare_lab::api::Api;
use hotshare_lab::layout;
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use serde_json::Value;

pub(crate) use plain::{PlainAp, Setting};

use crate::pace::stretched;
use crate::shell::LOGS;

/// The program under test, where the image has it.
const HOTSHARE: &str = "/usr/bin/hotshare";
/// The daemon's run directory.
pub(crate) const RUN: &str = "/run/hotshare";
const CONFIG: &str = "/etc/hotshare/hotshare.toml";

/// What stands in the configuration file.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The network's name.
    pub(crate) ssid: String,
    /// `people`, `people-old`, `sealed`, `open`.
    pub(crate) mode: &'static str,
    /// The interface that leads to the carrier.
    pub(crate) uplink: String,
    pub(crate) band: Option<&'static str>,
    pub(crate) channel: Option<u32>,
}

impl Config {
    /// A network on channel 1 and an Internet behind a cable.
    pub(crate) fn new(mode: &'static str) -> Config {
        Config {
            ssid: "Hotshare lab".to_owned(),
            mode,
            uplink: layout::UPLINK_PORT.to_owned(),
            band: Some("2.4"),
            channel: Some(1),
        }
    }

    fn text(&self) -> String {
        let band = self.band.map(|band| format!("band = \"{band}\"\n")).unwrap_or_default();
        let channel = self.channel.map(|channel| format!("channel = {channel}\n")).unwrap_or_default();
        format!(
            "[uplink]\ninterface = \"{}\"\nresolvers = [\"{}\"]\n\n\
             [wifi]\nname = \"{}\"\nmode = \"{}\"\ncountry = \"SE\"\n{band}{channel}",
            self.uplink,
            layout::DNS_ADDR,
            self.ssid,
            self.mode
        )
    }
}

/// A running daemon. Dropped, it is killed, and what it started goes on as it would after a crash.
#[derive(Debug)]
pub(crate) struct Hotspot {
    child: Child,
    pub(crate) api: Api,
    pub(crate) config: Config,
}

/// What a run of the command line left.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    /// All that it printed, errors last: what a scenario shows when it fails.
    pub(crate) out: String,
}

impl Hotspot {
    /// Starts the daemon and waits until the network is on the air.
    pub(crate) async fn up(config: Config) -> Result<Hotspot> {
        let begin = Instant::now();
        let mut hotspot = Hotspot::start(config)?;
        hotspot.ready(Duration::from_secs(30)).await?;
        println!("hotshare up: on the air after {} ms", begin.elapsed().as_millis());
        Ok(hotspot)
    }

    /// Starts the daemon without waiting for it.
    pub(crate) fn start(config: Config) -> Result<Hotspot> {
        std::fs::create_dir_all("/etc/hotshare")?;
        std::fs::write(CONFIG, config.text())?;
        let log = File::options().create(true).append(true).open(log_path())?;
        let child = Command::new(HOTSHARE)
            .args(["up", "--config", CONFIG])
            .env("RUST_LOG", "info,hotshare=debug,hotshare_linux=debug,hotshare_core=debug")
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("start hotshare")?;
        Ok(Hotspot { child, api: Api::at(PathBuf::from(RUN).join("api.sock")), config })
    }

    /// Waits until the daemon answers and the access point is on.
    pub(crate) async fn ready(&mut self, patience: Duration) -> Result<()> {
        let end = Instant::now() + stretched(patience);
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the daemon ended at once ({status}):\n{}", log_tail());
            }
            let answer = self.api.status().await;
            let mine = answer.as_ref().is_ok_and(|status| status.daemon.pid == self.child.id());
            if mine && self.on_the_air().await? {
                return Ok(());
            }
            if Instant::now() > end {
                let why = answer.err().map_or_else(String::new, |error| format!("{error:#}"));
                bail!("no network after {patience:?} {why}:\n{}", log_tail());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Does the daemon say that its access point is on?
    pub(crate) async fn on_the_air(&self) -> Result<bool> {
        Ok(self.api.wifi().await.is_ok_and(|wifi| wifi.state == AirState::On))
    }

    /// What the daemon says of its network.
    pub(crate) async fn wifi(&self) -> Result<Wifi> {
        self.api.wifi().await
    }

    pub(crate) async fn status(&self) -> Result<Status> {
        self.api.status().await
    }

    /// One person of the status.
    pub(crate) async fn person(&self, name: &str) -> Result<hotshare_api::Person> {
        self.api.person(name).await
    }

    /// Runs the command line, to its end.
    pub(crate) async fn say(&self, words: &[&str]) -> Result<Said> {
        say(words).await
    }

    /// Runs the command line, which must succeed, and reads what it printed.
    pub(crate) async fn json(&self, words: &[&str]) -> Result<Value> {
        let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        let said = say(&words).await?;
        ensure!(said.code == Some(0), "hotshare {}: {said:?}", words.join(" "));
        serde_json::from_str(&said.out).with_context(|| format!("hotshare {}: {said:?}", words.join(" ")))
    }

    /// A new person, invited on the command line: what an owner does.
    pub(crate) async fn invite(&self, name: &str, allowance: Option<u64>) -> Result<Key> {
        self.api.add_person(name, allowance).await?;
        let told = self.json(&["people", "invite", name]).await?;
        serde_json::from_value(told.clone()).with_context(|| format!("an invitation: {told}"))
    }

    /// Ends it at once, as a crash would. What it had set up is still there.
    pub(crate) fn kill(mut self) -> Result<Config> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(self.config.clone())
    }

    /// Stops it in order, and says how it ended.
    pub(crate) async fn down(mut self) -> Result<ExitStatus> {
        signal::kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGTERM)?;
        let end = Instant::now() + stretched(Duration::from_secs(15));
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(Instant::now() < end, "the daemon does not stop:\n{}", log_tail());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Hotspot {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn say(words: &[&str]) -> Result<Said> {
    let mut command = Command::new(HOTSHARE);
    command.args(words).stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    Ok(Said {
        code: output.status.code(),
        out: format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
    })
}

/// The process number that hostapd left.
pub(crate) fn hostapd_pid() -> Result<i32> {
    let path = Path::new(RUN).join("hostapd.pid");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    Ok(text.trim().parse()?)
}

/// Sends hostapd a signal.
pub(crate) fn signal_hostapd(signal: Signal) -> Result<()> {
    Ok(signal::kill(Pid::from_raw(hostapd_pid()?), signal)?)
}

fn log_path() -> PathBuf {
    Path::new(LOGS).join("daemon.log")
}

/// The last lines that the daemon printed.
pub(crate) fn log_tail() -> String {
    let text = std::fs::read_to_string(log_path()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
