//! Which request goes where.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Extension, FromRequest, FromRequestParts, Path, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use hotshare_api as api;
use hotshare_api::Code;
use hotshare_core as core;
use hotshare_core::ask::{Answer, Ask, PersonRules};
use hotshare_core::people::{Allowance, Claim};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::failure::No;
use super::openapi::{self, Document};
use super::{AppState, access, air, alerts, metrics, outlook, reports, rules, statement, translate};

/// Every path, each with what the document says of it.
pub(super) fn paths() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(status))
        .routes(routes!(reports::usage))
        .routes(routes!(statement::statement))
        .routes(routes!(reports::events))
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::test))
        .routes(routes!(people, person_add))
        .routes(routes!(person_change, person_remove))
        .routes(routes!(air::invite))
        .routes(routes!(air::key_revoke))
        .routes(routes!(air::key_rotate))
        .routes(routes!(air::wifi))
        .routes(routes!(air::network_key))
        .routes(routes!(air::network_key_rotate))
        .routes(routes!(devices))
        .routes(routes!(device_change, device_forget))
        .routes(routes!(device_claim))
        .routes(routes!(plan, plan_change))
        .routes(routes!(cards))
        .routes(routes!(card_forget))
        .routes(routes!(card_agree))
        .routes(routes!(plan_correct))
        .routes(routes!(plan_agree))
        .routes(routes!(top_up))
        .routes(routes!(give))
        .routes(routes!(wish))
        .routes(routes!(wish_answer))
        .routes(routes!(down))
        .routes(routes!(openapi::document))
        .routes(routes!(metrics::metrics))
        .merge(access::routes())
}

pub(super) fn router(state: AppState) -> Router {
    let (router, described) = paths().split_for_parts();
    router
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(Extension(Document::of(described)))
        .with_state(state)
}

/// Who is meant.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it describes what [`Place`] reads")]
pub(super) struct OfPerson {
    /// The person's name, percent-encoded as UTF-8.
    #[param(example = "anna")]
    name: String,
}

/// Which device is meant.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it describes what [`Place`] reads")]
pub(super) struct OfDevice {
    /// The device's hardware address: six pairs of hex digits, with colons, dashes or nothing between them.
    #[param(example = "02:00:5e:10:00:01")]
    mac: String,
}

/// Which data card is meant.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it describes what [`Place`] reads")]
pub(super) struct OfCard {
    /// The data card's number.
    #[param(example = 1)]
    number: u32,
}

pub(super) type Reply<T> = Result<Json<T>, No>;

/// Everything in one: the uplink, the Wi-Fi, the plan, people and devices.
#[utoipa::path(
    get, path = api::path::STATUS, tag = "status",
    responses((status = 200, body = api::Status))
)]
async fn status(State(state): State<AppState>) -> Reply<api::Status> {
    let wifi = state.wifi_line().await?;
    let certificate = state.certificate();
    Ok(Json(api::Status { wifi, certificate, ..translate::status(&state.status().await?) }))
}

/// Who there is.
#[utoipa::path(
    get, path = api::path::PEOPLE, tag = "people",
    responses((status = 200, body = api::People))
)]
async fn people(State(state): State<AppState>) -> Reply<api::People> {
    let status = translate::status(&state.status().await?);
    Ok(Json(api::People { schema: api::SCHEMA, people: status.people }))
}

/// Which devices were seen, nobody's first.
#[utoipa::path(
    get, path = api::path::DEVICES, tag = "devices",
    responses((status = 200, body = api::Devices))
)]
async fn devices(State(state): State<AppState>) -> Reply<api::Devices> {
    let status = translate::status(&state.status().await?);
    Ok(Json(api::Devices { schema: api::SCHEMA, devices: status.devices }))
}

/// The plan of the data card that is in, and where it stands.
#[utoipa::path(
    get, path = api::path::PLAN, tag = "plan",
    responses((status = 200, body = api::PlanReply))
)]
async fn plan(State(state): State<AppState>) -> Reply<api::PlanReply> {
    let status = translate::status(&state.status().await?);
    Ok(Json(api::PlanReply { schema: api::SCHEMA, plan: status.plan }))
}

