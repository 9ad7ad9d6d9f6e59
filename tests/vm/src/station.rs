//! A station: a person's device with a radio, a real supplicant and a real DHCP client, in a namespace of its own.

mod control;
mod lease;
mod network;
mod traffic;

use std::fs::File;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hotshare_lab::inside::Inside;
use nlink::netlink::namespace::Netns;
use nlink::{Connection, Route};

pub(crate) use control::{Control, field};
pub(crate) use lease::Lease;
pub(crate) use network::{Address, Key, Network};

use crate::air::Air;
use crate::measure::{tool_in, within};
use crate::shell::LOGS;

/// Where stations keep their things.
pub(crate) const RUN_DIR: &str = "/run/hotshare-stations";

/// How often a station tries to join before its scenario fails.
const ATTEMPTS: u32 = 3;

/// What a station says when it has joined, and when it is off.
pub(crate) const JOINED: &str = "CTRL-EVENT-CONNECTED";
pub(crate) const LEFT: &str = "CTRL-EVENT-DISCONNECTED";
/// And when its passphrase seems wrong.
pub(crate) const WRONG_KEY: &str = "reason=WRONG_KEY";

/// One station.
#[derive(Debug)]
pub(crate) struct Station {
    name: String,
    interface: String,
    inside: Inside,
    supplicant: Option<(Child, Control)>,
    dhcp: Option<Child>,
}

impl Station {
    /// Gives a radio to a new station.
    pub(crate) async fn with_radio(air: &Air, radio: u32, name: &str) -> Result<Station> {
        let space = Netns::create(&format!("{}{name}", hotshare_lab::layout::PREFIX))?;
        Connection::<Route>::new_in(&space)?.set_link_up("lo").await?;
        air.give(radio, &space)?;
        let inside = Inside::enter(space.label())?;
        std::fs::create_dir_all(PathBuf::from(RUN_DIR).join(name))?;
        let interface = air.interface(radio)?.to_owned();
        Ok(Station { name: name.to_owned(), interface, inside, supplicant: None, dhcp: None })
    }

