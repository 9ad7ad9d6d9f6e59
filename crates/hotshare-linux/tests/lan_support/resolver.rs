//! A resolver of the uplink's side, which counts what it is asked and answers by the name.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, NULL, SOA, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::Space;

/// A running resolver; silent for ever when dropped (its port is closed).
pub(crate) struct Resolver {
    pub(crate) asked: Arc<AtomicUsize>,
    pub(crate) streams: Arc<AtomicUsize>,
    /// Hears everything and says nothing.
    pub(crate) mute: Arc<AtomicBool>,
    pub(crate) names: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Resolver {
    pub(crate) fn start(space: &Space, ip: Ipv4Addr) -> Resolver {
        let mut resolver = Resolver {
            asked: Arc::default(),
            streams: Arc::default(),
            mute: Arc::default(),
            names: Arc::default(),
            stop: Arc::default(),
            threads: Vec::new(),
        };
        let at = SocketAddr::new(IpAddr::V4(ip), 53);
        let (asked, mute, stop, names) =
            (resolver.asked.clone(), resolver.mute.clone(), resolver.stop.clone(), resolver.names.clone());
        let (ready, is_ready) = std::sync::mpsc::channel();
        let told = ready.clone();
        resolver.threads.push(space.inside(move || {
            let socket = UdpSocket::bind(at).expect("the port is free");
            socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
            told.send(()).expect("somebody waits");
            let mut buffer = [0; 2048];
            while !stop.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                let query = Message::from_vec(&buffer[..length]).expect("the forwarder asks properly");
                asked.fetch_add(1, Ordering::Relaxed);
                names.lock().expect("no panic").push(query.queries[0].name().to_string());
                if mute.load(Ordering::Relaxed) {
                    continue;
                }
                let answer = answer(&query, false).to_vec().expect("it can be encoded");
                socket.send_to(&answer, from).expect("the way back is there");
            }
        }));
        let (streams, stop) = (resolver.streams.clone(), resolver.stop.clone());
        resolver.threads.push(space.inside(move || {
            let listener = TcpListener::bind(at).expect("the port is free");
            listener.set_nonblocking(true).expect("non-blocking");
            ready.send(()).expect("somebody waits");
            while !stop.load(Ordering::Relaxed) {
                let mut stream = match listener.accept() {
                    Ok((stream, _)) => stream,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        thread::park_timeout(Duration::from_millis(10));
                        continue;
                    }
                    Err(error) => panic!("{error}"),
                };
                stream.set_nonblocking(false).expect("blocking");
                streams.fetch_add(1, Ordering::Relaxed);
                let mut length = [0; 2];
                stream.read_exact(&mut length).expect("a length");
                let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
                stream.read_exact(&mut query).expect("a query");
                let query = Message::from_vec(&query).expect("the forwarder asks properly");
                let answer = answer(&query, true).to_vec().expect("it can be encoded");
                let length = u16::try_from(answer.len()).expect("short");
                stream.write_all(&[&length.to_be_bytes()[..], &answer].concat()).expect("it listens");
            }
        }));
        (0..2).for_each(|_| is_ready.recv().expect("it listens"));
        resolver
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    pub(crate) fn asked_for(&self, name: &str) -> usize {
        self.names.lock().expect("no panic").iter().filter(|asked| asked.eq_ignore_ascii_case(name)).count()
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ended = thread.join();
        }
    }
}

/// By the first label: what the forwarder has to cope with.
fn answer(query: &Message, stream: bool) -> Message {
    let question = query.queries[0].clone();
    let name = question.name().clone();
    let first = String::from_utf8_lossy(name.iter().next().unwrap_or_default()).to_lowercase();
    let mut answer = Message::response(query.metadata.id, OpCode::Query);
    answer.metadata.recursion_desired = query.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    answer.add_query(question.clone());
    if let Some(edns) = &query.edns {
        answer.set_edns(edns.clone());
    }
    let address = |ip| RData::A(A(ip));
    let record = |ttl, data| Record::from_rdata(name.clone(), ttl, data);
    let zone = Name::from_ascii("example.").expect("a name");
    let soa = SOA::new(zone.clone(), zone.clone(), 1, 3600, 600, 86_400, 30);
    let soa = Record::from_rdata(zone.clone(), 60, RData::SOA(soa));
    match first.as_str() {
        "gone" => {
            answer.metadata.response_code = ResponseCode::NXDomain;
            answer.add_authority(soa);
        }
        "nodata" => {
            answer.add_authority(soa);
        }
        "broken" => answer.metadata.response_code = ResponseCode::ServFail,
        "short" => {
            answer.add_answer(record(1, address(Ipv4Addr::new(192, 0, 2, 1))));
        }
        "once" => {
            answer.add_answer(record(0, address(Ipv4Addr::new(192, 0, 2, 1))));
        }
        "alias" => {
            let target = Name::from_ascii("target.example.").expect("a name");
            answer.add_answer(record(300, RData::CNAME(CNAME(target.clone()))));
            answer.add_answer(Record::from_rdata(target, 20, address(Ipv4Addr::new(192, 0, 2, 2))));
        }
        "rebind" => {
            answer.add_answer(record(300, address(Ipv4Addr::new(10, 7, 0, 1))));
            answer.add_answer(record(300, address(Ipv4Addr::new(192, 0, 2, 3))));
        }
        "large" if stream => {
            for n in 0..60 {
                let text = format!("{n:03} {}", "x".repeat(60));
                answer.add_answer(record(300, RData::TXT(TXT::new(vec![text]))));
            }
        }
        "large" => answer.metadata.truncation = true,
        "medium" => {
            for n in 0..40 {
                answer.add_answer(record(300, address(Ipv4Addr::new(192, 0, 2, n))));
            }
        }
        "strange" => {
            let data =
                RData::Unknown { code: RecordType::Unknown(65_280), rdata: NULL::with(vec![1, 2, 3, 4]) };
            answer.add_answer(record(300, data));
        }
        "signed" if query.edns.as_ref().is_some_and(|edns| edns.flags().dnssec_ok) => {
            answer.metadata.authentic_data = true;
            answer.add_answer(record(300, address(Ipv4Addr::new(192, 0, 2, 4))));
            // An RRSIG of A, by nobody.
            let signature =
                [&[0, 1, 8, 2, 0, 0, 1, 44, 0, 0, 0, 9, 0, 0, 0, 1, 0, 5, 0][..], &[7; 32]].concat();
            let data = RData::Unknown { code: RecordType::RRSIG, rdata: NULL::with(signature) };
            answer.add_answer(record(300, data));
        }
        _ => {
            answer.add_answer(record(300, address(Ipv4Addr::new(192, 0, 2, 1))));
        }
    }
    answer
}
