//! Obeys the brain: each command becomes one call of a hand. What the hands find out meanwhile comes back
//! as events.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context as _;
use hotshare_core::ask::Answer;
use hotshare_core::brain::{AskId, Command, Event, LeaseId};
use hotshare_core::desired::{Metered, Wanted};
use hotshare_core::meter::{AccountOrder, Reading};
use hotshare_core::names::NamesView;
use hotshare_core::radio::RadioOrders;
use hotshare_core::units::{Mac, Slot};
use hotshare_core::uplink::{Framing, Uplink};
use hotshare_linux::datapath::{KnownDevice, LinkHeader, MarkBits, Meter, MeterConfig, Role};
use hotshare_linux::host::{Host, Stations};
use hotshare_linux::nat;
use hotshare_linux::nat::forget_flows;
use hotshare_linux::observe::ifindex;
use tokio::sync::{mpsc, oneshot, watch};

use super::ledger::Ledger;
use super::sites::SiteHand;
use super::slow::Slow;

/// The hands, and who waits for an answer.
pub(super) struct Hands {
    pub(super) host: Host,
    pub(super) meter: Meter,
    pub(super) ledger: Ledger,
    pub(super) wanted: Wanted,
    pub(super) view: watch::Sender<NamesView>,
    /// Asked instead of the uplink's resolvers, when the owner said so.
    pub(super) resolvers: Vec<Ipv4Addr>,
    pub(super) asks: BTreeMap<AskId, oneshot::Sender<Answer>>,
    pub(super) leases: BTreeMap<LeaseId, oneshot::Sender<()>>,
    slots: BTreeSet<Slot>,
    mapped: BTreeMap<Mac, (Slot, Ipv4Addr)>,
    /// Off the air, with flows that may go on.
    resting: BTreeMap<Mac, Ipv4Addr>,
    /// What the access point is told, and who it is to send away.
    pub(super) radio: watch::Sender<RadioOrders>,
    pub(super) kicks: mpsc::Sender<Mac>,
    closed: BTreeSet<Ipv4Addr>,
    /// How often the flows of these are still to be made to speak: a station may overhear the first time.
    silent: BTreeMap<Ipv4Addr, u8>,
    uplink: Option<Uplink>,
    stale_map: bool,
    neighbours: Stations,
    stale_neighbours: bool,
    /// This process has put its own programs on the LAN; an earlier one may have left older ones there.
    lan_attached: bool,
    /// The uplink that could not be connected: tried again with the next tick.
    pub(super) unconnected: bool,
    pub(super) stopped: bool,
    slow: Slow,
    pub(super) sites: SiteHand,
}

/// Everything [`Hands`] is made of.
pub(super) struct Parts {
    pub(super) host: Host,
    pub(super) meter: Meter,
    pub(super) ledger: Ledger,
    pub(super) wanted: Wanted,
    pub(super) view: watch::Sender<NamesView>,
    pub(super) resolvers: Vec<Ipv4Addr>,
    pub(super) radio: watch::Sender<RadioOrders>,
    pub(super) kicks: mpsc::Sender<Mac>,
}

/// How often a closed station's flows are made to speak, a tick apart.
pub(super) const POKES: u8 = 4;

impl Hands {
    pub(super) fn new(parts: Parts) -> Hands {
        let Parts { host, meter, ledger, wanted, view, resolvers, radio, kicks } = parts;
        Hands {
            host,
            meter,
            ledger,
            wanted,
            view,
            resolvers,
            asks: BTreeMap::new(),
            leases: BTreeMap::new(),
            slots: BTreeSet::new(),
            mapped: BTreeMap::new(),
            resting: BTreeMap::new(),
            radio,
            kicks,
            closed: BTreeSet::new(),
            silent: BTreeMap::new(),
            uplink: None,
            stale_map: false,
            neighbours: Stations::default(),
            stale_neighbours: false,
            lan_attached: false,
            unconnected: false,
            stopped: false,
            slow: Slow::default(),
            sites: SiteHand::default(),
        }
    }

