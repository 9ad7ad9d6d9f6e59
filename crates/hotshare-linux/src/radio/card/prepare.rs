//! A card made ready for hostapd: turned on, left alone by others, free, under the chosen country's rules.

use std::fs;
use std::path::{Path, PathBuf};

use hotshare_core::radio::{CardInterface, Choice};
use hotshare_core::units::Mac;
use nlink::netlink::genl::nl80211::InterfaceType;

use super::air::{Air, failed};
use super::journal::{CardBefore, InterfaceBefore, ManagedBefore};
use super::phy::Phy;
use super::survey::{by_phy, is_our_making};
use super::{Card, CardError, holder, rfkill};
use crate::bus::bus;
use crate::radio::nm::{DropIn, NetworkManager};

const PHYS: &str = "/sys/class/ieee80211";

impl Card {
    /// Makes the chosen card ready for hostapd. Its type and what follows from it are left to hostapd. What an
    /// earlier run has left of this same card is taken over, so that nobody else reaches for it meanwhile.
    ///
    /// # Errors
    /// When the card is gone, turned off or held by others, or the kernel refuses. Restore it then.
    pub async fn prepare(&mut self, choice: &Choice) -> Result<(), CardError> {
        let air = Air::open().await?;
        let gone = || CardError::Gone(choice.card.clone());
        let phys = Phy::all(&air.phys().await?);
        let phy = phys.iter().find(|phy| phy.index == choice.phy).ok_or_else(gone)?;
        if self.before.card.as_ref().is_some_and(|before| !is_same(before, phy, choice)) {
            // How the other one is restored may be seen on this one, too: they may be one card with another name.
            self.restore_card().await?;
        }
        let seen = by_phy(&air).await?.remove(&phy.index).unwrap_or_default();
        let interface = match &choice.own_interface {
            Some(_) => None,
            None => Some(seen.iter().find(|interface| interface.name == choice.card).ok_or_else(gone)?),
        };

        self.remember(&air, phy, interface).await?;
        self.turn_on(&phy.name)?;
        self.keep_others_off(&air, choice, interface).await?;
        for interface in seen.iter().filter(|interface| is_our_making(interface)) {
            air.remove(interface.ifindex, &interface.name).await?;
        }
        if let Some((name, mac)) = &choice.own_interface {
            if let Some(card) = &mut self.before.card {
                card.own = Some(name.clone());
            }
            self.write()?;
            air.add(choice.phy, name, InterfaceType::Ap, *mac).await?;
        }
        if let Some(interface) = interface {
            // Leaves the network that it may be joined to; hostapd brings it up again.
            let down = air.links.set_link_down_by_index(interface.ifindex).await;
            down.map_err(failed(format!("take down {}", interface.name)))?;
        }
        self.set_country(choice.country).await
    }

    /// Writes down how the card is, unless that is written already.
    async fn remember(
        &mut self,
        air: &Air,
        phy: &Phy,
        interface: Option<&CardInterface>,
    ) -> Result<(), CardError> {
        let device = device(&phy.name).and_then(|path| path.to_str().map(ToOwned::to_owned));
        if let Some(before) = &mut self.before.card {
            // Pulled and put back, it may be another phy.
            (before.phy, before.device) = (phy.name.clone(), device);
            return self.write();
        }
        let interface = match interface {
            Some(seen) => Some(InterfaceBefore::of(seen, current_mac(air, seen).await?)),
            None => None,
        };
        let (address, phy) = (address(&phy.name), phy.name.clone());
        self.before.card = Some(CardBefore { phy, address, device, interface, own: None, blocked: false });
        self.write()
    }

    fn turn_on(&mut self, phy: &str) -> Result<(), CardError> {
        let Some(switch) = rfkill::of(phy) else { return Ok(()) };
        if switch.hard {
            return Err(CardError::HardBlocked(phy.to_owned()));
        }
        if !switch.soft {
            return Ok(());
        }
        if let Some(card) = &mut self.before.card {
            card.blocked = true;
        }
        self.write()?;
        tracing::info!(card = phy, "Wi-Fi was turned off; turning it on until Hotshare stops");
        switch.set_soft(false).map_err(|error| CardError::SoftBlocked(phy.to_owned(), error))
    }

    /// NetworkManager leaves alone what becomes ours, and nobody else steers it.
    async fn keep_others_off(
        &mut self,
        air: &Air,
        choice: &Choice,
        interface: Option<&CardInterface>,
    ) -> Result<(), CardError> {
        let bus = bus().await;
        let manager = NetworkManager::find(bus.as_ref()).await;
        if DropIn::is_wanted(manager.as_ref()) {
            let managed = match (&manager, interface) {
                (Some(manager), Some(interface)) => manager.manages(&interface.name).await?,
                _ => None,
            };
            if self.before.managed.is_none() {
                let interface = interface.filter(|_| managed == Some(true)).map(|i| i.name.clone());
                self.before.managed = Some(ManagedBefore { interface, told: false });
                self.write()?;
            }
            DropIn::new().write(&[choice.interface()])?;
        }
        if let Some(manager) = &manager {
            manager.reload().await?;
            if let Some(interface) = interface
                && !manager.lets_go(&interface.name).await?
            {
                if let Some(managed) = &mut self.before.managed {
                    managed.told = true;
                }
                self.write()?;
                manager.take(&interface.name).await?;
            }
        }
        let Some(interface) = interface else { return Ok(()) };
        let was_managed = self.before.managed.as_ref().is_some_and(|managed| managed.interface.is_some());
        holder::none(bus.as_ref(), &interface.name, was_managed).await?;
        holder::warn_of_networkd(bus.as_ref(), &interface.name).await;
        // While it manages a card, NetworkManager gives it random addresses; the real one is back now.
        let mac = current_mac(air, interface).await?.to_string();
        if was_managed
            && let Some(before) = self.before.card.as_mut().and_then(|card| card.interface.as_mut())
            && before.mac != mac
        {
            before.mac = mac;
            self.write()?;
        }
        Ok(())
    }
}

/// What is written down is about the card that was chosen now, used in the same way.
fn is_same(before: &CardBefore, phy: &Phy, choice: &Choice) -> bool {
    let same_card = match &before.address {
        Some(_) => before.address == address(&phy.name),
        None => before.phy == phy.name,
    };
    let name = choice.own_interface.is_none().then_some(choice.card.as_str());
    same_card && before.interface.as_ref().map(|interface| interface.name.as_str()) == name
}

async fn current_mac(air: &Air, interface: &CardInterface) -> Result<Mac, CardError> {
    let link = air.links.get_link_by_index(interface.ifindex).await;
    let link = link.map_err(failed(format!("read the address of {}", interface.name)))?;
    let mac = link.and_then(|link| <[u8; 6]>::try_from(link.address()?).ok());
    mac.map(Mac).ok_or_else(|| CardError::Gone(interface.name.clone()))
}

/// The address that the card was made with.
pub(super) fn address(phy: &str) -> Option<String> {
    let text = fs::read_to_string(Path::new(PHYS).join(phy).join("macaddress")).ok()?;
    Some(text.trim().to_owned())
}

/// Where the card is plugged in.
pub(super) fn device(phy: &str) -> Option<PathBuf> {
    fs::canonicalize(Path::new(PHYS).join(phy).join("device")).ok()
}
