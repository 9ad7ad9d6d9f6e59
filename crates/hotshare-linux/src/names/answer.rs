//! The answers that are made here.

use std::net::Ipv4Addr;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::svcb::SvcParamValue;
use hickory_proto::rr::rdata::{A, AAAA, HTTPS, PTR, SOA};
use hickory_proto::rr::{Name, RData, Record};
use hotshare_core::names::{Answer, LOCAL_TTL_SECS, NamesView, OWN_NAME, Question, answer_for};

use super::message::Query;

/// The decision about a query.
pub(super) fn decide(query: &Query, client: Ipv4Addr, view: &NamesView) -> Answer {
    let labels: Vec<&[u8]> = query.name().iter().collect();
    let (kind, class) = (query.question.query_type().into(), query.question.query_class().into());
    answer_for(Question { labels: &labels, kind, class }, client, view)
}

/// A local answer's message; `None` for what has to be asked elsewhere.
pub(super) fn local(query: &Query, answer: Answer) -> Option<Message> {
    let name = || query.name().clone();
    Some(match answer {
        Answer::Address(ip) => with_record(query, RData::A(A(ip))),
        Answer::Address6(ip) => with_record(query, RData::AAAA(AAAA(ip))),
        Answer::OwnName => with_record(query, RData::PTR(PTR(own_name()))),
        Answer::NoData { zone } => without(query, ResponseCode::NoError, name().trim_to(zone)),
        Answer::NoSuchName { zone } => without(query, ResponseCode::NXDomain, name().trim_to(zone)),
        Answer::Refused => query.answer(ResponseCode::Refused),
        Answer::NotImplemented => query.answer(ResponseCode::NotImp),
        Answer::Forward => return None,
    })
}

fn with_record(query: &Query, data: RData) -> Message {
    let mut answer = query.answer(ResponseCode::NoError);
    answer.metadata.authoritative = true;
    answer.add_answer(Record::from_rdata(query.name().clone(), LOCAL_TTL_SECS, data));
    answer
}

/// With the zone's SOA, so that the station may remember that there is nothing.
fn without(query: &Query, code: ResponseCode, zone: Name) -> Message {
    let mut answer = query.answer(code);
    answer.metadata.authoritative = true;
    let soa = SOA::new(own_name(), own_name(), 1, 3600, 600, 86_400, LOCAL_TTL_SECS);
    answer.add_authority(Record::from_rdata(zone, LOCAL_TTL_SECS, RData::SOA(soa)));
    answer
}

fn own_name() -> Name {
    let mut name = Name::from_labels(OWN_NAME.map(str::as_bytes)).unwrap_or_default();
    name.set_fqdn(true);
    name
}

/// What a resolver said, for this station: its letters, its id, no more than it asked for, and no address
/// of the LAN that came from outside.
pub(super) fn passed_on(query: &Query, said: &Message, view: &NamesView) -> Message {
    let mut answer = query.answer(said.metadata.response_code);
    answer.metadata.authentic_data =
        said.metadata.authentic_data && (query.authentic_data || query.dnssec_ok());
    let outside = |record: &&Record| !leads_to_lan(record, view);
    answer.add_answers(said.answers.iter().filter(outside).cloned());
    answer.add_authorities(said.authorities.iter().cloned());
    answer.add_additionals(said.additionals.iter().filter(outside).cloned());
    answer
}

/// Whether a record from outside names an address of the LAN (see [`NamesView::is_lan`]).
fn leads_to_lan(record: &Record, view: &NamesView) -> bool {
    let svcb = if let RData::A(A(ip)) = &record.data {
        return view.is_lan(*ip);
    } else if let RData::HTTPS(HTTPS(svcb)) | RData::SVCB(svcb) = &record.data {
        svcb
    } else {
        return false;
    };
    svcb.svc_params.iter().any(|(_, value)| match value {
        SvcParamValue::Ipv4Hint(hints) => hints.0.iter().any(|A(ip)| view.is_lan(*ip)),
        SvcParamValue::Mandatory(_)
        | SvcParamValue::Alpn(_)
        | SvcParamValue::NoDefaultAlpn
        | SvcParamValue::Port(_)
        | SvcParamValue::EchConfigList(_)
        | SvcParamValue::Ipv6Hint(_)
        | SvcParamValue::Unknown(_) => false,
    })
}
