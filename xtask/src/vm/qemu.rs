//! One virtual machine, from its start to its verdict.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::unistd::geteuid;

/// What QEMU ends with when the agent reports success. Nothing else is one: a guest that panics or powers off
/// ends with 0.
const PASSED: i32 = 33;

/// What the agent reports of a miscount (`RESULT` in its `miscount.rs`)…
pub(super) const MISCOUNT: i32 = 4;
/// …and what QEMU ends with then.
const MISCOUNTED: i32 = PASSED + 2 * MISCOUNT;

const PROGRAM: &str = "qemu-system-x86_64";

/// Quick to start: without guards against other guests' spying, without tests of ciphers.
const KERNEL_OPTIONS: &str = "console=ttyS0 quiet panic=-1 mitigations=off audit=0 cryptomgr.notests=1";

/// By then a guest that was started is a session of its own.
const SOON: Duration = Duration::from_millis(500);

/// A guest that does nothing but start is up within seconds.
const TRIAL: Duration = Duration::from_secs(20);

/// How the guest's processors are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accelerator {
    /// By the machine's own virtualisation.
    Kvm,
    /// In software; a plain model of processor is the quickest there.
    Tcg,
}

/// What a guest is to do and with what.
#[derive(Debug)]
pub(super) struct Guest<'a> {
    pub(super) kernel: &'a Path,
    pub(super) initrd: PathBuf,
    /// Shared with the guest; logs go here as well.
    pub(super) folder: &'a Path,
    /// For the agent, on the kernel's command line.
    pub(super) task: String,
    /// `None` lets it run until it ends.
    pub(super) limit: Option<Duration>,
    /// Show what the guest prints, and hand on what is typed.
    pub(super) is_shown: bool,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    /// Why.
    Failed(String),
    /// Bytes were booked wrongly, or passed and should not have: not to be tried again.
    Miscounted,
}

/// Boots the guest and waits for its verdict.
pub(super) fn run(guest: &Guest<'_>, accelerator: Accelerator) -> Result<(Verdict, Duration)> {
    fs::create_dir_all(guest.folder).with_context(|| format!("cannot make {}", guest.folder.display()))?;
    let start = Instant::now();
    let mut child =
        Running(command(guest, accelerator)?.spawn().with_context(|| format!("cannot start {PROGRAM}"))?);
    let mut is_urgent = guest.is_shown;
    let status = loop {
        if let Some(status) = child.0.try_wait().context("cannot wait for QEMU")? {
            break Some(status);
        }
        if guest.limit.is_some_and(|limit| start.elapsed() > limit) {
            break None;
        }
        if !is_urgent && start.elapsed() > SOON {
            before_others(child.0.id());
            is_urgent = true;
        }
        #[allow(clippy::disallowed_methods, reason = "there is no runtime here, only this thread")]
        thread::sleep(Duration::from_millis(20));
    };
    drop(child);
    let verdict = match (status, guest.limit) {
        (Some(status), _) if status.code() == Some(PASSED) => Verdict::Passed,
        (Some(status), _) if status.code() == Some(MISCOUNTED) => Verdict::Miscounted,
        (Some(status), _) => Verdict::Failed(reason(status.code())),
        (None, limit) => {
            Verdict::Failed(format!("no verdict within {} s", limit.unwrap_or_default().as_secs()))
        }
    };
    Ok((verdict, start.elapsed()))
}

/// Kernels with automatic groups give each session the same share of the processors, however urgent what is in it:
/// the guest, which is a session of its own, gets a larger one. Without such groups, or without root, nothing is to
/// be done.
fn before_others(pid: u32) {
    fs::write(format!("/proc/{pid}/autogroup"), "-10").ok();
}

/// QEMU ends with twice what the guest wrote, plus one; the agent writes its own result plus 16.
fn reason(code: Option<i32>) -> String {
    match code {
        Some(0) => "the guest stopped or panicked without a verdict".to_owned(),
        Some(code) if code > PASSED && code % 2 == 1 => format!("the guest reports {}", (code - PASSED) / 2),
        Some(code) => format!("QEMU ended with {code}"),
        None => "QEMU was killed".to_owned(),
    }
}

/// A machine that does not outlive its runner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn command(guest: &Guest<'_>, accelerator: Accelerator) -> Result<Command> {
    let folder = guest.folder.display();
    // Should the runner be killed, its guests end with it.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if geteuid().is_root() {
        // Scenarios have deadlines; what else runs here seldom has. Where the kernel shares processors by session,
        // that counts within a session only: see `before_others`.
        if !guest.is_shown {
            command.arg("setsid");
        }
        command.args(["nice", "-n", "-10"]);
    }
    command.arg(PROGRAM);
    command.args(match accelerator {
        Accelerator::Kvm => ["-accel", "kvm", "-cpu", "host"],
        Accelerator::Tcg => ["-accel", "tcg,thread=multi", "-cpu", "qemu64"],
    });
    command.args([
        "-smp",
        "2",
        "-m",
        "1024",
        "-nodefaults",
        "-display",
        "none",
        "-no-reboot",
        "-net",
        "none",
    ]);
    command.arg("-kernel").arg(guest.kernel).arg("-initrd").arg(&guest.initrd);
    let append = format!("{KERNEL_OPTIONS} {}", guest.task);
    command.args(["-append", &append, "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]);
    command.arg("-chardev").arg(format!("file,id=kernel,path={folder}/kernel.log"));
    command.args(["-serial", "chardev:kernel"]);
    // What the agent prints goes through a device of its own: a serial line is slow to emulate.
    let console = format!("{folder}/console.log");
    command.arg("-chardev").arg(if guest.is_shown {
        format!("stdio,id=agent,signal=on,logfile={console}")
    } else {
        format!("file,id=agent,path={console}")
    });
    command.args(["-device", "virtio-serial-pci", "-device", "virtconsole,chardev=agent"]);
    command.arg("-fsdev").arg(format!("local,id=share,path={folder},security_model=none"));
    command.args(["-device", "virtio-9p-pci,fsdev=share,mount_tag=share", "-device", "virtio-rng-pci"]);
    let messages = format!("{folder}/qemu.log");
    command.stderr(File::create(&messages).with_context(|| format!("cannot make {messages}"))?);
    if !guest.is_shown {
        command.stdin(Stdio::null()).stdout(Stdio::null());
    }
    Ok(command)
}

/// The accelerator that works here. There may be a device for KVM that starts no guest: so one is started.
pub(super) fn accelerator(kernel: &Path, initrd: PathBuf, folder: &Path) -> Result<Accelerator> {
    if File::options().read(true).write(true).open("/dev/kvm").is_err() {
        return Ok(Accelerator::Tcg);
    }
    let guest = Guest {
        kernel,
        initrd,
        folder,
        task: "hotshare.task=nothing".to_owned(),
        limit: Some(TRIAL),
        is_shown: false,
    };
    let (verdict, _) = run(&guest, Accelerator::Kvm)?;
    Ok(if verdict == Verdict::Passed { Accelerator::Kvm } else { Accelerator::Tcg })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_agreed_code_passes() {
        assert_eq!(reason(Some(35)), "the guest reports 1");
        assert_eq!(reason(Some(47)), "the guest reports 7");
        assert_eq!(reason(Some(0)), "the guest stopped or panicked without a verdict");
        assert_eq!(reason(Some(1)), "QEMU ended with 1");
    }
}
