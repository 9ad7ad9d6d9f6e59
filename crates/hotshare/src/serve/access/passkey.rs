//! Passkeys: what a browser is asked, and whether its answer is right, as `WebAuthn` level 3 has it (7.1 and 7.2). The
//! judging is `webauthn_rp`'s; here is what is asked for: a discoverable credential, with its user verified, from the
//! page's own origin.

use hotshare_core::access::{Digest, Passkey};
use hotshare_core::units::UnixTime;
use hotshare_web::access::Site;
use webauthn_rp::bin::{Decode as _, Encode as _};
use webauthn_rp::request::auth::AuthenticationVerificationOptions;
use webauthn_rp::request::register::{
    CredProtect, PublicKeyCredentialUserEntity, RegistrationVerificationOptions, UserHandle16,
};
use webauthn_rp::request::{AsciiDomain, PublicKeyCredentialDescriptor, RpId};
use webauthn_rp::response::auth::error::AuthCeremonyErr;
use webauthn_rp::response::register::{CompressedPubKey, DynamicState, StaticState};
use webauthn_rp::response::{AuthTransports, CredentialId};
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthentication16, DiscoverableAuthenticationServerState,
    DiscoverableCredentialRequestOptions, PublicKeyCredentialCreationOptions, Registration,
    RegistrationServerState,
};

use super::secret;

/// What was asked, and what the answer is judged by.
#[derive(Debug)]
pub(super) enum Asked {
    Entry(DiscoverableAuthenticationServerState),
    New {
        state: RegistrationServerState<16>,
        name: String,
        /// Of the link or the session that it was asked with.
        right: Digest,
    },
}

/// A question for a browser.
pub(super) struct Question {
    /// By which the answer says what it answers.
    pub(super) challenge: u128,
    pub(super) asked: Asked,
    /// What the browser reads.
    pub(super) text: String,
}

/// Why nothing can be asked, or an answer is not right.
#[derive(Debug, thiserror::Error)]
pub(super) enum Wrong {
    #[error("nobody can be asked for a passkey at {host}: {why}")]
    NoQuestion { host: String, why: String },
    #[error("what is kept of the passkey “{name}” cannot be read ({why}); remove it, and add it again")]
    Kept { name: String, why: String },
    #[error("the answer is not right: {0}")]
    Answer(String),
    #[error("the answer is right, but its counter went back: there may be a copy of the passkey")]
    Copied,
}

/// Asks for any passkey of this site.
pub(super) fn ask(site: &Site) -> Result<Question, Wrong> {
    let host = host(site)?;
    let options = DiscoverableCredentialRequestOptions::passkey(&host);
    let challenge = options.0.challenge.as_data();
    let (state, client) = options.start_ceremony().map_err(|e| no_question(site, &e))?;
    let text = serde_json::to_string(&client).map_err(|e| no_question(site, &e))?;
    Ok(Question { challenge, asked: Asked::Entry(state), text })
}

/// Asks for a new one, by a device that has none of `there`. All of one host are of one user, so that a device that is
/// asked again after its passkey was removed has one in its place, not two.
pub(super) fn ask_new<'a>(
    site: &Site,
    name: String,
    right: Digest,
    there: impl Iterator<Item = &'a Passkey>,
) -> Result<Question, Wrong> {
    let host = host(site)?;
    let mut user = UserHandle16::new();
    let mut others = Vec::new();
    for passkey in there {
        let Ok(known) = UserHandle16::decode(passkey.user);
        user = known;
        let id = CredentialId::<Vec<u8>>::decode(passkey.credential.clone());
        let transports = AuthTransports::decode(0).map_err(|e| kept(passkey, &e))?;
        others.push(PublicKeyCredentialDescriptor { id: id.map_err(|e| kept(passkey, &e))?, transports });
    }
    let entity = PublicKeyCredentialUserEntity {
        name: "owner".try_into().map_err(|e| no_question(site, &e))?,
        id: &user,
        display_name: Some("Hotshare".try_into().map_err(|e| no_question(site, &e))?),
    };
    let mut options = PublicKeyCredentialCreationOptions::passkey(&host, entity, others);
    // Devices that do not know this extension would be passed over; that the user is verified is asked for each time.
    options.extensions.cred_protect = CredProtect::None;
    let challenge = options.challenge.as_data();
    let (state, client) = options.start_ceremony().map_err(|e| no_question(site, &e))?;
    let text = serde_json::to_string(&client).map_err(|e| no_question(site, &e))?;
    Ok(Question { challenge, asked: Asked::New { state, name, right }, text })
}

