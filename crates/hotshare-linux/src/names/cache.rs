//! What the resolvers said lately.
//!
//! Kept as bytes, so that the space it needs is known. What was not asked for longest makes room.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record};

use super::message::Query;

/// The most bytes that answers and questions may have together.
const MOST_BYTES: usize = 2 << 20;
/// What an answer costs beyond its bytes.
const OVERHEAD: usize = 256;
/// Nothing is believed longer, whatever its owner says.
const LONGEST: u32 = 86_400;
/// Nor that something is not there (RFC 2308, section 5).
const LONGEST_NOTHING: u32 = 3_600;
/// How long a failure is repeated without asking again (RFC 9520: at least one second).
const FAILURE: u32 = 2;

/// A question that answers can be kept for: the name in lower case, the type, and whether signatures and
/// unvalidated data are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key(Arc<[u8]>);

impl Key {
    pub(super) fn of(query: &Query) -> Key {
        let mut key = Vec::with_capacity(64);
        for label in query.name() {
            key.extend(u8::try_from(label.len()));
            key.extend(label.iter().map(u8::to_ascii_lowercase));
        }
        key.extend(u16::from(query.question.query_type()).to_be_bytes());
        key.push(u8::from(query.dnssec_ok()) | u8::from(query.checking_disabled) << 1);
        Key(key.into())
    }
}

struct Kept {
    answer: Box<[u8]>,
    since: Instant,
    until: Instant,
    used: u64,
}

/// The cache.
pub(super) struct Cache {
    kept: HashMap<Key, Kept>,
    /// The keys, by when they were last used.
    by_use: BTreeMap<u64, Key>,
    bytes: usize,
    uses: u64,
}

impl Cache {
    pub(super) fn new() -> Cache {
        Cache { kept: HashMap::new(), by_use: BTreeMap::new(), bytes: 0, uses: 0 }
    }

    pub(super) fn clear(&mut self) {
        *self = Cache::new();
    }

    /// What was said, its lifetimes shortened by its age.
    pub(super) fn get(&mut self, key: &Key, now: Instant) -> Option<Message> {
        let kept = self.kept.get_mut(key)?;
        if kept.until <= now {
            self.remove(key);
            return None;
        }
        self.uses += 1;
        self.by_use.remove(&kept.used);
        self.by_use.insert(self.uses, key.clone());
        kept.used = self.uses;
        let age = u32::try_from(now.saturating_duration_since(kept.since).as_secs()).unwrap_or(u32::MAX);
        let mut answer = Message::from_vec(&kept.answer).ok()?;
        for record in sections(&mut answer) {
            record.ttl = record.ttl.saturating_sub(age);
        }
        Some(answer)
    }

    /// Keeps an answer for as long as it says. One that must not be kept is not.
    pub(super) fn put(&mut self, key: Key, answer: &Message, now: Instant) {
        self.remove(&key);
        let secs = lifetime(answer);
        let Ok(bytes) = answer.to_vec() else { return };
        if secs == 0 || cost(&key, &bytes) > MOST_BYTES {
            return;
        }
        self.uses += 1;
        self.bytes += cost(&key, &bytes);
        self.by_use.insert(self.uses, key.clone());
        let until = now + Duration::from_secs(secs.into());
        self.kept.insert(key, Kept { answer: bytes.into(), since: now, until, used: self.uses });
        while self.bytes > MOST_BYTES {
            let Some((_, oldest)) = self.by_use.first_key_value() else { break };
            let oldest = oldest.clone();
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(kept) = self.kept.remove(key) {
            self.by_use.remove(&kept.used);
            self.bytes -= cost(key, &kept.answer);
        }
    }
}

fn cost(key: &Key, answer: &[u8]) -> usize {
    OVERHEAD + key.0.len() + answer.len()
}

fn sections(answer: &mut Message) -> impl Iterator<Item = &mut Record> {
    answer.answers.iter_mut().chain(&mut answer.authorities).chain(&mut answer.additionals)
}

/// For how many seconds an answer holds (RFC 2181, section 5.2; RFC 2308, section 5). An answer that says
/// that something is not there holds only if it says for how long.
fn lifetime(answer: &Message) -> u32 {
    let code = answer.metadata.response_code;
    if !matches!(code, ResponseCode::NoError | ResponseCode::NXDomain) {
        return FAILURE;
    }
    let shortest = answer.answers.iter().map(|record| record.ttl).min();
    if code == ResponseCode::NoError && shortest.is_some() && !is_dead_end(answer) {
        return shortest.unwrap_or(0).min(LONGEST);
    }
    let nothing = |record: &Record| {
        let RData::SOA(soa) = &record.data else { return None };
        Some(record.ttl.min(soa.minimum))
    };
    let nothing = answer.authorities.iter().filter_map(nothing);
    nothing.min().unwrap_or(0).min(shortest.unwrap_or(u32::MAX)).min(LONGEST_NOTHING)
}

/// Aliases that lead to a name without such a record.
fn is_dead_end(answer: &Message) -> bool {
    let asked = answer.queries.first().map(hickory_proto::op::Query::query_type);
    let is_asked = |record: &Record| Some(record.record_type()) == asked;
    !answer.answers.iter().any(is_asked)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hickory_proto::op::{OpCode, Query as Question};
    use hickory_proto::rr::rdata::A;
    use hickory_proto::rr::{Name, RecordType};

    use super::super::message::parse_query;
    use super::*;

    fn asked(name: &str) -> (Key, Message) {
        let question = Question::query(Name::from_ascii(name).expect("a name"), RecordType::A);
        let mut query = Message::query();
        query.add_query(question.clone());
        let query = parse_query(&query.to_vec().expect("encoded")).expect("a query");
        let mut answer = Message::response(0, OpCode::Query);
        let data = RData::A(A(Ipv4Addr::new(192, 0, 2, 1)));
        answer.add_answer(Record::from_rdata(question.name().clone(), 60, data));
        answer.add_query(question);
        (Key::of(&query), answer)
    }

    #[test]
    fn its_space_is_bounded_and_what_is_used_stays() {
        let (mut cache, now) = (Cache::new(), Instant::now());
        let (used, answer) = asked("used.example.");
        cache.put(used.clone(), &answer, now);
        for n in 0..50_000 {
            let (key, answer) = asked(&format!("name-{n}.example."));
            cache.put(key, &answer, now);
            if n % 100 == 0 {
                assert!(cache.get(&used, now).is_some(), "after {n}");
            }
        }
        assert!(cache.bytes <= MOST_BYTES && cache.kept.len() == cache.by_use.len());
        assert!((2_000..10_000).contains(&cache.kept.len()), "{} answers", cache.kept.len());
        let bytes: usize = cache.kept.iter().map(|(key, kept)| cost(key, &kept.answer)).sum();
        assert_eq!(bytes, cache.bytes);
    }

    #[test]
    fn an_answer_ends_when_its_time_is_over() {
        let (mut cache, now) = (Cache::new(), Instant::now());
        let (key, answer) = asked("WWW.example.");
        cache.put(key, &answer, now);
        let (key, _) = asked("www.EXAMPLE.");
        let at = |secs: u64| now + Duration::from_millis(secs * 1000 + 1);
        assert_eq!(cache.get(&key, at(59)).expect("kept").answers[0].ttl, 1);
        assert!(cache.get(&key, at(60)).is_none());
        assert_eq!((cache.bytes, cache.kept.len(), cache.by_use.len()), (0, 0, 0));
    }
}
