//! The account (RFC 8555, 7.3): its key is kept before anybody hears of it, so that a kill never makes a second one.

use instant_acme::{Account, Error, Key, Problem};
use rcgen::KeyPair;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};

use crate::http::Https;
use crate::{AcmeConfig, Keep, NotGot, not_kept};

const KEY: &str = "account-key.pem";
const ACCOUNT: &str = "account.json";

/// Where the key is known.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    directory: String,
    /// The account's URL.
    account: String,
    /// What was told as the address to write to.
    contact: Option<String>,
}

/// Why there is none.
pub(crate) enum NoAccount {
    Kept(NotGot),
    Acme(Error),
}

impl From<Error> for NoAccount {
    fn from(error: Error) -> NoAccount {
        NoAccount::Acme(error)
    }
}

/// The account that is kept, or a new one.
pub(crate) async fn open<K: Keep>(
    config: &AcmeConfig,
    https: &Https,
    keep: &K,
) -> Result<Account, NoAccount> {
    let lost = |error: std::io::Error| NoAccount::Kept(not_kept(&error));
    let key = key(keep).await.map_err(NoAccount::Kept)?;
    let builder = Account::builder_with_http(Box::new(https.clone()));
    let known = keep.read(ACCOUNT).await.map_err(lost)?;
    let known = known.and_then(|known| serde_json::from_slice::<Known>(&known).ok());
    let known = known.filter(|known| known.directory == config.directory);
    let (account, told) = match known {
        Some(known) => {
            (builder.from_parts(known.account, key, config.directory.clone()).await?, known.contact)
        }
        None => {
            let pair = (Key::from_pkcs8_der(key.clone_key())?, PrivateKeyDer::Pkcs8(key));
            // The same key gets the same account (RFC 8555, 7.3.1), also after a kill between this line and the next.
            let (account, _) = builder.create_from_key(pair, config.directory.clone()).await?;
            (account, None)
        }
    };
    if told != config.contact {
        let contact = config.contact.as_ref().map(|address| format!("mailto:{address}"));
        let contact: Vec<&str> = contact.as_deref().into_iter().collect();
        account.update_contacts(&contact).await?;
    }
    let known = Known {
        directory: config.directory.clone(),
        account: account.id().to_owned(),
        contact: config.contact.clone(),
    };
    let known = serde_json::to_vec(&known).map_err(Error::from)?;
    if keep.read(ACCOUNT).await.map_err(lost)?.as_ref() != Some(&known) {
        keep.write(ACCOUNT, known).await.map_err(lost)?;
    }
    Ok(account)
}

/// Whoever gave the account does not know it any more: the next one is made with the same key.
pub(crate) async fn forget<K: Keep>(keep: &K) -> Result<(), NotGot> {
    keep.remove(ACCOUNT).await.map_err(|error| not_kept(&error))
}

/// Whether that is so (RFC 8555, 6.7).
pub(crate) fn is_unknown(problem: &Problem) -> bool {
    problem.r#type.as_deref() == Some("urn:ietf:params:acme:error:accountDoesNotExist")
}

async fn key<K: Keep>(keep: &K) -> Result<PrivatePkcs8KeyDer<'static>, NotGot> {
    if let Some(pem) = keep.read(KEY).await.map_err(|error| not_kept(&error))? {
        return PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|error| {
            NotGot::because(format!(
                "{KEY}, the account's key, is damaged ({error}): take it away, and a new one is made"
            ))
        });
    }
    let drawn = |error: rcgen::Error| NotGot::because(format!("no key can be made: {error}"));
    let pair = KeyPair::generate().map_err(drawn)?;
    keep.write(KEY, pair.serialize_pem().into_bytes()).await.map_err(|error| not_kept(&error))?;
    Ok(PrivatePkcs8KeyDer::from(pair.serialize_der()))
}
