//! The name server: every name under `example.com` has the web server's address, but for a few.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::probes;
use crate::layout;

/// Seconds that an answer may be kept.
const TTL: u32 = 60;
/// What a datagram may hold when the question does not say (RFC 1035, 4.2.1).
const DATAGRAM: u16 = 512;

pub(super) async fn serve() -> Result<()> {
    let at = (layout::DNS_ADDR, 53);
    let socket = UdpSocket::bind(at).await.context("the name server cannot use its UDP port")?;
    let listener = TcpListener::bind(at).await.context("the name server cannot listen")?;
    tokio::spawn(async move {
        let mut question = [0; 4096];
        loop {
            // An ICMP error of an earlier answer is reported here; the next question is not affected.
            let Ok((size, from)) = socket.recv_from(&mut question).await else { continue };
            if let Some(reply) = answer(&question[..size], true) {
                drop(socket.send_to(&reply, from).await);
            }
        }
    });
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            tokio::spawn(async move { drop(converse(stream).await) });
        }
    });
    Ok(())
}

/// Questions and answers over one TCP connection, each after its length (RFC 1035, 4.2.2).
async fn converse(mut stream: TcpStream) -> std::io::Result<()> {
    loop {
        let size = stream.read_u16().await?;
        let mut question = vec![0; usize::from(size)];
        stream.read_exact(&mut question).await?;
        let Some(reply) = answer(&question, false) else { return Ok(()) };
        stream.write_u16(u16::try_from(reply.len()).map_err(std::io::Error::other)?).await?;
        stream.write_all(&reply).await?;
    }
}

fn answer(question: &[u8], datagram: bool) -> Option<Vec<u8>> {
    let asked = Message::from_vec(question).ok()?;
    if asked.metadata.message_type != MessageType::Query {
        return None;
    }
    let room = if datagram {
        asked.edns.as_ref().map_or(DATAGRAM, |edns| edns.max_payload().max(DATAGRAM))
    } else {
        u16::MAX
    };
    let mut reply = Message::response(asked.metadata.id, asked.metadata.op_code);
    reply.metadata.recursion_desired = asked.metadata.recursion_desired;
    reply.metadata.recursion_available = true;
    for query in &asked.queries {
        reply.add_query(query.clone());
        match records(query.name(), query.query_type()) {
            Some(records) => {
                let mut name = query.name().clone();
                for data in records {
                    let next = if let RData::CNAME(target) = &data { target.0.clone() } else { name.clone() };
                    reply.add_answer(Record::from_rdata(name, TTL, data));
                    name = next;
                }
            }
            None => reply.metadata.response_code = ResponseCode::NXDomain,
        }
    }
    let bytes = reply.to_vec().ok()?;
    if bytes.len() > usize::from(room) { reply.truncate().to_vec().ok() } else { Some(bytes) }
}

/// Where the top-up site really is.
const TOPUP_ALIAS: &str = "edge.cdn.example.com.";

/// The records of a name, and after an alias those of its target: `None` for a name that does not exist, empty for a type that the name lacks.
fn records(name: &Name, kind: RecordType) -> Option<Vec<RData>> {
    let name = name.to_ascii().to_ascii_lowercase();
    let name = name.trim_end_matches('.');
    let address = match name {
        "gone.example.com" => return None,
        "carrier.example.com" => layout::CARRIER_ADDR,
        "dns.example.com" => layout::DNS_ADDR,
        "edge.cdn.example.com" => layout::TOPUP_ADDR,
        layout::TOPUP_NAME => {
            let alias = RData::CNAME(CNAME(Name::from_ascii(TOPUP_ALIAS).ok()?));
            let address = (kind == RecordType::A).then_some(RData::A(A(layout::TOPUP_ADDR)));
            return Some(std::iter::once(alias).chain(address).collect());
        }
        // Answers that point into a private network: a careful resolver hides them.
        "rebind.example.com" => Ipv4Addr::new(192, 168, 1, 1),
        _ if probes::address(name).is_some() => probes::address(name)?,
        _ if name == "example.com" || name.ends_with(".example.com") => layout::WEB_ADDR,
        _ => return None,
    };
    if kind == RecordType::A {
        return Some(vec![RData::A(A(address))]);
    }
    if kind == RecordType::TXT && name == "long.example.com" {
        // Longer than a datagram without EDNS holds: must be asked again over TCP.
        return Some((0..20).map(|n| RData::TXT(TXT::new(vec![format!("{n:0100}")]))).collect());
    }
    Some(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::op::Query;

    fn ask(name: &str, kind: RecordType, datagram: bool) -> Message {
        let mut question = Message::query();
        question.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
        let reply = answer(&question.to_vec().expect("encodes"), datagram).expect("an answer");
        Message::from_vec(&reply).expect("decodes")
    }

    #[test]
    fn names_under_example_com_exist() {
        let reply = ask("www.Example.com.", RecordType::A, true);
        assert_eq!(reply.answers.first().map(|r| &r.data), Some(&RData::A(A(layout::WEB_ADDR))));
        assert!(ask("www.example.com.", RecordType::AAAA, true).answers.is_empty());
        let gone = ask("gone.example.com.", RecordType::A, true);
        assert_eq!(gone.metadata.response_code, ResponseCode::NXDomain);
    }

    #[test]
    fn the_top_up_site_is_behind_an_alias() {
        let reply = ask("topup.example.com.", RecordType::A, true);
        let owners: Vec<String> = reply.answers.iter().map(|record| record.name.to_ascii()).collect();
        assert_eq!(owners, ["topup.example.com.", TOPUP_ALIAS]);
        assert_eq!(reply.answers.last().map(|r| &r.data), Some(&RData::A(A(layout::TOPUP_ADDR))));
    }

    #[test]
    fn a_long_answer_is_cut_in_a_datagram_and_whole_over_tcp() {
        assert!(ask("long.example.com.", RecordType::TXT, true).metadata.truncation);
        assert_eq!(ask("long.example.com.", RecordType::TXT, false).answers.len(), 20);
    }
}
