//! Data cards: each has a plan of its own, and one that was never used here is closed until the owner agrees.

use std::collections::BTreeMap;

use crate::sim::{Sim, SimSeen};
use crate::units::{CardId, UnixTime};
use crate::uplink::Uplink;

/// A card, as far as the box can tell it from others: by its SIM, which is another card where it roams; by the interface
/// that leads to it where no SIM is known and, where that is Wi-Fi, by the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    pub id: CardId,
    /// The uplink's interface; with a SIM, the one by which it was seen last.
    pub interface: String,
    /// The Wi-Fi network that the uplink is part of.
    pub network: Option<String>,
    /// `None`: no modem has told.
    pub sim: Option<Sim>,
    /// The owner has agreed to use it. The first card needs no agreement: who starts Hotshare means it.
    pub agreed: bool,
    pub since: UnixTime,
}

/// How long an uplink waits to be told which SIM it leads to, before it is asked about as a card of which nobody tells:
/// modems take up to half a minute to be found.
pub const SIM_PATIENCE_SECS: u64 = 60;

/// What lies behind an uplink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behind {
    /// A known card, as it is to be written now: more may be known of it than before.
    Card(Card),
    /// One that was never seen. Of another one more is known by it.
    New { completed: Option<Card> },
    /// A known SIM was behind this interface, and nobody has said yet which one it is now, or whether it roams.
    NotKnownYet,
}

impl Card {
    /// What people call it: “wwan0, SIM …1234, roaming”, or “wlan0 (Harbour)”.
    #[must_use]
    pub fn words(&self) -> String {
        let Card { interface, network, sim, .. } = self;
        match (network, sim) {
            (_, Some(sim)) => format!("{interface}, {sim}"),
            (Some(network), None) => format!("{interface} ({})", network.escape_debug()),
            (None, None) => interface.clone(),
        }
    }

    fn is_at(&self, uplink: &Uplink) -> bool {
        (&self.interface, &self.network) == (&uplink.name, &uplink.network)
    }

    fn has_number(&self, number: &str) -> bool {
        self.sim.as_ref().is_some_and(|sim| sim.number == number)
    }
}

/// Which of `cards` lies behind the uplink, while the one with the number `present` is in. `waited`: long enough to be
/// told.
#[must_use]
pub fn behind(cards: &BTreeMap<CardId, Card>, present: CardId, uplink: &Uplink, waited: bool) -> Behind {
    // The one that is in comes first.
    let all = || cards.get(&present).into_iter().chain(cards.values().filter(|card| card.id != present));
    let here = || all().filter(|card| card.is_at(uplink));
    let as_is = |card: Option<&Card>| match card {
        Some(card) => Behind::Card(card.clone()),
        None => Behind::New { completed: None },
    };
    let without_sim = || here().find(|card| card.sim.is_none());
    let sim_was_here = here().any(|card| card.sim.is_some());
    let sim = match &uplink.sim {
        SimSeen::NobodyAsked => {
            let is_in = here().find(|card| card.id == present);
            let only = || here().next().filter(|_| here().count() == 1);
            return as_is(is_in.or_else(only).or_else(without_sim));
        }
        SimSeen::NotRead if sim_was_here && !waited => return Behind::NotKnownYet,
        SimSeen::NotRead => return as_is(without_sim()),
        SimSeen::Read(sim) => sim,
    };
    let same = || all().filter(|card| card.has_number(&sim.number));
    let told = same().any(|card| card.sim.as_ref().is_some_and(|sim| sim.roaming.is_some()));
    if sim.roaming.is_none() && told && !waited {
        return Behind::NotKnownYet;
    }
    // Wherever it is plugged in.
    if let Some(card) = all().find(|card| card.sim.as_ref() == Some(sim)) {
        let (interface, network) = (uplink.name.clone(), uplink.network.clone());
        return Behind::Card(Card { interface, network, ..card.clone() });
    }
    // Of whom less was known is this one, at home; but not beside one of whom as much is known.
    let less = if told { None } else { same().next().or_else(|| without_sim().filter(|_| !sim_was_here)) };
    let completed = less.map(|card| {
        let home = Sim { number: sim.number.clone(), roaming: sim.roaming.map(|_| false) };
        let (interface, network) = (uplink.name.clone(), uplink.network.clone());
        Card { interface, network, sim: Some(home), ..card.clone() }
    });
    match completed {
        Some(card) if sim.roaming != Some(true) => Behind::Card(card),
        completed => Behind::New { completed },
    }
}

#[cfg(test)]
mod tests;
