//! Asking the uplink's resolvers.
//!
//! One at a time, the one that answered last first: a metered uplink pays for every question. Each asking
//! has its own socket, with a port and an id of its own, connected so that the kernel drops what others
//! send (RFC 5452).

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::Either;
use futures_util::stream::FuturesUnordered;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{sleep, timeout};

use super::message::{LARGEST_DATAGRAM, our_edns};

const PORT: u16 = 53;
/// All of it, the last resort over TCP included: stub resolvers give up after 5 s.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long an asking is left alone before the next resolver, or the same one, is asked as well.
const ROUNDS: [Duration; 3] =
    [Duration::from_millis(700), Duration::from_millis(1300), Duration::from_millis(2000)];

/// The resolvers of the uplink as it is now.
#[derive(Debug)]
pub(super) struct Resolvers {
    all: Vec<Ipv4Addr>,
    /// The place of the one that answered last.
    best: AtomicUsize,
}

/// A question as it goes out.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) question: Query,
    pub(super) dnssec_ok: bool,
    pub(super) checking_disabled: bool,
}

/// Why a resolver gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("there is no resolver to ask")]
    NoResolver,
    #[error("the resolver could not be reached")]
    Unreachable(#[from] io::Error),
    #[error("no resolver answered in time")]
    Late,
    #[error("the question cannot be encoded")]
    Unspeakable,
    #[error("what came over TCP is not an answer")]
    NotAnAnswer,
}

impl Resolvers {
    pub(super) fn new(all: Vec<Ipv4Addr>) -> Resolvers {
        Resolvers { all, best: AtomicUsize::new(0) }
    }

    pub(super) fn are(&self, all: &[Ipv4Addr]) -> bool {
        self.all == all
    }

    /// Asks until one gives an answer, or all have failed, or it takes too long.
    pub(super) async fn ask(&self, asked: &Asked) -> Result<Message, Unanswered> {
        timeout(PATIENCE, self.rounds(asked)).await.unwrap_or(Err(Unanswered::Late))
    }

    /// The best one first, then the others in their order; those before it when a round is left.
    fn in_order(&self) -> impl Iterator<Item = (usize, Ipv4Addr)> {
        let best = self.best.load(Ordering::Relaxed);
        let count = self.all.len();
        (0..ROUNDS.len().max(count)).filter_map(move |round| {
            let place = (best + round) % count.max(1);
            self.all.get(place).map(|&resolver| (place, resolver))
        })
    }

    async fn rounds(&self, asked: &Asked) -> Result<Message, Unanswered> {
        let mut left: VecDeque<(usize, Ipv4Addr)> = self.in_order().collect();
        let mut running = FuturesUnordered::new();
        // The first failure says most: "cannot be reached" beats "late".
        let mut failure = None;
        let mut round = 0;
        let mut unwilling = None;
        loop {
            // Those that fail at once do not use up the rounds of those that are silent.
            if let Some((place, resolver)) = left.pop_front() {
                running.push(async move { (place, ask_one(resolver, asked).await) });
            } else if running.is_empty() {
                return unwilling.ok_or_else(|| failure.unwrap_or(Unanswered::NoResolver));
            }
            let patience = ROUNDS.get(round).copied().unwrap_or(PATIENCE);
            let next = match futures_util::future::select(running.next(), Box::pin(sleep(patience))).await {
                Either::Left((answered, _)) => answered,
                Either::Right(_) => {
                    round += 1;
                    continue;
                }
            };
            match next {
                Some((place, Ok(answer))) if is_willing(&answer) => {
                    self.best.store(place, Ordering::Relaxed);
                    return Ok(answer);
                }
                // It would say the same again.
                Some((place, Ok(answer))) => {
                    left.retain(|(other, _)| *other != place);
                    unwilling = Some(answer);
                }
                Some((_, Err(error))) => failure = failure.or(Some(error)),
                None => {}
            }
        }
    }
}

/// Whether the answer is about the name, and not about the resolver's troubles.
fn is_willing(answer: &Message) -> bool {
    matches!(answer.metadata.response_code, ResponseCode::NoError | ResponseCode::NXDomain)
}

async fn ask_one(resolver: Ipv4Addr, asked: &Asked) -> Result<Message, Unanswered> {
    let answer = ask_datagram(resolver, asked, true).await?;
    if answer.metadata.response_code == ResponseCode::FormErr && answer.edns.is_none() {
        // An old one, that does not know EDNS (RFC 6891, section 7).
        return ask_datagram(resolver, asked, false).await;
    }
    if answer.metadata.truncation { ask_stream(resolver, asked).await } else { Ok(answer) }
}

