//! What of this host would keep the hotspot from working, found by asking the kernel.

mod wifi;

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;

use hotshare_core::radio::RadioWish;
use hotshare_core::uplink::NoUplink;
use nix::sys::statfs;
use nlink::netlink::nftables::{Family, Hook};
use nlink::netlink::{Connection, Nftables};
use socket2::{Domain, Protocol, Socket, Type};

use crate::nat::TABLE;
use crate::{clock, observe, uplink};

/// Something that was found, in words for the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// What is the case.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Sharing does not work, or not safely, until this is put right.
    Broken,
    /// It may go wrong.
    Warning,
}

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The uplink's name, if one was named.
    pub uplink: Option<String>,
    /// The LAN ports, and the bridge if there is one.
    pub lan: Vec<String>,
    /// The access point that there is to be, if there is to be one.
    pub wifi: Option<RadioWish>,
    /// Our own daemon runs: the ports it listens on and the settings it makes are not to be complained about.
    pub running: bool,
}

/// Looks at everything; changes nothing. The worst comes first.
pub async fn examine(scope: &Scope) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(meter());
    findings.extend(rules().await);
    findings.extend(path_to_carrier(scope).await);
    // While our own access point is on, the card is busy with it.
    if let Some(wish) = scope.wifi.as_ref().filter(|_| !scope.running) {
        let lan: Vec<&str> = scope.lan.iter().map(String::as_str).collect();
        let found = uplink::find(scope.uplink.as_deref(), &lan, &[]).await;
        findings.extend(wifi::access_point(wish, &found.map_or(String::new(), |uplink| uplink.name)).await);
    }
    findings.extend(scope.lan.iter().flat_map(|port| lan_port(port)));
    if !scope.running {
        findings.extend(listeners());
    }
    if !clock::now().synced {
        findings.push(Finding {
            severity: Severity::Warning,
            what: "the clock is not synchronised".into(),
            why: "days, months and the plan's period are counted by it; until it is set, nothing new begins"
                .into(),
            remedy: "wait for network time, or run a time service (chrony, systemd-timesyncd)".into(),
        });
    }
    findings.sort_by_key(|finding| finding.severity);
    findings
}

fn broken(what: impl Into<String>, why: &str, remedy: impl Into<String>) -> Finding {
    Finding { severity: Severity::Broken, what: what.into(), why: why.into(), remedy: remedy.into() }
}

fn warning(what: impl Into<String>, why: &str, remedy: impl Into<String>) -> Finding {
    Finding { severity: Severity::Warning, ..broken(what, why, remedy) }
}

/// What the meter needs of the kernel.
fn meter() -> Vec<Finding> {
    let mut findings = Vec::new();
    let why = "the meter is a BPF program at the interfaces; without it no packet is forwarded";
    match probe::tcx() {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            findings.push(broken("BPF is refused to us", why, "run as root, with CAP_BPF and CAP_NET_ADMIN"));
        }
        Err(_) => findings.push(broken(
            "this kernel has no tcx",
            why,
            "use Linux 6.6 or newer with CONFIG_NET_XGRESS",
        )),
    }
    let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    if !known.lines().any(|line| line.split_ascii_whitespace().last() == Some("bpf")) {
        findings.push(broken(
            "this kernel has no BPF filesystem",
            "the meter's counters live in it",
            "use a kernel with CONFIG_BPF_SYSCALL",
        ));
    } else if !statfs::statfs("/sys/fs/bpf").is_ok_and(|fs| fs.filesystem_type() == statfs::BPF_FS_MAGIC) {
        findings.push(warning(
            "no BPF filesystem is mounted at /sys/fs/bpf",
            "the meter's counters live in it; it is mounted at the start",
            "nothing, unless starting fails: then run `mount -t bpf bpf /sys/fs/bpf`",
        ));
    }
    findings
}

/// Other people's rules that stand in the way.
async fn rules() -> Vec<Finding> {
    match read_rules().await {
        Ok(findings) => findings,
        Err(error) => vec![broken(
            format!("nftables cannot be read ({error})"),
            "what is not marked by the meter is stopped by it",
            "run as root, on a kernel with CONFIG_NF_TABLES and CONFIG_NF_TABLES_INET",
        )],
    }
}

async fn read_rules() -> nlink::Result<Vec<Finding>> {
    let conn = Connection::<Nftables>::new()?;
    let mut findings = Vec::new();
    for chain in conn.list_chains().await? {
        let routed = [Family::Ip, Family::Inet].contains(&chain.family);
        let forwards = chain.hook == Some(Hook::Forward.number(chain.family));
        if routed && forwards && chain.table != TABLE && chain.policy == Some(0) {
            let (family, table, name) = (chain.family, &chain.table, &chain.name);
            findings.push(warning(
                format!("the table {family} {table} drops what its chain {name} does not accept"),
                "a drop is final, so devices get nothing through, whatever Hotshare allows",
                format!(
                    "let that tool accept the LAN, for one `nft insert rule {family} {table} {name} meta mark and \
                     0x40000000 == 0x40000000 accept` and the same with `ct state established,related`"
                ),
            ));
        }
    }
    for tables in conn.list_flowtables().await? {
        findings.push(warning(
            format!("the table {} {} has the flowtable {}", tables.family, tables.table, tables.name),
            "flows that it takes over pass by the rules that stop a device, and with hardware offload by the meter too",
            "remove the flowtable, or leave the LAN and the uplink out of it",
        ));
    }
    let legacy = fs::read_to_string("/proc/net/ip_tables_names").unwrap_or_default();
    if legacy.lines().any(|table| table == "filter") {
        findings.push(warning(
            "there are rules of the old iptables, which cannot be read from here",
            "if they drop what is forwarded, devices get nothing through",
            "look at `iptables-legacy -L FORWARD`, and accept the LAN there",
        ));
    }
    Ok(findings)
}

