//! The answers that are made here.

use std::net::Ipv4Addr;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::svcb::SvcParamValue;
use hickory_proto::rr::rdata::{A, AAAA, HTTPS, PTR, SOA};
use hickory_proto::rr::{Name, RData, Record};
use hotshare_core::names::{Answer, LOCAL_TTL_SECS, NamesView, OWN_NAME, Question, TOLD_SECS, answer_for};
use hotshare_core::plan::SiteName;
use tokio::sync::oneshot;

use super::message::Query;

/// What is about to be answered for a site of the plan.
#[derive(Debug)]
pub struct SiteSeen {
    /// Those that the name is of.
    pub sites: Vec<SiteName>,
    /// Each with the seconds that the station may keep it.
    pub addresses: Vec<(Ipv4Addr, u32)>,
    /// To be told when the rules know them; the answer goes out then, or when this is dropped.
    pub known: oneshot::Sender<()>,
}

/// Sites, and the addresses that an answer gives for them.
pub(super) type Leads = (Vec<SiteName>, Vec<(Ipv4Addr, u32)>);

/// Aliases that are followed: resolvers give up at about as many.
const MOST_ALIASES: usize = 16;
/// Addresses of one answer that are let through.
const MOST_ADDRESSES: usize = 32;

/// Where an answer leads to that is about a site of the plan. Only records that the question leads to, by aliases, count.
pub(super) fn leads(query: &Query, answer: &Message, view: &NamesView) -> Option<Leads> {
    let labels: Vec<&[u8]> = query.name().iter().collect();
    let sites = view.sites.of(&labels);
    if sites.is_empty() {
        return None;
    }
    let mut names = vec![query.name()];
    for _ in 0..MOST_ALIASES {
        let last = names.last().copied()?;
        let mut of_last = answer.answers.iter().filter(|record| record.name == *last);
        let next = of_last
            .find_map(|record| if let RData::CNAME(target) = &record.data { Some(&target.0) } else { None });
        let Some(next) = next.filter(|next| !names.contains(next)) else { break };
        names.push(next);
    }
    let addresses: Vec<(Ipv4Addr, u32)> = answer
        .answers
        .iter()
        .filter(|record| names.contains(&&record.name))
        .flat_map(|record| addresses(&record.data).into_iter().map(|address| (address, record.ttl)))
        .take(MOST_ADDRESSES)
        .collect();
    (!addresses.is_empty()).then_some((sites, addresses))
}

/// The IPv4 addresses that a record names.
fn addresses(data: &RData) -> Vec<Ipv4Addr> {
    let svcb = if let RData::A(A(ip)) = data {
        return vec![*ip];
    } else if let RData::HTTPS(HTTPS(svcb)) | RData::SVCB(svcb) = data {
        svcb
    } else {
        return Vec::new();
    };
    let hints = svcb.svc_params.iter().filter_map(|(_, value)| match value {
        SvcParamValue::Ipv4Hint(hints) => Some(hints.0.iter().map(|A(ip)| *ip)),
        SvcParamValue::Mandatory(_)
        | SvcParamValue::Alpn(_)
        | SvcParamValue::NoDefaultAlpn
        | SvcParamValue::Port(_)
        | SvcParamValue::EchConfigList(_)
        | SvcParamValue::Ipv6Hint(_)
        | SvcParamValue::Unknown(_) => None,
    });
    hints.flatten().collect()
}

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
        Answer::Portal(ip) => {
            let mut answer = query.answer(ResponseCode::NoError);
            answer.add_answer(Record::from_rdata(name(), 0, RData::A(A(ip))));
            answer
        }
        // Without a SOA nothing is remembered (RFC 2308, section 5).
        Answer::PortalNoData => query.answer(ResponseCode::NoError),
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
    if view.sites.only.is_some() {
        // So that the station asks again before its address is forgotten.
        for record in answer.answers.iter_mut().chain(&mut answer.additionals) {
            record.ttl = record.ttl.min(TOLD_SECS);
        }
    }
    answer
}

/// Whether a record from outside names an address of the LAN (see [`NamesView::is_lan`]).
fn leads_to_lan(record: &Record, view: &NamesView) -> bool {
    addresses(&record.data).into_iter().any(|ip| view.is_lan(ip))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use hickory_proto::op::OpCode;
    use hickory_proto::rr::RecordType;
    use hickory_proto::rr::rdata::CNAME;
    use hotshare_core::names::Sites;

    use super::super::message::parse_query;
    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).expect("a name")
    }

    fn query(text: &str) -> Query {
        let mut message = Message::query();
        message.add_query(hickory_proto::op::Query::query(name(text), RecordType::A));
        parse_query(&message.to_vec().expect("encoded")).expect("a query")
    }

    fn view() -> NamesView {
        let named = ["carrier.example".parse().expect("a site")].into();
        NamesView {
            resolvers: Vec::new(),
            gateway: Ipv4Addr::new(10, 7, 0, 1),
            prefix: 24,
            open: Arc::default(),
            web_name: Arc::default(),
            sites: Arc::new(Sites { only: Some(BTreeSet::clone(&named)), named }),
        }
    }

    fn said(records: &[(&str, RData)]) -> Message {
        let mut answer = Message::response(0, OpCode::Query);
        for (owner, data) in records {
            answer.add_answer(Record::from_rdata(name(owner), 86_400, data.clone()));
        }
        answer
    }

    fn a(last: u8) -> RData {
        RData::A(A(Ipv4Addr::new(192, 0, 2, last)))
    }

    fn alias(target: &str) -> RData {
        RData::CNAME(CNAME(name(target)))
    }

    #[test]
    fn addresses_are_those_that_the_question_leads_to() {
        let chain = [
            ("TopUp.carrier.example.", alias("edge.cdn.example.")),
            ("edge.cdn.example.", alias("n1.cdn.example.")),
            ("n1.cdn.example.", a(1)),
            ("n1.cdn.example.", a(2)),
            ("bystander.example.", a(3)),
        ];
        let found = |asked: &str, records: &[(&str, RData)]| {
            let query = query(asked);
            let answer = passed_on(&query, &said(records), &view());
            leads(&query, &answer, &view()).map(|(_, addresses)| addresses)
        };
        let ip = |last| Ipv4Addr::new(192, 0, 2, last);
        assert_eq!(found("topup.CARRIER.example.", &chain), Some(vec![(ip(1), 300), (ip(2), 300)]));
        assert_eq!(found("edge.cdn.example.", &chain), None);
        assert_eq!(found("other.carrier.example.", &chain), None);
        let circle = [
            ("carrier.example.", alias("b.example.")),
            ("b.example.", alias("carrier.example.")),
            ("b.example.", a(4)),
        ];
        assert_eq!(found("carrier.example.", &circle), Some(vec![(ip(4), 300)]));
        let inward = RData::A(A(Ipv4Addr::new(10, 7, 0, 9)));
        assert_eq!(found("carrier.example.", &[("carrier.example.", inward)]), None);
        let many: Vec<(&str, RData)> = (0..200).map(|n| ("carrier.example.", a(n))).collect();
        assert_eq!(found("carrier.example.", &many).map(|all| all.len()), Some(MOST_ADDRESSES));
    }
}
