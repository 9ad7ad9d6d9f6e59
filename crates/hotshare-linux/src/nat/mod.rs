//! The nftables tables that are ours, `inet hotshare` and, where the LAN is a bridge, `bridge hotshare`: replaced as
//! a whole in one transaction. Nobody else's is touched.

mod bridge;
mod flows;
mod poke;
mod ruleset;
mod sets;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use hotshare_core::desired::{Ruleset, Table};
use hotshare_core::units::Mac;
use nlink::netlink::nftables::Family;
use nlink::netlink::{Connection, Nftables};

pub use flows::forget_flows;
pub use poke::poke_flows;
use sets::{Change, Key, Mirror};
use table::Draft;
pub use table::TABLE;

/// What went wrong with the table.
#[derive(Debug, thiserror::Error)]
pub enum NatError {
    #[error("could not open a netlink socket for nftables; is the kernel built with it, and are we root?")]
    Open(#[source] nlink::Error),
    #[error("could not read the nftables tables named hotshare")]
    Read(#[source] nlink::Error),
    #[error(
        "could not replace the nftables tables named hotshare; the kernel needs nftables with NAT, conntrack and reject"
    )]
    Replace(#[source] nlink::Error),
    #[error(
        "could not remove the nftables tables named hotshare; try `nft delete table inet hotshare`, and the same with bridge"
    )]
    Remove(#[source] nlink::Error),
    #[error("could not change the set of closed devices")]
    Close(#[source] nlink::Error),
    #[error("could not change the set of open devices")]
    Opened(#[source] nlink::Error),
    #[error("could not tell the rules where the sites are that may be reached")]
    Sites(#[source] nlink::Error),
    #[error("could not tell the rules who has which address")]
    Stations(#[source] nlink::Error),
    #[error("could not forget the flows of {0}")]
    Flows(Ipv4Addr, #[source] nlink::Error),
    #[error("could not list the flows of closed devices")]
    ListFlows(#[source] nlink::Error),
    #[error("could not speak to closed devices")]
    Poke(#[source] std::io::Error),
}

/// The hand on the tables.
pub struct Nat {
    conn: Connection<Nftables>,
    /// Closed, wireless, taken, holders, sites, open.
    sets: [Mirror; 6],
    /// This kernel has no rules for bridges. That each port is isolated must do.
    no_bridge_rules: bool,
}

/// The families in which there may be a table of ours.
const FAMILIES: [Family; 2] = [Family::Inet, Family::Bridge];

impl Nat {
    /// # Errors
    /// Without netlink or without the right to use it.
    pub fn open() -> Result<Nat, NatError> {
        let conn = Connection::<Nftables>::new().map_err(NatError::Open)?;
        let sets = [
            ruleset::CLOSED,
            bridge::WIRELESS,
            bridge::TAKEN,
            bridge::holders(),
            ruleset::SITES,
            ruleset::OPEN,
        ];
        let sets = sets.map(Mirror::new);
        Ok(Nat { conn, sets, no_bridge_rules: false })
    }

    /// What the kernel's tables say, compared with what we `expect` them to.
    pub(crate) async fn observe(&self, expect: &Table) -> Result<Table, NatError> {
        self.try_observe(expect).await.map_err(NatError::Read)
    }

    async fn try_observe(&self, expect: &Table) -> nlink::Result<Table> {
        let mut there = Vec::new();
        for family in FAMILIES {
            let tables = self.conn.list_tables_in(family).await?;
            there.extend(tables.iter().any(|table| table.name == TABLE).then_some(family));
        }
        if there.is_empty() {
            return Ok(Table::Absent);
        }
        let Table::Holds(ruleset) = expect else { return Ok(Table::Unknown) };
        let drafts = self.drafts(ruleset)?;
        if there != drafts.iter().map(|draft| draft.family).collect::<Vec<_>>() {
            return Ok(Table::Unknown);
        }
        for draft in &drafts {
            let chains = self.conn.list_chains_in(TABLE, draft.family).await?;
            let rules = self.conn.list_rules(TABLE, draft.family).await?;
            let sets = self.conn.list_sets_in(TABLE, draft.family).await?;
            if !draft.is_said_by(&chains, &rules, &sets) {
                return Ok(Table::Unknown);
            }
        }
        Ok(expect.clone())
    }

    fn drafts(&self, ruleset: &Ruleset) -> nlink::Result<Vec<Draft>> {
        let bridge = if self.no_bridge_rules { None } else { bridge::draft(ruleset)? };
        Ok([ruleset::draft(ruleset)?].into_iter().chain(bridge).collect())
    }

    /// Makes the tables say `ruleset` and nothing else, in one transaction; what is in the sets stays.
    pub(crate) async fn replace(&mut self, ruleset: &Ruleset) -> Result<(), NatError> {
        match self.try_replace(ruleset).await {
            Err(error) if error.is_not_supported() && !self.no_bridge_rules => {
                self.no_bridge_rules = true;
                if let Err(error) = self.try_replace(ruleset).await {
                    self.no_bridge_rules = false;
                    return Err(NatError::Replace(error));
                }
                if ruleset.wifi.is_some() {
                    tracing::warn!(
                        "this kernel has no rules for bridges (CONFIG_NF_TABLES_BRIDGE): that devices cannot reach \
                         one another rests on the isolation of their ports alone"
                    );
                }
                Ok(())
            }
            result => result.map_err(NatError::Replace),
        }
    }

    async fn try_replace(&mut self, ruleset: &Ruleset) -> nlink::Result<()> {
        let drafts = self.drafts(ruleset)?;
        let mut batch = self.conn.transaction();
        for family in FAMILIES {
            batch = batch.destroy_table(TABLE, family);
        }
        for draft in drafts {
            batch = batch.add_table(TABLE, draft.family);
            for set in self.sets.iter_mut().filter(|set| set.family() == draft.family) {
                set.read(&self.conn).await?;
                batch = set.add_to(batch);
            }
            for chain in draft.chains {
                batch = batch.add_chain(table::chain(draft.family, chain)?);
            }
            for rule in draft.rules.into_iter().flat_map(|(_, rules)| rules) {
                batch = batch.add_rule(rule);
            }
        }
        batch.commit(&self.conn).await
    }

    /// Removes the tables if they are there.
    pub(crate) async fn remove(&mut self) -> Result<(), NatError> {
        self.sets.iter_mut().for_each(Mirror::forget);
        for family in FAMILIES {
            self.conn.del_table_if_exists(TABLE, family).await.map_err(NatError::Remove)?;
        }
        Ok(())
    }

    /// Makes `addresses` the closed devices' addresses: only what differs is changed, at once. Returns those
    /// that were not closed before.
    ///
    /// # Errors
    /// When there is no table, or the kernel refuses.
    pub async fn set_closed(
        &mut self,
        addresses: &BTreeSet<Ipv4Addr>,
    ) -> Result<BTreeSet<Ipv4Addr>, NatError> {
        let closed: BTreeSet<Key> = addresses.iter().map(|address| address.octets().to_vec()).collect();
        let [set, ..] = &mut self.sets;
        let added = change(&self.conn, vec![(set, closed)]).await.map_err(NatError::Close)?;
        let address = |key: &Key| <[u8; 4]>::try_from(key.as_slice()).ok().map(Ipv4Addr::from);
        Ok(added.iter().filter_map(address).collect())
    }

    /// Makes `addresses` those of the sites that may be reached: only what differs is changed, at once.
    pub(crate) async fn set_sites(&mut self, addresses: &BTreeSet<Ipv4Addr>) -> Result<(), NatError> {
        let sites: BTreeSet<Key> = addresses.iter().map(|address| address.octets().to_vec()).collect();
        let [.., set, _] = &mut self.sets;
        change(&self.conn, vec![(set, sites)]).await.map(drop).map_err(NatError::Sites)
    }

    /// Makes `addresses` those of the devices that may use the uplink: only what differs is changed, at once.
    pub(crate) async fn set_open(&mut self, addresses: &BTreeSet<Ipv4Addr>) -> Result<(), NatError> {
        let open: BTreeSet<Key> = addresses.iter().map(|address| address.octets().to_vec()).collect();
        let [.., set] = &mut self.sets;
        change(&self.conn, vec![(set, open)]).await.map(drop).map_err(NatError::Opened)
    }

    /// Tells the bridge's rules who has which address, and who is on the air. Without these rules, nothing is done.
    pub(crate) async fn set_stations(
        &mut self,
        addresses: &BTreeMap<Ipv4Addr, Mac>,
        on_air: &BTreeSet<Mac>,
    ) -> Result<(), NatError> {
        let tables = self.conn.list_tables_in(Family::Bridge).await.map_err(NatError::Read)?;
        if !tables.iter().any(|table| table.name == TABLE) {
            return Ok(());
        }
        let held = |(ip, mac): (&Ipv4Addr, &Mac)| -> Key { [&mac.0[..], &[0; 2], &ip.octets()].concat() };
        let [_, wireless, taken, holders, ..] = &mut self.sets;
        let changes = vec![
            (wireless, on_air.iter().map(|mac| mac.0.to_vec()).collect()),
            (taken, addresses.keys().map(|ip| ip.octets().to_vec()).collect()),
            (holders, addresses.iter().map(held).collect()),
        ];
        change(&self.conn, changes).await.map(drop).map_err(NatError::Stations)
    }
}

/// Whether this kernel has no rules for bridges. Asked by a transaction that cannot succeed, so nothing changes.
pub async fn has_no_bridge_rules() -> bool {
    const NOBODYS: &str = "hotshare-is-this-there";
    let Ok(conn) = Connection::<Nftables>::new() else { return false };
    let batch = conn.transaction().add_table(NOBODYS, Family::Bridge);
    let asked = batch.del_chain(NOBODYS, "nothing", Family::Bridge).commit(&conn).await;
    asked.is_err_and(|error| error.is_not_supported())
}

/// Changes sets in one transaction; returns the elements that are new. Somebody else may have changed a set: then it
/// is read again, and tried once more.
async fn change(
    conn: &Connection<Nftables>,
    mut wanted: Vec<(&mut Mirror, BTreeSet<Key>)>,
) -> nlink::Result<BTreeSet<Key>> {
    if let Ok(added) = try_change(conn, &mut wanted).await {
        return Ok(added);
    }
    wanted.iter_mut().for_each(|(set, _)| set.forget());
    try_change(conn, &mut wanted).await
}

async fn try_change(
    conn: &Connection<Nftables>,
    wanted: &mut [(&mut Mirror, BTreeSet<Key>)],
) -> nlink::Result<BTreeSet<Key>> {
    let mut batch = conn.transaction();
    let mut changes = Vec::new();
    for (set, keys) in wanted.iter_mut() {
        let change = set.change_to(conn, keys.clone()).await?;
        batch = set.write(batch, &change);
        changes.push(change);
    }
    if !changes.iter().all(Change::is_nothing) {
        batch.commit(conn).await?;
    }
    let mut added = BTreeSet::new();
    for ((set, _), change) in wanted.iter_mut().zip(changes) {
        added.extend(change.add.iter().cloned());
        set.done(change);
    }
    Ok(added)
}

/// The tables as `nft -s list` prints them, but for the sets' elements. For tests and people.
///
/// # Errors
/// When a name in it cannot be one.
pub fn text(ruleset: &Ruleset) -> nlink::Result<String> {
    let bridge = bridge::draft(ruleset)?;
    Ok([ruleset::draft(ruleset)?].iter().chain(&bridge).map(Draft::text).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests;
