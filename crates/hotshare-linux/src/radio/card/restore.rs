//! The card given back as it was: after a stop, a failed start, or by the start after a kill.

use hotshare_core::desired::BRIDGE;
use hotshare_core::radio::CardInterface;
use hotshare_core::units::Mac;
use nlink::netlink::genl::nl80211::InterfaceType;

use super::air::{Air, failed, kind};
use super::journal::{CardBefore, InterfaceBefore, KindBefore, ManagedBefore};
use super::phy::Phy;
use super::prepare::{address, device};
use super::survey::{by_phy, is_our_making};
use super::{Card, CardError, country, rfkill};
use crate::bus::bus;
use crate::radio::nm::{DropIn, NetworkManager};

impl Card {
    /// Everything as it was before, also when the card was pulled, or came back under another name. What is
    /// restored already, or gone, is no failure; everything is tried, whatever fails. hostapd must have ended.
    ///
    /// # Errors
    /// With all that could not be restored. It stays written down, and may be tried again.
    pub async fn restore(&mut self) -> Result<(), CardError> {
        if !self.has_leftovers() {
            return self.write();
        }
        let mut failures = Failures::default();
        failures.note(self.restore_card().await);
        if let Some(before) = self.before.country.clone() {
            let restored = match Air::open().await {
                Ok(air) => country::restore(&air, &before).await,
                // The driver is unloaded, and the rules with it.
                Err(CardError::NoWifi) => Ok(()),
                Err(error) => Err(error),
            };
            if failures.note(restored) {
                self.before.country = None;
            }
        }
        failures.note(self.write());
        failures.result()
    }

    /// The card and who manages it, not the country.
    pub(super) async fn restore_card(&mut self) -> Result<(), CardError> {
        let mut failures = Failures::default();
        if let Some(before) = self.before.card.clone() {
            let restored = match Air::open().await {
                Ok(air) => restore_card(&air, &before).await,
                Err(CardError::NoWifi) => Ok(()),
                Err(error) => Err(error),
            };
            if failures.note(restored) {
                self.before.card = None;
            }
        }
        // Last: it may do with the card what it likes from here on.
        if let Some(before) = self.before.managed.clone()
            && failures.note(give_back(&before).await)
        {
            self.before.managed = None;
        }
        failures.note(self.write());
        failures.result()
    }
}

#[derive(Default)]
struct Failures(Vec<String>);

impl Failures {
    fn note(&mut self, result: Result<(), CardError>) -> bool {
        match result {
            Ok(()) => true,
            Err(CardError::NotRestored(several)) => {
                self.0.extend(several);
                false
            }
            Err(error) => {
                self.0.push(with_causes(&error));
                false
            }
        }
    }

    fn result(self) -> Result<(), CardError> {
        if self.0.is_empty() { Ok(()) } else { Err(CardError::NotRestored(self.0)) }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

async fn restore_card(air: &Air, before: &CardBefore) -> Result<(), CardError> {
    let Some(phy) = find(&Phy::all(&air.phys().await?), before).map(|phy| (phy.index, phy.name.clone()))
    else {
        tracing::info!(card = before.phy, "the Wi-Fi card is gone, so there is nothing to restore on it");
        return Ok(());
    };
    let (index, name) = phy;
    let mut failures = Failures::default();
    let seen = by_phy(air).await?.remove(&index).unwrap_or_default();
    let ours =
        |interface: &&CardInterface| is_our_making(interface) || before.own.as_ref() == Some(&interface.name);
    // A station's interface goes before the access point's that it hangs on.
    for interface in seen.iter().filter(ours).rev() {
        failures.note(air.remove(interface.ifindex, &interface.name).await);
    }
    if let Some(interface) = &before.interface {
        let theirs: Vec<&CardInterface> = seen.iter().filter(|i| i.is_the_cards() && !ours(i)).collect();
        let same = theirs.iter().find(|i| i.name == interface.name).or(theirs.first());
        failures.note(match same {
            Some(now) => restore_interface(air, now, interface).await,
            None => make_again(air, index, interface).await,
        });
    }
    if before.blocked
        && let Some(switch) = rfkill::of(&name)
        && !switch.soft
    {
        let turned = switch.set_soft(true);
        failures.note(turned.map_err(|error| CardError::SoftBlocked(name.clone(), error)));
    }
    failures.result()
}

/// The card that is meant: by the address that it was made with, else by where it is plugged in.
fn find<'a>(phys: &'a [Phy], before: &CardBefore) -> Option<&'a Phy> {
    let by_address = |phy: &&Phy| before.address.is_some() && address(&phy.name) == before.address;
    let by_device = |phy: &&Phy| {
        before.device.is_some()
            && device(&phy.name).is_some_and(|path| path.to_str() == before.device.as_deref())
    };
    // Cards of one kind may all have the same address.
    let both = phys.iter().find(|phy| by_address(phy) && by_device(phy));
    both.or_else(|| phys.iter().find(by_address)).or_else(|| phys.iter().find(by_device))
}

