//! Connections to the kernel about Wi-Fi, and questions that nlink has no call for.

use std::collections::BTreeMap;
use std::future::Future;

use nlink::macros::GenlMessage;
use nlink::netlink::genl::nl80211::{
    InterfaceType, NL80211_ATTR_IFNAME, NL80211_ATTR_IFTYPE, NL80211_ATTR_MAC, NL80211_ATTR_REG_ALPHA2,
    NL80211_ATTR_SPLIT_WIPHY_DUMP, NL80211_ATTR_WIPHY, WirelessInterface,
};
use nlink::netlink::messages::LinkMessage;
use nlink::netlink::{AttrIter, Connection, MessageBuilder, Nl80211};

use futures_util::TryStreamExt as _;
use hotshare_core::radio::InterfaceKind;
use hotshare_core::units::Mac;

use super::CardError;

const GET_WIPHY: u8 = 1;
const NEW_INTERFACE: u8 = 7;
const REQ_SET_REG: u8 = 27;
const GET_REG: u8 = 31;

/// How often to ask again when the kernel's tables changed while it was telling them.
const DUMP_TRIES: u32 = 5;

/// nl80211 for Wi-Fi, rtnetlink for what all interfaces have.
pub(super) struct Air {
    pub(super) wifi: Connection<Nl80211>,
    pub(super) links: Connection<nlink::Route>,
}

impl Air {
    pub(super) async fn open() -> Result<Air, CardError> {
        let wifi = wifi().await?;
        let links = Connection::<nlink::Route>::new().map_err(CardError::Open)?;
        Ok(Air { wifi, links })
    }

    /// The attributes of each message about each card.
    pub(super) async fn phys(&self) -> Result<Vec<Vec<u8>>, CardError> {
        let ask = async || {
            let mut ask = Attributes::<GET_WIPHY>::default();
            ask.put(NL80211_ATTR_SPLIT_WIPHY_DUMP, &[]);
            let told = self.wifi.dump_typed_stream::<_, Attributes<GET_WIPHY>>(ask).await?;
            told.map_ok(|told| told.0).try_collect().await
        };
        repeated(ask).await.map_err(failed("read what the Wi-Fi cards can"))
    }

    pub(super) async fn interfaces(&self) -> Result<Vec<WirelessInterface>, CardError> {
        let all = repeated(async || self.wifi.get_interfaces().await).await;
        // P2P devices and the like are no network interfaces.
        let real = |all: Vec<WirelessInterface>| all.into_iter().filter(|i| i.ifindex != 0).collect();
        all.map(real).map_err(failed("list the Wi-Fi interfaces"))
    }

    pub(super) async fn links_by_index(&self) -> Result<BTreeMap<u32, LinkMessage>, CardError> {
        let all = repeated(async || self.links.get_links().await).await;
        let by_index = |all: Vec<LinkMessage>| all.into_iter().map(|link| (link.ifindex(), link)).collect();
        all.map(by_index).map_err(failed("list the network interfaces"))
    }

    /// Whose rules the kernel goes by: two letters, `00` for the world's. Empty when it does not say.
    pub(super) async fn country(&self) -> Result<String, CardError> {
        let ask = Attributes::<GET_REG>::default();
        let told: Attributes<GET_REG> =
            self.wifi.send_typed(ask).await.map_err(failed("read whose radio rules hold"))?;
        let letters = AttrIter::new(&told.0).find(|(kind, _)| *kind == NL80211_ATTR_REG_ALPHA2);
        Ok(letters.map_or_else(String::new, |(_, text)| {
            String::from_utf8_lossy(text).trim_end_matches('\0').to_owned()
        }))
    }

    /// Asks for the rules of the country with these two letters. The kernel takes them a moment later, or not.
    pub(super) async fn ask_country(&self, letters: &str) -> Result<(), CardError> {
        let mut ask = Attributes::<REQ_SET_REG>::default();
        ask.put_text(NL80211_ATTR_REG_ALPHA2, letters);
        let done = self.wifi.send_typed::<_, Attributes<REQ_SET_REG>>(ask).await;
        done.map(drop).map_err(failed(format!("ask the kernel for the radio rules of {letters}")))
    }

