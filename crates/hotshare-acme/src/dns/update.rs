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
        let record =
            Record::from_rdata(place.name.clone(), TTL, RData::TXT(TXT::new(vec![text.to_owned()])));
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
            Ok(answer) if answer.metadata.id == message.metadata.id => judge(server, answer.metadata.response_code),
            Ok(_) => Err(DnsError::NotAnAnswer(server)),
            Err(error) => Err(unbelieved(server, &answer, &error.to_string())),
        }
    }
}

fn judge(server: SocketAddr, code: ResponseCode) -> Result<(), DnsError> {
    let why = match code {
        ResponseCode::NoError => return Ok(()),
        ResponseCode::Refused => "REFUSED: the key may not change this name; see the zone's update-policy or allow-update".into(),
        ResponseCode::NotAuth | ResponseCode::NotZone => format!("{code}: it does not have that zone; see dns_server and dns_zone"),
        other => other.to_string(),
    };
    Err(DnsError::Refused { server, why })
}

/// An answer without a good signature proves nothing, but it may say why. It is a failure whatever it says.
fn unbelieved(server: SocketAddr, answer: &[u8], error: &str) -> DnsError {
    let said = Message::from_vec(answer).ok();
    let code = said.as_ref().map(|said| said.metadata.response_code);
    let told = said.as_ref().and_then(Message::signature).and_then(|signature| signature.data.error.clone());
    let why = match told {
        Some(TsigError::BadSig) => "BADSIG: the secret in dns_secret or dns_algorithm is not the key's",
        Some(TsigError::BadKey) => "BADKEY: it knows no key of this name and algorithm; see dns_key and dns_algorithm",
        Some(TsigError::BadTime) => "BADTIME: this machine's clock, or its own, is wrong by more than five minutes",
        Some(_) | None => {
            let code = code.filter(|code| *code != ResponseCode::NoError);
            let why = code.map_or_else(|| error.to_owned(), |code| code.to_string());
            return DnsError::NotTrusted { server, why };
        }
    };
    DnsError::NotBelieved { server, why: why.to_owned() }
}
