//! Requests and replies of the daemon's HTTP interface: the only promised formats of Hotshare.
//!
//! Every reply carries `"schema": 1`. Within a schema number fields are only added, never renamed, removed or
//! given another meaning; a reader must skip fields that it does not know. Amounts are whole bytes of layer
//! 3, times are whole seconds since 1970-01-01 UTC, dates are `YYYY-MM-DD` in the plan's zone. What does not
//! exist is `null`, never left out (but of an event's facts). `docs/api.md` describes the same for readers without Rust.
//!
//! Text that strangers chose is sent as it is; [`escaped`] makes it fit to be shown. This crate knows no transport, and none of the daemon's own types.

mod access;
mod advice;
mod alert;
mod card;
mod certificate;
mod change;
mod doctor;
mod failure;
mod object;
mod outlook;
mod part;
pub mod path;
mod plain;
mod report;
mod secret;
pub mod show;
mod statement;
mod status;
mod wifi;
mod words;

pub use access::{
    Access, AccessLink, AccessLinkNew, AccessOwner, AccessPasskey, AccessPasskeys, AccessPassword,
    AccessToken, AccessTokenMade, AccessTokenNew, AccessTokens, OwnerDevice,
};
pub use advice::{Advice, AdviceBought, AdviceChoice, AdviceRisk};
pub use alert::{Alert, Alerts, AlertsTest, ChannelTest, Delivery, DeliveryState};
pub use card::{Card, Cards};
pub use certificate::{Certificate, CertificateFailed, CertificateWait};
pub use change::{
    Agreement, Amount, Claim, DeviceChange, Gift, Invite, KeyRotation, NetworkKeyRotation, PersonChange,
    PersonNew, PlanChange, PlanCorrection, WishAnswer,
};
pub use doctor::{Doctor, Finding, Preview, Severity};
pub use failure::{Code, Failure, FailureDetail};
pub use outlook::{Carrier, CarrierFigure, Compared, Confidence, Corrected, Outlook, RunOut, Safe, Spread};
pub use part::{Day, Part, PartStatus, Pay, Terms, Unused, Window};
pub use plain::{escaped, is_treacherous};
pub use report::{By, Event, EventFacts, EventKind, Events, Totals, UsageReport, UsageRow};
pub use secret::Secret;
pub use statement::{Statement, StatementEntry, StatementPart, StatementPerson, Sums};
pub use status::{Daemon, Device, Devices, Done, People, Person, Plan, PlanReply, Status, Uplink, Wish};
pub use wifi::{
    Admission, AirState, Band, Cost, Denied, Key, Mode, OffCode, PersonKey, Station, WhyDenied, Wifi,
    WifiLine, WifiPreview, WifiReason, WifiReasonCode,
};
pub use words::{AtCap, Every, Period, Verdict};

/// The number of the promised formats. It changes only when an older reader would misread a reply.
pub const SCHEMA: u32 = 1;

/// The largest amount that a request may name, in bytes (or bytes a second): 2^53 - 1, nine petabytes. Readers of JSON
/// everywhere hold it exactly, and a thousand of them still fit into a sum of the ledger.
pub const MOST_BYTES: u64 = (1 << 53) - 1;
