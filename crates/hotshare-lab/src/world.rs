//! The namespaces, their links and addresses; how fast the link to the carrier is.

use std::path::PathBuf;

use anyhow::{Context, Result};
use nlink::netlink::action::{ActionConfig, MirredAction};
use nlink::netlink::addr::Ipv4Address;

use nlink::netlink::eth_proto::EthProto;
use nlink::netlink::filter::FilterConfig;
use nlink::netlink::link::{IfbLink, VethLink};
use nlink::netlink::namespace::{self, Netns};
use nlink::netlink::route::Ipv4Route;
use nlink::netlink::tc::{IngressConfig, TbfConfig};
use nlink::netlink::tc_handle::TcHandle;
use nlink::netlink::{Connection, Ethtool, MessageBuilder, Route};

use crate::layout;

/// A rate in bits per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub u64);

/// The device behind `carrier0` where uploads wait when the link has a rate.
const UP_QUEUE: &str = "carrier-up";

/// Makes the namespaces and joins them, as a carrier, a box and phones that nobody has configured yet.
pub async fn build(phones: u8, rate: Option<Rate>) -> Result<()> {
    let internet = Netns::create(layout::INTERNET).context("make the Internet's namespace")?;
    let hotspot = Netns::create(layout::BOX).context("make the box's namespace")?;
    // An address that is still being probed would make two looks at an idle machine differ.
    hotspot.sysctl().set("net.ipv6.conf.default.accept_dad", "0")?;
    let far = Connection::<Route>::new_in(&internet)?;
    let near = Connection::<Route>::new_in(&hotspot)?;
    far.set_link_up("lo").await?;
    near.set_link_up("lo").await?;
    link_uplink(&far, &near, &hotspot).await?;
    for addr in [layout::WEB_ADDR, layout::TOPUP_ADDR, layout::DNS_ADDR] {
        far.add_address(Ipv4Address::new("lo", addr, 32)).await?;
    }
    if let Some(rate) = rate {
        shape(&far, rate).await.context("limit the rate of the carrier's link")?;
    }
    for n in 1..=phones {
        let phone =
            Netns::create(&layout::phone_space(n)).with_context(|| format!("make phone {n}'s namespace"))?;
        let inside = Connection::<Route>::new_in(&phone)?;
        inside.set_link_up("lo").await?;
        plug_phone(&near, &inside, &phone, n).await?;
    }
    Ok(())
}

/// Joins the box to the carrier, with the address and the default route of a card that has come up.
pub async fn link_uplink(far: &Connection<Route>, near: &Connection<Route>, hotspot: &Netns) -> Result<()> {
    let pair = VethLink::new(layout::CARRIER_PORT, layout::UPLINK_PORT).peer_netns_fd(hotspot);
    far.add_link(pair).await.context("join the box to the carrier")?;
    far.set_link_up(layout::CARRIER_PORT).await?;
    near.set_link_up(layout::UPLINK_PORT).await?;
    far.add_address(Ipv4Address::new(layout::CARRIER_PORT, layout::CARRIER_ADDR, layout::UPLINK_PREFIX))
        .await?;
    near.add_address(Ipv4Address::new(layout::UPLINK_PORT, layout::UPLINK_ADDR, layout::UPLINK_PREFIX))
        .await?;
    near.add_route(Ipv4Route::default_route().gateway(layout::CARRIER_ADDR).dev(layout::UPLINK_PORT)).await?;
    Ok(())
}

/// Plugs phone `n` into the box's port of the same number.
pub async fn plug_phone(
    near: &Connection<Route>,
    inside: &Connection<Route>,
    phone: &Netns,
    n: u8,
) -> Result<()> {
    let pair = VethLink::new(layout::lan_port(n), layout::PHONE_PORT)
        .peer_netns_fd(phone)
        .peer_address(layout::phone_mac(n));
    near.add_link(pair).await.with_context(|| format!("plug phone {n} into the box"))?;
    near.set_link_up(layout::lan_port(n)).await?;
    inside.set_link_up(layout::PHONE_PORT).await?;
    Ok(())
}

/// Limits the link both ways, where neither way can be lost between the meter and the carrier's count:
/// downloads wait before `carrier0` sends them, uploads after `carrier0` received them.
pub async fn shape(far: &Connection<Route>, rate: Rate) -> Result<()> {
    let queue = |rate: Rate| {
        // A tenth of a second of queue, as a phone network has it, and never less than two merged packets.
        let limit = (rate.0 / 80).max(128 * 1024);
        TbfConfig::new()
            .rate(nlink::Rate::bits_per_sec(rate.0))
            .burst(nlink::util::Bytes::new((rate.0 / 800).max(16 * 1024)))
            .limit(nlink::util::Bytes::new(limit))
            .build()
    };
    far.add_qdisc(layout::CARRIER_PORT, queue(rate)).await?;
    far.add_link(IfbLink::new(UP_QUEUE)).await?;
    far.set_link_up(UP_QUEUE).await?;
    far.add_qdisc(UP_QUEUE, queue(rate)).await?;
    let up = far.get_link_by_name(UP_QUEUE).await?.context("the queue for uploads is gone")?;
    far.add_qdisc(layout::CARRIER_PORT, IngressConfig::new()).await?;
    let detour = Detour(MirredAction::redirect_to_egress(up.ifindex()));
    far.add_filter(layout::CARRIER_PORT, TcHandle::INGRESS, detour).await?;
    Ok(())
}

