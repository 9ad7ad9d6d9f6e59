//! The ledger and everything else that must survive a power cut, in one SQLite file.
//!
//! Decides nothing: [`Store`] commits the brain's changes, all or none, and durably before it says so;
//! [`Reader`] answers reports beside it and never holds a commit up. One process has the file at a time.

mod access;
mod columns;
mod commit;
mod diary;
mod error;
mod open;
mod plans;
mod outbox;
mod reader;
mod roll_up;
mod snapshot;
mod statement;

pub use diary::Event;
pub use error::StoreError;
pub use open::Store;
pub use outbox::{Delivery, DeliveryState, Outcome, Pending};
pub use reader::{By, Posted, Reader, UsageRow, Whose};
pub use roll_up::{HOURS_KEPT_DAYS, MINUTES_KEPT_DAYS};
pub use statement::Names;
