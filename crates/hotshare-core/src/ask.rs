//! What the owner may ask for, and the answers. The API crate has its own, promised formats; the binary
//! turns those into these.

use std::net::Ipv4Addr;

use crate::card::Card;
use crate::forecast::{Forecast, Standing};
use crate::keys::{KeyId, Passphrase};
use crate::money::Money;
use crate::people::{Allowance, AtEnd, Claim, Hours, PersonName};
use crate::plan::{BadPeriod, BadPlan, Bucket, Period, Plan, Terms, Zone};
use crate::policy::{Balance, Verdict};
use crate::radio::{Cost, Mode};
use crate::reconcile::{Comparison, Correction, Figure};
use crate::record::Wish;
use crate::units::{Bytes, CardId, Mac, UnixTime};

/// A request to the brain.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    Status,
    PersonAdd {
        name: PersonName,
        allowance: Allowance,
    },
    PersonSet {
        name: PersonName,
        allowance: Allowance,
    },
    PersonPause {
        name: PersonName,
        paused: bool,
    },
    /// Devices of the person wait for the owner again.
    PersonRemove {
        name: PersonName,
    },
    DeviceAssign {
        mac: Mac,
        person: PersonName,
    },
    DeviceBlock {
        mac: Mac,
        blocked: bool,
    },
    /// Whoever uses a device that nobody knows says who they are; a second answer takes the place of the first.
    DeviceClaim {
        mac: Mac,
        claim: Claim,
    },
    /// Forget the device; it comes back as a new one.
    DeviceForget {
        mac: Mac,
    },
    PlanSet(PlanChange),
    /// The carrier says that `used` has been used in this period: post the difference.
    PlanCorrect {
        used: Bytes,
    },
    /// The person's key, to show it: `fresh` becomes it when there is none. `until`: when it ends, if that is
    /// to change.
    Invite {
        name: PersonName,
        fresh: Passphrase,
        until: Option<Option<UnixTime>>,
    },
    /// Another key instead of the person's; whoever joined with the old one is put off the air.
    KeyRotate {
        name: PersonName,
        fresh: Passphrase,
        until: Option<UnixTime>,
    },
    /// No key any more: the person's devices are put off the air and cannot come back.
    KeyRevoke {
        name: PersonName,
    },
    /// The key of a network without personal keys; `fresh` becomes it when there is none, or when it is to be
    /// another.
    NetworkKey {
        fresh: Passphrase,
        rotate: bool,
    },
    /// How many devices of the person may be on the air at once; `None`: as many as come.
    DeviceLimit {
        name: PersonName,
        limit: Option<u32>,
    },
    /// Who is on the air.
    Wifi,
    /// The owner gives a person more, on top of the allowance of this period.
    TopUp {
        name: PersonName,
        bytes: Bytes,
    },
    /// One person gives another of theirs.
    Give {
        from: PersonName,
        to: PersonName,
        bytes: Bytes,
    },
    /// A person asks the owner for more.
    Wish {
        name: PersonName,
        bytes: Bytes,
    },
    /// The owner's answer to it: so much (0: what was asked for), or nothing.
    WishAnswer {
        name: PersonName,
        bytes: Option<Bytes>,
    },
    /// The owner agrees to another step of money for the part of the plan that costs it.
    Consent {
        money: Money,
    },
    /// What else is so for a person; what is `None` stays.
    PersonRules {
        name: PersonName,
        rules: PersonRules,
    },
    /// The owner agrees to use a data card.
    CardAgree(CardId),
    /// Forget a data card that is not in, and its plan.
    CardForget(CardId),
    /// What became of the certificate of the pages.
    Certificate(crate::certificate::News),
    /// Write everything that was counted so far to the store, then answer.
    Flush,
}

/// What to change about a person; `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonRules {
    pub weight: Option<u16>,
    pub at_end: Option<AtEnd>,
    pub bed_times: Option<Hours>,
    /// `Some(None)`: stays.
    pub until: Option<Option<UnixTime>>,
}

/// What to change about the plan; `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanChange {
    /// `Some(None)`: no cap.
    pub cap: Option<Option<Bytes>>,
    pub period: Option<Period>,
    pub zone: Option<Zone>,
    /// Other parts than until now. Those with a name that was there go on where they were; ids are given here.
    pub buckets: Option<Vec<Bucket>>,
    pub terms: Option<Terms>,
}

/// The brain's answer. It comes only after what was asked is durable and in force.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Done,
    Status(Box<Status>),
    Key(KeyTold),
    Wifi(Box<WifiStatus>),
    Refused(Refusal),
}

/// A key in the clear, for whoever may show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTold {
    pub passphrase: Passphrase,
    pub since: UnixTime,
    pub until: Option<UnixTime>,
}