    /// What the meter says of every slot that is not zero, at start.
    pub(super) fn all_readings(&mut self) -> anyhow::Result<Vec<(Slot, Reading)>> {
        for slot in (1..Slot::COUNT).map(Slot) {
            if self.meter.reading(slot)? != Reading::default() {
                self.slots.insert(slot);
            }
        }
        self.readings()
    }

    /// Everybody, by the account that all draw on: what an earlier run let through was for another data card.
    pub(super) fn close_all(&mut self) -> anyhow::Result<()> {
        let closed = AccountOrder::closed(&self.meter.reading(Slot::PLAN)?);
        self.meter.set_account(Slot::PLAN, &closed).context("cannot close the plan's account")?;
        Ok(())
    }

    /// What the meter says now, for every slot that ever counted or had an order.
    pub(super) fn readings(&self) -> anyhow::Result<Vec<(Slot, Reading)>> {
        self.slots.iter().map(|slot| Ok((*slot, self.meter.reading(*slot)?))).collect()
    }

    /// One command; the event it leads to, if it leads to one.
    pub(super) async fn obey(&mut self, command: Command) -> anyhow::Result<Option<Event>> {
        match command {
            Command::Post(id, changes) => self.ledger.commit(id, changes)?,
            Command::Look => return Ok(Some(Event::Read(self.readings()?))),
            Command::Account(slot, order) => {
                self.slots.insert(slot);
                self.meter.set_account(slot, &order).context("cannot give the kernel an order")?;
                self.slow.follow(&mut self.meter, slot, &order).await;
            }
            Command::Map(mac, slot, ip) => {
                let before = self.mapped.insert(mac, (slot, ip));
                self.stale_map |= before != Some((slot, ip));
                let before = before.map(|(_, ip)| ip).or_else(|| self.resting.remove(&mac));
                if let Some(left) = before.filter(|before| *before != ip) {
                    leave(left).await;
                }
            }
            Command::Unmap(mac) => {
                let mapped = self.mapped.remove(&mac).map(|(_, ip)| ip);
                self.stale_map |= mapped.is_some();
                if let Some(left) = mapped.or_else(|| self.resting.remove(&mac)) {
                    leave(left).await;
                }
            }
            Command::Rest(mac) => {
                if let Some((_, ip)) = self.mapped.remove(&mac) {
                    self.stale_map = true;
                    self.resting.insert(mac, ip);
                }
            }
            Command::Neighbours { addresses, wireless } => {
                self.neighbours = Stations { addresses, wireless };
                self.stale_neighbours = true;
            }
            Command::Radio(orders) => self.radio.send_modify(|radio| *radio = *orders),
            Command::Kick(mac) => drop(self.kicks.try_send(mac)),
            Command::Close(closed) => {
                self.closed = closed;
                self.show_closed().await;
            }
            Command::Names(open) => {
                self.view.send_modify(|view| view.open = Arc::new(open));
                self.show_open().await;
            }
            Command::Sites(sites) => return Ok(self.keep_to_sites(sites).await),
            Command::Connect(uplink) => return Ok(self.connect(uplink).await),
            Command::Lease(id, durable) => {
                if let Some(waiting) = self.leases.remove(&id)
                    && durable
                {
                    // The station may have given up meanwhile.
                    _ = waiting.send(());
                }
            }
            Command::Answer(id, answer) => {
                if let Some(waiting) = self.asks.remove(&id) {
                    drop(waiting.send(answer));
                }
            }
            Command::Stopped => self.stopped = true,
        }
        Ok(None)
    }

    /// Of the devices that may send.
    pub(super) fn addresses(&self) -> BTreeSet<Ipv4Addr> {
        self.mapped.values().map(|(_, ip)| *ip).collect()
    }

