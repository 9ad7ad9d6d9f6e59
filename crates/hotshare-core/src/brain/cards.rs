//! Which data card the uplink leads to: the plan in the book is that card's, and nothing passes before it is.

use super::posting::Purpose;
use super::{Brain, minute_of};
use crate::ask::{CardStatus, Refusal};
use crate::card::Card;
use crate::plan::{Bucket, Period, Plan, Terms};
use crate::record::Change;
use crate::units::{BucketId, CardId};
use crate::uplink::Uplink;

impl Brain {
    /// The plan in the book is that of the card behind this uplink. The first uplink ever makes the first card.
    pub(super) fn fits(&self, uplink: &Uplink) -> bool {
        self.book.present_card().is_none_or(|card| card.is_behind(uplink))
    }

    /// The same for the uplink that is there.
    pub(super) fn card_fits(&self) -> bool {
        self.uplink.as_ref().is_some_and(|uplink| self.fits(uplink))
    }

    /// An interface that has left its Wi-Fi network for a moment still leads to the same card.
    pub(super) fn with_its_network(&self, uplink: Uplink) -> Uplink {
        let before = self.uplink.as_ref().filter(|before| before.ifindex == uplink.ifindex);
        let network = uplink.network.clone().or_else(|| before?.network.clone());
        Uplink { network, ..uplink }
    }

    /// The owner agreed to use the card in the book.
    pub(super) fn card_agreed(&self) -> bool {
        self.book.present_card().is_none_or(|card| card.agreed)
    }

    /// The meter is on the uplink, and it leads to a card that may be used.
    pub(super) fn may_use_uplink(&self) -> bool {
        self.ready.is_some() && self.card_fits() && self.card_agreed()
    }

    /// The first card, once it is known which uplink leads to it.
    pub(super) fn first_card(&self, changes: &mut Vec<Change>) {
        if let (None, Some(uplink)) = (self.book.present_card(), &self.uplink) {
            changes.push(Change::Card(self.card(self.book.card, uplink, true)));
        }
    }

    fn card(&self, id: CardId, uplink: &Uplink, agreed: bool) -> Card {
        let (interface, network) = (uplink.name.clone(), uplink.network.clone());
        Card { id, interface, network, agreed, since: self.at }
    }

    /// Takes the card in the book away, and the one behind the uplink in. What was counted until now is still the
    /// old one's. False: it is the right one.
    pub(super) fn change_card(&mut self) -> bool {
        let Some(uplink) = self.uplink.clone() else { return false };
        if self.fits(&uplink) {
            return false;
        }
        let mut changes = Vec::new();
        self.settle_all(&mut changes);
        let known = self.book.cards.values().find(|card| card.is_behind(&uplink)).cloned();
        if let Some(card) = known {
            self.note("card", format!("the data card is {}", card.words()));
            changes.push(Change::CardIn(card.id));
        } else {
            let card = self.card(CardId(self.book.last_card + 1), &uplink, false);
            self.note(
                "card-new",
                format!(
                    "the data card {} was never used here: nothing passes until you agree, with `hotshare cards \
                     agree {}`",
                    card.words(),
                    card.id.0
                ),
            );
            let main =
                Bucket { id: BucketId(self.book.last_bucket + 1), since: self.at, ..Bucket::main(None) };
            let plan = Plan {
                period: Period::Monthly { day: 1 },
                zone: self.book.plan.zone.clone(),
                buckets: vec![main],
                terms: Terms::default(),
            };
            let id = card.id;
            changes.extend([Change::Card(card), Change::CardIn(id), Change::Plan(plan)]);
        }
        changes.extend(self.notes.drain(..).map(Change::Noted));
        self.post(changes, Purpose::Card);
        true
    }

    /// Its plan is in force: the uplink may be connected.
    pub(super) fn card_is_in(&mut self) {
        self.minute = minute_of(&self.book, self.at);
        if self.card_fits() && std::mem::take(&mut self.connects) {
            self.out.push_back(super::Command::Connect(self.uplink.clone()));
        }
    }

    pub(super) fn card_agree(&mut self, id: CardId) -> Result<Vec<Change>, Refusal> {
        let card = self.book.cards.get(&id).cloned().ok_or(Refusal::NoCard(id))?;
        self.note("card-agreed", format!("the data card {} may be used", card.words()));
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
