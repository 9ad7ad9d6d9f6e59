//! Which data card the uplink leads to: the plan in the book is that card's, and nothing passes before it is.

use super::posting::Purpose;
use super::{Brain, Command, minute_of};
use crate::ask::{CardStatus, Refusal};
use crate::card::{Behind, Card, SIM_PATIENCE_SECS};
use crate::diary::Happening;
use crate::plan::{Bucket, Period, Plan, Terms};
use crate::record::Change;
use crate::sim::SimSeen;
use crate::units::{BucketId, CardId};
use crate::uplink::Uplink;

impl Brain {
    /// The plan in the book is that of the card behind this uplink. The first uplink ever makes the first card.
    pub(super) fn fits(&self, uplink: &Uplink) -> bool {
        let is_in = |behind| matches!(behind, Behind::Card(card) if card.id == self.book.card);
        self.book.present_card().is_none() || is_in(self.behind(uplink))
    }

    /// The same for the uplink that is there.
    pub(super) fn card_fits(&self) -> bool {
        self.uplink.as_ref().is_some_and(|uplink| self.fits(uplink))
    }

    fn behind(&self, uplink: &Uplink) -> Behind {
        let waited =
            self.sim_unknown.is_some_and(|since| self.now.boot >= since.plus_secs(SIM_PATIENCE_SECS));
        self.book.behind(uplink, waited)
    }

    /// Nobody has told yet which SIM the uplink leads to.
    pub(super) fn waits_for_sim(&self) -> bool {
        let waits = |uplink: &Uplink| self.behind(uplink) == Behind::NotKnownYet;
        self.book.present_card().is_some() && self.uplink.as_ref().is_some_and(waits)
    }

    /// Notes since when it is not known which SIM the uplink leads to; `stays`: the uplink was there before.
    pub(super) fn see_sim(&mut self, stays: bool) {
        let unknown = |uplink: &Uplink| self.book.behind(uplink, false) == Behind::NotKnownYet;
        let since = self.sim_unknown.filter(|_| stays).unwrap_or(self.now.boot);
        self.sim_unknown = self.uplink.as_ref().filter(|uplink| unknown(uplink)).map(|_| since);
    }

    /// An interface that has left its Wi-Fi network for a moment still leads to the same card; so does one of whose SIM
    /// is not told for a moment.
    pub(super) fn as_believed(&mut self, uplink: Uplink) -> Uplink {
        let told = std::mem::replace(&mut self.told, uplink.sim.clone());
        let Some(before) = self.uplink.as_ref().filter(|before| before.ifindex == uplink.ifindex) else {
            return uplink;
        };
        let network = uplink.network.clone().or_else(|| before.network.clone());
        Uplink { network, sim: uplink.sim.after(&told, &before.sim), ..uplink }
    }

    /// The owner agreed to use the card in the book.
    pub(super) fn card_agreed(&self) -> bool {
        self.book.present_card().is_none_or(|card| card.agreed)
    }

    /// The meter is on the uplink, and it leads to a card that may be used.
    pub(super) fn may_use_uplink(&self) -> bool {
        self.ready.is_some() && self.card_fits() && self.card_agreed()
    }

    /// The first card, once it is known which uplink leads to it; and what is known of the one that is in by now.
    pub(super) fn know_card(&mut self, changes: &mut Vec<Change>) {
        let Some(uplink) = self.uplink.clone() else { return };
        let Some(present) = self.book.present_card() else {
            changes.push(Change::Card(self.card(self.book.card, &uplink, true)));
            return;
        };
        if let Behind::Card(card) = self.behind(&uplink)
            && card.id == present.id
            && card != *present
        {
            self.note(Happening::CardIs(card.clone()));
            changes.push(Change::Card(card));
        }
    }

    fn card(&self, id: CardId, uplink: &Uplink, agreed: bool) -> Card {
        let sim = match &uplink.sim {
            SimSeen::Read(sim) => Some(sim.clone()),
            SimSeen::NobodyAsked | SimSeen::NotRead => None,
        };
        let (interface, network) = (uplink.name.clone(), uplink.network.clone());
        Card { id, interface, network, sim, agreed, since: self.at }
    }

    /// Takes the card in the book away, and the one behind the uplink in. What was counted until now is still the
    /// old one's. False: it is the right one, or it is not known yet which one it is.
    pub(super) fn change_card(&mut self) -> bool {
        let Some(uplink) = self.uplink.clone() else { return false };
        if self.fits(&uplink) {
            // Nobody has told which SIM it is, and the card without one is in.
            if std::mem::take(&mut self.connects) {
                self.out.push_back(Command::Connect(self.uplink.clone()));
            }
            return false;
        }
        let mut changes = Vec::new();
        match self.behind(&uplink) {
            Behind::NotKnownYet => return false,
            Behind::Card(card) => {
                self.settle_all(&mut changes);
                self.note(Happening::CardIs(card.clone()));
                let id = card.id;
                if self.book.cards.get(&id) != Some(&card) {
                    changes.push(Change::Card(card));
                }
                changes.push(Change::CardIn(id));
            }
            Behind::New { completed } => {
                self.settle_all(&mut changes);
                changes.extend(completed.map(Change::Card));
                self.new_card(&uplink, &mut changes);
            }
        }
        changes.extend(self.notes.drain(..).map(Change::Noted));
        self.post(changes, Purpose::Card);
        true
    }

    fn new_card(&mut self, uplink: &Uplink, changes: &mut Vec<Change>) {
        let card = self.card(CardId(self.book.last_card + 1), uplink, false);
        self.note(Happening::CardNew(card.clone()));
        let main = Bucket { id: BucketId(self.book.last_bucket + 1), since: self.at, ..Bucket::main(None) };
        let plan = Plan {
            period: Period::Monthly { day: 1 },
            zone: self.book.plan.zone.clone(),
            buckets: vec![main],
            terms: Terms::default(),
        };
        let id = card.id;
        changes.extend([Change::Card(card), Change::CardIn(id), Change::Plan(plan)]);
    }

    /// Its plan is in force: the uplink may be connected.
    pub(super) fn card_is_in(&mut self) {
        self.minute = minute_of(&self.book, self.at);
        if self.card_fits() && std::mem::take(&mut self.connects) {
            self.out.push_back(Command::Connect(self.uplink.clone()));
        }
    }

    pub(super) fn card_agree(&mut self, id: CardId) -> Result<Vec<Change>, Refusal> {
        let card = self.book.cards.get(&id).cloned().ok_or(Refusal::NoCard(id))?;
        self.note(Happening::CardAgreed(card.clone()));
        Ok(vec![Change::Card(Card { agreed: true, ..card })])
    }

    pub(super) fn card_forget(&self, id: CardId) -> Result<Vec<Change>, Refusal> {
        match self.book.cards.get(&id) {
            None => Err(Refusal::NoCard(id)),
            Some(card) if id == self.book.card => Err(Refusal::CardInUse(card.words())),
            Some(_) => Ok(vec![Change::CardGone(id)]),
        }
    }

    pub(super) fn cards_status(&self) -> Vec<CardStatus> {
        let status = |card: &Card| CardStatus { card: card.clone(), is_in: card.id == self.book.card };
        self.book.cards.values().map(status).collect()
    }
}
