//! What is replied when the answer is no. The HTTP status says whose fault it is: 4xx the request was
//! refused, 5xx the daemon could not do it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of every reply with an HTTP status of 400 or more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// Why not.
    pub error: FailureDetail,
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailureDetail {
    pub code: Code,
    /// For people: what was tried, what is wrong, what to do.
    pub message: String,
}

impl Failure {
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Failure {
        Failure { error: FailureDetail { code, message: message.into() } }
    }
}

/// For machines. A new word may be added at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// 400: the request is not well formed, or a value in it makes no sense.
    BadRequest,
    /// 404: there is no such path.
    NoSuchPath,
    /// 405: this path does not know this method.
    WrongMethod,
    /// 408: the request took too long to arrive.
    TooSlow,
    /// 413: the body is too large.
    TooLarge,
    /// 415: the body is not declared as `application/json`.
    NotJson,
    /// 404.
    NoSuchPerson,
    /// 409.
    NameTaken,
    /// 404.
    NoSuchDevice,
    /// 422: the hardware address is a group or an empty address.
    NotAStation,
    /// 409: all accounts are in use.
    Full,
    /// 422: the plan's period makes no sense.
    BadPeriod,
    /// 422: the plan's parts make no sense.
    BadPlan,
    /// 422: a person's rules make no sense.
    BadRules,
    /// 409: the person has no allowance that could be added to or taken from.
    NoAllowance,
    /// 409: the person has not so much left.
    NotEnough,
    /// 404: the person has not asked for anything.
    NoWish,
    /// 409: nothing of the plan can be bought now, or not for that money.
    NotForSale,
    /// 404: there is no such data card.
    NoSuchCard,
    /// 409: the data card is in use.
    CardInUse,
    /// 409: there is no Wi-Fi.
    NoWifi,
    /// 409: the Wi-Fi's mode has no such key.
    WrongMode,
    /// 404: the person has no Wi-Fi key.
    NoKey,
    /// 409: the person has a Wi-Fi key already.
    HasKey,
    /// 409: the device is somebody's by the key that it joined with.
    JoinedByKey,
    /// 409: the device is somebody's already, or blocked.
    NotWaiting,
    /// 429: that was too often in a short time.
    TooOften,
    /// 422: the end of a key is in the past.
    EndsInThePast,
    /// 422: the passphrase cannot be one, or is easily guessed.
    BadPassphrase,
    /// 401: by a door for browsers, with no token or session that is known.
    NotLoggedIn,
    /// 403: the token or session is not for that, or it may not be reached from there.
    NotAllowed,
    /// 409: another token has this name, or there are too many.
    TokenTaken,
    /// 404: there is no such token.
    NoSuchToken,
    /// 404: there is no such passkey.
    NoSuchPasskey,
    /// 409: nothing else would let the owner in.
    LastWayIn,
    /// 500: the ledger could not be written; nothing was changed.
    NotWritten,
    /// 500: the reports could not be read.
    NotRead,
    /// 503: the daemon did not answer in time, or is stopping.
    Busy,
    /// Told by the command-line tool only: no daemon answers on the socket.
    NotRunning,
    /// Told by the command-line tool only: the socket is not for this user.
    NotPermitted,
    /// Told by the command-line tool only: something else that it needed failed.
    Broken,
    /// A word that this reader does not know yet. Never sent.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_failure() {
        let text = serde_json::to_string(&Failure::new(Code::NoSuchPerson, "there is nobody named “bo”"));
        assert_eq!(
            text.expect("plain"),
            r#"{"error":{"code":"no-such-person","message":"there is nobody named “bo”"}}"#
        );
    }
}