/// A `u32` filter that matches everything and hands it to an action. The more natural `matchall` is not in
/// every kernel, and nlink's own `u32` takes no action.
struct Detour(MirredAction);

impl FilterConfig for Detour {
    fn kind(&self) -> &'static str {
        "u32"
    }

    fn classid(&self) -> Option<u32> {
        None
    }

    fn protocol(&self) -> Option<EthProto> {
        Some(EthProto::ALL)
    }

    fn write_options(&self, builder: &mut MessageBuilder) -> nlink::Result<()> {
        // linux/pkt_cls.h and linux/pkt_sched.h
        const TCA_U32_SEL: u16 = 5;
        const TCA_U32_ACT: u16 = 7;
        const TCA_ACT_KIND: u16 = 1;
        const TCA_ACT_OPTIONS: u16 = 2;
        const TC_U32_TERMINAL: u8 = 1;
        // tc_u32_sel (16 bytes: flags, shift, number of keys, …) and one tc_u32_key (16 bytes) with mask 0
        let mut selector = [0; 32];
        selector[0] = TC_U32_TERMINAL;
        selector[2] = 1;
        builder.append_attr(TCA_U32_SEL, &selector);
        let list = builder.nest_start(TCA_U32_ACT);
        let first = builder.nest_start(1);
        builder.append_attr_str(TCA_ACT_KIND, self.0.kind());
        let options = builder.nest_start(TCA_ACT_OPTIONS);
        self.0.write_options(builder)?;
        builder.nest_end(options);
        builder.nest_end(first);
        builder.nest_end(list);
        Ok(())
    }
}

/// Switches segmentation and receive merging of an interface on or off.
pub async fn set_offloads(space: &Netns, interface: &str, on: bool) -> Result<()> {
    let card = Connection::<Ethtool>::new_in_async(space).await?;
    let features = [
        "tx-generic-segmentation",
        "tx-tcp-segmentation",
        "tx-tcp6-segmentation",
        "tx-tcp-ecn-segmentation",
        "tx-udp-segmentation",
        "rx-gro",
    ];
    card.set_features(interface, |wish| {
        features.iter().fold(wish, |wish, name| if on { wish.enable(name) } else { wish.disable(name) })
    })
    .await
    .with_context(|| format!("switch offloads of {interface}"))
}

/// Removes every namespace of a laboratory and what belongs to it. Says what could not be removed.
pub fn remove() -> Result<()> {
    let mut left = Vec::new();
    for name in namespace::list().unwrap_or_default() {
        if name.starts_with(layout::PREFIX)
            && let Err(error) = namespace::delete(&name)
        {
            left.push(format!("namespace {name}: {error}"));
        }
    }
    for entry in std::fs::read_dir(layout::ETC_NETNS).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(layout::PREFIX) {
            remove_tree(entry.path(), &mut left);
        }
    }
    // A test may have put a small disk there; nothing is mounted otherwise.
    nix::mount::umount2(&layout::state_dir(), nix::mount::MntFlags::MNT_DETACH).ok();
    remove_tree(PathBuf::from(layout::PIN_DIR), &mut left);
    remove_tree(PathBuf::from(layout::RUN_DIR), &mut left);
    // `ip netns` makes these two when they are first needed; empty, nobody misses them.
    drop(std::fs::remove_dir(layout::ETC_NETNS));
    if left.is_empty() {
        Ok(())
    } else {
        anyhow::bail!("some of the laboratory is left: {}", left.join("; "))
    }
}

fn remove_tree(path: PathBuf, left: &mut Vec<String>) {
    match std::fs::remove_dir_all(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => left.push(format!("{}: {error}", path.display())),
    }
}

/// Puts the daemon's state on a disk of this many bytes.
pub fn small_disk(bytes: u64) -> Result<()> {
    let dir = layout::state_dir();
    std::fs::create_dir_all(&dir).with_context(|| format!("make {}", dir.display()))?;
    let size = format!("size={bytes}");
    nix::mount::mount(Some("small"), &dir, Some("tmpfs"), nix::mount::MsFlags::empty(), Some(size.as_str()))
        .context("mount a small disk")
}

const BPF_DIR: &str = "/sys/fs/bpf";

/// Is the BPF file system mounted where it belongs?
pub(crate) fn has_bpf_mount() -> bool {
    nix::sys::statfs::statfs(BPF_DIR).is_ok_and(|fs| fs.filesystem_type() == nix::sys::statfs::BPF_FS_MAGIC)
}

/// Removes the mount that the daemon made, unless somebody else uses it by now.
pub(crate) fn drop_bpf_mount() {
    let empty = std::fs::read_dir(BPF_DIR).is_ok_and(|mut entries| entries.next().is_none());
    if has_bpf_mount() && empty {
        // In use after all: then it stays, as a mounted BPF file system does on most machines.
        nix::mount::umount(BPF_DIR).ok();
    }
}
