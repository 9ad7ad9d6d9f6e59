//! An Internet, a box and phones in network namespaces of their own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::future::Future;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hotshare_core::desired::{HostState, Metered, Wanted};
use hotshare_core::units::Mac;
use hotshare_core::uplink::Subnet;
use hotshare_linux::host::Host;
use hotshare_linux::observe::ifindex;
use nix::sched::{CloneFlags, setns};

pub(crate) const SERVER: &str = "198.51.100.10";
pub(crate) const BOX_ON_UPLINK: &str = "198.51.100.2";
pub(crate) const GATEWAY: &str = "172.29.77.1";

static COUNT: AtomicU32 = AtomicU32::new(0);

/// Namespaces that vanish with it.
pub(crate) struct World {
    prefix: String,
    dir: tempfile::TempDir,
    phones: u8,
}

impl World {
    /// `phones` phones, each on a LAN port of its own; the box's uplink has an address and the default route.
    pub(crate) fn new(phones: u8) -> World {
        World::build(phones, |i| format!("lan{i}"))
    }

    /// The same, each phone on an interface of its own as the access point makes them: on no LAN yet.
    pub(crate) fn on_air(phones: u8) -> World {
        World::build(phones, station_port)
    }

    fn build(phones: u8, port: impl Fn(u8) -> String) -> World {
        let prefix = format!("hs-host-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let world = World { prefix, dir: tempfile::tempdir().unwrap(), phones };
        for name in world.names() {
            ip(&format!("netns add {name}"));
            // Neighbour discovery would only disturb the counting.
            inside(&name, || fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1").unwrap());
            ip(&format!("-n {name} link set lo up"));
        }
        let (net, host) = (world.net(), world.host_ns());
        ip(&format!("link add uplink0 netns {host} type veth peer name carrier0 netns {net}"));
        world.connect_uplink();
        inside(&host, || {
            fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "0").unwrap();
            // Looking for duplicates would only make the tests slow.
            fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0").unwrap();
        });
        for i in 1..=phones {
            world.cable(&port(i), i);
        }
        world
    }

    /// Puts the phone on this interface of the box.
    pub(crate) fn cable(&self, port: &str, i: u8) {
        let (host, phone, mac) = (self.host_ns(), self.phone(i), phone_mac(i));
        ip(&format!(
            "link add {port} netns {host} type veth peer name eth0 netns {phone} address {}",
            Mac(mac)
        ));
        ip(&format!("-n {host} link set {port} up"));
        ip(&format!("-n {phone} addr add {}/24 dev eth0", phone_ip(i)));
        ip(&format!("-n {phone} link set eth0 up"));
        ip(&format!("-n {phone} route add default via {GATEWAY}"));
    }

    /// Addresses and routes of the link between box and Internet.
    pub(crate) fn connect_uplink(&self) {
        let (net, host) = (self.net(), self.host_ns());
        ip(&format!("-n {net} addr add 198.51.100.1/24 dev carrier0"));
        ip(&format!("-n {net} addr add {SERVER}/24 dev carrier0"));
        ip(&format!("-n {net} link set carrier0 up"));
        ip(&format!("-n {host} addr add {BOX_ON_UPLINK}/24 dev uplink0"));
        ip(&format!("-n {host} link set uplink0 up"));
        ip(&format!("-n {host} route add default via 198.51.100.1"));
        // So that a leak with a private source would find its way back, and be seen.
        ip(&format!("-n {net} route add 172.29.77.0/24 via {BOX_ON_UPLINK}"));
    }

    pub(crate) fn net(&self) -> String {
        format!("{}-net", self.prefix)
    }
    pub(crate) fn host_ns(&self) -> String {
        format!("{}-box", self.prefix)
    }
    pub(crate) fn phone(&self, i: u8) -> String {
        format!("{}-ph{i}", self.prefix)
    }
    fn names(&self) -> Vec<String> {
        [self.net(), self.host_ns()].into_iter().chain((1..=self.phones).map(|i| self.phone(i))).collect()
    }
    pub(crate) fn journal_path(&self) -> PathBuf {
        self.dir.path().join("before.json")
    }

    /// All phones' ports shared, as if the meter were on whatever interfaces there are now.
    pub(crate) fn wanted(&self) -> Wanted {
        let mut wanted = wanted(self.phones);
        let lan = wanted.lan().to_owned();
        wanted.metered =
            inside(&self.host_ns(), || Metered { uplink: ifindex("uplink0"), lan: ifindex(&lan) });
        wanted
    }
    pub(crate) fn desired(&self) -> HostState {
        self.wanted().desired()
    }

    /// The box's hand at work in the box's namespace.
    pub(crate) fn on_box<T: Send>(&self, work: impl AsyncFnOnce(Host) -> T + Send) -> T {
        let path = self.journal_path();
        asynchronously(&self.host_ns(), async move || work(Host::open(&path).unwrap()).await)
    }

    /// Starts sharing and lets the hand go, as a killed daemon does.
    pub(crate) fn share(&self) {
        for _ in 0..2 {
            // The bridge has no number before it is made.
            let desired = self.desired();
            self.on_box(async move |mut host| host.reconcile(&desired).await.map(drop).unwrap());
        }
    }

    /// Marks what comes from these phones as the meter would: known and open.
    pub(crate) fn mark(&self, phones: &[u8]) {
        let mut text =
            "add table inet tst\ndelete table inet tst\ntable inet tst { chain p { type filter hook \
                        prerouting priority -150; \n"
                .to_owned();
        for phone in phones {
            text += &format!("ip saddr 172.29.77.{} meta mark set mark or 0x40000000\n", 10 + phone);
        }
        nft(&self.host_ns(), &(text + "} }"));
    }

    /// Counts every IP packet that comes to the Internet from the box.
    pub(crate) fn watch_carrier(&self) {
        nft(
            &self.net(),
            "table inet obs { counter seen {} \n chain p { type filter hook prerouting priority -300; \
             iifname carrier0 counter name seen } }",
        );
    }
    pub(crate) fn seen_at_carrier(&self) -> u64 {
        let text = exec(&self.net(), &["nft", "list", "counter", "inet", "obs", "seen"]);
        let mut words = text.split_ascii_whitespace();
        words.find(|word| *word == "packets").unwrap();
        words.next().unwrap().parse().unwrap()
    }

    /// The box's whole network as programs and `/proc` show it, by topic.
    pub(crate) fn dump(&self) -> BTreeMap<String, String> {
        let host = self.host_ns();
        let mut dump = BTreeMap::new();
        for what in ["-d link", "-d addr", "rule", "-6 rule"] {
            dump.insert(format!("ip {what}"), without_timers(&ip(&format!("-n {host} {what}"))));
        }
        for what in ["-4 route show table all", "-6 route show table all"] {
            // The kernel lists equal routes of several interfaces in the order in which these came up.
            let text = ip(&format!("-n {host} {what}"));
            let mut lines: Vec<&str> = text.lines().collect();
            lines.sort_unstable();
            dump.insert(format!("ip {what}"), lines.join("\n"));
        }
        dump.insert("bridge".into(), without_timers(&exec(&host, &["bridge", "-d", "link"])));
        dump.insert("nft".into(), exec(&host, &["nft", "list", "ruleset"]));
        let settings = inside(&host, || {
            let mut found = Vec::new();
            read_all(Path::new("/proc/sys/net"), &mut found);
            found
        });
        dump.extend(settings);
        dump
    }

    /// Waits until the box is as in `before`; what differs is named.
    pub(crate) fn assert_restored(&self, before: &BTreeMap<String, String>) {
        self.assert_restored_in(before, |_| true);
    }

    /// The same for some topics of the dump.
    pub(crate) fn assert_restored_in(&self, before: &BTreeMap<String, String>, topic: impl Fn(&str) -> bool) {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let after = self.dump();
            let keys: Vec<&String> = before.keys().chain(after.keys()).filter(|key| topic(key)).collect();
            let changed = keys.into_iter().find(|key| before.get(*key) != after.get(*key));
            let Some(key) = changed else { return };
            if Instant::now() > until {
                let text = |of: &BTreeMap<String, String>| of.get(key).cloned().unwrap_or_default();
                panic!("{key} was\n{}\nand is\n{}", text(before), text(&after));
            }
            pause(100);
        }
    }
}

