//! The hostapd process: found, started, taken over from an earlier run, and ended.
//!
//! It is not to die with us: a daemon that was killed and comes back takes it over, and stations stay on. So its
//! output goes to a pipe that never makes it wait, and whose end does not kill it.

use std::fs;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::fcntl::OFlag;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::files;

/// Where distributions put it, in case PATH does not name system folders.
const FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];
/// How long it may take to say goodbye to stations and go.
const GOODBYE: Duration = Duration::from_secs(2);
/// How long the kernel may take to end it.
const DEATH: Duration = Duration::from_secs(3);
/// So many lines of its output are kept to explain its end.
const REMEMBERED: usize = 6;

/// Why there is no hostapd.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error(
        "hostapd, which makes a Wi-Fi card an access point, is not installed: install the package “hostapd” (it is \
         called so in Debian, Ubuntu, Fedora, Arch and openSUSE)"
    )]
    Missing,
    #[error("{} cannot be started", path.display())]
    Start { path: PathBuf, source: io::Error },
    #[error("the process file {} cannot be written", path.display())]
    PidFile { path: PathBuf, source: io::Error },
    #[error(
        "hostapd, process {0}, does not end although it was killed; its card may be stuck: see the kernel's log"
    )]
    Immortal(u32),
}

/// The program, by PATH and the folders of system programs.
pub(super) fn find() -> Result<PathBuf, ProcessError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(FOLDERS.iter().map(PathBuf::from));
    let mut places = folders.filter(|folder| folder.is_absolute()).map(|folder| folder.join("hostapd"));
    places.find(|place| is_program(place)).ok_or(ProcessError::Missing)
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// A running hostapd.
#[derive(Debug)]
pub(super) struct Process {
    pid: u32,
    whose: Whose,
    output: Option<Output>,
}

#[derive(Debug)]
enum Whose {
    /// Started by this run.
    Ours(Child),
    /// Started by an earlier one. The descriptor means this process for ever, whoever gets its number later.
    Earlier(AsyncFd<OwnedFd>),
}

impl Process {
    /// Starts it in the foreground with this configuration file. Never with `-d` or `-K`: those print keys.
    pub(super) fn start(program: &Path, config: &Path) -> Result<Process, ProcessError> {
        let failed = |source| ProcessError::Start { path: program.to_owned(), source };
        let (read, write) =
            nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).map_err(|error| failed(error.into()))?;
        let errors = write.try_clone().map_err(failed)?;
        let mut command = Command::new(program);
        command.arg(config).stdin(Stdio::null()).stdout(Stdio::from(write)).stderr(Stdio::from(errors));
        // What the owner types on our terminal (Ctrl-C) is for us; we end it in good order.
        command.process_group(0).kill_on_drop(false);
        broken_pipe::is_ignored_by(&mut command);
        let child = command.spawn().map_err(failed)?;
        let output = Output::new(read).map_err(failed)?;
        Ok(Process { pid: child.id().unwrap_or_default(), whose: Whose::Ours(child), output: Some(output) })
    }

    /// The process that an earlier run started with this configuration file, if it still runs.
    pub(super) fn earlier(pid_file: &Path, config: &Path) -> Option<Process> {
        let pid: u32 = fs::read_to_string(pid_file).ok()?.trim().parse().ok()?;
        // First the descriptor, then the question who it is: so the answer is about the descriptor's process.
        let handle = pidfd::open(pid).ok()?;
        if !is_hostapd(pid, config) {
            tracing::debug!(pid, "the process of an earlier run is gone, and its number belongs to another");
            return None;
        }
        let handle = pidfd::watched(handle).ok()?;
        Some(Process { pid, whose: Whose::Earlier(handle), output: None })
    }

    /// Leaves its number for a later run.
    pub(super) fn write_pid(&self, pid_file: &Path) -> Result<(), ProcessError> {
        files::put(pid_file, &format!("{}\n", self.pid))
            .map_err(|source| ProcessError::PidFile { path: pid_file.to_owned(), source })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for its end. May be dropped and asked again.
    pub(super) async fn ended(&mut self) {
        match &mut self.whose {
            Whose::Ours(child) => match child.wait().await {
                Ok(status) => tracing::debug!(%status, "hostapd ended"),
                Err(error) => tracing::warn!(%error, "hostapd cannot be waited for"),
            },
            Whose::Earlier(handle) => {
                // A process descriptor becomes readable when its process ends.
                if let Err(error) = handle.readable().await {
                    tracing::warn!(%error, "hostapd cannot be waited for");
                }
            }
        }
    }

    /// The next line of its output; `None` at its end. May be dropped and asked again.
    pub(super) async fn line_or_end(&mut self) -> Option<String> {
        // The end of the pipe comes with the end of the process.
        match &mut self.output {
            Some(output) if !output.is_over => {
                if let Some(line) = output.next().await {
                    return Some(line);
                }
            }
            Some(_) | None => {}
        }
        self.ended().await;
        None
    }

    /// What it said last, to explain its end.
    pub(super) async fn last_words(&mut self) -> String {
        let Some(output) = &mut self.output else { return String::new() };
        // All of it is in the pipe once the process is gone.
        while let Ok(Some(_)) = timeout(Duration::from_millis(50), output.next()).await {}
        output.telling()
    }

    /// Waits for an end that was asked for on the control socket; if none comes, kills.
    pub(super) async fn end(mut self, was_asked: bool) -> Result<(), ProcessError> {
        if was_asked && timeout(GOODBYE, self.ended()).await.is_ok() {
            return Ok(());
        }
        let killed = match &mut self.whose {
            Whose::Ours(child) => child.start_kill(),
            Whose::Earlier(handle) => pidfd::kill(handle.get_ref().as_fd()),
        };
        if let Err(error) = killed {
            tracing::debug!(%error, pid = self.pid, "hostapd was gone when it was to be killed");
        }
        timeout(DEATH, self.ended()).await.map_err(|_| ProcessError::Immortal(self.pid))
    }
}

