//! What a period came to, from the ledger's entries.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::part::Terms;
use crate::words::Every;

/// Reply to `GET /v1/statement?at=…`: the plan's period that runs at that time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Statement {
    pub schema: u32,
    /// When this was written.
    pub at: i64,
    /// From this time.
    pub begins: i64,
    /// Until this time, exclusive; `null` for no end.
    pub ends: Option<i64>,
    /// IANA name of the zone by whose civil time the period began.
    pub zone: String,
    pub terms: Terms,
    /// What the fee and all that was bought come to, in `terms.currency`; `null`: no fee is stated and nothing was bought.
    pub money: Option<String>,
    /// What the carrier billed by our count, without corrections.
    pub billed_up: u64,
    /// The same, down.
    pub billed_down: u64,
    /// Of it: to or from people's devices.
    pub delivered: u64,
    /// Of it: delivered to nobody.
    pub refused: u64,
    /// Of it: the hotspot itself, or not attributed.
    pub own: u64,
    /// Parts of the plan that have entries in this period, those that are gone too.
    pub parts: Vec<StatementPart>,
    /// Everybody who has entries or usage in this period.
    pub people: Vec<StatementPerson>,
    /// Asked for with `entries=true`: what all amounts are the sums of.
    pub entries: Option<Vec<StatementEntry>>,
}

/// Sums of entries by kind, in bytes. What is used: positive is used, negative given back. What comes on top: positive may
/// be used, negative was given away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sums {
    /// Granted: taken as used before it was.
    pub granted: i64,
    /// Granted and not used.
    pub returned: i64,
    /// Used beyond what was granted.
    pub overrun: i64,
    /// By the owner's corrections.
    pub corrected: i64,
    /// The sum of the four above.
    pub used: i64,
    /// Topped up by the owner.
    pub top_ups: i64,
    /// Given by others.
    pub gifts_in: i64,
    /// Given to others.
    pub gifts_out: i64,
    /// Lent by others.
    pub loans_in: i64,
    /// Lent to others.
    pub loans_out: i64,
    /// Left over from the period before.
    pub rolled_over: i64,
    /// Bought in steps of money.
    pub bought: i64,
    /// The sum of the seven above.
    pub on_top: i64,
}

/// What a part of the plan came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementPart {
    /// As it is called now, or was last.
    pub name: String,
    /// Bytes in each of its periods; `null`: no end, or the part is gone.
    pub cap: Option<u64>,
    pub sums: Sums,
    /// What was bought, in money; `null`: it has no price.
    pub bought: Option<String>,
}

/// What a person came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementPerson {
    /// As they are called now, or were last.
    pub name: String,
    /// As it is now. `null`: unlimited, a fair share, or the person is gone.
    pub allowance: Option<u64>,
    /// How often it renews; `null` without an allowance.
    pub allowance_every: Option<Every>,
    /// The allowance is a fair share of the plan.
    pub fair: bool,
    pub sums: Sums,
    /// Forwarded, as the devices see it.
    pub up: u64,
    /// The same, down.
    pub down: u64,
    /// Uploads that were refused: never sent, not billed.
    pub refused_up: u64,
    /// Downloads that arrived while the person was closed: billed, delivered to nobody.
    pub refused_down: u64,
}

/// A row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementEntry {
    /// Ascending.
    pub id: i64,
    /// When it was posted.
    pub at: i64,
    /// The part's or the person's name.
    pub part: Option<String>,
    /// `null`: it is of a part.
    pub person: Option<String>,
    /// On top of a cap or an allowance; else used.
    pub on_top: bool,
    /// The day on which the account's period began; `null`: it never renews.
    pub period: Option<String>,
    /// `grant`, `return`, `overrun`, `correction`, `top-up`, `gift`, `loan`, `roll-over` or `bought`.
    pub kind: String,
    /// Positive: used, or on top; negative: given back, or given away.
    pub bytes: i64,
}
