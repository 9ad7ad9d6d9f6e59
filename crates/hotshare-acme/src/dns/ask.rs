//! Questions: in a datagram, and over a connection where the answer does not fit.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use hotshare_core::certificate::Shows;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout, timeout_at};

use super::{DnsConfig, DnsError};

/// A datagram is sent so often, and waited for so long each time.
const DATAGRAMS: u32 = 2;
const DATAGRAM_PATIENCE: Duration = Duration::from_secs(2);
/// For all that goes over one connection.
const STREAM_PATIENCE: Duration = Duration::from_secs(10);
const PORT: u16 = 53;
/// An alias of an alias is followed so often.
const ALIASES: usize = 8;
/// So many name servers of a zone are looked at.
const SERVERS: usize = 13;

/// Whom to ask.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    /// The one that is told of changes.
    pub(crate) server: SocketAddr,
    /// For names of others.
    resolvers: Vec<SocketAddr>,
}

/// A zone, and a name in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    pub(crate) zone: Name,
    pub(crate) name: Name,
}

impl Asker {
    pub(crate) async fn open(config: &DnsConfig, resolvers: &[SocketAddr]) -> Result<Asker, DnsError> {
        let place = (config.server.as_str(), config.port);
        let none = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let found = tokio::net::lookup_host(place).await.and_then(|mut found| found.next().ok_or_else(none));
        let server = found.map_err(|source| DnsError::NoAddress(config.server.clone(), source))?;
        Ok(Asker { server, resolvers: resolvers.to_vec() })
    }

    /// Where the record for `name` really is: behind aliases, and in which zone.
    pub(crate) async fn place(&self, name: &str, zone: Option<&str>) -> Result<Zone, DnsError> {
        let name = self.behind_aliases(parsed(name)?).await;
        let zone = match zone {
            Some(zone) => parsed(zone)?,
            None => self.zone_of(&name).await?,
        };
        if zone.zone_of(&name) {
            return Ok(Zone { zone, name });
        }
        Err(DnsError::OtherZone { name: name.to_string(), zone: zone.to_string() })
    }

    /// People lead the name of the challenge to a zone that may be changed by machines (RFC 8555, 8.4).
    async fn behind_aliases(&self, name: Name) -> Name {
        let mut at = name;
        for _ in 0..ALIASES {
            match self.alias_of(&at).await {
                Some(next) => at = next,
                None => break,
            }
        }
        at
    }

    async fn alias_of(&self, name: &Name) -> Option<Name> {
        for server in std::iter::once(&self.server).chain(&self.resolvers) {
            let Ok(answer) = ask(*server, name, RecordType::CNAME).await else { continue };
            let alias = answer.answers.iter().find_map(|record| match &record.data {
                RData::CNAME(target) if record.name == *name => Some(target.0.clone()),
                _ => None,
            });
            let knows = answer.metadata.authoritative || answer.metadata.recursion_available;
            let is_word =
                matches!(answer.metadata.response_code, ResponseCode::NoError | ResponseCode::NXDomain);
            if alias.is_some() || (knows && is_word) {
                return alias;
            }
        }
        None
    }

    /// The server is asked for the start of authority, of the name and then of what is above it.
    async fn zone_of(&self, name: &Name) -> Result<Name, DnsError> {
        let mut at = name.clone();
        while at.num_labels() > 0 {
            let answer = ask(self.server, &at, RecordType::SOA).await?;
            let above = answer.answers.iter().chain(&answer.authorities);
            let zone =
                above.filter(|record| record.record_type() == RecordType::SOA).map(|record| &record.name);
            if let Some(zone) = zone
                .filter(|zone| zone.zone_of(name) && zone.num_labels() > 0)
                .max_by_key(|zone| zone.num_labels())
            {
                return Ok(zone.clone());
            }
            at = at.base_name();
        }
        Err(DnsError::NoZone { server: self.server, name: name.to_string() })
    }

    /// The one that was told, and every name server of the zone.
    pub(crate) async fn servers_of(&self, zone: &Name) -> Result<Vec<SocketAddr>, DnsError> {
        let answer = ask(self.server, zone, RecordType::NS).await?;
        let mut servers = vec![self.server];
        for record in answer.answers.iter().take(SERVERS) {
            let RData::NS(name) = &record.data else { continue };
            for address in self.addresses_of(&name.0, &answer).await {
                let server = SocketAddr::from((address, PORT));
                if !servers.contains(&server) {
                    servers.push(server);
                }
            }
        }
        Ok(servers)
    }

