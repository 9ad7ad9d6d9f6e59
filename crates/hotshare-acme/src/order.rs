//! An order, from its beginning to the certificate (RFC 8555, 7.1).

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};

use crate::account::{self, NoAccount};
use crate::http::{Asked, Https};
use crate::record::Hand;
use crate::{Keep, Means, NotGot, chain};

/// How long is waited for an order to become ready, and for its certificate. The first look comes soon, the others are
/// further and further apart.
const POLLS: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(500))
    .backoff(1.5)
    .timeout(Duration::from_secs(120));

/// A certificate that was got, with its key; nobody uses it yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Fresh {
    /// PEM: the certificate, then those that lead to a known one, then the key.
    pub pem: String,
}

impl std::fmt::Debug for Fresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fresh")
    }
}

/// Why an order came to nothing.
enum Failed {
    Acme(Error),
    Other(NotGot),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed::Acme(error)
    }
}

impl From<NotGot> for Failed {
    fn from(why: NotGot) -> Failed {
        Failed::Other(why)
    }
}

pub(crate) async fn obtain<K: Keep>(means: &Means<'_>, keep: &K) -> Result<Fresh, NotGot> {
    let asked = Asked::default();
    let https = Https { tls: means.tls.clone(), asked: asked.clone() };
    let hand = Hand::open(means).await?;
    hand.clean(keep).await?;
    let account = match account::open(means.config, &https, keep).await {
        Ok(account) => account,
        Err(NoAccount::Kept(why)) => return Err(why),
        Err(NoAccount::Acme(error)) => return Err(told(&error, &asked, keep).await),
    };
    match certificate(&account, means, &hand, keep).await {
        Ok(fresh) => Ok(fresh),
        Err(Failed::Other(why)) => Err(why),
        Err(Failed::Acme(error)) => Err(told(&error, &asked, keep).await),
    }
}

async fn certificate<K: Keep>(
    account: &Account,
    means: &Means<'_>,
    hand: &Hand<'_>,
    keep: &K,
) -> Result<Fresh, Failed> {
    let name = &means.config.name;
    let mut order = account.new_order(&NewOrder::new(&[Identifier::Dns(name.clone())])).await?;
    let proven = prove(&mut order, hand, keep).await;
    // Whatever came of it. What cannot be taken away now is the next try's first work.
    if let Err(not) = hand.clean(keep).await {
        tracing::warn!(why = not.why, "the record of the challenge is still there; it is taken away later");
    }
    proven?;
    let made = |error: rcgen::Error| NotGot::because(format!("no request can be made for {name}: {error}"));
    let key = KeyPair::generate().map_err(made)?;
    let mut params = CertificateParams::new([name.clone()]).map_err(made)?;
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&key).map_err(made)?;
    order.finalize_csr(request.der()).await?;
    let chain = order.poll_certificate(&POLLS).await?;
    Ok(Fresh { pem: format!("{}\n{}", chain.trim_end(), key.serialize_pem()) })
}

/// Proves that the name is ours, where that is not known.
async fn prove<K: Keep>(order: &mut Order, hand: &Hand<'_>, keep: &K) -> Result<(), Failed> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            other => return Err(NotGot::because(format!("the right to the name is {other:?}")).into()),
        }
        let Some(mut challenge) = authorization.challenge(ChallengeType::Dns01) else {
            return Err(
                NotGot::because("a proof by a record in the DNS (dns-01) is not accepted there").into()
            );
        };
        let text = challenge.key_authorization().dns_value();
        let place = hand.set(&text, keep).await?;
        hand.seen(&place, &text).await?;
        challenge.set_ready().await?;
    }
    match order.poll_ready(&POLLS).await {
        Ok(OrderStatus::Ready | OrderStatus::Valid) => Ok(()),
        Ok(_) => Err(why_invalid(order).await.into()),
        // The order says that it failed, the challenge says why.
        Err(Error::Api(problem)) => match why_invalid(order).await {
            Error::Api(better) => Err(Error::Api(better).into()),
            _ => Err(Error::Api(problem).into()),
        },
        Err(error) => Err(error.into()),
    }
}

async fn why_invalid(order: &mut Order) -> Error {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        if let Ok(state) = authorization.refresh().await
            && let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.clone())
        {
            return Error::Api(problem);
        }
    }
    Error::Str("why the order is invalid")
}

/// In words, and what it means for the next try.
async fn told<K: Keep>(error: &Error, asked: &Asked, keep: &K) -> NotGot {
    let why = match error {
        Error::Api(problem) => {
            if account::is_unknown(problem)
                && let Err(not) = account::forget(keep).await
            {
                return not;
            }
            let detail = problem.detail.as_deref().unwrap_or("without a reason");
            let kind = problem.r#type.as_deref().unwrap_or("no type");
            let below = problem.subproblems.iter().filter_map(|below| below.detail.as_deref());
            let all: Vec<&str> = std::iter::once(detail).chain(below).collect();
            format!("it was refused: {} ({})", all.join("; "), kind.rsplit(':').next().unwrap_or(kind))
        }
        Error::Timeout(_) => format!("it took longer than {} s there", 120),
        other => chain(other),
    };
    NotGot { why, wait: asked.wait() }
}
