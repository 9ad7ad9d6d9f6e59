//! What is written down: the changes the store commits, and the snapshot it gives back at start.

use crate::alert::{AlertId, Mark, Raise};
use crate::card::Card;
pub use crate::diary::Noted;
use crate::keys::{Key, KeyId};
pub use crate::lease::Leased;
use crate::ledger::{Entry, PeriodKey};
use crate::meter::{Reading, Usage};
use crate::people::{Device, Person};
use crate::plan::Plan;
use crate::reconcile::Figure;
use crate::units::{Account, Bytes, CardId, Mac, PersonId, Slot, UnixTime};

/// One change to what is kept. A posting commits all of its changes durably, or none.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Appended; entries are never changed or removed.
    Entry(Entry),
    /// The kernel may be given a total of `total` for this slot, in the present generation of maps.
    /// What of it is not spent counts as used in `period` of `account`.
    Granted {
        slot: Slot,
        total: Bytes,
        account: Account,
        period: PeriodKey,
    },
    /// Usage up to this reading has been recorded, in the present generation of maps.
    Settled {
        slot: Slot,
        reading: Reading,
    },
    /// Added to the minute's row. `minute` is Unix time / 60. `mac` is `None` for the plan (billed).
    Usage {
        minute: i64,
        who: Who,
        usage: Usage,
    },
    /// Added to the sums of a civil day (in the plan's zone): delivered for a person, billed for the plan.
    Spent {
        tally: Tally,
        day: PeriodKey,
        usage: Usage,
    },
    /// Inserted, or replaced by id.
    Person(Person),
    /// The person is gone; entries and usage stay.
    PersonGone(PersonId),
    /// Inserted, or replaced by MAC.
    Device(Device),
    DeviceGone(Mac),
    /// Inserted, or replaced by id.
    Key(Key),
    /// Not in force any more, and its passphrase is forgotten. The id is never given again.
    KeyGone(KeyId),
    /// Of the card that is in.
    Plan(Plan),
    /// Inserted, or replaced by id.
    Card(Card),
    /// The card is forgotten, with its plan; entries and usage stay. Never the one that is in.
    CardGone(CardId),
    /// From now on this card is in, with the plan that it had.
    CardIn(CardId),
    /// Inserted, or replaced by MAC.
    Lease(Leased),
    LeaseGone(Mac),
    /// A person asks for more. Inserted, or replaced by person.
    Wish(Wish),
    /// It was answered.
    WishGone(PersonId),
    /// The owner told what the carrier says; appended. What it corrects is an entry beside it.
    Figure(Figure),
    /// The latest civil time that was believed; see [`crate::clock`].
    Clock(UnixTime),
    /// New maps: what was granted for the old ones and not settled stays counted as used.
    /// Clears every `Granted` and `Settled` row.
    Generation(u64),
    /// A line of the owner's diary (`hotshare events`).
    Noted(Noted),
    /// To be sent by each of its channels; its mark replaces the one of the same topic and period.
    Alert(Box<Raise>),
}

/// What the kernel was given for a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Cumulative.
    pub total: Bytes,
    /// Whose, and when: there the part that is not spent counts as used.
    pub account: Account,
    pub period: PeriodKey,
}

/// What a person asks the owner for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    pub person: PersonId,
    pub bytes: Bytes,
    pub at: UnixTime,
}

/// Whose usage row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// The plan: what the carrier bills.
    Plan,
    /// A device, and the person it belonged to then.
    Device(Mac, PersonId),
}

/// What a day's sum is the sum of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tally {
    /// Every layer-3 byte on the uplink while this card was in, and of them those that were refused.
    Billed(CardId),
    /// What all devices together really sent and got by this card.
    Delivered(CardId),
    /// What one person's devices really sent and got.
    Person(PersonId),
    /// What one device really sent and got; forgotten with it.
    Device(Mac),
}

/// Everything the brain needs at start.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Of the card that is in.
    pub plan: Option<Plan>,
    pub cards: Vec<Card>,
    /// The card that is in; `None`: the first, of which nothing is known yet.
    pub card: Option<CardId>,
    /// The plans of the others.
    pub other_plans: Vec<(CardId, Plan)>,
    /// The highest id that a card was ever given.
    pub last_card: u32,
    pub people: Vec<Person>,
    pub devices: Vec<Device>,
    /// Σ entry bytes by account and period: all periods of the last 400 days, and those without an end.
    pub totals: Vec<(Account, PeriodKey, i64)>,
    /// The sums of the last 400 days, by day; everything older summed under [`PeriodKey::ALWAYS`].
    pub spent: Vec<(Tally, PeriodKey, Usage)>,
    pub leases: Vec<Leased>,
    pub clock: Option<UnixTime>,
    /// The maps that `granted` and `settled` speak of.
    pub generation: Option<u64>,
    pub granted: Vec<(Slot, Granted)>,
    pub settled: Vec<(Slot, Reading)>,
    /// The highest person id ever given, whether or not the person is still there.
    pub last_person: u32,
    /// The keys that are not gone.
    pub keys: Vec<Key>,
    /// The highest key id ever given.
    pub last_key: u32,
    /// What people wait for.
    pub wishes: Vec<Wish>,
    /// The highest id that a part of a plan was ever given.
    pub last_bucket: u32,
    /// The latest [`crate::reconcile::FIGURES`] of the carrier's figures, oldest first.
    pub figures: Vec<Figure>,
    /// What was told already.
    pub marks: Vec<Mark>,
    /// The highest number ever given to an alert.
    pub last_alert: AlertId,
}
