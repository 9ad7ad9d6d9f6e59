//! Everything that changes while names are served, and what happens to each message.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use hickory_proto::op::{Message, ResponseCode};
use hotshare_core::lease::pace::Pace;
use hotshare_core::names::NamesView;
use tokio::sync::oneshot;

use super::answer::{Leads, decide, leads, local, passed_on};
use super::cache::{Cache, Key};
use super::message::{BadMessage, Query, encode, parse_query};
use super::uplink::{Asked, Resolvers, Unanswered};
use crate::clock;

/// Questions that may be out at once, and those that wait for an answer because of one station.
const MOST_ASKED: usize = 128;
const MOST_OF_ONE: usize = 32;
/// Stations that may wait for one question's answer.
const MOST_WAITING: usize = 64;
/// An answer over TCP may have as many bytes as its length can say.
const LARGEST_STREAMED: usize = u16::MAX as usize;

/// What became of the messages, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    dropped: u64,
    bad: u64,
    local: u64,
    cached: u64,
    asked: u64,
    failed: u64,
}

pub(super) struct Desk {
    pub(super) view: NamesView,
    resolvers: Arc<Resolvers>,
    cache: Cache,
    /// Who waits for which question.
    waiting: BTreeMap<Key, Vec<Waiting>>,
    /// Any message, by station.
    pace: Pace,
    /// Questions that the cache cannot answer, by station: those cost the uplink's bytes.
    asking_pace: Pace,
    pub(super) counts: Counts,
}

/// How an answer gets to its station.
pub(super) enum Way {
    Datagram(SocketAddr),
    Stream(SocketAddr, oneshot::Sender<Vec<u8>>),
}

struct Waiting {
    query: Query,
    way: Way,
}

/// A message that is ready to go.
pub(super) struct Ready {
    pub(super) way: Way,
    pub(super) bytes: Vec<u8>,
    /// To be told before it goes.
    pub(super) leads: Option<Leads>,
}

/// What has to be asked beside the loop.
pub(super) struct Errand {
    pub(super) key: Key,
    pub(super) asked: Asked,
    pub(super) resolvers: Arc<Resolvers>,
}

/// What came of an errand.
pub(super) struct Done {
    key: Key,
    /// Those of another uplink are not believed for longer than this once.
    by: Arc<Resolvers>,
    said: Result<Message, Unanswered>,
}

/// What a message leads to at once.
pub(super) enum Next {
    Nothing,
    Reply(Ready),
    Ask(Errand),
}

impl Errand {
    pub(super) async fn run(self) -> Done {
        let said = self.resolvers.ask(&self.asked).await;
        Done { key: self.key, by: self.resolvers, said }
    }
}

impl Way {
    fn client(&self) -> Option<Ipv4Addr> {
        match self {
            Way::Datagram(from) | Way::Stream(from, _) => match from.ip() {
                IpAddr::V4(ip) => Some(ip),
                IpAddr::V6(_) => None,
            },
        }
    }

    fn largest(&self, query: &Query) -> usize {
        match self {
            Way::Datagram(_) => query.largest_datagram(),
            Way::Stream(..) => LARGEST_STREAMED,
        }
    }
}

impl Desk {
    pub(super) fn new(view: NamesView) -> Desk {
        Desk {
            resolvers: Arc::new(Resolvers::new(view.resolvers.clone())),
            view,
            cache: Cache::new(),
            waiting: BTreeMap::new(),
            pace: Pace::new(4096, 2000, 1),
            asking_pace: Pace::new(4096, 200, 20),
            counts: Counts::default(),
        }
    }

    /// Other resolvers may say other things: what the old ones said is forgotten.
    pub(super) fn see(&mut self, view: NamesView) {
        if !self.resolvers.are(&view.resolvers) {
            self.resolvers = Arc::new(Resolvers::new(view.resolvers.clone()));
            self.cache.clear();
        }
        self.view = view;
    }