    /// The access point's interface has another name now.
    pub(super) fn card_is(&mut self, name: String) {
        if let Some(wifi) = &mut self.wanted.wifi {
            wifi.card = name;
        }
    }

    /// The map that an earlier run left stays in force until the brain has said who has which device.
    pub(super) fn map_anew(&mut self) {
        self.stale_map = true;
    }

    /// Puts the changes of one turn in force, together: who has which address, and who has which device.
    pub(super) async fn finish_turn(&mut self) -> anyhow::Result<()> {
        if std::mem::take(&mut self.stale_neighbours) {
            // Where there is no LAN yet, this is done when it is there.
            if let Err(error) = self.host.set_stations(self.wanted.lan(), &self.neighbours).await {
                tracing::warn!(error = %error, "addresses could not be bound to their stations; will try again");
                self.stale_neighbours = true;
            }
        }
        if !std::mem::take(&mut self.stale_map) {
            return Ok(());
        }
        let Some(lan) = ifindex(self.wanted.lan()) else {
            // Without a LAN there is nobody; the map is made when it returns.
            self.stale_map = true;
            return Ok(());
        };
        let devices: Vec<KnownDevice> = self
            .mapped
            .iter()
            .map(|(mac, (slot, ip))| KnownDevice { ifindex: lan, mac: *mac, slot: *slot, ip: *ip })
            .collect();
        self.meter.ensure_devices(&devices).context("cannot tell the kernel who has which device")
    }

    async fn show_closed(&mut self) {
        // The gate itself is the meter's; here it is only about resets. Tried again with the next change.
        match self.host.set_closed(&self.closed).await {
            Ok(added) => {
                self.silent.extend(added.iter().map(|address| (*address, POKES)));
                if !added.is_empty() {
                    self.poke().await;
                }
            }
            Err(error) => tracing::warn!(error = %error, "flows of closed devices could not be reset"),
        }
    }

    /// Whose plain HTTP is not led to the portal.
    async fn show_open(&mut self) {
        // As above: whoever is opened meanwhile finds the portal and nothing worse.
        let open = Arc::clone(&self.view.borrow().open);
        if let Err(error) = self.host.set_open(&open).await {
            tracing::warn!(error = %error, "the rules do not know who is open; who is may be led to the portal");
        }
    }

    /// Makes the flows of who was closed lately speak, so that they are reset: at once, and with each tick for
    /// a while.
    pub(super) async fn poke(&mut self) {
        let closed = &self.closed;
        self.silent.retain(|address, left| *left > 0 && closed.contains(address));
        if self.silent.is_empty() {
            return;
        }
        let addresses = self.silent.keys().copied().collect();
        self.silent.values_mut().for_each(|left| *left -= 1);
        if let Err(error) = nat::poke_flows(self.wanted.lan(), &addresses, &BTreeSet::new()).await {
            tracing::warn!(error = %error, "flows of closed devices could not be reset");
        }
    }

    /// The same at start, when a failure ends the start.
    pub(super) async fn first_connect(&mut self, uplink: Uplink) -> anyhow::Result<()> {
        self.use_uplink(Some(uplink));
        // What an earlier run let through goes on meanwhile.
        self.note_metered()?;
        // The LAN first: a bridge has to be there before the meter can be put on it.
        let done = self.host.reconcile(&self.wanted.desired()).await?;
        if let Some(port) = done.missing.first() {
            anyhow::bail!("the LAN port {port} went away");
        }
        self.put_in_place().await.map(drop)
    }

    async fn connect(&mut self, uplink: Option<Uplink>) -> Option<Event> {
        self.use_uplink(uplink);
        self.retry().await
    }

    fn use_uplink(&mut self, uplink: Option<Uplink>) {
        self.uplink = uplink;
        let resolvers = match &self.uplink {
            Some(up) if self.resolvers.is_empty() => up.resolvers.clone(),
            Some(_) => self.resolvers.clone(),
            None => Vec::new(),
        };
        self.view.send_modify(|view| view.resolvers = resolvers);
    }

