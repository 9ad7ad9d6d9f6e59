//! What the owner's pages say of the Wi-Fi is so: somebody is invited in the dashboard, and joins with what is read
//! there; the page then shows the device on the air, and that it was sent away when the key is taken back.

use anyhow::{Context, Result, ensure};

use super::world::{MHZ, MIB, PATIENCE, World, scene};
use crate::internet::Ports;
use crate::measure::within;
use crate::owner::{Owner, between};
use crate::station::{Key, Network};

pub(crate) fn run() -> Result<()> {
    scene(play())
}

async fn play() -> Result<()> {
    let world = World::new(2, "people").await?;
    let owner = Owner::enter(&world.hotspot).await?;
    let added = [
        ("name", "dora"),
        ("kind", "limit"),
        ("allowance", "20"),
        ("allowance-unit", "MB"),
        ("every", "total"),
    ];
    owner.fill("/admin/people", "/admin/people", &added).await?;
    let invited = owner.fill("/admin/people/dora", "/admin/people/dora/invite", &[("expires", "")]).await?;
    let passphrase = between(&invited, "<dt>Passphrase</dt><dd><code>", "</code>");
    let passphrase = passphrase.with_context(|| format!("no passphrase:\n{invited}"))?;
    let name = between(&invited, "<dt>Network</dt><dd>", "</dd>").context("no name of a network")?;
    ensure!(name == world.hotspot.config.ssid && invited.contains("<svg"), "{invited}");

    // What a person types who reads it to somebody else.
    let network = Network::new(name, Key::Either(passphrase.to_owned())).on(MHZ);
    let mut phone = world.station(1, "doras-phone").await?;
    phone.join(&network).await?;
    let ports = Ports(1);
    let got = phone.get(ports.web(), MIB, PATIENCE).await?;
    ensure!(got.whole, "dora got {got:?}");
    world.compare(&[("dora", ports)], None).await?;
    let mac = phone.mac()?;
    let (page, _) = within(PATIENCE, "the phone on the page for Wi-Fi", || async {
        let page = owner.page("/admin/wifi").await?;
        Ok(page.contains(&mac).then_some(page))
    })
    .await?;
    ensure!(page.contains("dora") && page.contains("Connected"), "{page}");

    owner.fill("/admin/people/dora", "/admin/people/dora/revoke", &[]).await?;
    within(PATIENCE, "the phone gone from the page", || async {
        Ok((!owner.page("/admin/wifi").await?.contains(&mac)).then_some(()))
    })
    .await?;
    let said = owner.page("/admin/diary").await?;
    ensure!(
        said.contains("dora has a new Wi-Fi key.") && said.contains("dora has no Wi-Fi key any more."),
        "{said}"
    );
    world.down().await
}
