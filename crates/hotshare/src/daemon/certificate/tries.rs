//! What is written down of tries, so that a restart does not begin anew.

use hotshare_core::certificate::Tries;
use hotshare_core::units::UnixTime;
use serde::{Deserialize, Serialize};

use super::shelf::Shelf;
use crate::serve::Failed;

const NAME: &str = "tries.json";

/// What is known of earlier tries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) tries: Tries,
    /// When the last one failed, and why; `None`: it did not, or nobody knows.
    pub(super) at: Option<UnixTime>,
    pub(super) why: Option<String>,
}

/// The same as it is on the disk, in Unix seconds.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    last: Option<i64>,
    failures: u32,
    not_before: Option<i64>,
    failed: Option<i64>,
    why: Option<String>,
}

impl Kept {
    /// What is not there, or cannot be read, says nothing of earlier tries; what cannot be written keeps new ones from
    /// being made.
    pub(super) async fn read(shelf: &Shelf) -> Kept {
        let written = shelf.get(NAME).await.ok().flatten();
        let written = written.and_then(|text| serde_json::from_slice::<Written>(&text).ok());
        let Some(Written { last, failures, not_before, failed, why }) = written else {
            return Kept::default();
        };
        let [last, not_before, at] = [last, not_before, failed].map(|at| at.map(UnixTime));
        Kept { tries: Tries { last, failures, not_before }, at, why }
    }

    /// The message says why not.
    pub(super) async fn write(&self, shelf: &Shelf) -> Result<(), String> {
        let Kept { tries: Tries { last, failures, not_before }, at, why } = self.clone();
        let [last, not_before, failed] = [last, not_before, at].map(|at| at.map(|at| at.0));
        let written = Written { last, failures, not_before, failed, why };
        let text = serde_json::to_vec(&written).map_err(|error| error.to_string())?;
        let kept = shelf.put(NAME, text).await;
        kept.map_err(|error| format!("cannot write {}: {error}", shelf.path(NAME).display()))
    }

    /// As it is told.
    pub(super) fn failed(&self) -> Option<Failed> {
        let (at, why) = self.at.zip(self.why.clone())?;
        Some(Failed { at, times: self.tries.failures, why })
    }
}
