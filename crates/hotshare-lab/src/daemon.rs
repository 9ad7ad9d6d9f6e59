//! The daemon under test, as a child process inside the box's namespace.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use nlink::netlink::namespace::Netns;

use crate::api::Api;
use crate::layout;

/// How the daemon is started.
#[derive(Clone, Debug)]
pub struct Start {
    /// The `hotshare` binary.
    pub binary: PathBuf,
    /// The box's ports that phones are on.
    pub lan: Vec<String>,
    /// The box's interface that leads to the carrier.
    pub uplink: String,
    /// The whole configuration file.
    pub config: String,
    /// The system's message bus, in place of the machine's own; as D-Bus writes addresses.
    pub bus: Option<String>,
}

impl Start {
    /// The laboratory's usual configuration.
    #[must_use]
    pub fn usual(binary: PathBuf, phones: u8) -> Start {
        let config = format!("[uplink]\nresolvers = [\"{}\"]\n", layout::DNS_ADDR);
        Start {
            binary,
            lan: (1..=phones).map(layout::lan_port).collect(),
            uplink: layout::UPLINK_PORT.to_owned(),
            config,
            bus: None,
        }
    }

    /// The command line, in the box's namespace and ended when this thread ends.
    pub fn command(&self, verb: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--lab").args(verb).args(["--uplink", &self.uplink]);
        for port in &self.lan {
            command.args(["--lan", port]);
        }
        command.arg("--config").arg(layout::config_path());
        if let Some(bus) = &self.bus {
            command.env("DBUS_SYSTEM_BUS_ADDRESS", bus);
        }
        command
    }

    /// Writes the configuration where [`Start::command`] says that it is.
    pub fn write_config(&self) -> Result<()> {
        let path = layout::config_path();
        std::fs::create_dir_all(layout::RUN_DIR).with_context(|| format!("make {}", layout::RUN_DIR))?;
        std::fs::write(&path, &self.config).with_context(|| format!("write {}", path.display()))
    }
}

/// A daemon that runs. Dropped, it is killed.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
}

impl Daemon {
    /// Starts it in the namespace, without waiting. Its words go to [`layout::daemon_log`].
    ///
    /// It gets SIGKILL when the calling *thread* ends (`PR_SET_PDEATHSIG`): call from one that lasts.
    pub fn spawn(start: &Start, hotspot: &Netns) -> Result<Daemon> {
        start.write_config()?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(layout::daemon_log())
            .context("open the daemon's log")?;
        let mut command = start.command(&["up"]);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C at the terminal is for the laboratory, which then stops its daemon in order.
            .process_group(0);
        let child = hotspot
            .command(command)?
            .pdeathsig(libc::SIGKILL)
            .spawn()
            .with_context(|| format!("start {}", start.binary.display()))?;
        Ok(Daemon { child })
    }

    /// Waits until it answers at its control socket.
    pub async fn ready(&mut self, api: &Api, patience: Duration) -> Result<()> {
        let end = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the daemon ended at once ({status}):\n{}", log_tail());
            }
            match api.status().await {
                // A socket of an earlier daemon may still be there, with nobody behind it.
                Ok(status) if status.daemon.pid == self.pid() => return Ok(()),
                Ok(_) => {}
                Err(error) if Instant::now() > end => {
                    return Err(error.context(format!("the daemon does not answer:\n{}", log_tail())));
                }
                Err(_) => {}
            }
            if Instant::now() > end {
                bail!("another daemon answers in place of the one that was started");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        signal::kill(Pid::from_raw(i32::try_from(self.pid())?), signal)
            .with_context(|| format!("send {signal} to the daemon"))
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Has it ended by itself, and how?
    pub fn ended(&mut self) -> Result<Option<std::process::ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Asks it to stop and waits; kills it if it does not.
    pub async fn stop(mut self) -> Result<()> {
        self.signal(Signal::SIGTERM)?;
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("the daemon stopped with {status}:\n{}", log_tail()),
                None if Instant::now() > end => {
                    self.child.kill()?;
                    self.child.wait()?;
                    bail!("the daemon did not stop within 10 seconds and was killed:\n{}", log_tail());
                }
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Already ended and waited for: then there is nothing to kill, and that is the aim.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The last lines that the daemon printed.
#[must_use]
pub fn log_tail() -> String {
    const LINES: usize = 25;
    tail_of(&layout::daemon_log(), LINES)
}

fn tail_of(path: &Path, lines: usize) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