/// What cannot be done, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is nobody named “{0}”; `hotshare people` lists who there is")]
    NoSuchPerson(PersonName),
    #[error(
        "there is already somebody named “{0}”; choose another name, or change the allowance with `hotshare people set`"
    )]
    NameTaken(PersonName),
    #[error("no device with the address {0} has been seen; `hotshare devices` lists those that have")]
    NoSuchDevice(Mac),
    #[error("{0} cannot be a device's address: it is a group or an empty address")]
    NotAStation(Mac),
    #[error("all {0} accounts are in use; remove people or forget devices that are gone")]
    Full(u32),
    #[error("{0}")]
    BadPeriod(BadPeriod),
    #[error("{0}")]
    BadPlan(BadPlan),
    #[error("{0} has no allowance: there is nothing to add to, to ask for or to give")]
    HasNoAllowance(PersonName),
    #[error("{name} has {} left, which is not enough", left.readable())]
    NotEnough { name: PersonName, left: Bytes },
    #[error("{0} would have more than can be counted: write a smaller amount")]
    TooMuch(PersonName),
    #[error("{0} has not asked for anything")]
    NoWish(PersonName),
    #[error("that would change nothing: write an amount above 0, and two different people")]
    Nothing,
    #[error("no part of the plan that runs now costs money; see `hotshare plan`")]
    NothingToBuy,
    #[error("money is agreed to in steps of {step}: write that amount")]
    NotTheStep { step: Money },
    #[error("the money limit of {limit} in a period is reached: {bought} were agreed to")]
    MoneyLimit { limit: Money, bought: Money },
    #[error("there is no data card {number}; `hotshare cards` lists those that were seen", number = .0.0)]
    NoCard(CardId),
    #[error("the data card {0} is in use; another uplink has to be in its place first")]
    CardInUse(String),
    #[error("a weight is 1 to 100")]
    BadWeight,
    #[error("bed times are 1 to 32 windows, each with days and two times of the day")]
    BadHours,
    #[error("{0} has no Wi-Fi key; make one with `hotshare people invite {0}`")]
    NoKey(PersonName),
    #[error(
        "there is no Wi-Fi: Hotshare runs with wired ports only; name a card under [wifi], or start without --lan"
    )]
    NoWifi,
    #[error("in the mode “{}” keys are not personal: whoever joins is assigned by you, with `hotshare devices assign`", .0.word())]
    NotPersonal(Mode),
    #[error("in the mode “{}” there is no key for everybody; invite people with `hotshare people invite`", .0.word())]
    NoNetworkKey(Mode),
    #[error(
        "{0} is on the air with {1}'s key, so it is {1}'s; to give it to somebody else, let it join with their key"
    )]
    JoinedByKey(Mac, PersonName),
    #[error("{0} is somebody's already, or blocked: there is nothing to ask for")]
    NotWaiting(Mac),
    #[error("that was too often in a short time; try again in a minute")]
    TooOften,
    #[error("a time that is over cannot be an end: write one that is still to come")]
    EndsInThePast,
    #[error("the change could not be written to the ledger: {0}; nothing was changed")]
    NotWritten(String),
}

/// Everything `hotshare status` shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    pub at: UnixTime,
    /// The wall clock is behind what was already seen and not synchronised: an older time is not believed.
    pub clock_held: bool,
    pub uplink: Option<UplinkStatus>,
    /// Why nothing is forwarded, if nothing is.
    pub closed: Option<Verdict>,
    /// All data cards that were seen, by number.
    pub cards: Vec<CardStatus>,
    pub plan: PlanStatus,
    pub people: Vec<PersonStatus>,
    /// Devices, nobody's first, then by person.
    pub devices: Vec<DeviceStatus>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UplinkStatus {
    pub name: String,
    pub address: Ipv4Addr,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardStatus {
    pub card: Card,
    /// The uplink leads to it, or did last.
    pub is_in: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PlanStatus {
    pub plan: Plan,
    /// The present period: from, and until (exclusive), `None` for open end.
    pub begins: UnixTime,
    pub ends: Option<UnixTime>,
    /// What the carrier has billed in this period by our count, corrections included.
    pub billed: Bytes,
    /// Written down as used: at least `billed`; the difference is a grant that is being spent.
    pub recorded: Bytes,
    pub balance: Balance,
    /// What all together may use now, for everything, without paying more: of each part that is for everybody, without
    /// what is kept back.
    pub usable: Balance,
    /// Kept back so that what is still in flight when the plan closes does not pass the cap.
    pub reserve: Bytes,
    /// Of `billed`: delivered to or from people's devices.
    pub delivered: Bytes,
    /// Of `billed`: arrived for devices that were not allowed any more; delivered to nobody.
    pub refused: Bytes,
    /// Of `billed`: the rest. The hotspot itself, or not attributed.
    pub own: Bytes,
    /// Of `billed`: what the owner's corrections added or took away.
    pub corrected: i64,
    /// Its parts, in their order.
    pub parts: Vec<BucketStatus>,
    /// The place of the one that is in use; `None`: nothing is left, or nothing runs.
    pub in_use: Option<usize>,
    /// Another step of money would go on; so much.
    pub asks_for: Option<Money>,
    pub carrier: CarrierStatus,
    /// How it goes on, in the carrier's bytes: of those parts that cost nothing more, are as fast as the first and are
    /// for everybody at all hours. So until it becomes slow, costs money or ends; `used` and `total` are theirs too.
    /// `None`: no plan runs, or none is such.
    pub outlook: Option<Outlook>,
}

/// What lies ahead, and from what it was foretold. It is worked out again when things have moved by a hundredth, and at
/// least every ten minutes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    pub at: UnixTime,
    pub standing: Standing,
    /// What was counted was taken times so many thousandths, for what the carrier counts; the balance is the carrier's.
    pub factor: u16,
    pub forecast: Forecast,
}

/// How the carrier counts, as far as its figures tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CarrierStatus {
    pub correction: Correction,
    /// Kept back of the plan for what the carrier counts more, beside [`PlanStatus::reserve`].
    pub kept: Bytes,
    /// What we counted since the last figure, or since the period began.
    pub since_figure: Bytes,
    /// The last one that the owner told.
    pub figure: Option<Figure>,
    /// What the correction was learnt from, oldest first; those that are too small to say anything are among them.
    pub compared: Vec<Comparison>,
}

