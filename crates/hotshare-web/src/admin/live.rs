//! Numbers that move: server-sent events with what has changed on the page.
//!
//! All open dashboards share one look at the status a second, taken when one of them asks, so that ten of them cost as
//! much as one. Nothing runs while nobody looks.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use hotshare_api::{Person, Status, path};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::{Asked, Desk, Sorry, Why, overview};
use crate::api::{Api, ApiError};
use crate::messages::Text;
use crate::show;

/// How often the page moves.
const EVERY: Duration = Duration::from_secs(1);
/// The stream ends then, and the browser asks again: no connection lives for ever.
const LONGEST: Duration = Duration::from_secs(50);

/// The latest look at the status.
#[derive(Debug)]
pub(super) struct Live {
    api: Api,
    latest: Mutex<Latest>,
}

#[derive(Debug, Default)]
struct Latest {
    look: Option<(Instant, Arc<Look>)>,
    /// Something was changed since.
    stale: bool,
}

/// The status, and how fast people were since the look before.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) status: Arc<Status>,
    /// Bytes a second, up and down, by name.
    rates: BTreeMap<String, (u64, u64)>,
}

impl Look {
    pub(super) fn rate(&self, name: &str) -> (u64, u64) {
        self.rates.get(name).copied().unwrap_or_default()
    }

    /// All people together.
    pub(super) fn total(&self) -> (u64, u64) {
        self.rates.values().fold((0, 0), |sum, rate| (sum.0 + rate.0, sum.1 + rate.1))
    }
}

impl Live {
    pub(super) fn new(api: Api) -> Live {
        Live { api, latest: Mutex::default() }
    }

    /// Not older than a second.
    pub(super) async fn look(&self) -> Result<Arc<Look>, ApiError> {
        let mut latest = self.latest.lock().await;
        if let Some((at, look)) = &latest.look
            && at.elapsed() < EVERY * 9 / 10
            && !latest.stale
        {
            return Ok(Arc::clone(look));
        }
        let status: Status = self.api.get(path::STATUS).await?;
        let now = Instant::now();
        // A look from long ago says nothing about the rate now.
        let before = latest.look.take().filter(|(at, _)| at.elapsed() < EVERY * 5);
        let rates = match before {
            // Too short a time to measure a rate in.
            Some((at, before)) if now - at < EVERY / 2 => before.rates.clone(),
            Some((at, before)) => rates(&before.status, &status, now - at),
            None => BTreeMap::new(),
        };
        let look = Arc::new(Look { status: Arc::new(status), rates });
        *latest = Latest { look: Some((now, Arc::clone(&look))), stale: false };
        Ok(look)
    }
}

/// After a change the next look is a new one. Rates go on from the one before.
pub(super) async fn look_again(State(live): State<Arc<Live>>, request: Request, next: Next) -> Response {
    let changes = !request.method().is_safe();
    let reply = next.run(request).await;
    if changes {
        live.latest.lock().await.stale = true;
    }
    reply
}

fn rates(before: &Status, now: &Status, span: Duration) -> BTreeMap<String, (u64, u64)> {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = |now: u64, before: u64| now.saturating_sub(before).saturating_mul(1000) / millis;
    let of = |person: &Person| {
        let before = before.people.iter().find(|other| other.name == person.name)?;
        Some((person.name.clone(), (rate(person.up, before.up), rate(person.down, before.down))))
    };
    now.people.iter().filter_map(of).collect()
}

/// What the script puts into the page: the text of elements by their `data-live`, and values of bars.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Moved {
    /// Another: the page itself has changed, and is loaded again.
    stamp: String,
    text: BTreeMap<String, String>,
    value: BTreeMap<String, u64>,
}

pub(super) async fn stream(State(desk): State<Desk>, asked: Asked) -> Response {
    let t = asked.t;
    let first = match desk.live.look().await {
        Ok(look) => look,
        Err(error) => return Sorry { asked, why: Why::Api(error), back: "/admin".into() }.into_response(),
    };
    let end = Instant::now() + LONGEST;
    let moves = stream::unfold((Some(first), None::<Moved>), move |(first, sent)| {
        let live = Arc::clone(&desk.live);
        async move {
            let waited = first.is_none();
            let look = match first {
                Some(look) => look,
                None if Instant::now() > end => return None,
                None => {
                    sleep(EVERY).await;
                    live.look().await.ok()?
                }
            };
            let moved = Moved::of(t, &look);
            let event = match sent {
                Some(sent) if waited && sent == moved => Event::default().comment(""),
                _ => Event::default().json_data(&moved).ok()?,
            };
            Some((Ok::<_, Infallible>(event), (None, Some(moved))))
        }
    });
    Sse::new(moves).into_response()
}

impl Moved {
    fn of(t: Text, look: &Look) -> Moved {
        let mut moved = Moved { stamp: stamp(&look.status), ..Moved::default() };
        let status = &look.status;
        let mut say = |key: String, text: String| drop(moved.text.insert(key, text));
        let (up, down) = look.total();
        say("up".into(), show::rate(up));
        say("down".into(), show::rate(down));
        say("plan.used".into(), show::bytes(status.plan.billed));
        if let Some(balance) = status.plan.balance {
            say("plan.left".into(), show::bytes(balance));
        }
        if let Some(usable) = overview::usable(status) {
            say("plan.usable".into(), show::bytes(usable));
        }
        for person in &status.people {
            let name = &person.name;
            let (up, down) = look.rate(name);
            say(format!("p.{name}.up"), show::rate(up));
            say(format!("p.{name}.down"), show::rate(down));
            say(format!("p.{name}.used"), show::bytes(person.up.saturating_add(person.down)));
            say(format!("p.{name}.left"), left(t, person));
            moved.value.insert(format!("p.{name}.share"), share(person));
        }
        if let Some(cap) = status.plan.cap {
            moved.value.insert("plan.share".into(), thousandths(status.plan.balance.unwrap_or(0), cap));
        }
        moved
    }
}

/// What a person has left, in words.
pub(super) fn left(t: Text, person: &Person) -> String {
    match (person.balance, person.limit) {
        (Some(balance), Some(limit)) => {
            t.with("left-of", &[("left", show::bytes(balance).into()), ("all", show::bytes(limit).into())])
        }
        (Some(balance), None) => show::bytes(balance),
        (None, _) if person.fair => t.say("fair-share"),
        (None, _) => t.say("unlimited"),
    }
}

/// How much is left, of a thousand.
pub(super) fn share(person: &Person) -> u64 {
    match (person.balance, person.limit) {
        (Some(balance), Some(limit)) => thousandths(balance, limit),
        _ => 1000,
    }
}

pub(super) fn thousandths(part: u64, whole: u64) -> u64 {
    let share = u128::from(part) * 1000 / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(1000).min(1000)
}

/// Changes when there is something else on the page than other numbers.
pub(super) fn stamp(status: &Status) -> String {
    let mut hash = DefaultHasher::new();
    for person in &status.people {
        (&person.name, person.verdict as u8, person.wish.map(|wish| (wish.bytes, wish.at)), person.devices)
            .hash(&mut hash);
    }
    for device in &status.devices {
        (&device.mac, &device.person, &device.claim, device.blocked, device.address.is_some())
            .hash(&mut hash);
    }
    let cards: Vec<_> = status.cards.iter().map(|card| (card.number, card.agreed, card.is_in)).collect();
    (cards, status.closed.map(|closed| closed as u8), &status.plan.asks_for, status.plan.cap).hash(&mut hash);
    format!("{:016x}", hash.finish())
}