    /// Makes an interface. It is down.
    pub(super) async fn add(
        &self,
        phy: u32,
        name: &str,
        kind: InterfaceType,
        mac: Mac,
    ) -> Result<(), CardError> {
        let mut ask = Attributes::<NEW_INTERFACE>::default();
        ask.put(NL80211_ATTR_WIPHY, &phy.to_ne_bytes());
        ask.put_text(NL80211_ATTR_IFNAME, name);
        ask.put(NL80211_ATTR_IFTYPE, &(kind as u32).to_ne_bytes());
        ask.put(NL80211_ATTR_MAC, &mac.0);
        let failed = |what: &str, error| CardError::Kernel(format!("{what} {name} on phy{phy}"), error);
        let made = self.wifi.send_typed::<_, Attributes<NEW_INTERFACE>>(ask).await;
        made.map_err(|error| failed("make the interface", error))?;
        // Full-MAC drivers pass over the address.
        let now = self.links.get_link_by_name(name).await.map_err(|error| failed("find", error))?;
        if now.is_some_and(|link| link.address() != Some(&mac.0)) {
            let set = self.links.set_link_address(name, mac.0).await;
            set.map_err(|error| failed("give its own address to", error))?;
        }
        Ok(())
    }

    /// What is gone already is no failure.
    pub(super) async fn remove(&self, ifindex: u32, name: &str) -> Result<(), CardError> {
        match self.wifi.del_interface_by_index(ifindex).await {
            Err(error) if !(error.is_no_device() || error.is_not_found()) => {
                Err(CardError::Kernel(format!("remove the interface {name}"), error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

pub(super) async fn wifi() -> Result<Connection<Nl80211>, CardError> {
    Connection::<Nl80211>::new_async().await.map_err(|error| {
        // The family of messages is there only with the module cfg80211.
        if error.is_not_found() { CardError::NoWifi } else { CardError::Open(error) }
    })
}

pub(super) fn failed(what: impl Into<String>) -> impl FnOnce(nlink::Error) -> CardError {
    move |error| CardError::Kernel(what.into(), error)
}

async fn repeated<T, F: Future<Output = nlink::Result<T>>>(mut ask: impl FnMut() -> F) -> nlink::Result<T> {
    let mut tries = 1;
    loop {
        match ask().await {
            Err(error) if error.is_dump_interrupted() && tries < DUMP_TRIES => tries += 1,
            result => return result,
        }
    }
}

pub(super) fn kind(of: InterfaceType) -> InterfaceKind {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the kernel has many, and gets more")]
    match of {
        InterfaceType::Station => InterfaceKind::Station,
        InterfaceType::Ap => InterfaceKind::AccessPoint,
        InterfaceType::ApVlan => InterfaceKind::StationPort,
        _ => InterfaceKind::Other,
    }
}

/// The attributes of a message of one command, as they go over the wire.
#[derive(Default)]
struct Attributes<const COMMAND: u8>(Vec<u8>);

impl<const COMMAND: u8> Attributes<COMMAND> {
    fn put(&mut self, kind: u16, value: &[u8]) {
        put(&mut self.0, kind, value);
    }

    fn put_text(&mut self, kind: u16, text: &str) {
        self.put(kind, &[text.as_bytes(), &[0]].concat());
    }
}

impl<const COMMAND: u8> GenlMessage for Attributes<COMMAND> {
    const CMD: u8 = COMMAND;

    fn to_bytes(&self, builder: &mut MessageBuilder) -> nlink::Result<()> {
        builder.append_bytes(&self.0);
        Ok(())
    }

    fn from_bytes(payload: &[u8]) -> nlink::Result<Self> {
        Ok(Attributes(payload.to_owned()))
    }
}

/// One attribute: its length with these four bytes, its kind, its value, and nothing up to a multiple of four.
pub(super) fn put(into: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let len = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    into.extend(len.to_ne_bytes());
    into.extend(kind.to_ne_bytes());
    into.extend(value);
    into.resize(into.len().next_multiple_of(4), 0);
}