fn encode(asked: &Asked, edns: bool) -> Result<(u16, Vec<u8>), Unanswered> {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.metadata.checking_disabled = asked.checking_disabled;
    // Says that the AD bit of the answer is understood (RFC 6840, section 5.7).
    message.metadata.authentic_data = true;
    message.add_query(asked.question.clone());
    if edns {
        message.set_edns(our_edns(asked.dnssec_ok));
    }
    let bytes = message.to_vec().map_err(|_| Unanswered::Unspeakable)?;
    Ok((message.metadata.id, bytes))
}

/// Whether these bytes answer that question; anything else is somebody's guess, or late.
pub(super) fn read_answer(bytes: &[u8], id: u16, asked: &Asked) -> Option<Message> {
    if bytes.get(..2)? != id.to_be_bytes() {
        return None;
    }
    let answer = Message::from_vec(bytes).ok()?;
    let head = &answer.metadata;
    let fits = head.id == id
        && head.message_type == MessageType::Response
        && head.op_code == OpCode::Query
        && answer.queries.len() <= 1
        && answer.queries.iter().all(|question| *question == asked.question)
        // Some leave the question out of what they refuse.
        && (answer.queries.len() == 1 || !is_willing(&answer));
    fits.then_some(answer)
}

async fn ask_datagram(resolver: Ipv4Addr, asked: &Asked, edns: bool) -> Result<Message, Unanswered> {
    let (id, bytes) = encode(asked, edns)?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    socket.connect(SocketAddr::new(IpAddr::V4(resolver), PORT)).await?;
    socket.send(&bytes).await?;
    let mut buffer = [0; LARGEST_DATAGRAM as usize + 1];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if let Some(answer) = read_answer(buffer.get(..length).unwrap_or_default(), id, asked) {
            return Ok(answer);
        }
    }
}

async fn ask_stream(resolver: Ipv4Addr, asked: &Asked) -> Result<Message, Unanswered> {
    let (id, bytes) = encode(asked, true)?;
    let length = u16::try_from(bytes.len()).map_err(|_| Unanswered::Unspeakable)?;
    let mut stream = TcpStream::connect((resolver, PORT)).await?;
    stream.write_all(&[&length.to_be_bytes()[..], &bytes].concat()).await?;
    let length = stream.read_u16().await?;
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await?;
    read_answer(&bytes, id, asked).ok_or(Unanswered::NotAnAnswer)
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::{Name, RecordType};

    use super::*;

    fn asked() -> Asked {
        let question = Query::query(Name::from_ascii("www.example.").expect("a name"), RecordType::A);
        Asked { question, dnssec_ok: false, checking_disabled: false }
    }

    #[test]
    fn only_an_answer_to_the_question_is_believed() {
        let asked = asked();
        let mut good = Message::response(7, OpCode::Query);
        good.add_query(asked.question.clone());
        let believed =
            |answer: &Message| read_answer(&answer.to_vec().expect("encoded"), 7, &asked).is_some();
        assert!(believed(&good));
        let changed = |change: fn(&mut Message)| {
            let mut answer = good.clone();
            change(&mut answer);
            answer
        };
        assert!(!believed(&changed(|answer| answer.metadata.id = 8)));
        assert!(!believed(&changed(|answer| answer.metadata.message_type = MessageType::Query)));
        assert!(!believed(&changed(|answer| answer.metadata.op_code = OpCode::Notify)));
        assert!(!believed(&changed(|answer| answer.queries.clear())));
        assert!(!believed(&changed(|answer| {
            answer.queries[0].set_name(Name::from_ascii("www.other.").expect("a name"));
        })));
        assert!(!believed(&changed(|answer| {
            answer.queries[0].set_query_type(RecordType::AAAA);
        })));
        // A refusal may come without the question.
        assert!(believed(&changed(|answer| {
            answer.queries.clear();
            answer.metadata.response_code = ResponseCode::Refused;
        })));
        let bytes = good.to_vec().expect("encoded");
        assert!((0..bytes.len()).all(|cut| read_answer(&bytes[..cut], 7, &asked).is_none()));
    }

    #[test]
    fn the_one_that_answered_is_asked_first() {
        let all = [1, 2, 3, 4].map(|n| Ipv4Addr::new(192, 0, 2, n));
        let order = |resolvers: &Resolvers| resolvers.in_order().map(|(place, _)| place).collect::<Vec<_>>();
        let four = Resolvers::new(all.to_vec());
        assert_eq!(order(&four), [0, 1, 2, 3]);
        four.best.store(2, Ordering::Relaxed);
        assert_eq!(order(&four), [2, 3, 0, 1]);
        assert_eq!(order(&Resolvers::new(all[..1].to_vec())), [0, 0, 0]);
        assert_eq!(order(&Resolvers::new(all[..2].to_vec())), [0, 1, 0]);
        assert!(order(&Resolvers::new(vec![])).is_empty());
    }
}