/// Adds a person.
#[utoipa::path(
    post, path = api::path::PEOPLE, tag = "people", request_body = api::PersonNew,
    responses((status = 200, body = api::Done), (status = 409, description = "`name-taken`, `full`"))
)]
async fn person_add(State(state): State<AppState>, body: Body<api::PersonNew>) -> Reply<api::Done> {
    let Body(new) = body;
    let name = translate::name(&new.name)?;
    let allowance = if new.fair {
        fair(new.allowance, new.allowance_every)?
    } else {
        translate::allowance(new.allowance, new.allowance_every)?
    };
    state.change(Ask::PersonAdd { name, allowance }).await
}

fn fair(bytes: Option<u64>, every: Option<api::Every>) -> Result<Allowance, No> {
    match (bytes, every) {
        (None, None) => Ok(Allowance::Fair),
        _ => Err(No::new(
            Code::BadRequest,
            "a fair share has no amount: send `fair`, or an allowance in bytes",
        )),
    }
}

/// The owner agrees to the step of money that `asks_for` tells.
#[utoipa::path(
    post, path = api::path::PLAN_AGREE, tag = "plan", request_body = api::Agreement,
    responses((status = 200, body = api::Done), (status = 409, description = "`not-for-sale`"))
)]
async fn plan_agree(State(state): State<AppState>, body: Body<api::Agreement>) -> Reply<api::Done> {
    state.change(Ask::Consent { money: rules::money(&body.0.money)? }).await
}

/// Puts bytes on top of the allowance of this period.
#[utoipa::path(
    post, path = api::path::PERSON_TOP_UP, tag = "people", params(OfPerson), request_body = api::Amount,
    responses(
        (status = 200, body = api::Done),
        (status = 404, description = "`no-such-person`"),
        (status = 409, description = "`no-allowance`"),
    )
)]
async fn top_up(
    State(state): State<AppState>,
    Place(name): Place,
    body: Body<api::Amount>,
) -> Reply<api::Done> {
    state.change(Ask::TopUp { name: translate::name(&name)?, bytes: amount(body.0.bytes)? }).await
}

/// Gives bytes from one allowance to another; never more than is left.
#[utoipa::path(
    post, path = api::path::PERSON_GIVE, tag = "people", params(OfPerson), request_body = api::Gift,
    responses(
        (status = 200, body = api::Done),
        (status = 404, description = "`no-such-person`"),
        (status = 409, description = "`no-allowance`, `not-enough`"),
    )
)]
async fn give(State(state): State<AppState>, Place(name): Place, body: Body<api::Gift>) -> Reply<api::Done> {
    let Body(api::Gift { to, bytes }) = body;
    let (from, to) = (translate::name(&name)?, translate::name(&to)?);
    state.change(Ask::Give { from, to, bytes: amount(bytes)? }).await
}

/// The person asks the owner for more; a second wish takes the place of the first.
#[utoipa::path(
    post, path = api::path::PERSON_WISH, tag = "people", params(OfPerson), request_body = api::Amount,
    responses(
        (status = 200, body = api::Done),
        (status = 404, description = "`no-such-person`"),
        (status = 409, description = "`no-allowance`"),
    )
)]
async fn wish(
    State(state): State<AppState>,
    Place(name): Place,
    body: Body<api::Amount>,
) -> Reply<api::Done> {
    state.change(Ask::Wish { name: translate::name(&name)?, bytes: amount(body.0.bytes)? }).await
}

