//! The record of the challenge: set, seen everywhere, and taken away whatever happens.

use std::time::Duration;

use futures_util::future::join_all;
use hickory_proto::rr::Name;
use hotshare_core::certificate::{Shows, Spread, spread};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::dns::{Asker, Change, DnsError, Signer, Zone, shows};
use crate::{Keep, Means, NotGot, chain, not_kept};

/// What is kept while a record is there, so that it can be taken away after a kill.
const KEPT: &str = "record.json";
/// So long the zone's servers may take to show it, in seconds.
const MOST: u64 = 120;
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// As the configuration named it then.
    server: String,
    zone: String,
    name: String,
    text: String,
}

/// Whoever may set records.
pub(crate) struct Hand<'a> {
    means: &'a Means<'a>,
    asker: Asker,
    signer: Signer,
}

impl<'a> Hand<'a> {
    pub(crate) async fn open(means: &'a Means<'a>) -> Result<Hand<'a>, NotGot> {
        let signer = Signer::new(&means.config.dns, means.secret).map_err(told)?;
        let asker = Asker::open(&means.config.dns, &means.resolvers).await.map_err(told)?;
        Ok(Hand { means, asker, signer })
    }

    /// Sets it. It is written down before, and is still to be removed whether or not this succeeds.
    pub(crate) async fn set<K: Keep>(&self, text: &str, keep: &K) -> Result<Zone, NotGot> {
        let config = &self.means.config.dns;
        let name = format!("_acme-challenge.{}", self.means.config.name);
        let place = self.asker.place(&name, config.zone.as_deref()).await.map_err(told)?;
        let (zone, name) = (place.zone.to_ascii(), place.name.to_ascii());
        let kept = Kept { server: config.server.clone(), zone, name, text: text.to_owned() };
        let kept = serde_json::to_vec(&kept).map_err(|error| NotGot::because(error.to_string()))?;
        keep.write(KEPT, kept).await.map_err(|error| not_kept(&error))?;
        self.signer.change(self.asker.server, &place, text, Change::Add).await.map_err(told)?;
        Ok(place)
    }

    /// Waits until all name servers of the zone show it. Whoever looks before may remember that it is not there.
    pub(crate) async fn seen(&self, place: &Zone, text: &str) -> Result<(), NotGot> {
        let servers = self.asker.servers_of(&place.zone).await.map_err(told)?;
        let begin = Instant::now();
        loop {
            let said = join_all(servers.iter().map(|server| shows(*server, &place.name, text))).await;
            match spread(&said, begin.elapsed().as_secs(), MOST) {
                Spread::Everywhere => return Ok(()),
                Spread::Wait => tokio::time::sleep(PAUSE).await,
                Spread::TooLong => {
                    let pairs = servers.iter().zip(&said).filter(|(_, said)| **said != Shows::Yes);
                    let without: Vec<String> = pairs.map(|(server, _)| server.to_string()).collect();
                    return Err(NotGot::because(format!(
                        "after {MOST} s not all name servers of {} show the record: {}",
                        place.zone,
                        without.join(", ")
                    )));
                }
            }
        }
    }

    /// Takes away what is written down to be there.
    pub(crate) async fn clean<K: Keep>(&self, keep: &K) -> Result<(), NotGot> {
        let Some(kept) = kept(keep).await? else { return Ok(()) };
        let name = |name: &str| Name::from_ascii(name).map_err(|error| NotGot::because(error.to_string()));
        let place = Zone { zone: name(&kept.zone)?, name: name(&kept.name)? };
        let is_here = kept.server == self.means.config.dns.server;
        let removed = match is_here {
            true => self.signer.change(self.asker.server, &place, &kept.text, Change::Remove).await,
            false => Ok(()),
        };
        let refused = match removed {
            Ok(()) => !is_here,
            Err(DnsError::Refused { .. }) => true,
            Err(error) => return Err(told(error)),
        };
        if refused {
            // Another server, or another zone, was configured since: by whose right, nobody knows any more.
            let Kept { name, server, .. } = &kept;
            tracing::warn!(name, server, "a record of an earlier try may be left there");
        }
        keep.remove(KEPT).await.map_err(|error| not_kept(&error))
    }
}

pub(crate) async fn clean<K: Keep>(means: &Means<'_>, keep: &K) -> Result<(), NotGot> {
    if kept(keep).await?.is_none() {
        return Ok(());
    }
    Hand::open(means).await?.clean(keep).await
}

async fn kept<K: Keep>(keep: &K) -> Result<Option<Kept>, NotGot> {
    let kept = keep.read(KEPT).await.map_err(|error| not_kept(&error))?;
    // What cannot be read says nothing that could be done.
    Ok(kept.and_then(|kept| serde_json::from_slice(&kept).ok()))
}

fn told(error: DnsError) -> NotGot {
    NotGot::because(chain(&error))
}
