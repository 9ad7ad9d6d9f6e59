//! The guest's first process: makes a machine of a kernel, starts the scenario, reports its verdict.
//!
//! The scenario is a process of its own, so whatever ends it, there is somebody left to say so.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, dup2_stderr, dup2_stdout};

use crate::artefacts;
use crate::pace;
use crate::scenario::Scenario;
use crate::shell::{LOGS, sh};

/// Where QEMU's exit device listens.
const EXIT_PORT: u64 = 0xf4;

/// Added to the result, so that a pass is not a code QEMU ends with by itself.
const OFFSET: u8 = 16;

const SHARE: &str = "/share";

/// A scenario that hangs is ended this long before the runner would end the guest, to keep what can be seen.
const RESERVE: Duration = Duration::from_secs(12);

/// Result of a scenario that was ended because it took too long.
const TOO_LONG: u8 = 3;

/// Result when the machine itself could not be made.
const NO_MACHINE: u8 = 2;

/// File systems: what, where, options.
const MOUNTS: &[(&str, &str, &str)] = &[
    ("proc", "/proc", ""),
    ("sysfs", "/sys", ""),
    ("devtmpfs", "/dev", ""),
    ("devpts", "/dev/pts", ""),
    ("tmpfs", "/dev/shm", ""),
    ("tmpfs", "/run", "mode=0755"),
    ("tmpfs", "/tmp", "mode=1777"),
    ("cgroup2", "/sys/fs/cgroup", ""),
    ("bpf", "/sys/fs/bpf", ""),
    ("debugfs", "/sys/kernel/debug", ""),
    ("tracefs", "/sys/kernel/tracing", ""),
];

/// Modules that nearly every scenario will need. The kernel would ask for them one by one as they are missed,
/// and starting the program that loads one takes longer than loading it.
const SOON: &str = "nfnetlink nf_tables nft_chain_nat nft_ct nft_masq nft_reject_inet nft_limit bridge \
    nft_meta_bridge veth ccm cmac mac80211";

/// Runs as process 1 and never returns.
pub(crate) fn run() -> ! {
    let result = match machine().and_then(|line| task(&line)) {
        Ok(result) => result,
        Err(error) => {
            println!("the guest is no machine: {error:?}");
            NO_MACHINE
        }
    };
    exit(result)
}

/// Mounts, modules, the share; returns the kernel's command line.
fn machine() -> Result<String> {
    for (kind, place, options) in MOUNTS {
        fs::create_dir_all(place).with_context(|| format!("cannot make {place}"))?;
        mount(Some(*kind), *place, Some(*kind), MsFlags::empty(), Some(*options))
            .with_context(|| format!("cannot mount {place}"))?;
    }
    // The serial line is slow to emulate; this is not.
    let console = File::options().write(true).open("/dev/hvc0").context("there is no console")?;
    dup2_stdout(&console).context("cannot print")?;
    dup2_stderr(&console).context("cannot print")?;
    for (link, to) in [("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "fd/0"), ("/dev/stdout", "fd/1")] {
        std::os::unix::fs::symlink(to, link).with_context(|| format!("cannot link {link}"))?;
    }
    fs::create_dir_all(LOGS).with_context(|| format!("cannot make {LOGS}"))?;
    fs::write("/proc/sys/kernel/hostname", "guest").context("cannot name the machine")?;
    sh(&format!("ip link set lo up; modprobe -a 9pnet_virtio 9p virtio-rng; modprobe -aq {SOON}; true"))?;
    let options = "trans=virtio,version=9p2000.L,cache=none,msize=512000";
    mount(Some("share"), SHARE, Some("9p"), MsFlags::empty(), Some(options))
        .context("cannot mount the share")?;
    fs::write(format!("{SHARE}/.hotshare-guest"), "").context("cannot write to the share")?;
    fs::read_to_string("/proc/cmdline").context("cannot read the kernel's command line")
}

/// Does what the command line asks for and returns its result.
fn task(line: &str) -> Result<u8> {
    let word = |key: &str| line.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let task = word("hotshare.task").context("the kernel's command line names no task")?;
    let (mut command, limit) = match task {
        "nothing" => return Ok(0),
        "command" => {
            let mut command = Command::new("/bin/sh");
            command.arg(Path::new(SHARE).join("command")).current_dir("/");
            command.stdin(File::open("/dev/hvc0").context("there is no console")?);
            (command, None)
        }
        "scenario" => {
            let name = word("hotshare.scenario").context("the kernel's command line names no scenario")?;
            let scenario = Scenario::find(name).with_context(|| format!("there is no scenario {name}"))?;
            let mut command = Command::new("/init");
            command.args(["scenario", name]).stdin(Stdio::null());
            (command, Some(scenario.limit.saturating_sub(RESERVE)))
        }
        _ => bail!("there is no task {task}"),
    };
    let up = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let up = up.split(' ').next().unwrap_or("?");
    let pace = pace::measured(up.parse().unwrap_or(0.0));
    println!("guest up after {up} s: what takes 10 s elsewhere may take {:.0} s here", 10.0 * pace);
    let limit = limit.map(|limit| limit.mul_f64(pace));
    command.env_clear().process_group(0).envs([
        ("PATH", "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOME", "/tmp"),
        ("LC_ALL", "C.UTF-8"),
        ("RUST_BACKTRACE", "1"),
        // An error says where it is from in words; only a panic needs more.
        ("RUST_LIB_BACKTRACE", "0"),
        ("TERM", "dumb"),
    ]);
    command.env(pace::VARIABLE, pace.to_string());
    let child = command.spawn().context("cannot start it")?;
    let child = Pid::from_raw(i32::try_from(child.id()).context("a strange process number")?);
    let result = wait(child, limit)?;
    if result != 0 && task == "scenario" || word("hotshare.keep").is_some() {
        artefacts::keep(SHARE);
    }
    Ok(result)
}

/// Waits for one process, and takes in the orphans meanwhile.
fn wait(child: Pid, limit: Option<Duration>) -> Result<u8> {
    let start = Instant::now();
    loop {
        match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => {
                return Ok(u8::try_from(code).unwrap_or(1).min(100));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => {
                println!("ended by {signal}");
                return Ok(1);
            }
            Ok(WaitStatus::StillAlive) => thread::sleep(Duration::from_millis(10)),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).context("cannot wait for the scenario"),
        }
        if limit.is_some_and(|limit| start.elapsed() > limit) {
            println!("the scenario hangs: not done after {:.0} s", start.elapsed().as_secs_f64());
            return Ok(TOO_LONG);
        }
    }
}

/// Ends QEMU with the result in its exit code.
fn exit(result: u8) -> ! {
    std::io::stdout().flush().ok();
    let write = || -> std::io::Result<()> {
        let mut port = File::options().write(true).open("/dev/port")?;
        port.seek(SeekFrom::Start(EXIT_PORT))?;
        port.write_all(&[result.saturating_add(OFFSET)])
    };
    if let Err(error) = write() {
        println!("cannot report {result}: {error}");
    }
    // Not reached with QEMU's exit device: power off, which no runner takes for a pass.
    fs::write("/proc/sysrq-trigger", "o").ok();
    loop {
        thread::sleep(Duration::from_secs(60));
    }
}
