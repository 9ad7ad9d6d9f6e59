//! Words with a fixed spelling.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::object::only_objects;

/// May this person's devices use the uplink, and if not, why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Open,
    /// The owner paused the person.
    Paused,
    /// The person's allowance is used up.
    AllowanceUsed,
    /// The plan is used up.
    PlanUsed,
    /// The plan has not begun, or is over.
    PlanOver,
    /// There is no uplink.
    NoUplink,
    /// The ledger cannot be written, so nothing may be granted.
    LedgerStuck,
    /// Open, but slow: see `slow`.
    Slow,
    /// The time that was given is over.
    Ended,
    BedTime,
    /// What is left of the plan is kept for others.
    KeptForOthers,
    /// More costs money, and the owner has not agreed to it.
    AsksForMoney,
    /// This part of the plan is slow.
    PlanSlow,
    /// It is not known yet which SIM is in the modem, or whether it roams.
    CardUnknown,
    /// The data card is new, and the owner has not agreed to use it.
    NewCard,
    /// Open towards the sites that this part of the plan is kept for, and nothing else.
    OnlySites,
    /// A word that this reader does not know yet. Never sent.
    #[serde(other)]
    Unknown,
}

/// How often an allowance renews, by civil time in the plan's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Every {
    Day,
    /// Weeks begin on Monday.
    Week,
    Month,
    /// Never: the allowance is a total.
    Total,
}

/// When the plan renews.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields, remote = "Self")]
pub enum Period {
    /// Each month on `day`, 1 to 31; in a month that is too short, on its last day.
    Monthly {
        /// 1 to 31.
        #[schema(minimum = 1, maximum = 31)]
        day: u8,
    },
    /// Every `days` days, counted from the date `from`.
    EveryDays {
        /// 1 or more.
        #[schema(minimum = 1, maximum = 65535)]
        days: u16,
        /// The date on which a period began or begins.
        from: String,
    },
    /// Once: from the beginning of `from` to the end of `until`.
    Once {
        /// The first day.
        from: String,
        /// The last day.
        until: String,
    },
}

/// What happens when the plan is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AtCap {
    Stop,
    /// A word that this reader does not know yet. Never sent.
    #[serde(other)]
    Unknown,
}

only_objects!(Period);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling() {
        let text = |v| serde_json::to_string(&v).expect("plain");
        assert_eq!(text(Verdict::Open), r#""open""#);
        assert_eq!(text(Verdict::AllowanceUsed), r#""allowance-used""#);
        assert_eq!(text(Verdict::PlanUsed), r#""plan-used""#);
        assert_eq!(text(Verdict::PlanOver), r#""plan-over""#);
        assert_eq!(text(Verdict::NoUplink), r#""no-uplink""#);
        assert_eq!(text(Verdict::LedgerStuck), r#""ledger-stuck""#);
        let later: Verdict = serde_json::from_str(r#""napping""#).expect("an unknown word is no error");
        assert_eq!(later, Verdict::Unknown);
    }

    #[test]
    fn periods() {
        let text = |v: &Period| serde_json::to_string(v).expect("plain");
        assert_eq!(text(&Period::Monthly { day: 5 }), r#"{"kind":"monthly","day":5}"#);
        assert_eq!(
            text(&Period::EveryDays { days: 28, from: "2026-11-01".into() }),
            r#"{"kind":"every-days","days":28,"from":"2026-11-01"}"#
        );
        assert_eq!(
            text(&Period::Once { from: "2026-11-01".into(), until: "2026-11-30".into() }),
            r#"{"kind":"once","from":"2026-11-01","until":"2026-11-30"}"#
        );
    }
}
