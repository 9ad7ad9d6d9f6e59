//! Who means harm: a radio that sends what it likes, a station that keeps to no rule, and an ear at the victim.

mod ccmp;
mod ear;
mod ether;
mod frame;

use std::os::fd::OwnedFd;

use anyhow::{Context, Result};
use nlink::netlink::namespace::Netns;

pub(crate) use ear::Ear;
pub(crate) use ether::{Lie, lie, udp};
pub(crate) use frame::{Farewell, farewell, group_frame};

use crate::air::Air;
use crate::measure::{index_of, send_frame, tool_in};
use crate::station::Station;

/// A hardware address.
pub(crate) type Mac = [u8; 6];

/// Reads `02:00:00:00:01:00`.
pub(crate) fn mac(text: &str) -> Result<Mac> {
    let bytes: Vec<u8> =
        text.split(':').map(|pair| u8::from_str_radix(pair, 16)).collect::<Result<_, _>>()?;
    bytes.try_into().ok().with_context(|| format!("{text} is no hardware address"))
}

/// A radio of its own that sends any frame under any name.
#[derive(Debug)]
pub(crate) struct Attacker {
    socket: OwnedFd,
    _space: Netns,
}

/// The attacker's interface.
const MONITOR: &str = "mon0";

impl Attacker {
    /// Tunes a radio to a channel, to send on it.
    pub(crate) async fn with_radio(air: &Air, radio: u32, mhz: u32) -> Result<Attacker> {
        let space = Netns::create(&format!("{}attacker", hotshare_lab::layout::PREFIX))?;
        air.give(radio, &space)?;
        let card = air.interface(radio)?;
        tool_in(&space, "iw", &["dev", card, "interface", "add", MONITOR, "type", "monitor"])?;
        tool_in(&space, "ip", &["link", "set", MONITOR, "up"])?;
        tool_in(&space, "iw", &["dev", MONITOR, "set", "freq", &mhz.to_string()])?;
        let socket = hotshare_lab::every_frame(&space, index_of(&space, MONITOR).await?)?;
        Ok(Attacker { socket, _space: space })
    }

    /// Sends a frame of 802.11.
    pub(crate) fn send(&self, frame: &[u8]) -> Result<()> {
        // The shortest radiotap header: nothing is said of how to send.
        let mut bytes = vec![0, 0, 8, 0, 0, 0, 0, 0];
        bytes.extend_from_slice(frame);
        send_frame(&self.socket, &bytes)
    }
}

/// A station's way around its own network stack: whole Ethernet frames, whatever they say.
#[derive(Debug)]
pub(crate) struct Rogue {
    socket: OwnedFd,
}

impl Rogue {
    pub(crate) async fn at(station: &Station) -> Result<Rogue> {
        let space = station.inside().space();
        let socket = hotshare_lab::every_frame(space, index_of(space, station.interface()).await?)?;
        Ok(Rogue { socket })
    }

    /// Sends an Ethernet frame so many times.
    pub(crate) fn send(&self, frame: &[u8], times: u32) -> Result<()> {
        for _ in 0..times {
            send_frame(&self.socket, frame)?;
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        Ok(())
    }
}
