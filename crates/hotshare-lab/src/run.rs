//! `hotshare lab`: plays the story, or holds a laboratory open, and leaves nothing behind.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::doors::Doors;
use crate::lab::Lab;
use crate::lock::Lock;
use crate::screen::{self, Screen};
use crate::world::{self, Rate};
use crate::{layout, story};

/// The plan and the allowance of a laboratory that is held open, unless told otherwise.
const HOLD_PLAN: u64 = 2_000_000_000;
const HOLD_ALLOWANCE: u64 = 500_000_000;

/// What `hotshare lab` was asked for. `None`: the default of the story, or of holding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabOptions {
    /// How many phones, each of its own person.
    pub phones: u8,
    /// The plan's cap, in bytes.
    pub plan: Option<u64>,
    /// What each person may use in all, in bytes.
    pub allowance: Option<u64>,
    /// The speed of the link to the carrier each way, in bits per second.
    pub rate: Option<u64>,
    /// Set everything up, play nothing, and wait for Ctrl-C.
    pub hold: bool,
}

impl Default for LabOptions {
    fn default() -> LabOptions {
        LabOptions { phones: 3, plan: None, allowance: None, rate: None, hold: false }
    }
}

/// Runs a laboratory to its end, or until Ctrl-C or SIGTERM. Whatever happens, everything is removed.
pub async fn run(options: LabOptions) -> Result<()> {
    need_root()?;
    if options.phones == 0 || options.phones > layout::MAX_PHONES {
        bail!(
            "a laboratory has 1 to {} phones, not {}: choose another --phones",
            layout::MAX_PHONES,
            options.phones
        );
    }
    let mut stop = Stop::new()?;
    let lock = Arc::new(Lock::take()?);
    let mounted = world::has_bpf_mount();
    let screen = Screen::new();
    let played = tokio::select! {
        played = session(&screen, Arc::clone(&lock), &options) => played,
        () = stop.asked() => {
            screen.line("stopping");
            Ok(())
        }
    };
    let removed = world::remove();
    if !mounted {
        world::drop_bpf_mount();
    }
    drop(lock);
    played.and(removed)
}

/// Removes what a laboratory left; one that still runs is asked to end first.
pub async fn clean() -> Result<()> {
    need_root()?;
    let lock = Lock::take_over().await?;
    let removed = world::remove();
    drop(lock);
    removed
}

fn need_root() -> Result<()> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    bail!("the laboratory makes network namespaces, and only root may: run it with sudo")
}

async fn session(screen: &Screen, lock: Arc<Lock>, options: &LabOptions) -> Result<()> {
    // The very binary that runs, even if the file has been replaced since.
    let binary = PathBuf::from("/proc/self/exe");
    if options.hold {
        let lab = Lab::build(lock, binary, options.phones, options.rate.map(Rate)).await?;
        hold(screen, lab, options).await
    } else {
        let rate = Rate(options.rate.unwrap_or(story::RATE));
        let lab = Lab::build(lock, binary, options.phones, Some(rate)).await?;
        story::play(screen, lab, options, rate).await
    }
}

/// Everybody is there and nothing happens, until the caller is stopped. The daemon is kept running as
/// systemd would keep it: started again when it fails, left alone when it was told to stop.
async fn hold(screen: &Screen, mut lab: Lab, options: &LabOptions) -> Result<()> {
    let plan = options.plan.unwrap_or(HOLD_PLAN);
    let allowance = options.allowance.unwrap_or(HOLD_ALLOWANCE);
    lab.up().await?;
    lab.api.set_cap(Some(plan)).await?;
    lab.people(Some(allowance)).await?;
    lab.join().await?;
    screen.line(&format!(
        "plan {} B; phone-1 to phone-{} with {} B each",
        screen::grouped(plan),
        options.phones,
        screen::grouped(allowance)
    ));
    screen.line(&format!(
        "try:  ip netns exec {} curl http://198.51.100.10/bytes/1000000 -o /dev/null",
        layout::phone_space(1)
    ));
    screen.line("      hotshare --lab status");
    let doors = doors(screen, &lab).await;
    if let Err(error) = &doors {
        screen.line(&format!("the pages cannot be seen from here: {error:#}"));
    }
    screen.line("Ctrl-C ends it and removes everything.");
    screen.line("ready");
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let Some(daemon) = &mut lab.daemon else { continue };
        match daemon.ended()? {
            None => {}
            Some(status) if status.success() => {
                screen.line("the daemon was told to stop; the namespaces stay");
                lab.daemon = None;
            }
            Some(status) => {
                screen.line(&format!("the daemon ended ({status}); starting it again"));
                lab.up().await?;
            }
        }
    }
}

/// Opens the pages to browsers on the host, and says where they are.
pub(crate) async fn doors(screen: &Screen, lab: &Lab) -> Result<Doors> {
    let phone = lab.phones.first().context("there is no phone")?;
    let gateway = phone.lease()?.router.context("the lease names no router")?;
    let doors = Doors::open(&lab.hotspot, phone.inside(), gateway).await?;
    let link = lab.api.link().await?;
    let link = link.context("the dashboard has no door")?;
    screen.line(&format!("look: http://127.0.0.1:{}/ is what phone-1 sees of its data", doors.my_data));
    screen.line("      the dashboard, once, and for an hour:");
    screen.line(&format!("      {}", doors.on_the_host(&link)));
    Ok(doors)
}

/// Ctrl-C, and what a service manager sends.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Stop {
    fn new() -> Result<Stop> {
        Ok(Stop {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