/// The owner answers a wish.
#[utoipa::path(
    post, path = api::path::PERSON_WISH_ANSWER, tag = "people", params(OfPerson), request_body = api::WishAnswer,
    responses(
        (status = 200, body = api::Done),
        (status = 404, description = "`no-such-person`, `no-wish`"),
        (status = 409, description = "`no-allowance`"),
    )
)]
async fn wish_answer(
    State(state): State<AppState>,
    Place(name): Place,
    body: Body<api::WishAnswer>,
) -> Reply<api::Done> {
    let bytes = match body.0 {
        api::WishAnswer { yes: true, bytes } => Some(bytes.map(amount).transpose()?.unwrap_or_default()),
        api::WishAnswer { yes: false, bytes: None } => None,
        api::WishAnswer { yes: false, bytes: Some(_) } => {
            return Err(No::new(
                Code::BadRequest,
                "`bytes` goes with `yes`: who gets nothing gets no amount",
            ));
        }
    };
    state.change(Ask::WishAnswer { name: translate::name(&name)?, bytes }).await
}

/// What is given or asked for.
fn amount(bytes: u64) -> Result<core::units::Bytes, No> {
    match translate::bytes(bytes)? {
        core::units::Bytes::ZERO => Err(No::new(Code::BadRequest, "`bytes` is a number of bytes above 0")),
        bytes => Ok(bytes),
    }
}

const CHANGES: &str = "`allowance` (with `allowance_every`) or `fair`, `paused`, `device_limit`, or rules: `weight`, `then_rate`, `bed_times`, `until`";

/// Changes one thing about a person.
#[utoipa::path(
    patch, path = api::path::PERSON, tag = "people", params(OfPerson), request_body = api::PersonChange,
    responses(
        (status = 200, body = api::Done),
        (status = 404, description = "`no-such-person`"),
        (status = 422, description = "`bad-rules`, `ends-in-the-past`"),
    )
)]
async fn person_change(
    State(state): State<AppState>,
    Place(name): Place,
    body: Body<api::PersonChange>,
) -> Reply<api::Done> {
    let name = translate::name(&name)?;
    let change = body.0;
    let rules = rules::person_rules(&change)?;
    let has_rules = rules != PersonRules::default();
    let allowance = match change.allowance {
        Some(bytes) if !change.fair => Some(translate::allowance(bytes, change.allowance_every)?),
        None if change.fair => Some(fair(None, change.allowance_every)?),
        None if change.allowance_every.is_none() => None,
        Some(_) | None => return Err(one_thing(CHANGES)),
    };
    let ask = match (allowance, change.paused, change.device_limit, has_rules) {
        (Some(allowance), None, None, false) => Ask::PersonSet { name, allowance },
        (None, Some(paused), None, false) => Ask::PersonPause { name, paused },
        (None, None, Some(limit), false) => Ask::DeviceLimit { name, limit },
        (None, None, None, true) => Ask::PersonRules { name, rules },
        _ => return Err(one_thing(CHANGES)),
    };
    state.change(ask).await
}

/// Removes a person; their devices wait for the owner again, and what was counted stays.
#[utoipa::path(
    delete, path = api::path::PERSON, tag = "people", params(OfPerson),
    responses((status = 200, body = api::Done), (status = 404, description = "`no-such-person`"))
)]
async fn person_remove(State(state): State<AppState>, Place(name): Place) -> Reply<api::Done> {
    let name = translate::name(&name)?;
    let done = state.change(Ask::PersonRemove { name: name.clone() }).await?;
    state.access.forget_person(&name).await;
    Ok(done)
}

/// Says whose a device is, or blocks it.
#[utoipa::path(
    patch, path = api::path::DEVICE, tag = "devices", params(OfDevice), request_body = api::DeviceChange,
    responses(
        (status = 200, body = api::Done),
        (status = 404, description = "`no-such-device`, `no-such-person`"),
        (status = 409, description = "`full`, `joined-by-key`"),
        (status = 422, description = "`not-a-station`"),
    )
)]
async fn device_change(
    State(state): State<AppState>,
    Place(mac): Place,
    body: Body<api::DeviceChange>,
) -> Reply<api::Done> {
    let mac = translate::mac(&mac)?;
    let ask = match body.0 {
        api::DeviceChange { person: Some(person), blocked: None } => {
            Ask::DeviceAssign { mac, person: translate::name(&person)? }
        }
        api::DeviceChange { person: None, blocked: Some(blocked) } => Ask::DeviceBlock { mac, blocked },
        api::DeviceChange { .. } => return Err(one_thing("`person` or `blocked`")),
    };
    state.change(ask).await
}