    /// Makes the host as it is to be, with the meter in place, as far as that is possible now.
    pub(super) async fn retry(&mut self) -> Option<Event> {
        self.unconnected = false;
        match self.put_in_place().await {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "not connected; will try again");
                self.unconnected = true;
                None
            }
        }
    }

    async fn put_in_place(&mut self) -> anyhow::Result<Option<Event>> {
        if let Some(uplink) = &self.uplink {
            self.wanted.uplink.clone_from(&uplink.name);
        }
        // The meter before the rules: what the rules let through is counted from the first packet.
        self.configure()?;
        if let Some(uplink) = &self.uplink {
            self.meter.attach(Role::Uplink, uplink.ifindex).context("cannot put the meter on the uplink")?;
        }
        let _missing = self.reconcile().await?;
        Ok(self.uplink.as_ref().map(|uplink| Event::UplinkReady(uplink.ifindex)))
    }

    /// The LAN side: made, or made again after a port came back.
    pub(super) async fn reconcile(&mut self) -> anyhow::Result<Vec<String>> {
        self.note_metered()?;
        let mut done = self.host.reconcile(&self.wanted.desired()).await?;
        if let Some(lan) = ifindex(self.wanted.lan()) {
            let attached = self.meter.is_attached(Role::Lan, lan)?;
            if !attached || !self.lan_attached {
                self.meter.attach(Role::Lan, lan).context("cannot put the meter on the LAN")?;
                self.lan_attached = true;
                self.stale_map |= !attached;
            }
            self.stale_neighbours = true;
            self.finish_turn().await?;
        }
        if self.note_metered()? {
            done = self.host.reconcile(&self.wanted.desired()).await?;
        }
        let Metered { uplink, lan } = self.wanted.metered;
        self.slow.between(&mut self.meter, uplink.zip(lan)).await;
        self.show_closed().await;
        self.show_open().await;
        Ok(done.missing)
    }

    /// With each tick: what failed lately is tried again.
    pub(super) async fn mend_queue(&mut self) {
        if self.slow.missing {
            self.slow.check(&mut self.meter).await;
        }
    }

    /// Notes which interfaces the meter is on, for the rules let packets pass between those only. Whether that has
    /// changed.
    fn note_metered(&mut self) -> anyhow::Result<bool> {
        let on = |role, index: Option<u32>| match index {
            Some(index) => Ok::<_, anyhow::Error>(self.meter.is_attached(role, index)?.then_some(index)),
            None => Ok(None),
        };
        let metered = Metered {
            uplink: on(Role::Uplink, self.uplink.as_ref().map(|uplink| uplink.ifindex))?,
            lan: on(Role::Lan, ifindex(self.wanted.lan()))?,
        };
        let changed = metered != self.wanted.metered;
        self.wanted.metered = metered;
        Ok(changed)
    }

    fn configure(&mut self) -> anyhow::Result<()> {
        let framing = self.uplink.as_ref().map_or(Framing::Ethernet, |up| up.framing);
        let config = MeterConfig {
            gateway: self.wanted.subnet.gateway(),
            prefix: self.wanted.subnet.prefix_len(),
            uplink: match framing {
                Framing::Ethernet => LinkHeader::Ethernet,
                Framing::RawIp => LinkHeader::None,
            },
            mark: MarkBits::default(),
            // A plan without a cap always has more to come; see `AccountOrder::later`.
            limited: true,
        };
        self.meter.configure(&config).context("cannot configure the meter")
    }
}

/// Nobody pays for the flows of who had the address before.
async fn leave(address: Ipv4Addr) {
    if let Err(error) = forget_flows(address).await {
        tracing::warn!(%error, "the flows of an address that was left could not be forgotten");
    }
}