/// A part of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketStatus {
    pub bucket: Bucket,
    /// The period that runs, if one does: from, and until (exclusive).
    pub begins: Option<UnixTime>,
    pub ends: Option<UnixTime>,
    /// It is one of its hours, or it has none.
    pub in_hours: bool,
    pub used: Bytes,
    /// Rolled over, or bought.
    pub credit: i64,
    pub balance: Balance,
    /// What was agreed to in this period.
    pub bought: Money,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PersonStatus {
    pub name: PersonName,
    pub allowance: Allowance,
    /// Used in the present period of the allowance.
    pub up: Bytes,
    pub down: Bytes,
    /// Written down as used.
    pub recorded: Bytes,
    pub balance: Balance,
    /// What may be used in this period in all: the allowance with what came on top, or the fair share now.
    pub limit: Balance,
    /// On top of the allowance: topped up, given, lent.
    pub credit: i64,
    /// What the person asked for and waits for.
    pub wish: Option<Wish>,
    pub weight: u16,
    pub at_end: AtEnd,
    pub bed_times: Hours,
    pub until: Option<UnixTime>,
    /// When the allowance renews.
    pub renews: Option<UnixTime>,
    pub verdict: Verdict,
    pub remaining: Remaining,
    pub devices: u32,
    /// How many of them may be on the air at once.
    pub device_limit: Option<u32>,
    /// The Wi-Fi key in force, or ended.
    pub key: Option<KeyStatus>,
    /// How it goes on by the allowance alone; the plan may end before.
    pub outlook: Option<Outlook>,
}

/// How long somebody may go on, if nothing is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    /// What the plan has for this person now, for everything, without paying more and without what is kept back. Others
    /// may use it, too.
    pub of_plan: Balance,
    /// So much passes before the person is closed, or reaches some sites only; nothing while it is so.
    pub bytes: Balance,
    /// Closed from then on, whatever is left; `None`: nothing says so, or closed already.
    pub until: Option<UnixTime>,
}

/// A key, without what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    pub since: UnixTime,
    pub until: Option<UnixTime>,
}

/// Everything the brain knows for `hotshare wifi`; how the radio does, its hand tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WifiStatus {
    pub mode: Mode,
    pub cost: Cost,
    /// On the air, by address.
    pub stations: Vec<StationStatus>,
    /// May not associate for a while.
    pub denied: Vec<DeniedStatus>,
    /// Attempts with a wrong passphrase since the daemon started.
    pub wrong_keys: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StationStatus {
    pub mac: Mac,
    pub key: Option<KeyId>,
    pub person: Option<PersonName>,
    /// Since it is on the air, as far as this daemon knows.
    pub since: UnixTime,
    pub admission: Admission,
}

/// How far a station has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is being written down whose it is.
    Waiting,
    Admitted,
    /// The person has as many devices on the air as may be.
    TooManyDevices {
        limit: u32,
    },
    /// The key that it joined with is not in force any more.
    KeyGone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeniedStatus {
    pub mac: Mac,
    pub seconds_left: u64,
    pub why: WhyDenied,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyDenied {
    /// So many attempts with a wrong passphrase.
    WrongKey {
        attempts: u32,
    },
    TooManyDevices {
        limit: u32,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceStatus {
    pub mac: Mac,
    pub person: Option<PersonName>,
    pub blocked: bool,
    pub host_name: Option<String>,
    pub address: Option<Ipv4Addr>,
    /// Since the daemon started, or since the device came.
    pub up: Bytes,
    pub down: Bytes,
    pub first_seen: UnixTime,
    /// Who its user says to be, while it is nobody's.
    pub claim: Option<Claim>,
}