    async fn addresses_of(&self, name: &Name, beside: &Message) -> Vec<Ipv4Addr> {
        let told = addresses(name, beside);
        if !told.is_empty() {
            return told;
        }
        for server in std::iter::once(&self.server).chain(&self.resolvers) {
            if let Ok(answer) = ask(*server, name, RecordType::A).await {
                // Behind an alias, too.
                let found: Vec<Ipv4Addr> =
                    answer.answers.iter().filter_map(|record| address(&record.data)).collect();
                if !found.is_empty() {
                    return found;
                }
            }
        }
        Vec::new()
    }
}

/// Whether a server shows the text under the name.
pub(crate) async fn shows(server: SocketAddr, name: &Name, text: &str) -> Shows {
    match ask(server, name, RecordType::TXT).await {
        Ok(answer) => {
            let is_it =
                |data: &RData| matches!(data, RData::TXT(txt) if txt.txt_data.concat() == text.as_bytes());
            match answer.metadata.response_code {
                _ if answer.answers.iter().any(|record| is_it(&record.data)) => Shows::Yes,
                ResponseCode::NoError | ResponseCode::NXDomain => Shows::No,
                _ => Shows::Nothing,
            }
        }
        Err(_) => Shows::Nothing,
    }
}

fn addresses(name: &Name, message: &Message) -> Vec<Ipv4Addr> {
    let records = message.answers.iter().chain(&message.additionals).filter(|record| record.name == *name);
    records.filter_map(|record| address(&record.data)).collect()
}

fn address(data: &RData) -> Option<Ipv4Addr> {
    if let RData::A(address) = data { Some(address.0) } else { None }
}

/// A whole name: one that ends at the root.
pub(super) fn parsed(name: &str) -> Result<Name, DnsError> {
    let mut parsed = Name::from_ascii(name).map_err(|_| DnsError::NotAName(name.to_owned()))?;
    parsed.set_fqdn(true);
    Ok(parsed)
}

/// One question, one answer.
async fn ask(server: SocketAddr, name: &Name, kind: RecordType) -> Result<Message, DnsError> {
    let mut question = Message::query();
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(name.clone(), kind));
    let bytes = question.to_vec().map_err(|_| DnsError::NotAName(name.to_string()))?;
    let in_datagram = datagram(server, &question, &bytes).await?;
    if let Some(answer) = in_datagram.filter(|answer| !answer.metadata.truncation) {
        return Ok(answer);
    }
    let answer = Message::from_vec(&exchange(server, &bytes).await?).ok();
    answer.filter(|answer| is_answer(answer, &question)).ok_or(DnsError::NotAnAnswer(server))
}

/// `None`: nothing came.
async fn datagram(server: SocketAddr, question: &Message, bytes: &[u8]) -> Result<Option<Message>, DnsError> {
    let unreachable = |source| DnsError::Unreachable(server, source);
    let any: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await.map_err(unreachable)?;
    socket.connect(server).await.map_err(unreachable)?;
    let mut buffer = [0; 4096];
    for _ in 0..DATAGRAMS {
        socket.send(bytes).await.map_err(unreachable)?;
        let end = Instant::now() + DATAGRAM_PATIENCE;
        while let Ok(came) = timeout_at(end, socket.recv(&mut buffer)).await {
            let size = came.map_err(unreachable)?;
            let answer = buffer.get(..size).and_then(|bytes| Message::from_vec(bytes).ok());
            // What somebody else made up is passed over.
            if let Some(answer) = answer.filter(|answer| is_answer(answer, question)) {
                return Ok(Some(answer));
            }
        }
    }
    Ok(None)
}

fn is_answer(answer: &Message, question: &Message) -> bool {
    answer.metadata.message_type == MessageType::Response
        && answer.metadata.id == question.metadata.id
        && answer.queries == question.queries
}

/// Over a connection of its own (RFC 7766).
pub(super) async fn exchange(server: SocketAddr, bytes: &[u8]) -> Result<Vec<u8>, DnsError> {
    let talk = async {
        let mut stream = TcpStream::connect(server).await?;
        let size = u16::try_from(bytes.len()).map_err(std::io::Error::other)?;
        stream.write_all(&[&size.to_be_bytes(), bytes].concat()).await?;
        let size = stream.read_u16().await?;
        let mut answer = vec![0; usize::from(size)];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    };
    match timeout(STREAM_PATIENCE, talk).await {
        Ok(answer) => answer.map_err(|source| DnsError::Unreachable(server, source)),
        Err(_) => Err(DnsError::Silent(server)),
    }
}
