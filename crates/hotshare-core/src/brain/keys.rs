//! Keys that the owner asks for: made, replaced, taken back.

use std::collections::BTreeSet;

use super::Brain;
use super::stations::keys_gone;
use crate::ask::{Answer, KeyTold, Refusal};
use crate::book::Book;
use crate::diary::Happening;
use crate::keys::{Key, KeyId, KeyOwner, Passphrase};
use crate::people::{Allowance, Person, PersonName};
use crate::radio::Mode;
use crate::record::Change;
use crate::units::{PersonId, UnixTime};

/// Who is there when nobody was ever added: somebody has to have a key.
const FIRST_PERSON: &str = "owner";

/// What has to be written before the first station can join: a key for everybody where keys are not personal; a
/// first person with a key where nobody is there yet.
#[must_use]
pub fn first_changes(book: &Book, mode: Mode, fresh: &Passphrase, at: UnixTime) -> Vec<Change> {
    let key = |owner| {
        let id = KeyId(book.last_key + 1);
        Change::Key(Key { id, owner, passphrase: fresh.clone(), since: at, until: None })
    };
    let slot = book.free_person_slot(&BTreeSet::new());
    match (mode, FIRST_PERSON.parse(), slot) {
        (Mode::Sealed, ..) if book.key_of(KeyOwner::Network).is_none() => vec![key(KeyOwner::Network)],
        (Mode::People | Mode::PeopleOld, Ok(name), Some(slot)) if book.last_person == 0 => {
            let id = PersonId(1);
            let allowance = Allowance::Unlimited;
            let person = Person::new(id, name, allowance, slot, at);
            vec![Change::Person(person), key(KeyOwner::Person(id))]
        }
        (Mode::Sealed | Mode::Open | Mode::People | Mode::PeopleOld, ..) => Vec::new(),
    }
}

type Changes = Result<(Vec<Change>, Answer), Refusal>;

impl Brain {
    /// Personal keys belong to a network where the key says who it is.
    fn personal(&self) -> Result<(), Refusal> {
        match self.settings.wifi {
            None => Err(Refusal::NoWifi),
            Some(mode) if !mode.is_personal() => Err(Refusal::NotPersonal(mode)),
            Some(_) => Ok(()),
        }
    }

    fn not_past(&self, until: Option<UnixTime>) -> Result<(), Refusal> {
        if until.is_some_and(|until| until <= self.at) { Err(Refusal::EndsInThePast) } else { Ok(()) }
    }

    /// The key in force, with another end if asked; else a new one.
    pub(super) fn invite(
        &mut self,
        name: &PersonName,
        fresh: &Passphrase,
        until: Option<Option<UnixTime>>,
    ) -> Changes {
        self.personal()?;
        self.not_past(until.flatten())?;
        let person = self.named(name)?.id;
        let in_force = self.book.key_of(KeyOwner::Person(person)).filter(|key| key.is_in_force(self.at));
        match in_force.cloned() {
            Some(key) => {
                let ends = until.unwrap_or(key.until);
                let same = ends == key.until;
                let key = Key { until: ends, ..key };
                let changes = if same { Vec::new() } else { vec![Change::Key(key.clone())] };
                Ok((changes, told(&key)))
            }
            None => {
                self.note(Happening::KeyNew { name: name.clone(), another: false });
                Ok(self.another(KeyOwner::Person(person), fresh, until.flatten()))
            }
        }
    }

    pub(super) fn key_rotate(
        &mut self,
        name: &PersonName,
        fresh: &Passphrase,
        until: Option<UnixTime>,
    ) -> Changes {
        self.personal()?;
        self.not_past(until)?;
        let person = self.named(name)?.id;
        self.note(Happening::KeyNew { name: name.clone(), another: true });
        Ok(self.another(KeyOwner::Person(person), fresh, until))
    }

    pub(super) fn key_revoke(&mut self, name: &PersonName) -> Result<Vec<Change>, Refusal> {
        let person: PersonId = self.named(name)?.id;
        let changes: Vec<Change> = keys_gone(&self.book, KeyOwner::Person(person)).collect();
        if changes.is_empty() {
            return Err(Refusal::NoKey(name.clone()));
        }
        self.note(Happening::KeyRevoked { name: name.clone() });
        Ok(changes)
    }

    pub(super) fn network_key(&mut self, fresh: &Passphrase, rotate: bool) -> Changes {
        match self.settings.wifi {
            None => return Err(Refusal::NoWifi),
            Some(Mode::Sealed) => {}
            Some(mode) => return Err(Refusal::NoNetworkKey(mode)),
        }
        match self.book.key_of(KeyOwner::Network).filter(|_| !rotate) {
            Some(key) => Ok((Vec::new(), told(key))),
            None => Ok(self.another(KeyOwner::Network, fresh, None)),
        }
    }

    /// A new key instead of all that the owner had.
    fn another(&self, owner: KeyOwner, fresh: &Passphrase, until: Option<UnixTime>) -> (Vec<Change>, Answer) {
        let id = KeyId(self.book.last_key + 1);
        let key = Key { id, owner, passphrase: fresh.clone(), since: self.at, until };
        let answer = told(&key);
        let changes = keys_gone(&self.book, owner).chain([Change::Key(key)]).collect();
        (changes, answer)
    }
}

fn told(key: &Key) -> Answer {
    Answer::Key(KeyTold { passphrase: key.passphrase.clone(), since: key.since, until: key.until })
}
