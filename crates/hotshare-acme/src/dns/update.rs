//! Changes of a zone (RFC 2136), signed, and answered by a signature (RFC 8945).

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use hickory_proto::op::update_message::{append, delete_by_rdata};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::rdata::tsig::TsigError;
use hickory_proto::rr::{RData, Record, RecordSet, TSigner};

use super::ask::{exchange, parsed};
use super::{DnsConfig, DnsError, Zone, decoded};

/// Seconds by which two clocks may differ (RFC 8945, 10 recommends it).
const FUDGE: u16 = 300;
/// Seconds that the record may be remembered: it is there for a minute.
const TTL: u32 = 60;

/// What becomes of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Add,
    /// This one; others under the same name stay.
    Remove,
}

/// The right to change.
pub(crate) struct Signer(TSigner);

impl Signer {
    pub(crate) fn new(config: &DnsConfig, secret: &str) -> Result<Signer, DnsError> {
        let secret = decoded(secret).ok_or(DnsError::NotASecret)?;
        let signer = TSigner::new(secret, config.algorithm.of_hickory(), parsed(&config.key)?, FUDGE);
        signer.map(Signer).map_err(|error| DnsError::Unsigned(error.to_string()))
    }

    /// Tells the server, and checks that it is the server that says that it is done.
    pub(crate) async fn change(
        &self,
        server: SocketAddr,
        place: &Zone,
        text: &str,
        change: Change,
    ) -> Result<(), DnsError> {
        let unsigned = |error: hickory_proto::ProtoError| DnsError::Unsigned(error.to_string());
        let record = Record::from_rdata(place.name.clone(), TTL, RData::TXT(TXT::new(vec![text.to_owned()])));
        let zone = place.zone.clone();
        let mut message = match change {
            Change::Add => append(RecordSet::from(record), zone, false, false),
            Change::Remove => delete_by_rdata(RecordSet::from(record), zone, false),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let verifier = message.finalize(&self.0, now).map_err(unsigned)?;
        let Some(mut verifier) = verifier else {
            return Err(DnsError::Unsigned("there is nothing to check the answer with".into()));
        };
        let sent = message.to_vec().map_err(unsigned)?;
        let answer = exchange(server, &sent).await?;
        match verifier.verify(&answer) {
            Ok(answer) if answer.metadata.id == message.metadata.id => {
                judge(server, answer.metadata.response_code)
            }
            Ok(_) => Err(DnsError::NotAnAnswer(server)),
            Err(error) => Err(unbelieved(server, &answer, &error.to_string())),
        }
    }
}

fn judge(server: SocketAddr, code: ResponseCode) -> Result<(), DnsError> {
    let why = match code {
        ResponseCode::NoError => return Ok(()),
        ResponseCode::Refused => {
            "REFUSED: the key may not change this name; see the zone's update-policy or allow-update".into()
        }
        ResponseCode::NotAuth | ResponseCode::NotZone => {
            format!("{code}: it does not have that zone; see dns_server and dns_zone")
        }
        other => other.to_string(),
    };
    Err(DnsError::Refused { server, why })
}

/// An answer without a good signature proves nothing, but it may say why. It is a failure whatever it says.
fn unbelieved(server: SocketAddr, answer: &[u8], error: &str) -> DnsError {
    let said = Message::from_vec(answer).ok();
    let code = said.as_ref().map(|said| said.metadata.response_code);
    let told = said.as_ref().and_then(Message::signature).and_then(|signature| signature.data.error);
    let why = match told {
        Some(TsigError::BadSig) => "BADSIG: the secret in dns_secret or dns_algorithm is not the key's",
        Some(TsigError::BadKey) => {
            "BADKEY: it knows no key of this name and algorithm; see dns_key and dns_algorithm"
        }
        Some(TsigError::BadTime) => {
            "BADTIME: this machine's clock, or its own, is wrong by more than five minutes"
        }
        Some(_) | None => {
            let code = code.filter(|code| *code != ResponseCode::NoError);
            let why = code.map_or_else(|| error.to_owned(), |code| code.to_string());
            return DnsError::NotTrusted { server, why };
        }
    };
    DnsError::NotBelieved { server, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{MessageType, OpCode};
    use hickory_proto::rr::rdata::TSIG;
    use hickory_proto::rr::rdata::tsig::make_tsig_record;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::Algorithm;

    const SECRET: &str = "c2VjcmV0";

    fn config() -> DnsConfig {
        let (server, key) = ("127.0.0.1".to_owned(), "hotshare".to_owned());
        DnsConfig { server, port: 53, zone: None, key, algorithm: Algorithm::Sha256 }
    }

    /// What comes of an update to which somebody answers so.
    async fn answered(answer: impl FnOnce(Message) -> Vec<u8> + Send + 'static) -> Result<(), DnsError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let server = listener.local_addr().expect("an address");
        let serving = async move {
            let (mut stream, _) = listener.accept().await.expect("somebody comes");
            let mut asked = vec![0; usize::from(stream.read_u16().await.expect("a length"))];
            stream.read_exact(&mut asked).await.expect("a message");
            let answer = answer(Message::from_vec(&asked).expect("an update"));
            stream.write_u16(u16::try_from(answer.len()).expect("short")).await.expect("written");
            stream.write_all(&answer).await.expect("written");
        };
        let place = Zone {
            zone: parsed("example.org").expect("a name"),
            name: parsed("a.example.org").expect("a name"),
        };
        let signer = Signer::new(&config(), SECRET).expect("a secret");
        let (done, ()) = tokio::join!(signer.change(server, &place, "text", Change::Add), serving);
        done
    }

    fn reply(asked: &Message, code: ResponseCode) -> Message {
        let mut reply = Message::new(asked.metadata.id, MessageType::Response, OpCode::Update);
        reply.metadata.response_code = code;
        reply
    }

    #[tokio::test]
    async fn what_is_not_signed_is_not_believed() {
        let bare = answered(|asked| reply(&asked, ResponseCode::NoError).to_vec().expect("bytes")).await;
        assert!(matches!(bare, Err(DnsError::NotTrusted { .. })), "{bare:?}");
        let signed = |secret: &'static str| {
            answered(move |asked| {
                // A signature of the answer alone, as a forger could make one that knows the key but not the question.
                let other = Signer::new(&config(), secret).expect("a secret").0;
                let mut reply = reply(&asked, ResponseCode::NoError);
                let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
                reply.finalize(&other, now).expect("signed");
                reply.to_vec().expect("bytes")
            })
        };
        for secret in ["b3RoZXI=", SECRET] {
            let forged = signed(secret).await;
            assert!(matches!(forged, Err(DnsError::NotTrusted { .. })), "{forged:?}");
        }
    }

    #[tokio::test]
    async fn why_the_signature_is_refused_is_told() {
        for (error, word) in
            [(TsigError::BadSig, "dns_secret"), (TsigError::BadKey, "dns_key"), (TsigError::BadTime, "clock")]
        {
            let refused = answered(move |asked| {
                let mut reply = reply(&asked, ResponseCode::NotAuth);
                let signature = asked.signature().expect("it was signed");
                let (id, algorithm) = (asked.metadata.id, signature.data.algorithm.clone());
                let unsigned = TSIG::new(algorithm, 0, 300, Vec::new(), id, Some(error), Vec::new());
                reply.set_signature(Box::new(make_tsig_record(signature.name.clone(), unsigned)));
                reply.to_vec().expect("bytes")
            })
            .await;
            let told = refused.expect_err("refused").to_string();
            assert!(told.contains(word) && !told.contains(SECRET), "{told}");
        }
    }
}
