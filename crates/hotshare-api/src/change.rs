//! What the owner may ask for. Unknown fields are refused: a typing error must not look like a success.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::object::only_objects;
use crate::part::{Part, Terms, Window};
use crate::secret::Secret;
use crate::words::{Every, Period};

/// Body of `POST /v1/people`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct PersonNew {
    /// 1 to 32 letters, digits, “-” and “_”, no capitals; the first is a letter or a digit.
    #[schema(min_length = 1, max_length = 32)]
    pub name: String,
    /// Bytes; `null`: unlimited.
    pub allowance: Option<u64>,
    /// Needed with an allowance in bytes.
    pub allowance_every: Option<Every>,
    /// A fair share of the plan instead of an allowance in bytes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fair: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// Body of `PATCH /v1/people/NAME`: either a new allowance, `paused`, `device_limit`, or any of the rules after it; one
/// of these kinds at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct PersonChange {
    /// Absent: stays. `null`: unlimited.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub allowance: Option<Option<u64>>,
    /// Needed with an allowance in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowance_every: Option<Every>,
    /// Closed until it is `false` again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// How many devices may be on the air at once. `null`: as many as come.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub device_limit: Option<Option<u32>>,
    /// A fair share of the plan instead of an allowance in bytes; with `allowance` absent.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fair: bool,
    /// How much more than another's counts, 1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub weight: Option<u16>,
    /// At the end of the allowance it goes on with so many bytes a second. `null`: it stops.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub then_rate: Option<Option<u64>>,
    /// Closed at these hours; an empty list: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bed_times: Option<Vec<Window>>,
    /// Closed from then on. `null`: stays.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub until: Option<Option<i64>>,
}

/// Body of `POST /v1/people/NAME/top-up` and `/wish`: bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Amount {
    /// Above 0.
    #[schema(minimum = 1)]
    pub bytes: u64,
}

/// Body of `POST /v1/people/NAME/give`: from NAME to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Gift {
    /// Who gets it.
    pub to: String,
    /// Above 0.
    #[schema(minimum = 1)]
    pub bytes: u64,
}

/// Body of `POST /v1/people/NAME/wish/answer`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct WishAnswer {
    /// The wish is granted.
    pub yes: bool,
    /// Another amount than was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// Body of `POST /v1/plan/agree`: the owner agrees to another step of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Agreement {
    /// The step that `asks_for` tells, such as "2.50".
    pub money: String,
}

/// Body of `POST /v1/people/NAME/invite`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Invite {
    /// When the key ends. Absent: stays as it is; a new key has no end. `null`: no end.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub expires: Option<Option<i64>>,
    /// A passphrase of the owner's own choice, for a person who has no key yet. Absent: one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Secret>,
}

/// Body of `POST /v1/people/NAME/key/rotate`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct KeyRotation {
    /// When the new key ends. Absent: when the old one would have. `null`: no end.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub expires: Option<Option<i64>>,
    /// A passphrase of the owner's own choice. Absent: one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Secret>,
}

/// Body of `POST /v1/wifi/key/rotate`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct NetworkKeyRotation {
    /// A passphrase of the owner's own choice. Absent: one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Secret>,
}

/// Body of `PATCH /v1/devices/MAC`: either `person` or `blocked`, one at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct DeviceChange {
    /// From now on this person's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// It gets nothing, whoever it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<bool>,
}

/// Body of `POST /v1/devices/MAC/claim`: whoever uses a device that nobody knows says who they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Claim {
    /// Letters and digits of any script, spaces, `-`, `_`, `.` and `'` are kept of it, 40 characters at most.
    pub name: String,
}

/// Body of `PATCH /v1/plan`. What is absent stays as it is; all of it is done at once, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct PlanChange {
    /// `null`: no cap.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub cap: Option<Option<u64>>,
    /// When it renews.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// IANA name, such as `Europe/Berlin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// All parts, in their order. Those with a name that was there go on where they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<Part>>,
    /// What is said about money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
}

/// Body of `POST /v1/plan/correct`: the carrier's own figure for this period, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct PlanCorrection {
    /// Bytes.
    pub used: u64,
}

/// A field that is there is `Some`, even when it is `null`.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

only_objects!(
    Claim,
    PersonNew,
    PersonChange,
    Amount,
    Gift,
    WishAnswer,
    Agreement,
    Invite,
    KeyRotation,
    NetworkKeyRotation,
    DeviceChange,
    PlanChange,
    PlanCorrection
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_null_and_a_number_differ() {
        let read = |text| serde_json::from_str::<PlanChange>(text).expect("well formed").cap;
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"cap":null}"#), Some(None));
        assert_eq!(read(r#"{"cap":5}"#), Some(Some(5)));
    }

    #[test]
    fn the_text_of_requests() {
        let text = serde_json::to_string(&PlanChange {
            cap: Some(None),
            period: Some(Period::Monthly { day: 31 }),
            ..PlanChange::default()
        });
        assert_eq!(text.expect("plain"), r#"{"cap":null,"period":{"kind":"monthly","day":31}}"#);
        let text = serde_json::to_string(&PersonChange { paused: Some(true), ..PersonChange::default() });
        assert_eq!(text.expect("plain"), r#"{"paused":true}"#);
        let text = serde_json::to_string(&PersonNew {
            name: "anna".into(),
            allowance: Some(2_000_000_000),
            allowance_every: Some(Every::Month),
            fair: false,
        });
        assert_eq!(
            text.expect("plain"),
            r#"{"name":"anna","allowance":2000000000,"allowance_every":"month"}"#
        );
    }

    #[test]
    fn a_passphrase_is_sent_and_never_shown() {
        let invite = Invite { expires: Some(None), passphrase: Some("correct horse".into()) };
        let text = serde_json::to_string(&invite).expect("plain");
        assert_eq!(text, r#"{"expires":null,"passphrase":"correct horse"}"#);
        assert_eq!(serde_json::from_str::<Invite>(&text).expect("reads back"), invite);
        assert!(!format!("{invite:?}").contains("horse"), "{invite:?}");
        let text = serde_json::to_string(&KeyRotation { expires: Some(Some(7)), passphrase: None });
        assert_eq!(text.expect("plain"), r#"{"expires":7}"#);
        assert_eq!(serde_json::to_string(&NetworkKeyRotation::default()).expect("plain"), "{}");
        let limit = PersonChange { device_limit: Some(None), ..PersonChange::default() };
        assert_eq!(serde_json::to_string(&limit).expect("plain"), r#"{"device_limit":null}"#);
    }

    #[test]
    fn typing_errors_are_refused() {
        for text in [r#"{"cpa":5}"#, r#"{"cap":-5}"#, r#"{"cap":1.5}"#, r#"{"cap":"5GB"}"#] {
            assert!(serde_json::from_str::<PlanChange>(text).is_err(), "{text}");
        }
        let text = r#"{"period":{"kind":"monthly","day":5,"hour":3}}"#;
        assert!(serde_json::from_str::<PlanChange>(text).is_err());
    }
}