/// Forgets a device; it comes back as a new one.
#[utoipa::path(
    delete, path = api::path::DEVICE, tag = "devices", params(OfDevice),
    responses((status = 200, body = api::Done), (status = 404, description = "`no-such-device`"))
)]
async fn device_forget(State(state): State<AppState>, Place(mac): Place) -> Reply<api::Done> {
    state.change(Ask::DeviceForget { mac: translate::mac(&mac)? }).await
}

/// Keeps what somebody says who uses a device of nobody: who they are.
#[utoipa::path(
    post, path = api::path::DEVICE_CLAIM, tag = "devices", params(OfDevice), request_body = api::Claim,
    responses(
        (status = 200, body = api::Done),
        (status = 404, description = "`no-such-device`"),
        (status = 409, description = "`not-waiting`"),
        (status = 422, description = "`not-a-station`"),
        (status = 429, description = "`too-often`"),
    )
)]
async fn device_claim(
    State(state): State<AppState>,
    Place(mac): Place,
    body: Body<api::Claim>,
) -> Reply<api::Done> {
    let claim = Claim::new(&body.0.name).map_err(|e| No::new(Code::BadRequest, e.to_string()))?;
    state.change(Ask::DeviceClaim { mac: translate::mac(&mac)?, claim }).await
}

/// Changes the plan: all of what is sent, or nothing.
#[utoipa::path(
    patch, path = api::path::PLAN, tag = "plan", request_body = api::PlanChange,
    responses((status = 200, body = api::Done), (status = 422, description = "`bad-period`, `bad-plan`"))
)]
async fn plan_change(State(state): State<AppState>, body: Body<api::PlanChange>) -> Reply<api::Done> {
    let change = translate::plan_change(body.0)?;
    if change == core::ask::PlanChange::default() {
        return Err(No::new(
            Code::BadRequest,
            "nothing to change: send `cap`, `period`, `zone`, `parts` or `terms`",
        ));
    }
    state.change(Ask::PlanSet(change)).await
}

/// Tells the carrier's own figure for this period; the difference is posted.
#[utoipa::path(
    post, path = api::path::PLAN_CORRECT, tag = "plan", request_body = api::PlanCorrection,
    responses((status = 200, body = api::Corrected))
)]
async fn plan_correct(
    State(state): State<AppState>,
    body: Body<api::PlanCorrection>,
) -> Reply<api::Corrected> {
    let Json(done) = state.change(Ask::PlanCorrect { used: translate::bytes(body.0.used)? }).await?;
    // It is done, whether or not it can be told what came of it.
    let carrier = state.status().await.ok().map(|status| outlook::carrier(&status.plan.carrier));
    Ok(Json(api::Corrected { schema: done.schema, done: done.done, carrier }))
}

/// The data cards that were seen, each with a plan of its own.
#[utoipa::path(
    get, path = api::path::CARDS, tag = "cards",
    responses((status = 200, body = api::Cards))
)]
async fn cards(State(state): State<AppState>) -> Reply<api::Cards> {
    let status = translate::status(&state.status().await?);
    Ok(Json(api::Cards { schema: api::SCHEMA, cards: status.cards }))
}

/// The owner agrees to use a data card.
#[utoipa::path(
    post, path = api::path::CARD_AGREE, tag = "cards", params(OfCard),
    responses((status = 200, body = api::Done), (status = 404, description = "`no-such-card`"))
)]
async fn card_agree(State(state): State<AppState>, Place(number): Place) -> Reply<api::Done> {
    state.change(Ask::CardAgree(translate::card(&number)?)).await
}

/// Forgets a data card that is not in, and its plan.
#[utoipa::path(
    delete, path = api::path::CARD, tag = "cards", params(OfCard),
    responses(
        (status = 200, body = api::Done),
        (status = 404, description = "`no-such-card`"),
        (status = 409, description = "`card-in-use`"),
    )
)]
async fn card_forget(State(state): State<AppState>, Place(number): Place) -> Reply<api::Done> {
    state.change(Ask::CardForget(translate::card(&number)?)).await
}

