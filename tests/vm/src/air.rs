//! The air: simulated radios, in whose hands they are, and which of them hear one another.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use nlink::netlink::namespace::Netns;

use crate::measure::tool;
use crate::radios::radios;

/// Where the kernel lists its radios.
const RADIOS: &str = "/sys/class/ieee80211";
/// Where the simulation of each radio is adjusted.
const DEBUG: &str = "/sys/kernel/debug/ieee80211";
/// A namespace where a pulled card lies.
const DRAWER: &str = "hotshare-lab-drawer";

/// The radio of the box, unless a scenario says otherwise.
pub(crate) const BOX_RADIO: u32 = 0;

/// All radios of the simulation. The box is in the first namespace, where they are born.
#[derive(Debug)]
pub(crate) struct Air {
    /// Every radio by number, and the interface that it was born with.
    interfaces: BTreeMap<u32, String>,
}

impl Air {
    /// Loads the simulation with so many radios, each on one channel at a time, and records what is sent.
    pub(crate) fn load(count: u32) -> Result<Air> {
        // Interfaces come and go with stations, and each waits for this: in software emulation for most of the time.
        std::fs::write("/sys/kernel/rcu_expedited", "1")?;
        radios(count, 1)?;
        let interfaces = (0..count).map(|radio| Ok((radio, interface_of(radio)?))).collect::<Result<_>>()?;
        Ok(Air { interfaces })
    }

    /// The interface that a radio was born with.
    pub(crate) fn interface(&self, radio: u32) -> Result<&str> {
        self.interfaces.get(&radio).map(String::as_str).with_context(|| format!("there is no radio {radio}"))
    }

    /// Moves a radio and its interface from the box into a namespace.
    pub(crate) fn give(&self, radio: u32, space: &Netns) -> Result<()> {
        tool("iw", &["phy", &phy(radio), "set", "netns", "name", space.label()])?;
        Ok(())
    }

    /// Pulls a card of the box out, and lays it into a drawer.
    pub(crate) fn pull(&self, radio: u32) -> Result<Pulled> {
        if !nlink::netlink::namespace::exists(DRAWER) {
            Netns::create(DRAWER)?;
        }
        tool("iw", &["phy", &phy(radio), "set", "netns", "name", DRAWER])?;
        Ok(Pulled { radio })
    }

    /// Radios hear one another when their masks share a bit. All begin with 1.
    pub(crate) fn set_mask(&self, radio: u32, mask: u64) -> Result<()> {
        let path = Path::new(DEBUG).join(phy(radio)).join("hwsim/group");
        std::fs::write(&path, mask.to_string()).with_context(|| format!("write {}", path.display()))
    }
}

/// A card that is out.
#[derive(Debug)]
pub(crate) struct Pulled {
    radio: u32,
}

impl Pulled {
    /// While it is out, it becomes another: a new name and hardware address, as another card would have.
    pub(crate) fn change(&self, from: &str, to: &str, mac: &str) -> Result<()> {
        drop(tool("ip", &["-n", DRAWER, "link", "set", from, "down"]));
        tool("ip", &["-n", DRAWER, "link", "set", from, "name", to])?;
        tool("ip", &["-n", DRAWER, "link", "set", to, "address", mac])?;
        Ok(())
    }

    /// Puts it back.
    pub(crate) fn put_back(self) -> Result<()> {
        let radio = phy(self.radio);
        tool("ip", &["netns", "exec", DRAWER, "iw", "phy", &radio, "set", "netns", "1"])?;
        Ok(())
    }
}

/// The kernel's name of a radio.
#[must_use]
pub(crate) fn phy(radio: u32) -> String {
    format!("phy{radio}")
}

fn interface_of(radio: u32) -> Result<String> {
    let path = Path::new(RADIOS).join(phy(radio)).join("device/net");
    let mut names = std::fs::read_dir(&path)
        .with_context(|| format!("radio {radio} is not there: read {}", path.display()))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<Vec<_>>>()?;
    ensure!(names.len() == 1, "radio {radio} has the interfaces {names:?}, not one");
    names.pop().context("no name")
}

/// What `iw dev` says of an interface of the box: its type, address, channel.
pub(crate) fn card_state(interface: &str) -> Result<CardState> {
    let text = tool("iw", &["dev", interface, "info"])?;
    let word = |key: &str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(key))
            .map(|rest| rest.split_whitespace().next().unwrap_or_default().to_owned())
    };
    let flags = std::fs::read_to_string(format!("/sys/class/net/{interface}/flags"))?;
    let flags = u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16)?;
    Ok(CardState {
        kind: word("type ").context("no type")?,
        mac: word("addr ").context("no address")?,
        up: flags & 1 != 0,
        mhz: text
            .lines()
            .find_map(|line| line.trim().strip_prefix("channel "))
            .and_then(|line| line.split_once('(')?.1.split_whitespace().next()?.parse().ok()),
    })
}

/// How a card is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CardState {
    /// `managed`, `AP`, …
    pub(crate) kind: String,
    pub(crate) mac: String,
    pub(crate) up: bool,
    pub(crate) mhz: Option<u32>,
}
