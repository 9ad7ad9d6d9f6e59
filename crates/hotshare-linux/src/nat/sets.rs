//! Sets whose elements change without touching the rules: declared as a whole, written as a difference.

use std::collections::BTreeSet;

use nlink::netlink::nftables::{Family, SetElement, Transaction};
use nlink::netlink::{Connection, Nftables};

use super::table::{NamedSet, TABLE};

/// An element's bytes, as the kernel keeps them.
pub(super) type Key = Vec<u8>;

/// Elements in one message: an attribute of netlink ends at 64 KiB.
const BATCH: usize = 512;

/// A set, and what is in it.
pub(super) struct Mirror {
    set: NamedSet,
    /// As the kernel has them; `None` until they were read.
    known: Option<BTreeSet<Key>>,
}

impl Mirror {
    pub(super) fn new(set: NamedSet) -> Mirror {
        Mirror { set, known: None }
    }

    pub(super) fn family(&self) -> Family {
        self.set.family
    }

    /// Somebody may have changed the set.
    pub(super) fn forget(&mut self) {
        self.known = None;
    }

    /// What is in the set, from the kernel the first time; nothing when there is no such set.
    pub(super) async fn read(&mut self, conn: &Connection<Nftables>) -> nlink::Result<&BTreeSet<Key>> {
        if self.known.is_none() {
            let family = self.set.family;
            let sets = conn.list_sets(family).await?;
            let mut keys = BTreeSet::new();
            if sets.iter().any(|set| set.table == TABLE && set.name == self.set.name) {
                let elements = conn.list_set_elements(TABLE, self.set.name, family).await?;
                keys.extend(elements.iter().map(|element| element.key().to_vec()));
            }
            self.known = Some(keys);
        }
        Ok(self.known.get_or_insert_default())
    }

    /// Adds the set as it is known, for a table that is made anew.
    pub(super) fn add_to(&self, batch: Transaction) -> Transaction {
        let batch = batch.add_set(self.set.set());
        match &self.known {
            Some(known) => self.put(batch, known),
            None => batch,
        }
    }

    /// What makes `wanted` the elements.
    pub(super) async fn change_to(
        &mut self,
        conn: &Connection<Nftables>,
        wanted: BTreeSet<Key>,
    ) -> nlink::Result<Change> {
        let is = self.read(conn).await?;
        let add = wanted.difference(is).cloned().collect();
        let gone = is.difference(&wanted).cloned().collect();
        Ok(Change { add, gone, wanted })
    }

    /// Adds a change to a transaction; [`Mirror::done`] is told when that is through.
    pub(super) fn write(&mut self, mut batch: Transaction, change: &Change) -> Transaction {
        if change.is_nothing() {
            return batch;
        }
        self.known = None;
        for some in elements(&change.gone).chunks(BATCH) {
            batch = batch.del_set_elements(&self.set.set(), some);
        }
        self.put(batch, &change.add)
    }

    pub(super) fn done(&mut self, change: Change) {
        self.known = Some(change.wanted);
    }

    fn put(&self, mut batch: Transaction, keys: &BTreeSet<Key>) -> Transaction {
        for some in elements(keys).chunks(BATCH) {
            batch = batch.add_set_elements(&self.set.set(), some);
        }
        batch
    }
}

/// From what a set has to what it is to have.
pub(super) struct Change {
    pub(super) add: BTreeSet<Key>,
    gone: BTreeSet<Key>,
    wanted: BTreeSet<Key>,
}

impl Change {
    pub(super) fn is_nothing(&self) -> bool {
        self.add.is_empty() && self.gone.is_empty()
    }
}

fn elements(keys: &BTreeSet<Key>) -> Vec<SetElement> {
    keys.iter().map(|key| SetElement::new(key.clone())).collect()
}