/// Stops the daemon; the network becomes as it was.
#[utoipa::path(
    post, path = api::path::DOWN, tag = "daemon",
    responses((status = 200, body = api::Done))
)]
async fn down(State(state): State<AppState>) -> Json<api::Done> {
    state.down.cancel();
    Json(api::Done { schema: api::SCHEMA, done: true })
}

async fn no_such_path() -> No {
    No::new(Code::NoSuchPath, "there is no such path; the daemon may be older or newer than what asked it")
}

async fn wrong_method() -> No {
    No::new(Code::WrongMethod, "this path does not know this method; docs/api.md lists what it knows")
}

fn one_thing(what: &str) -> No {
    No::new(Code::BadRequest, format!("send exactly one change: {what}"))
}

impl AppState {
    /// Asks the brain, and waits so long as it may take.
    pub(super) async fn ask(&self, ask: Ask) -> Result<Answer, No> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.brain.send((ask, reply)).await.ok()?;
            answer.await.ok()
        };
        match timeout(self.limits.answer_time, asked).await {
            Ok(Some(Answer::Refused(refusal))) => Err(refusal.into()),
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(No::new(Code::Busy, "the daemon is stopping; nothing was changed")),
            Err(_) => Err(No::new(
                Code::Busy,
                format!(
                    "the daemon did not answer within {} s, so it is not known whether anything was changed; look at its log and at `hotshare status`, and try again",
                    self.limits.answer_time.as_secs()
                ),
            )),
        }
    }

    pub(super) async fn status(&self) -> Result<core::ask::Status, No> {
        match self.ask(Ask::Status).await? {
            Answer::Status(status) => Ok(*status),
            Answer::Done | Answer::Key(_) | Answer::Wifi(_) | Answer::Refused(_) => {
                Err(No::new(Code::Busy, "the daemon has no status to tell"))
            }
        }
    }

    pub(super) async fn change(&self, ask: Ask) -> Reply<api::Done> {
        self.ask(ask).await?;
        Ok(Json(api::Done { schema: api::SCHEMA, done: true }))
    }
}

/// The part of the path that says who or what, decoded.
pub(super) struct Place(pub(super) String);

impl FromRequestParts<AppState> for Place {
    type Rejection = No;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Place, No> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(place)) => Ok(Place(place)),
            Err(e) => Err(No::new(Code::BadRequest, format!("the path cannot be used: {}", e.body_text()))),
        }
    }
}

/// A body of JSON: declared as such, not too large, arriving in time, and well formed.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = No;

    async fn from_request(request: Request, state: &AppState) -> Result<Body<T>, No> {
        let declared = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !declared.is_some_and(|d| {
            d.split(';').next().is_some_and(|d| d.trim().eq_ignore_ascii_case("application/json"))
        }) {
            return Err(No::new(
                Code::NotJson,
                "the body must be declared with `content-type: application/json`",
            ));
        }
        let limits = state.limits;
        let (parts, body) = request.into_parts();
        let limited = Request::from_parts(
            parts,
            axum::body::Body::new(http_body_util::Limited::new(body, limits.body_size)),
        );
        let bytes = match timeout(limits.body_time, Bytes::from_request(limited, &())).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(e)) if e.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE => {
                let text = format!("the body is larger than {} bytes", limits.body_size);
                return Err(No::new(Code::TooLarge, text));
            }
            Ok(Err(e)) => return Err(No::new(Code::BadRequest, format!("the body did not arrive: {e}"))),
            Err(_) => {
                let text = format!("the body did not arrive within {} s", limits.body_time.as_secs());
                return Err(No::new(Code::TooSlow, text));
            }
        };
        serde_json::from_slice(&bytes)
            .map(Body)
            .map_err(|e| No::new(Code::BadRequest, format!("the body cannot be used: {e}")))
    }
}
