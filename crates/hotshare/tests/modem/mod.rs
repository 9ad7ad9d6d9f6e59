//! A real `ModemManager` in the laboratory's box, on a message bus of its own. Its modem has the uplink's interface and a
//! serial port; what answers there is [`firmware`], for there is no modem in a laboratory.
//!
//! `ModemManager` looks for ports in `/sys` and `/dev`. It runs in a mount namespace of its own, where `/sys` shows the box's
//! interfaces, and one serial port.

#![allow(unreachable_pub, reason = "it is a part of a test program")]

pub mod firmware;

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use firmware::{Firmware, Inserted};
use hotshare_lab::lab::Lab;
use hotshare_lab::layout;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use nlink::netlink::namespace::Netns;

const PATIENCE: Duration = Duration::from_secs(60);

/// One program, ended when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What the thread of the programs is told. It has to last as long as they do.
enum Order {
    Start,
    Kill,
}

/// The bus, `ModemManager` and its modem.
pub struct Modem {
    pub firmware: Firmware,
    orders: Option<mpsc::Sender<Order>>,
    done: mpsc::Receiver<Result<()>>,
    thread: Option<JoinHandle<()>>,
    dir: tempfile::TempDir,
}

impl Modem {
    /// Starts the bus and the modem in the laboratory's box, and not yet `ModemManager`. Drop it before the laboratory.
    pub fn new(_in: &Lab, inserted: Inserted) -> Result<Modem> {
        let dir = tempfile::tempdir()?;
        let firmware = Firmware::start(inserted)?;
        let (orders, told) = mpsc::channel();
        let (tell, done) = mpsc::channel();
        let place = Place { dir: dir.path().to_owned(), port: firmware.path.clone() };
        let thread = std::thread::Builder::new().name("programs".into()).spawn(move || {
            let bus = place.prepare();
            let failed = bus.is_err();
            let mut bus = bus.map(Some);
            drop(tell.send(bus.as_mut().map(|_| ()).map_err(|error| anyhow::anyhow!("{error:#}"))));
            let mut manager = None;
            while let Ok(order) = told.recv() {
                let answer = match order {
                    Order::Kill => {
                        drop(manager.take());
                        Ok(())
                    }
                    Order::Start => place.manager().map(|running| manager = Some(running)),
                };
                if failed || tell.send(answer).is_err() {
                    break;
                }
            }
        })?;
        let modem = Modem { firmware, orders: Some(orders), done, thread: Some(thread), dir };
        modem.done.recv()??;
        Ok(modem)
    }

    /// The bus's address, as D-Bus writes it.
    #[must_use]
    pub fn bus(&self) -> String {
        address(self.dir.path())
    }

    /// Starts `ModemManager`, waits until it has found the modem, and switches that on, as `NetworkManager` would.
    pub async fn start(&self) -> Result<()> {
        self.order(Order::Start)?;
        self.switch(true).await
    }

    /// `kill -9` of `ModemManager`.
    pub fn kill(&self) -> Result<()> {
        self.order(Order::Kill)
    }

    /// Switches the modem off and on, by which `ModemManager` sees that another SIM is in it; waits until that is read.
    pub async fn notice_sim(&self) -> Result<()> {
        self.switch(false).await?;
        self.switch(true).await
    }

    fn order(&self, order: Order) -> Result<()> {
        self.orders.as_ref().context("no thread")?.send(order)?;
        self.done.recv()?
    }

    /// Waits for a modem, and switches it on or off.
    pub async fn switch(&self, on: bool) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        let bus = zbus::connection::Builder::address(self.bus().as_str()).build().await?;
        loop {
            match switch(&bus, on).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
                    let tail: Vec<&str> = log.lines().rev().take(30).collect();
                    let tail: Vec<&str> = tail.into_iter().rev().collect();
                    ensure!(Instant::now() < end, "{error:#}; ModemManager says:\n{}", tail.join("\n"));
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Modem {
    fn drop(&mut self) {
        // The thread ends both programs.
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn switch(bus: &zbus::Connection, on: bool) -> Result<()> {
    let manager = zbus::fdo::ObjectManagerProxy::builder(bus)
        .destination("org.freedesktop.ModemManager1")
        .path("/org/freedesktop/ModemManager1")
        .build()
        .await?;
    let modems = manager.get_managed_objects().await?;
    let path = modems.keys().next().context("it has found no modem")?;
    let name = "org.freedesktop.ModemManager1";
    let modem = "org.freedesktop.ModemManager1.Modem";
    bus.call_method(Some(name), path, Some(modem), "Enable", &on).await?;
    Ok(())
}

fn address(dir: &Path) -> String {
    format!("unix:path={}", dir.join("bus").display())
}

/// Where the programs run.
struct Place {
    dir: PathBuf,
    port: PathBuf,
}

impl Place {
    /// This thread sees the box's interfaces and one serial port from here on, and what it starts does too. The bus runs.
    fn prepare(&self) -> Result<Running> {
        let space = Netns::open(layout::BOX)?;
        setns(&space, CloneFlags::CLONE_NEWNET)?;
        unshare(CloneFlags::CLONE_NEWNS)?;
        let nothing = None::<&str>;
        mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing)?;
        mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), nothing)
            .context("show the box's /sys")?;
        mount(Some("tmpfs"), "/sys/class/tty", Some("tmpfs"), MsFlags::empty(), nothing)?;
        let port = Path::new("/sys/class/tty").join(self.port.strip_prefix("/dev")?);
        std::fs::create_dir_all(&port)?;
        std::os::unix::fs::symlink("/sys/class/tty", port.join("subsystem"))?;

        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--address", &address(&self.dir)]);
        command.stderr(Stdio::null());
        let bus = Running(spawn(command)?);
        let end = Instant::now() + PATIENCE;
        while UnixStream::connect(self.dir.join("bus")).is_err() {
            ensure!(Instant::now() < end, "no bus");
            std::thread::yield_now();
        }
        Ok(bus)
    }

    fn manager(&self) -> Result<Running> {
        let port = self.port.strip_prefix("/dev")?.display().to_string();
        let events = self.dir.join("ports");
        let device = "uid=/laboratory";
        let port = format!("action=add,subsystem=tty,name={port},{device}\n");
        let net = format!("action=add,subsystem=net,name={},{device}\n", layout::UPLINK_PORT);
        std::fs::write(&events, port + &net)?;
        let log = std::fs::File::options().create(true).append(true).open(self.dir.join("log"))?;
        let mut command = Command::new("ModemManager");
        command
            .args(["--test-session", "--test-no-udev", "--test-no-qrtr", "--test-no-suspend-resume"])
            .arg("--no-auto-scan")
            .arg(format!("--initial-kernel-events={}", events.display()))
            .arg("--debug")
            .env("DBUS_SESSION_BUS_ADDRESS", address(&self.dir))
            .env("DBUS_SYSTEM_BUS_ADDRESS", address(&self.dir))
            // The laboratory's interfaces belong to no device of the machine.
            .env("MM_FILTER_RULE_VIRTUAL", "0")
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(Running(spawn(command)?))
    }
}

/// Ended with the thread, too.
fn spawn(command: Command) -> Result<Child> {
    let space = Netns::open(layout::BOX)?;
    Ok(space.command(command)?.pdeathsig(nix::libc::SIGKILL).spawn()?)
}
