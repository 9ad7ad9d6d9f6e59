//! Data cards: each has a plan of its own, and one that was never used here is closed until the owner agrees.

use crate::units::{CardId, UnixTime};
use crate::uplink::Uplink;

/// A card, as far as the box can tell it from others: by the interface that leads to it and, where that is a Wi-Fi
/// card, by the network. The card's own number (ICCID) is not known without a modem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    pub id: CardId,
    /// The uplink's interface.
    pub interface: String,
    /// The Wi-Fi network that the uplink is part of.
    pub network: Option<String>,
    /// The owner has agreed to use it. The first card needs no agreement: who starts Hotshare means it.
    pub agreed: bool,
    pub since: UnixTime,
}

impl Card {
    /// This uplink leads to it.
    #[must_use]
    pub fn is_behind(&self, uplink: &Uplink) -> bool {
        (&self.interface, &self.network) == (&uplink.name, &uplink.network)
    }

    /// What people call it: “wwan0”, or “wlan0 (Harbour)”.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.network {
            Some(network) => format!("{} ({})", self.interface, network.escape_debug()),
            None => self.interface.clone(),
        }
    }
}
