//! Replies that say no.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hotshare_api::{Code, Failure};
use hotshare_core::ask::Refusal;

/// A failure, and the HTTP status it is sent with.
#[derive(Debug)]
pub(super) struct No {
    status: StatusCode,
    failure: Failure,
}

impl No {
    pub(super) fn new(code: Code, message: impl Into<String>) -> No {
        let status = match code {
            Code::BadRequest => StatusCode::BAD_REQUEST,
            Code::NoSuchPath
            | Code::NoSuchPerson
            | Code::NoSuchDevice
            | Code::NoKey
            | Code::NoWish
            | Code::NoSuchCard
            | Code::NoSuchToken
            | Code::NoSuchPasskey => StatusCode::NOT_FOUND,
            Code::NotLoggedIn => StatusCode::UNAUTHORIZED,
            Code::NotAllowed => StatusCode::FORBIDDEN,
            Code::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Code::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Code::CardInUse
            | Code::NameTaken
            | Code::TokenTaken
            | Code::LastWayIn
            | Code::Full
            | Code::NoWifi
            | Code::WrongMode
            | Code::HasKey
            | Code::NoAllowance
            | Code::NotEnough
            | Code::NotForSale
            | Code::NotWaiting
            | Code::JoinedByKey => StatusCode::CONFLICT,
            Code::TooOften => StatusCode::TOO_MANY_REQUESTS,
            Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::NotAStation
            | Code::BadPeriod
            | Code::BadPlan
            | Code::BadRules
            | Code::EndsInThePast
            | Code::BadPassphrase => StatusCode::UNPROCESSABLE_ENTITY,
            Code::NotWritten
            | Code::NotRead
            | Code::NotRunning
            | Code::NotPermitted
            | Code::Broken
            | Code::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
            Code::Busy => StatusCode::SERVICE_UNAVAILABLE,
        };
        No { status, failure: Failure::new(code, message) }
    }

    /// The HTTP status that it is sent with.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn into_message(self) -> String {
        self.failure.error.message
    }

    pub(super) fn is(&self, code: Code) -> bool {
        self.failure.error.code == code
    }
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> No {
        let code = match refusal {
            Refusal::NoSuchPerson(_) => Code::NoSuchPerson,
            Refusal::NameTaken(_) => Code::NameTaken,
            Refusal::NoSuchDevice(_) => Code::NoSuchDevice,
            Refusal::NotAStation(_) => Code::NotAStation,
            Refusal::Full(_) => Code::Full,
            Refusal::BadPeriod(_) => Code::BadPeriod,
            Refusal::BadPlan(_) => Code::BadPlan,
            Refusal::BadWeight | Refusal::BadHours => Code::BadRules,
            Refusal::HasNoAllowance(_) => Code::NoAllowance,
            Refusal::NotEnough { .. } => Code::NotEnough,
            Refusal::NoWish(_) => Code::NoWish,
            Refusal::Nothing | Refusal::TooMuch(_) => Code::BadRequest,
            Refusal::NothingToBuy | Refusal::NotTheStep { .. } | Refusal::MoneyLimit { .. } => {
                Code::NotForSale
            }
            Refusal::NoCard(_) => Code::NoSuchCard,
            Refusal::CardInUse(_) => Code::CardInUse,
            Refusal::NoKey(_) => Code::NoKey,
            Refusal::NoWifi => Code::NoWifi,
            Refusal::NotPersonal(_) | Refusal::NoNetworkKey(_) => Code::WrongMode,
            Refusal::JoinedByKey(..) => Code::JoinedByKey,
            Refusal::NotWaiting(_) => Code::NotWaiting,
            Refusal::TooOften => Code::TooOften,
            Refusal::EndsInThePast => Code::EndsInThePast,
            Refusal::NotWritten(_) => Code::NotWritten,
        };
        No::new(code, refusal.to_string())
    }
}

impl IntoResponse for No {
    fn into_response(self) -> Response {
        (self.status, Json(self.failure)).into_response()
    }
}