async fn path_to_carrier(scope: &Scope) -> Vec<Finding> {
    let lan: Vec<&str> = scope.lan.iter().map(String::as_str).collect();
    let found = uplink::find(scope.uplink.as_deref(), &lan, &[]).await;
    let why = "there is nothing to share";
    match found {
        Ok(uplink) if uplink.resolvers.is_empty() => vec![warning(
            format!("no resolver is known for the uplink {}", uplink.name),
            "devices could not look up any name",
            "name resolvers in the configuration",
        )],
        Ok(uplink) if scope.running && forwarding(&uplink.name) == Some(false) => vec![broken(
            format!("forwarding is switched off on the uplink {}", uplink.name),
            "replies do not reach the devices",
            "find what switched it off (another network service); Hotshare sets it again when it looks next",
        )],
        Ok(_) => Vec::new(),
        Err(uplink::FindError::None(NoUplink::NoDefaultRoute)) => {
            vec![broken("no interface has a default route", why, "connect one, or name one with --uplink")]
        }
        Err(error) => vec![broken(error.to_string(), why, "see above; then try again")],
    }
}

fn forwarding(name: &str) -> Option<bool> {
    let value = fs::read_to_string(format!("/proc/sys/net/ipv4/conf/{name}/forwarding")).ok()?;
    Some(value.trim() != "0")
}

fn lan_port(name: &str) -> Vec<Finding> {
    let Some(index) = observe::ifindex(name) else {
        return vec![warning(
            format!("the LAN port {name} does not exist"),
            "nobody can connect through it",
            "plug it in, or correct its name",
        )];
    };
    let says = |path: String, line: &str| {
        fs::read_to_string(path).is_ok_and(|text| text.lines().any(|is| is.trim() == line))
    };
    let why = "it may change the port's address or bridge at any time";
    let mut findings = Vec::new();
    if says(format!("/run/NetworkManager/devices/{index}"), "managed=true") {
        findings.push(warning(
            format!("NetworkManager manages the LAN port {name}"),
            why,
            format!("run `nmcli device set {name} managed no`"),
        ));
    }
    let links = format!("/run/systemd/netif/links/{index}");
    if Path::new(&links).exists() && !says(links, "ADMIN_STATE=unmanaged") {
        findings.push(warning(
            format!("systemd-networkd manages the LAN port {name}"),
            why,
            format!("give it a .network file with `[Match] Name={name}` and `[Link] Unmanaged=yes`"),
        ));
    }
    findings
}

/// Who listens where we must.
fn listeners() -> Vec<Finding> {
    let mut findings = Vec::new();
    // Any address will do to ask: what listens on all addresses is in the way of each.
    let gateway = Ipv4Addr::new(172, 29, 77, 1);
    let wants = [
        (Type::DGRAM, gateway, 53, "DNS over UDP"),
        (Type::STREAM, gateway, 53, "DNS over TCP"),
        (Type::DGRAM, Ipv4Addr::UNSPECIFIED, 67, "DHCP"),
    ];
    let mut told = BTreeSet::new();
    for (kind, address, port, what) in wants {
        let in_use =
            matches!(bind(kind, address, port), Err(error) if error.kind() == std::io::ErrorKind::AddrInUse);
        if in_use && told.insert(port) {
            findings.push(broken(
                format!("another program serves {what} on all interfaces (port {port})"),
                "the LAN's devices need ours",
                format!("find it with `ss -lnp 'sport = {port}'`; stop it, or bind it to other interfaces"),
            ));
        }
    }
    findings
}

fn bind(kind: Type, address: Ipv4Addr, port: u16) -> std::io::Result<()> {
    let protocol = if kind == Type::DGRAM { Protocol::UDP } else { Protocol::TCP };
    let socket = Socket::new(Domain::IPV4, kind, Some(protocol))?;
    // The address is not ours yet.
    socket.set_freebind_v4(true)?;
    socket.bind(&SocketAddrV4::new(address, port).into())
}

mod probe {
    #![allow(
        unsafe_code,
        reason = "asks the kernel for the programs at a tcx hook, which no crate here does without loading one"
    )]

    use std::io;
    use std::mem::{size_of, zeroed};

    const BPF_PROG_QUERY: libc::c_long = 16;
    const BPF_TCX_INGRESS: u32 = 46;
    const LOOPBACK: u32 = 1;

    /// The head of `union bpf_attr` as `BPF_PROG_QUERY` reads it.
    #[repr(C)]
    struct Query {
        target_ifindex: u32,
        attach_type: u32,
        query_flags: u32,
        attach_flags: u32,
        prog_ids: u64,
        prog_cnt: u32,
        pad: u32,
        rest: [u64; 5],
    }

    /// Whether the kernel knows the tcx hook: asked on the loopback, which every network namespace has as 1.
    pub(super) fn tcx() -> io::Result<()> {
        // SAFETY: the struct is plain numbers, for which all zero is valid.
        let mut query: Query = unsafe { zeroed() };
        query.target_ifindex = LOOPBACK;
        query.attach_type = BPF_TCX_INGRESS;
        // SAFETY: the kernel reads and writes no more than the size given, and the struct outlives the call.
        let result =
            unsafe { libc::syscall(libc::SYS_bpf, BPF_PROG_QUERY, &raw mut query, size_of::<Query>()) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}