/// It really is hostapd, with our configuration.
fn is_hostapd(pid: u32, config: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let is_program = fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| {
        // The kernel adds “ (deleted)” after an upgrade.
        exe.file_name()
            .is_some_and(|name| name.as_bytes().split(|byte| *byte == b' ').next() == Some(b"hostapd"))
    });
    let has_config = fs::read(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|words| words.split(|byte| *byte == 0).any(|word| word == config.as_os_str().as_bytes()));
    is_program && has_config
}

/// Its standard output and standard error, line by line.
#[derive(Debug)]
struct Output {
    lines: Lines<BufReader<pipe::Receiver>>,
    is_over: bool,
    last: std::collections::VecDeque<String>,
}

impl Output {
    fn new(read: OwnedFd) -> io::Result<Output> {
        let reader = BufReader::new(pipe::Receiver::from_owned_fd(read)?);
        Ok(Output { lines: reader.lines(), is_over: false, last: std::collections::VecDeque::new() })
    }

    async fn next(&mut self) -> Option<String> {
        loop {
            match self.lines.next_line().await {
                Ok(Some(line)) => {
                    let line = without_secrets(line.trim_end());
                    if self.last.len() == REMEMBERED {
                        self.last.pop_front();
                    }
                    self.last.push_back(line.clone());
                    return Some(line);
                }
                // Not UTF-8: the line is lost.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
                Ok(None) | Err(_) => {
                    self.is_over = true;
                    return None;
                }
            }
        }
    }

    /// The lines that tell something: not the states that it went through, nor its stations.
    fn telling(&self) -> String {
        const CHATTER: [&str; 8] = [
            "interface state",
            "AP-ENABLED",
            "AP-DISABLED",
            "AP-STA-",
            "CTRL-EVENT-",
            "EAPOL-",
            ": STA ",
            "deinit",
        ];
        let lines = self.last.iter().filter(|line| !CHATTER.iter().any(|word| line.contains(word)));
        lines.map(String::as_str).collect::<Vec<_>>().join("; ")
    }
}

/// hostapd quotes a passphrase that it does not like; none of ours is such, but the log is for others to read.
fn without_secrets(line: &str) -> String {
    const SECRET: [&str; 4] = ["psk", "passphrase", "password", "to value"];
    let lower = line.to_ascii_lowercase();
    match line.find(['\'', '"', '=']) {
        Some(quote) if SECRET.iter().any(|word| lower.contains(word)) => format!("{}…", &line[..quote]),
        Some(_) | None => line.to_owned(),
    }
}

mod broken_pipe {
    #![allow(unsafe_code, reason = "what a child does before it becomes hostapd is unsafe to write in Rust")]

    use tokio::process::Command;

    /// Lets the program outlive whoever reads its output.
    pub(super) fn is_ignored_by(command: &mut Command) {
        // SAFETY: between fork and exec only a system call that is safe after a fork (signal-safety(7)) is made,
        // and nothing is allocated.
        unsafe {
            command.pre_exec(|| {
                if libc::signal(libc::SIGPIPE, libc::SIG_IGN) == libc::SIG_ERR {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
    }
}

mod pidfd {
    #![allow(unsafe_code, reason = "nix has no process descriptors")]

    use std::io;
    use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

    use tokio::io::unix::AsyncFd;

    pub(super) fn open(pid: u32) -> io::Result<OwnedFd> {
        let pid = libc::pid_t::try_from(pid).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        // SAFETY: pidfd_open(2) takes two numbers and touches no memory of ours.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, libc::PIDFD_NONBLOCK) };
        let fd = RawFd::try_from(fd).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just made this descriptor for us, and nobody else has it.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// Becomes readable when the process ends.
    pub(super) fn watched(process: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
        // SAFETY: the descriptor is owned by the value it is registered with, and closes with it only.
        Ok(unsafe { AsyncFd::register(process) }?)
    }

    pub(super) fn kill(process: BorrowedFd) -> io::Result<()> {
        let no_details = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: the descriptor is open, and a null pointer means a signal without details.
        let result = unsafe {
            libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), libc::SIGKILL, no_details, 0)
        };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn hostapds_output_is_told_without_secrets() {
        assert_eq!(without_secrets("Invalid PSK 'a b c' on line 1 in 'x'"), "Invalid PSK …");
        assert_eq!(
            without_secrets("Failed to set field 'wpa_passphrase' to value 'x y z'"),
            "Failed to set field …"
        );
        let harmless = "Line 20: unknown configuration item 'ssid_protection'";
        assert_eq!(without_secrets(harmless), harmless);
    }

    #[test]
    fn another_process_is_never_taken_for_hostapd() {
        let folder = tempfile::tempdir().unwrap();
        let pid_file = folder.path().join("hostapd.pid");
        fs::write(&pid_file, format!("{}\n", std::process::id())).unwrap();
        assert!(!is_hostapd(std::process::id(), Path::new("/run/x/hostapd.conf")));
    }
}
