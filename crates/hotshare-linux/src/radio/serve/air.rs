//! What the kernel says of the access point's interface, and of the station that it shares its card with.

use hotshare_core::radio::{CardInterface, Choice, InterfaceKind};

use super::super::RadioError;
use super::super::card;

/// How the access point is, by the kernel's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Air {
    On,
    /// The interface is there, but does not send.
    Off,
    /// The interface is gone.
    Gone,
    /// The uplink's station on the same card is on another channel now, given in MHz.
    UplinkMoved(u32),
    /// That station has no link, and finds none on another channel while the access point holds the card.
    UplinkLost,
}

pub(super) async fn look(choice: &Choice) -> Result<Air, RadioError> {
    let interfaces = card::interfaces().await?;
    Ok(judge(choice, &interfaces))
}

fn judge(choice: &Choice, interfaces: &[(u32, CardInterface)]) -> Air {
    let find = |name: &str| interfaces.iter().find(|(_, interface)| interface.name == name);
    let Some((_, own)) = find(choice.interface()) else { return Air::Gone };
    if let Some(follows) = &choice.follows {
        match find(follows).map(|(_, station)| station.mhz) {
            Some(Some(mhz)) if mhz != choice.mhz => return Air::UplinkMoved(mhz),
            Some(None) => return Air::UplinkLost,
            Some(Some(_)) | None => {}
        }
    }
    let is_on = own.kind == InterfaceKind::AccessPoint && own.up && own.mhz.is_some();
    if is_on { Air::On } else { Air::Off }
}

/// The card of this choice is there with the interface that the access point was on.
pub(super) async fn has(choice: &Choice) -> Result<bool, RadioError> {
    let interfaces = card::interfaces().await?;
    let is_there = interfaces.iter().any(|(phy, i)| *phy == choice.phy && i.name == choice.interface());
    let keeps_channel = matches!(judge(choice, &interfaces), Air::On | Air::Off);
    Ok(is_there && keeps_channel)
}

/// # Errors
/// When the access point is to follow a station that has no link: it would keep the station from finding one.
pub(super) async fn uplink_is_on(choice: &Choice) -> Result<(), RadioError> {
    let Some(follows) = &choice.follows else { return Ok(()) };
    let interfaces = card::interfaces().await?;
    let station = interfaces.iter().find(|(_, interface)| interface.name == *follows);
    match station.map(|(_, station)| station.mhz) {
        Some(None) => Err(RadioError::UplinkLost(follows.clone())),
        Some(Some(_)) | None => Ok(()),
    }
}
