//! Namespaces, cables and stations for the tests of leases and names. Needs root.
#![allow(dead_code, reason = "not every test uses everything")]

pub(crate) mod raw;
pub(crate) mod resolver;

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use tokio_util::sync::CancellationToken;

/// A network namespace of this test's own; gone when dropped.
pub(crate) struct Space {
    pub(crate) name: String,
}

impl Space {
    pub(crate) fn new(role: &str) -> Space {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        assert!(nix::unistd::geteuid().is_root(), "this test needs root: it makes network namespaces");
        let name =
            format!("leasetest-{}-{}-{role}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        run("ip", &["netns", "add", &name]);
        let space = Space { name };
        // No packet may leave but those that a test is about.
        space.run("sh", &["-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"]);
        space.run("ip", &["link", "set", "lo", "up"]);
        space
    }

    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]).args(args);
        command
    }

    /// Runs a program in the namespace, which has to succeed.
    pub(crate) fn run(&self, program: &str, args: &[&str]) -> String {
        let output = self.try_run(program, args);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {args:?}: {text}{errors}");
        text
    }

    pub(crate) fn try_run(&self, program: &str, args: &[&str]) -> Output {
        self.command(program, args).output().expect("ip(8) is installed")
    }

    pub(crate) fn start(&self, program: &str, args: &[&str]) -> Running {
        let child = self.command(program, args).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Running(child.expect("ip(8) is installed"))
    }

    /// Runs something on a thread that is in the namespace.
    pub(crate) fn inside<T: Send + 'static>(
        &self,
        what: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let path = format!("/run/netns/{}", self.name);
        thread::spawn(move || {
            let space = File::open(&path).expect("the namespace is there");
            setns(space, CloneFlags::CLONE_NEWNET).expect("root may enter a namespace");
            what()
        })
    }

    /// A cable between two namespaces.
    pub(crate) fn cable(&self, port: &str, other: &Space, other_port: &str) {
        run(
            "ip",
            &[
                "link",
                "add",
                port,
                "netns",
                &self.name,
                "type",
                "veth",
                "peer",
                "name",
                other_port,
                "netns",
                &other.name,
            ],
        );
        self.run("ip", &["link", "set", port, "up"]);
        other.run("ip", &["link", "set", other_port, "up"]);
    }

    /// The packets that an interface has received, by the kernel's count.
    pub(crate) fn received(&self, port: &str) -> u64 {
        self.run("cat", &[&format!("/sys/class/net/{port}/statistics/rx_packets")])
            .trim()
            .parse()
            .expect("a number")
    }

    pub(crate) fn addresses(&self, port: &str) -> String {
        self.run("ip", &["-4", "-brief", "address", "show", "dev", port])
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        let _gone = Command::new("ip").args(["netns", "delete", &self.name]).output();
    }
}

/// A program in the background; killed when dropped.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _dead = self.0.kill();
        let _reaped = self.0.wait();
    }
}

pub(crate) fn run(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).output().expect("the program is installed");
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A directory of this test's own; gone when dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(space: &Space) -> Scratch {
        let path = std::env::temp_dir().join(&space.name);
        std::fs::create_dir_all(&path).expect("a directory");
        Scratch(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("plain").to_owned()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
        self.path(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// A server on a thread of its own; stopped, and waited for, when dropped.
pub(crate) struct Served<T: Send + 'static> {
    pub(crate) stop: CancellationToken,
    thread: Option<JoinHandle<T>>,
}

impl<T: Send + 'static> Served<T> {
    pub(crate) fn new(stop: CancellationToken, thread: JoinHandle<T>) -> Served<T> {
        Served { stop, thread: Some(thread) }
    }

    pub(crate) fn end(&mut self) -> T {
        self.stop.cancel();
        self.wait()
    }

    pub(crate) fn wait(&mut self) -> T {
        self.thread.take().expect("it ends once").join().expect("the server does not panic")
    }
}

impl<T: Send + 'static> Drop for Served<T> {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// Waits until something is so.
pub(crate) fn until(patience: Duration, what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + patience;
    while !is() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// A runtime like the daemon's.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
