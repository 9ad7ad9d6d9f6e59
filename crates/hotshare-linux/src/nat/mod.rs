//! The one nftables table that is ours: replaced as a whole in one transaction. Nobody else's is touched.

mod flows;
mod poke;
mod ruleset;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use hotshare_core::desired::{Ruleset, Table};
use nlink::netlink::nftables::{Family, SetElement};
use nlink::netlink::{Connection, Nftables};

pub use flows::forget_flows;
pub use poke::poke_flows;
pub use ruleset::{TABLE, text};

/// What went wrong with the table.
#[derive(Debug, thiserror::Error)]
pub enum NatError {
    #[error("could not open a netlink socket for nftables; is the kernel built with it, and are we root?")]
    Open(#[source] nlink::Error),
    #[error("could not read the table inet hotshare")]
    Read(#[source] nlink::Error),
    #[error(
        "could not replace the table inet hotshare; the kernel needs nftables with NAT, conntrack and reject"
    )]
    Replace(#[source] nlink::Error),
    #[error("could not remove the table inet hotshare; try `nft delete table inet hotshare`")]
    Remove(#[source] nlink::Error),
    #[error("could not change the set of closed devices")]
    Close(#[source] nlink::Error),
    #[error("could not forget the flows of {0}")]
    Flows(Ipv4Addr, #[source] nlink::Error),
    #[error("could not list the flows of closed devices")]
    ListFlows(#[source] nlink::Error),
    #[error("could not speak to closed devices")]
    Poke(#[source] std::io::Error),
}

/// The hand on the table.
pub struct Nat {
    conn: Connection<Nftables>,
    /// The set's elements as the kernel has them; `None` until they were read.
    closed: Option<BTreeSet<Ipv4Addr>>,
}

impl Nat {
    /// # Errors
    /// Without netlink or without the right to use it.
    pub fn open() -> Result<Nat, NatError> {
        let conn = Connection::<Nftables>::new().map_err(NatError::Open)?;
        Ok(Nat { conn, closed: None })
    }

    /// What the kernel's table says, compared with what we `expect` it to.
    pub(crate) async fn observe(&self, expect: &Table) -> Result<Table, NatError> {
        let tables = self.conn.list_tables_in(Family::Inet).await.map_err(NatError::Read)?;
        if !tables.iter().any(|table| table.name == TABLE) {
            return Ok(Table::Absent);
        }
        match expect {
            Table::Holds(ruleset) if self.says(ruleset).await.map_err(NatError::Read)? => Ok(expect.clone()),
            Table::Holds(_) | Table::Absent | Table::Unknown => Ok(Table::Unknown),
        }
    }

    /// Whether the kernel's table has exactly the chains and rules that `ruleset` asks for.
    async fn says(&self, ruleset: &Ruleset) -> nlink::Result<bool> {
        let expected = ruleset::rules(ruleset)?;
        let chains = self.conn.list_chains_in(TABLE, Family::Inet).await?;
        let rules = self.conn.list_rules(TABLE, Family::Inet).await?;
        let sets = self.conn.list_sets_in(TABLE, Family::Inet).await?;
        let same_chains = chains.len() == expected.len()
            && ruleset::chains().iter().all(|chain| chains.iter().any(|is| ruleset::is(chain, is)));
        let lines_of = |name: &str| -> Vec<Option<String>> {
            let of_chain = rules.iter().filter(|rule| rule.chain == name);
            of_chain.map(|rule| rule.nft_syntax_stateless()).collect()
        };
        let same_rules = expected.iter().all(|(chain, rules)| {
            lines_of(chain).into_iter().eq(rules.iter().map(|rule| rule.nft_syntax_stateless()))
        });
        Ok(same_chains && same_rules && sets.iter().any(|set| set.name == ruleset::CLOSED))
    }

    /// Makes the table say `ruleset` and nothing else, in one transaction; who is closed stays closed.
    pub(crate) async fn replace(&mut self, ruleset: &Ruleset) -> Result<(), NatError> {
        let closed = self.closed().await.map_err(NatError::Replace)?;
        self.try_replace(ruleset, &closed).await.map_err(NatError::Replace)?;
        self.closed = Some(closed);
        Ok(())
    }

    async fn try_replace(&self, ruleset: &Ruleset, closed: &BTreeSet<Ipv4Addr>) -> nlink::Result<()> {
        let set = ruleset::closed_set();
        let mut batch = self
            .conn
            .transaction()
            .destroy_table(TABLE, Family::Inet)
            .add_table(TABLE, Family::Inet)
            .add_set(set.clone());
        if !closed.is_empty() {
            batch = batch.add_set_elements(&set, &elements(closed));
        }
        for chain in ruleset::chains() {
            batch = batch.add_chain(ruleset::chain(chain)?);
        }
        for rule in ruleset::rules(ruleset)?.into_iter().flat_map(|(_, rules)| rules) {
            batch = batch.add_rule(rule);
        }
        batch.commit(&self.conn).await
    }

    /// Removes the table if there is one.
    pub(crate) async fn remove(&mut self) -> Result<(), NatError> {
        self.closed = None;
        self.conn.del_table_if_exists(TABLE, Family::Inet).await.map_err(NatError::Remove)?;
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
        match self.change_closed(addresses).await {
            Ok(added) => Ok(added),
            Err(_) => {
                // Somebody else may have changed the set: read what is there, and try once more.
                self.closed = None;
                self.change_closed(addresses).await.map_err(NatError::Close)
            }
        }
    }

    async fn change_closed(&mut self, addresses: &BTreeSet<Ipv4Addr>) -> nlink::Result<BTreeSet<Ipv4Addr>> {
        let is = self.closed().await?;
        let add: BTreeSet<Ipv4Addr> = addresses.difference(&is).copied().collect();
        let del: BTreeSet<Ipv4Addr> = is.difference(addresses).copied().collect();
        if add.is_empty() && del.is_empty() {
            self.closed = Some(is);
            return Ok(add);
        }
        let set = ruleset::closed_set();
        let mut batch = self.conn.transaction();
        if !del.is_empty() {
            batch = batch.del_set_elements(&set, &elements(&del));
        }
        if !add.is_empty() {
            batch = batch.add_set_elements(&set, &elements(&add));
        }
        self.closed = None;
        batch.commit(&self.conn).await?;
        self.closed = Some(addresses.clone());
        Ok(add)
    }

    /// The set's elements, from the kernel the first time.
    async fn closed(&self) -> nlink::Result<BTreeSet<Ipv4Addr>> {
        if let Some(closed) = &self.closed {
            return Ok(closed.clone());
        }
        let sets = self.conn.list_sets(Family::Inet).await?;
        if !sets.iter().any(|set| set.table == TABLE && set.name == ruleset::CLOSED) {
            return Ok(BTreeSet::new());
        }
        let elements = self.conn.list_set_elements(TABLE, ruleset::CLOSED, Family::Inet).await?;
        let address = |element: &SetElement| <[u8; 4]>::try_from(element.key()).ok().map(Ipv4Addr::from);
        Ok(elements.iter().filter_map(address).collect())
    }
}

fn elements(addresses: &BTreeSet<Ipv4Addr>) -> Vec<SetElement> {
    addresses.iter().copied().map(SetElement::ipv4).collect()
}