/// An answer of a passkey that is there.
pub(super) struct Entry(DiscoverableAuthentication16);

impl Entry {
    /// `None`: it is none.
    pub(super) fn read(text: &[u8]) -> Option<Entry> {
        DiscoverableAuthentication16::from_json_relaxed(text).ok().map(Entry)
    }

    pub(super) fn challenge(&self) -> Option<u128> {
        self.0.challenge_relaxed().ok().map(|challenge| challenge.0)
    }

    /// Which passkey it says to be.
    pub(super) fn passkey(&self) -> Digest {
        secret::digest(self.0.raw_id())
    }

    /// Is it right? What is kept of the passkey from then on. A public key is worked with: some milliseconds.
    pub(super) fn judge(
        &self,
        site: &Site,
        state: DiscoverableAuthenticationServerState,
        passkey: &Passkey,
    ) -> Result<[u8; 7], Wrong> {
        let Ok(user) = UserHandle16::decode(passkey.user);
        let id = CredentialId::<&[u8]>::decode(&passkey.credential).map_err(|e| kept(passkey, &e))?;
        let key =
            StaticState::<CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>>::decode(&passkey.key);
        let seen = DynamicState::decode(passkey.state).map_err(|e| kept(passkey, &e))?;
        let key = key.map_err(|e| kept(passkey, &e))?;
        let mut credential =
            AuthenticatedCredential::new(id, &user, key, seen).map_err(|e| kept(passkey, &e))?;
        let options = AuthenticationVerificationOptions::<&str, &str> {
            allowed_origins: &[&site.origin],
            // What a device tells beside what it was asked for harms nobody.
            error_on_unsolicited_extensions: false,
            ..AuthenticationVerificationOptions::default()
        };
        match state.verify(&host(site)?, &self.0, &mut credential, &options) {
            Ok(_) => {
                let Ok(state) = credential.dynamic_state().encode();
                Ok(state)
            }
            Err(AuthCeremonyErr::SignatureCounter) => Err(Wrong::Copied),
            Err(error) => Err(Wrong::Answer(error.to_string())),
        }
    }
}

/// An answer with a new passkey.
pub(super) struct Fresh(Registration);

impl Fresh {
    /// `None`: it is none.
    pub(super) fn read(text: &[u8]) -> Option<Fresh> {
        Registration::from_json_relaxed(text).ok().map(Fresh)
    }

    pub(super) fn challenge(&self) -> Option<u128> {
        self.0.challenge_relaxed().ok().map(|challenge| challenge.0)
    }

    /// Is it what was asked for? It is believed that it is a device's: which maker's it is, nobody asks.
    pub(super) fn judge(
        &self,
        site: &Site,
        state: RegistrationServerState<16>,
        name: String,
        now: UnixTime,
    ) -> Result<Passkey, Wrong> {
        let options = RegistrationVerificationOptions::<&str, &str> {
            allowed_origins: &[&site.origin],
            error_on_unsolicited_extensions: false,
            ..RegistrationVerificationOptions::default()
        };
        let made = state
            .verify(&host(site)?, &self.0, &options)
            .map_err(|error| Wrong::Answer(error.to_string()))?;
        let Ok(user) = made.user_id().encode();
        let key = made.static_state();
        let Ok(key) = key.encode();
        let Ok(state) = made.dynamic_state().encode();
        let id: &[u8] = made.id().into_inner();
        Ok(Passkey {
            digest: secret::digest(id),
            name,
            host: site.host.clone(),
            credential: id.to_vec(),
            user,
            key,
            state,
            since: now,
            used: None,
        })
    }
}

fn host(site: &Site) -> Result<RpId, Wrong> {
    AsciiDomain::try_from(site.host.clone()).map(RpId::Domain).map_err(|e| no_question(site, &e))
}

fn no_question(site: &Site, why: &dyn std::error::Error) -> Wrong {
    Wrong::NoQuestion { host: site.host.clone(), why: why.to_string() }
}

fn kept(passkey: &Passkey, why: &dyn std::error::Error) -> Wrong {
    Wrong::Kept { name: passkey.name.clone(), why: why.to_string() }
}
