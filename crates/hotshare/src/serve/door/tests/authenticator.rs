//! A device with one passkey, as software: it answers as `WebAuthn` level 3 says, and wrongly where a test wants it to.

use data_encoding::BASE64URL_NOPAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Somebody was there, and it was the owner (6.1: UP and UV).
pub(super) const VERIFIED: u8 = 0b101;
/// Somebody was there.
pub(super) const PRESENT: u8 = 0b001;
/// The data of a new credential follow.
const WITH_KEY: u8 = 0b100_0000;

pub(super) struct Authenticator {
    key: SigningKey,
    pub(super) id: Vec<u8>,
    user: Vec<u8>,
    pub(super) count: u32,
    pub(super) flags: u8,
    /// What the browser says it is at.
    pub(super) origin: String,
}

impl Authenticator {
    /// `n` tells its keys apart.
    pub(super) fn new(n: u8, origin: &str) -> Authenticator {
        let key = SigningKey::from_slice(&[n; 32]).expect("a key");
        Authenticator {
            key,
            id: vec![n; 16],
            user: vec![n; 16],
            count: 1,
            flags: VERIFIED,
            origin: origin.into(),
        }
    }

    fn data(&self, host: &str, flags: u8) -> Vec<u8> {
        [&Sha256::digest(host)[..], &[flags], &self.count.to_be_bytes()].concat()
    }

    fn client(&self, kind: &str, challenge: &str) -> Vec<u8> {
        let (origin, cross) = (&self.origin, false);
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":{cross}}}"#)
            .into_bytes()
    }

    fn credential(&self, response: &Value) -> Value {
        let id = BASE64URL_NOPAD.encode(&self.id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "platform",
            "clientExtensionResults": {}, "response": response,
        })
    }

    /// Answers what `parseCreationOptionsFromJSON` reads.
    pub(super) fn make(&mut self, options: &Value) -> Value {
        let text = |at: &str| options.pointer(at).and_then(Value::as_str).expect("text").to_owned();
        self.user = BASE64URL_NOPAD.decode(text("/user/id").as_bytes()).expect("a user");
        assert_eq!(text("/authenticatorSelection/userVerification"), "required");
        // It knows none, and a browser passes over whoever does not know one that is insisted on.
        assert_eq!(options["extensions"], json!({}));
        let point = self.key.verifying_key().to_encoded_point(false);
        let (x, y) = (point.x().expect("x"), point.y().expect("y"));
        // COSE (RFC 9053, 7.1): kty EC2, alg ES256, crv P-256, x, y.
        let key = [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], x, &[0x22, 0x58, 32], y].concat();
        let length = u16::try_from(self.id.len()).expect("short").to_be_bytes();
        let head = self.data(&text("/rp/id"), self.flags | WITH_KEY);
        let data = [&head[..], &[0; 16], &length, &self.id, &key].concat();
        self.count += 1;
        // CBOR: {"fmt": "none", "attStmt": {}, "authData": data}
        let attestation = [
            &b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"[..],
            &[u8::try_from(data.len()).expect("short")],
            &data,
        ]
        .concat();
        self.credential(&json!({
            "clientDataJSON": BASE64URL_NOPAD.encode(&self.client("webauthn.create", &text("/challenge"))),
            "attestationObject": BASE64URL_NOPAD.encode(&attestation),
            "transports": ["internal"],
        }))
    }

    /// Answers what `parseRequestOptionsFromJSON` reads.
    pub(super) fn answer(&mut self, options: &Value) -> Value {
        let text = |at: &str| options.pointer(at).and_then(Value::as_str).expect("text");
        assert_eq!(text("/userVerification"), "required");
        let data = self.data(text("/rpId"), self.flags);
        let client = self.client("webauthn.get", text("/challenge"));
        let signed = [&data[..], &Sha256::digest(&client)].concat();
        let signature: Signature = self.key.sign(&signed);
        self.count += 1;
        self.credential(&json!({
            "clientDataJSON": BASE64URL_NOPAD.encode(&client),
            "authenticatorData": BASE64URL_NOPAD.encode(&data),
            "signature": BASE64URL_NOPAD.encode(signature.to_der().as_bytes()),
            "userHandle": BASE64URL_NOPAD.encode(&self.user),
        }))
    }
}
