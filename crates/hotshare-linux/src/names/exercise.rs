//! A message's whole way without sockets, for fuzzing.

use std::net::Ipv4Addr;
use std::time::Instant;

use super::answer::{decide, local, passed_on};
use super::cache::{Cache, Key};
use super::message::{BadMessage, encode, parse_query};
use super::uplink::{Asked, read_answer};
use super::{NamesView, desk};

/// Answers a query as the forwarder would, if a resolver said `said`. Any bytes may come in from both sides;
/// what goes out fits where it goes.
#[must_use]
pub fn exercise(query: &[u8], said: &[u8], client: Ipv4Addr, view: &NamesView) -> Option<Vec<u8>> {
    let query = match parse_query(query) {
        Ok(query) => query,
        Err(BadMessage::Drop) => return None,
        Err(BadMessage::Answer(answer)) => return encode(&answer, usize::MAX),
    };
    if let Some(answer) = local(&query, decide(&query, client, view)) {
        return encode(&answer, query.largest_datagram());
    }
    let asked = Asked {
        question: query.question.clone(),
        dnssec_ok: query.dnssec_ok(),
        checking_disabled: query.checking_disabled,
    };
    let id = said.first_chunk().copied().map_or(0, u16::from_be_bytes);
    let said = desk::without_hop(read_answer(said, id, &asked)?);
    let (mut cache, key, now) = (Cache::new(), Key::of(&query), Instant::now());
    cache.put(key.clone(), &said, now);
    let kept = cache.get(&key, now).unwrap_or(said);
    encode(&passed_on(&query, &kept, view), query.largest_datagram())
}
