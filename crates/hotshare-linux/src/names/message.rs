//! A station's query, read from bytes.

use hickory_proto::op::{Edns, Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::Name;

/// What is told of our own limit (EDNS), and held to: what passes every path without fragments.
pub(super) const LARGEST_DATAGRAM: u16 = 1232;
/// What a station without EDNS can take over UDP (RFC 1035).
const SMALLEST_DATAGRAM: u16 = 512;

/// A query, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub(super) id: u16,
    /// With the letters as the station wrote them: they go back like that.
    pub(super) question: hickory_proto::op::Query,
    pub(super) recursion_desired: bool,
    pub(super) checking_disabled: bool,
    pub(super) authentic_data: bool,
    pub(super) edns: Option<Ends>,
}

/// What the station says by EDNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) dnssec_ok: bool,
    pub(super) largest: u16,
}

/// Why bytes are not a query that can be decided.
#[derive(Debug, PartialEq, Eq)]
pub enum BadMessage {
    /// Nothing to answer: cut short, or itself an answer.
    Drop,
    /// To be answered with this code.
    Answer(Box<Message>),
}

/// Reads a query. Total: any bytes give a query or a reason.
pub fn parse_query(bytes: &[u8]) -> Result<Query, BadMessage> {
    let [high, low, flags, ..] = *bytes else { return Err(BadMessage::Drop) };
    if bytes.len() < 12 || flags & 0x80 != 0 {
        return Err(BadMessage::Drop);
    }
    let id = u16::from_be_bytes([high, low]);
    let refuse = |code| {
        let op_code = OpCode::from_u8((flags >> 3) & 0x0f);
        Err(BadMessage::Answer(Box::new(Message::error_msg(id, op_code, code))))
    };
    if (flags >> 3) & 0x0f != 0 {
        return refuse(ResponseCode::NotImp);
    }
    let Ok(mut message) = Message::from_vec(bytes) else { return refuse(ResponseCode::FormErr) };
    if message.metadata.message_type != MessageType::Query || message.queries.len() != 1 {
        return refuse(ResponseCode::FormErr);
    }
    let Some(question) = message.queries.pop() else { return refuse(ResponseCode::FormErr) };
    if let Some(edns) = message.edns.as_ref().filter(|edns| edns.version() > 0) {
        let mut answer = Message::error_msg(id, OpCode::Query, ResponseCode::BADVERS);
        answer.add_query(question);
        answer.set_edns(our_edns(edns.flags().dnssec_ok));
        return Err(BadMessage::Answer(Box::new(answer)));
    }
    let edns = message.edns.as_ref().map(|edns| Ends {
        dnssec_ok: edns.flags().dnssec_ok,
        largest: edns.max_payload().clamp(SMALLEST_DATAGRAM, LARGEST_DATAGRAM),
    });
    Ok(Query {
        id,
        question,
        recursion_desired: message.metadata.recursion_desired,
        checking_disabled: message.metadata.checking_disabled,
        authentic_data: message.metadata.authentic_data,
        edns,
    })
}

impl Query {
    pub(super) fn name(&self) -> &Name {
        self.question.name()
    }

    pub(super) fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok)
    }

    /// The most bytes that an answer over UDP may have.
    pub(super) fn largest_datagram(&self) -> usize {
        usize::from(self.edns.map_or(SMALLEST_DATAGRAM, |edns| edns.largest))
    }

    /// An answer with the right head and question, and nothing else yet.
    pub(super) fn answer(&self, code: ResponseCode) -> Message {
        let mut answer = Message::error_msg(self.id, OpCode::Query, code);
        answer.metadata.recursion_desired = self.recursion_desired;
        answer.metadata.recursion_available = true;
        answer.metadata.checking_disabled = self.checking_disabled;
        answer.add_query(self.question.clone());
        if self.edns.is_some() {
            answer.set_edns(our_edns(self.dnssec_ok()));
        }
        answer
    }
}

pub(super) fn our_edns(dnssec_ok: bool) -> Edns {
    let mut edns = Edns::new();
    edns.set_version(0).set_max_payload(LARGEST_DATAGRAM).set_dnssec_ok(dnssec_ok);
    edns
}

/// The answer's bytes; where they do not fit, the question alone with the TC bit, so that the station asks
/// again over TCP.
pub(super) fn encode(answer: &Message, largest: usize) -> Option<Vec<u8>> {
    match answer.to_vec() {
        Ok(bytes) if bytes.len() <= largest => Some(bytes),
        Ok(_) => answer.truncate().to_vec().ok(),
        Err(error) => {
            tracing::debug!(%error, "names: an answer could not be encoded");
            let mut failed = answer.truncate();
            failed.metadata.truncation = false;
            failed.metadata.response_code = ResponseCode::ServFail;
            failed.to_vec().ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::RecordType;

    use super::*;

    fn query() -> Message {
        let mut query = Message::query();
        query.metadata.id = 0x1234;
        query.metadata.recursion_desired = true;
        let name = Name::from_ascii("WwW.example.").expect("a name");
        query.add_query(hickory_proto::op::Query::query(name, RecordType::A));
        query
    }

    fn bytes(message: &Message) -> Vec<u8> {
        message.to_vec().expect("it can be encoded")
    }

    fn refusal(bytes: &[u8]) -> ResponseCode {
        match parse_query(bytes) {
            Err(BadMessage::Answer(answer)) => answer.metadata.response_code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_not_a_query_is_dropped_or_refused() {
        let good = bytes(&query());
        let with = |place: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[place] = value;
            bytes
        };
        assert_eq!(parse_query(&with(2, 0x81)), Err(BadMessage::Drop), "an answer");
        assert!((0..12).all(|cut| parse_query(&good[..cut]) == Err(BadMessage::Drop)));
        assert!((12..good.len()).all(|cut| refusal(&good[..cut]) == ResponseCode::FormErr));
        assert_eq!(refusal(&with(2, 0x29)), ResponseCode::NotImp, "an update");
        assert_eq!(refusal(&with(5, 0)), ResponseCode::FormErr, "no question");
        let mut two = query();
        two.add_query(two.queries[0].clone());
        assert_eq!(refusal(&bytes(&two)), ResponseCode::FormErr);
        let mut later = query();
        later.set_edns({
            let mut edns = our_edns(false);
            edns.set_version(1);
            edns
        });
        assert_eq!(refusal(&bytes(&later)), ResponseCode::BADVERS);
    }

    #[test]
    fn an_answer_has_the_head_the_letters_and_the_size_of_its_query() {
        for (offered, largest) in [(None, 512), (Some(0), 512), (Some(1000), 1000), (Some(65_535), 1232)] {
            let mut message = query();
            if let Some(offered) = offered {
                let mut edns = our_edns(true);
                edns.set_max_payload(offered);
                message.set_edns(edns);
            }
            let query = parse_query(&bytes(&message)).expect("a query");
            assert_eq!(query.largest_datagram(), largest);
            let answer = query.answer(ResponseCode::NoError);
            assert_eq!(answer.metadata.id, 0x1234);
            assert_eq!(answer.edns.is_some(), offered.is_some());
            assert!(answer.metadata.recursion_desired && answer.metadata.recursion_available);
            let sent = encode(&answer, largest).expect("it can be encoded");
            assert!(sent.windows(3).any(|letters| letters == b"WwW"));
        }
    }
}