async fn restore_interface(
    air: &Air,
    now: &CardInterface,
    before: &InterfaceBefore,
) -> Result<(), CardError> {
    let (name, index) = (&now.name, now.ifindex);
    let failed = |what: &str| failed(format!("{what} {name}"));
    let link = air.links.get_link_by_index(index).await.map_err(failed("find"))?;
    let Some(link) = link else { return Ok(()) };
    let kind_before = interface_type(before.kind);
    let other_kind = now.kind != kind(kind_before);
    let mac = before.mac.parse::<Mac>().ok().filter(|mac| link.address() != Some(&mac.0));
    // A card that came back has the address that it was made with.
    let mac = mac.filter(|_| *name == before.name);

    if let Some(bridge) = link.master()
        && air
            .links
            .get_link_by_index(bridge)
            .await
            .is_ok_and(|b| b.is_some_and(|b| b.name() == Some(BRIDGE)))
    {
        air.links.set_link_nomaster_by_index(index).await.map_err(failed("take out of our bridge"))?;
    }
    if other_kind || mac.is_some() {
        air.links.set_link_down_by_index(index).await.map_err(failed("take down"))?;
    }
    if other_kind {
        let set = air.wifi.set_interface_type_by_index(index, kind_before).await;
        set.map_err(failed("give back its mode to"))?;
    }
    if let Some(mac) = mac {
        air.links
            .set_link_address_by_index(index, mac.0)
            .await
            .map_err(failed("give back its address to"))?;
    }
    let set = air.links.set_link_state_by_index(index, before.up).await;
    set.map_err(failed(if before.up { "bring up" } else { "take down" }))
}

/// The card is there, its interface is not.
async fn make_again(air: &Air, phy: u32, before: &InterfaceBefore) -> Result<(), CardError> {
    let Ok(mac) = before.mac.parse() else { return Ok(()) };
    air.add(phy, &before.name, interface_type(before.kind), mac).await?;
    if before.up {
        let up = air.links.set_link_up(before.name.as_str()).await;
        up.map_err(failed(format!("bring up {}", before.name)))?;
    }
    Ok(())
}

fn interface_type(kind: KindBefore) -> InterfaceType {
    match kind {
        KindBefore::Station => InterfaceType::Station,
        KindBefore::AccessPoint => InterfaceType::Ap,
    }
}

async fn give_back(before: &ManagedBefore) -> Result<(), CardError> {
    let bus = bus().await;
    let manager = NetworkManager::find(bus.as_ref()).await;
    let removed = DropIn::new().remove()?;
    let Some(manager) = manager else { return Ok(()) };
    if removed {
        manager.reload().await?;
    }
    match &before.interface {
        Some(interface) => manager.give_back(interface, before.told).await,
        None => Ok(()),
    }
}