    /// The box itself as a station, of its uplink's network: its radio stays where it is.
    pub(crate) fn of_box(air: &Air, radio: u32, inside: Inside) -> Result<Station> {
        let name = "box".to_owned();
        std::fs::create_dir_all(PathBuf::from(RUN_DIR).join(&name))?;
        let interface = air.interface(radio)?.to_owned();
        Ok(Station { name, interface, inside, supplicant: None, dhcp: None })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub(crate) fn interface(&self) -> &str {
        &self.interface
    }

    /// Its namespace, with a thread for more tasks.
    #[must_use]
    pub(crate) fn inside(&self) -> &Inside {
        &self.inside
    }

    fn dir(&self) -> PathBuf {
        PathBuf::from(RUN_DIR).join(&self.name)
    }

    fn log_path(&self) -> PathBuf {
        PathBuf::from(LOGS).join(format!("{}.log", self.name))
    }

    /// The supplicant's control socket.
    pub(crate) fn control(&self) -> Result<&Control> {
        let (_, control) =
            self.supplicant.as_ref().with_context(|| format!("{} has no supplicant", self.name))?;
        Ok(control)
    }

    /// The hardware address that it has now.
    pub(crate) fn mac(&self) -> Result<String> {
        let text = tool_in(self.inside.space(), "ip", &["-br", "link", "show", "dev", &self.interface])?;
        Ok(text.split_whitespace().nth(2).context("no hardware address")?.to_owned())
    }

    /// Starts the supplicant on a network, without waiting for it to join. One that ran before is ended.
    pub(crate) async fn start(&mut self, network: &Network) -> Result<()> {
        self.stop();
        let space = self.inside.space();
        if let Address::Fixed(mac) = &network.address {
            tool_in(space, "ip", &["link", "set", &self.interface, "down"])?;
            tool_in(space, "ip", &["link", "set", &self.interface, "address", mac])?;
        }
        let dir = self.dir();
        let config = dir.join("supplicant.conf");
        std::fs::write(&config, network.config(&dir))?;
        let log = File::options().create(true).append(true).open(self.log_path())?;
        let mut command = Command::new("wpa_supplicant");
        command.args(["-D", "nl80211", "-i", &self.interface, "-t", "-c"]).arg(&config);
        if !network.quiet {
            // With keys, so that scenarios can compare them: everything here is made for one test.
            command.args(["-d", "-K"]);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child =
            space.command(command)?.pdeathsig(libc::SIGKILL).spawn().context("start wpa_supplicant")?;
        let socket = dir.join(&self.interface);
        let (control, _) = within(Duration::from_secs(10), "the supplicant's control socket", || {
            let opened = Control::open(&socket);
            async move { opened.map(Some) }
        })
        .await?;
        self.supplicant = Some((child, control));
        Ok(())
    }

    /// Waits until the station has joined, and says how long that took.
    pub(crate) async fn joined(&self, patience: Duration) -> Result<Duration> {
        let event = self.control()?.wait_for(JOINED, None, patience).await;
        Ok(event.with_context(|| format!("{} does not join:\n{}", self.name, self.log_tail()))?.1)
    }

    /// Starts the supplicant, waits until it has joined, and gets an address.
    ///
    /// On a machine that has no time, hostapd answers so late that the station asks twice, and the two are out of
    /// step for ever (both of version 2.10: the second association begins the handshake anew, and the station
    /// answers under the first one's key). Then it is switched off and on, as people do.
    pub(crate) async fn join(&mut self, network: &Network) -> Result<Lease> {
        for attempt in 1..=ATTEMPTS {
            self.start(network).await?;
            let lease = match self.joined(Duration::from_secs(15)).await {
                Ok(_) => self.ask_address().await,
                Err(error) => Err(error),
            };
            match lease {
                Ok(lease) => return Ok(lease),
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(error) => println!("{} is switched off and on: {error}", self.name),
            }
        }
        bail!("{} was not to join at all", self.name)
    }

    /// Starts a DHCP client, or starts it again, and waits for the lease.
    pub(crate) async fn ask_address(&mut self) -> Result<Lease> {
        self.end_dhcp();
        let file = self.dir().join("lease");
        drop(std::fs::remove_file(&file));
        self.dhcp = Some(lease::start(self.inside.space(), &self.interface, &self.name, &self.dir())?);
        let got = within(Duration::from_secs(10), "a lease", || async { lease::read(&file) }).await;
        Ok(got.with_context(|| format!("{} gets no address", self.name))?.0)
    }

    /// Takes an address and a way out by itself, as a device does that asks nobody.
    pub(crate) fn configure(&self, address: &str, router: &str) -> Result<()> {
        let space = self.inside.space();
        tool_in(space, "ip", &["address", "replace", address, "dev", &self.interface])?;
        tool_in(space, "ip", &["route", "replace", "default", "via", router])?;
        let words = format!("{} {router} {router}", address.replace('/', " "));
        Ok(std::fs::write(self.dir().join("lease"), words)?)
    }

    /// Asks the DHCP server once more, without using the answer.
    pub(crate) async fn dhcp_answers(&self) -> Result<bool> {
        lease::answers(self.inside.space(), &self.interface, &self.dir()).await
    }

    /// The lease in use.
    pub(crate) fn lease(&self) -> Result<Lease> {
        lease::read(&self.dir().join("lease"))?.with_context(|| format!("{} has no lease", self.name))
    }

    /// The box, as the lease names it.
    pub(crate) fn gateway(&self) -> Result<Ipv4Addr> {
        Ok(self.lease()?.router)
    }

    /// Is it off the air for the whole of this time?
    pub(crate) async fn stays_off(&self, time: Duration) -> Result<()> {
        let control = self.control()?;
        let begin = Instant::now();
        while begin.elapsed() < time {
            if control.status("wpa_state").await?.as_deref() == Some("COMPLETED") {
                bail!("{} is on the air, and must not be", self.name);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Ends supplicant and DHCP client.
    pub(crate) fn stop(&mut self) {
        self.end_dhcp();
        if let Some((mut child, control)) = self.supplicant.take() {
            drop(control);
            // SIGTERM, so that it says good-bye as a device that is switched off does.
            if let Ok(pid) = i32::try_from(child.id()) {
                let pid = nix::unistd::Pid::from_raw(pid);
                nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).ok();
            }
            drop(child.wait());
        }
    }

    fn end_dhcp(&mut self) {
        if let Some(mut child) = self.dhcp.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// The last lines of the supplicant's log.
    #[must_use]
    pub(crate) fn log_tail(&self) -> String {
        let text = std::fs::read(self.log_path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// All of the supplicant's log.
    pub(crate) fn log(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(self.log_path())?).into_owned())
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        self.stop();
    }
}
