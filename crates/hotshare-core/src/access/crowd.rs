//! Who is let in when more connect than there is room for: somebody who only stands in the door gives way.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// The number of a connection, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GuestId(pub u64);

#[derive(Clone, Copy, Debug)]
struct Guest {
    from: IpAddr,
    /// The whole request has arrived, and is being answered.
    served: bool,
}

/// What becomes of a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    Free(GuestId),
    /// In the place of this one, which is to be put out.
    InsteadOf {
        new: GuestId,
        out: GuestId,
    },
    /// None: all others are being answered.
    None,
}

/// The connections of a door.
#[derive(Clone, Debug)]
pub struct Crowd {
    most: usize,
    most_of_one: usize,
    last: u64,
    guests: BTreeMap<GuestId, Guest>,
}

impl Crowd {
    /// At most `most` at once, and `most_of_one` from one address.
    #[must_use]
    pub fn new(most: usize, most_of_one: usize) -> Crowd {
        Crowd { most, most_of_one, last: 0, guests: BTreeMap::new() }
    }

    /// Somebody connects. Whoever waits longest without having asked for anything gives way: of the same address when
    /// that has its share, of the address with the most when all is full.
    pub fn enter(&mut self, from: IpAddr) -> Room {
        let out = if self.count(from) >= self.most_of_one {
            match self.idle(|other| other == from) {
                Some(out) => Some(out),
                None => return Room::None,
            }
        } else if self.guests.len() >= self.most {
            let most = self.guests.values().filter(|g| !g.served).map(|g| (self.count(g.from), g.from)).max();
            match most.and_then(|(_, loudest)| self.idle(|other| other == loudest)) {
                Some(out) => Some(out),
                None => return Room::None,
            }
        } else {
            None
        };
        self.last += 1;
        let new = GuestId(self.last);
        self.guests.insert(new, Guest { from, served: false });
        match out {
            Some(out) => {
                self.guests.remove(&out);
                Room::InsteadOf { new, out }
            }
            None => Room::Free(new),
        }
    }

    /// The whole request has arrived. `false`: it was put out before.
    pub fn serve(&mut self, id: GuestId) -> bool {
        self.guests.get_mut(&id).map(|guest| guest.served = true).is_some()
    }

    /// It has gone.
    pub fn leave(&mut self, id: GuestId) {
        self.guests.remove(&id);
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.guests.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.guests.is_empty()
    }

    fn count(&self, from: IpAddr) -> usize {
        self.guests.values().filter(|guest| guest.from == from).count()
    }

    /// The one that came first of those that have not asked for anything.
    fn idle(&self, whose: impl Fn(IpAddr) -> bool) -> Option<GuestId> {
        self.guests.iter().find(|(_, guest)| !guest.served && whose(guest.from)).map(|(id, _)| *id)
    }
}