/// The interface of a station of the access point.
pub(crate) fn station_port(i: u8) -> String {
    format!("hotshare.{}", 4095 + u16::from(i))
}
pub(crate) fn phone_ip(i: u8) -> Ipv4Addr {
    Ipv4Addr::new(172, 29, 77, 10 + i)
}
pub(crate) fn phone_mac(i: u8) -> [u8; 6] {
    [2, 0, 0, 0, 1, i]
}

/// The ports of so many phones shared.
pub(crate) fn wanted(phones: u8) -> Wanted {
    Wanted {
        uplink: "uplink0".into(),
        ports: (1..=phones).map(|i| format!("lan{i}")).collect(),
        subnet: Subnet::new([172, 29, 77, 0].into(), 24),
        portal_ports: [80].into(),
        ipv6: true,
        metered: Metered::default(),
        only_sites: false,
        wifi: None,
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for name in self.names() {
            let _ = Command::new("ip").args(["netns", "del", &name]).output();
        }
    }
}

/// A bridge's timers run on.
fn without_timers(text: &str) -> String {
    let mut words = text.split_inclusive([' ', '\n']).peekable();
    let mut out = String::new();
    while let Some(word) = words.next() {
        out += word;
        if word.ends_with("_timer ") {
            while words
                .next_if(|value| value.trim().is_empty() || value.trim().parse::<f64>().is_ok())
                .is_some()
            {}
        }
    }
    out
}

fn read_all(dir: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_all(&path, found);
        } else if !path.ends_with("nf_conntrack_count")
            && let Ok(text) = fs::read_to_string(&path)
        {
            found.push((path.display().to_string(), text));
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "a test's thread has nothing else to do")]
pub(crate) fn pause(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

/// Runs `work` on a thread in the namespace.
pub(crate) fn inside<T: Send>(namespace: &str, work: impl FnOnce() -> T + Send) -> T {
    let file = File::open(format!("/run/netns/{namespace}")).unwrap();
    let result = std::thread::scope(|scope| {
        scope
            .spawn(move || {
                setns(file, CloneFlags::CLONE_NEWNET).unwrap();
                work()
            })
            .join()
    });
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The same with a runtime.
pub(crate) fn asynchronously<T: Send, F: Future<Output = T>>(
    namespace: &str,
    work: impl FnOnce() -> F + Send,
) -> T {
    inside(namespace, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work())
    })
}

pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn ip(arguments: &str) -> String {
    run("ip", &arguments.split_ascii_whitespace().collect::<Vec<_>>())
}

pub(crate) fn exec(namespace: &str, command: &[&str]) -> String {
    run("ip", &[&["netns", "exec", namespace], command].concat())
}

/// Feeds `text` to nft, which wants a line's end around each closing brace.
pub(crate) fn nft(namespace: &str, text: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text.replace('}', "\n}\n")).unwrap();
    exec(namespace, &["nft", "-f", file.path().to_str().unwrap()]);
}