    pub(super) fn hear(&mut self, bytes: &[u8], way: Way) -> Next {
        let client = way.client().filter(|client| self.pace.take(&client.octets(), clock::boot()));
        let Some(client) = client else {
            self.counts.dropped += 1;
            return Next::Nothing;
        };
        let query = match parse_query(bytes) {
            Ok(query) => query,
            Err(BadMessage::Drop) => {
                self.counts.dropped += 1;
                return Next::Nothing;
            }
            Err(BadMessage::Answer(answer)) => {
                self.counts.bad += 1;
                return ready(way, &answer, LARGEST_STREAMED);
            }
        };
        let answer = decide(&query, client, &self.view);
        if let Some(answer) = local(&query, answer) {
            self.counts.local += 1;
            return reply(way, &query, &answer);
        }
        // Who does not want it fetched would only learn what others fetched.
        if !query.recursion_desired {
            return reply(way, &query, &query.answer(ResponseCode::Refused));
        }
        let key = Key::of(&query);
        if let Some(said) = self.cache.get(&key, Instant::now()) {
            self.counts.cached += 1;
            let answer = passed_on(&query, &said, &self.view);
            let leads = leads(&query, &answer, &self.view);
            return match reply(way, &query, &answer) {
                Next::Reply(ready) => Next::Reply(Ready { leads, ..ready }),
                next @ (Next::Nothing | Next::Ask(_)) => next,
            };
        }
        self.ask(key, Waiting { query, way }, client)
    }

    fn ask(&mut self, key: Key, waiting: Waiting, client: Ipv4Addr) -> Next {
        let of_one =
            self.waiting.values().flatten().filter(|other| other.way.client() == Some(client)).count();
        let out = self.waiting.len();
        let companions = self.waiting.get(&key).map(Vec::len);
        let too_many = of_one >= MOST_OF_ONE
            || companions.map_or(out >= MOST_ASKED, |companions| companions >= MOST_WAITING)
            || !self.asking_pace.take(&client.octets(), clock::boot());
        if too_many || self.view.resolvers.is_empty() {
            self.counts.failed += 1;
            return reply(waiting.way, &waiting.query, &waiting.query.answer(ResponseCode::ServFail));
        }
        let asked = Asked {
            question: waiting.query.question.clone(),
            dnssec_ok: waiting.query.dnssec_ok(),
            checking_disabled: waiting.query.checking_disabled,
        };
        self.waiting.entry(key.clone()).or_default().push(waiting);
        if companions.is_some() {
            return Next::Nothing;
        }
        self.counts.asked += 1;
        Next::Ask(Errand { key, asked, resolvers: Arc::clone(&self.resolvers) })
    }

    /// A question is answered, or is not going to be: everybody who waits for it hears.
    pub(super) fn answered(&mut self, done: Done) -> Vec<Ready> {
        let Done { key, by, said } = done;
        let said = said.unwrap_or_else(|error| {
            self.counts.failed += 1;
            tracing::debug!(%error, "names: not answered");
            Message::error_msg(0, hickory_proto::op::OpCode::Query, ResponseCode::ServFail)
        });
        let said = without_hop(said);
        let waiting = self.waiting.remove(&key).unwrap_or_default();
        if Arc::ptr_eq(&by, &self.resolvers) {
            self.cache.put(key, &said, Instant::now());
        }
        let answer = |waiting: Waiting| {
            // A station may have been closed while it waited.
            let client = waiting.way.client()?;
            let answer = local(&waiting.query, decide(&waiting.query, client, &self.view))
                .unwrap_or_else(|| passed_on(&waiting.query, &said, &self.view));
            let bytes = encode(&answer, waiting.way.largest(&waiting.query))?;
            let leads = leads(&waiting.query, &answer, &self.view);
            Some(Ready { way: waiting.way, bytes, leads })
        };
        waiting.into_iter().filter_map(answer).collect()
    }
}

/// Without what is only between a resolver and us. A code that needs EDNS to be said is a failure.
pub(super) fn without_hop(mut said: Message) -> Message {
    said.edns = None;
    said.signature = None;
    if said.metadata.response_code.high() > 0 {
        said.metadata.response_code = ResponseCode::ServFail;
    }
    said
}

fn reply(way: Way, query: &Query, answer: &Message) -> Next {
    let largest = way.largest(query);
    ready(way, answer, largest)
}

fn ready(way: Way, answer: &Message, largest: usize) -> Next {
    encode(answer, largest).map_or(Next::Nothing, |bytes| Next::Reply(Ready { way, bytes, leads: None }))
}
