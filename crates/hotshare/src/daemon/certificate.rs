//! The certificate of the pages: looked after, and got and renewed where the owner wants that. When that is tried is
//! [`hotshare_core::certificate`]'s word; how, `hotshare-acme`'s.

mod shelf;
mod tries;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hotshare_acme::{Means, NotGot, clean, obtain};
use hotshare_core::ask::{Answer, Ask, Status};
use hotshare_core::certificate::{Facts, Life, News, Next, next};
use hotshare_core::names::NamesView;
use hotshare_core::units::UnixTime;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

pub(super) use self::shelf::Shelf;
use self::tries::Kept;
use super::chain;
use crate::config::{WebAcme, WebConfig, WebTls};
use crate::serve::portal::check;
use crate::serve::{BrainSender, CertificateView};

/// The certificate in use, and its key, in one file: neither can be there without the other.
const IN_USE: &str = "certificate.pem";
/// One that was got and is still to be looked at.
const CANDIDATE: &str = "candidate.pem";
/// It is looked this often at least: clocks jump, and the owner's files may be replaced.
const LONGEST: Duration = Duration::from_secs(10);
/// While it waits for the uplink or the clock.
const HELD: Duration = Duration::from_secs(5);
/// For a whole try. Each of its steps has a bound of its own.
const TRY: Duration = Duration::from_secs(900);
/// For taking the record away when the daemon stops.
const GOODBYE: Duration = Duration::from_secs(2);

/// The files that the pages are served with: the owner's, or those that are got; `None`: no certificate is wanted.
pub(super) fn files(web: &WebConfig, dir: &Path) -> Option<WebTls> {
    let got = |acme: &WebAcme| WebTls {
        name: acme.client.name.clone(),
        certificate: dir.join(IN_USE),
        key: dir.join(IN_USE),
    };
    web.acme.as_ref().map(got).or_else(|| web.tls.clone())
}

/// Everything that can be checked without the network, of what is needed to get one.
pub(super) fn open(acme: &WebAcme) -> anyhow::Result<Arc<rustls::ClientConfig>> {
    let secret = hotshare_notify::read_secret(&acme.secret)?;
    anyhow::ensure!(
        hotshare_acme::is_secret(&secret),
        "{}, which [web.acme] names, holds no secret of a name server: it must be one line of Base64",
        acme.secret.display()
    );
    Ok(hotshare_notify::client_config(acme.ca.as_deref())?)
}

/// See the module.
pub(super) struct Keeper {
    pub(super) files: WebTls,
    /// With whom to trust; `None`: the files are the owner's.
    pub(super) acme: Option<(WebAcme, Arc<rustls::ClientConfig>)>,
    pub(super) shelf: Shelf,
    pub(super) brain: BrainSender,
    pub(super) names: watch::Receiver<NamesView>,
    pub(super) view: watch::Sender<CertificateView>,
    /// Told of each that was got.
    pub(super) there: Arc<Notify>,
}

/// What is shown before anything is known.
pub(super) fn unknown(files: &WebTls, by_itself: bool) -> CertificateView {
    CertificateView { name: files.name.clone(), by_itself, life: None, next: None, failed: None }
}

impl Keeper {
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut kept = Kept::read(&self.shelf).await;
        while !stop.is_cancelled() {
            let wait = self.round(&mut kept, &stop).await;
            stop.run_until_cancelled(sleep(wait)).await;
        }
    }

    /// Looks once, and tries if it is time; how long there is nothing to do then.
    async fn round(&self, kept: &mut Kept, stop: &CancellationToken) -> Duration {
        let life = check(&self.files).ok().flatten();
        let before = self.view.borrow().life;
        if before != life {
            self.tell(News::Is(life)).await;
        }
        let Some((acme, tls)) = &self.acme else {
            self.view.send_modify(|view| view.life = life);
            return LONGEST;
        };
        let Some(status) = self.status().await else { return HELD };
        let facts = Facts {
            at: status.at,
            clock_held: status.clock_held,
            closed: status.closed,
            life,
            tries: kept.tries,
        };
        let next = next(&facts, &acme.patience);
        self.view.send_modify(|view| {
            (view.life, view.next, view.failed) = (life, Some(next), kept.failed());
        });
        match next {
            Next::Try => {
                self.attempt(kept, (acme, tls), status.at, stop).await;
                // What follows from it is seen at once.
                Duration::ZERO
            }
            Next::At(at) => {
                let secs = u64::try_from(at.0.saturating_sub(status.at.0)).unwrap_or(0);
                Duration::from_secs(secs.max(1)).min(LONGEST)
            }
            Next::Held(_) => HELD,
        }
    }

    async fn attempt(
        &self,
        kept: &mut Kept,
        (acme, tls): (&WebAcme, &Arc<rustls::ClientConfig>),
        at: UnixTime,
        stop: &CancellationToken,
    ) {
        let had = self.view.borrow().life.is_some();
        let is_news = kept.tries.failures == 0;
        *kept = Kept { tries: kept.tries.begin(at), ..kept.clone() };
        // What is not written down is not tried: a daemon that ends in the middle would try it again and again.
        let begun = kept.write(&self.shelf).await;
        let start = Instant::now();
        let result = match begun {
            Ok(()) => self.get(acme, tls, stop).await,
            Err(why) => Some(Err(NotGot { why, wait: None })),
        };
        let Some(result) = result else { return };
        let secs = i64::try_from(start.elapsed().as_secs()).unwrap_or(0);
        let now = UnixTime(at.0.saturating_add(secs));
        match result {
            Ok(life) => {
                *kept = Kept { tries: kept.tries.succeeded(life, now), ..Kept::default() };
                tracing::info!(name = acme.client.name, "a certificate was got");
                self.tell(if had { News::Renewed(life) } else { News::Got(life) }).await;
                self.there.notify_one();
            }
            Err(NotGot { why, wait }) => {
                let tries = kept.tries.failed(now, wait.map(|wait| wait.as_secs()));
                tracing::warn!(
                    why,
                    times = tries.failures,
                    "no certificate was got; it is tried again later"
                );
                *kept = Kept { tries, at: Some(now), why: Some(why.clone()) };
                if is_news {
                    self.tell(News::Failed(why)).await;
                }
            }
        }
        if let Err(why) = kept.write(&self.shelf).await {
            tracing::warn!(why, "what became of it could not be written down");
        }
    }

    /// One try, and what comes of it put in use; `None`: the daemon stops.
    async fn get(
        &self,
        acme: &WebAcme,
        tls: &Arc<rustls::ClientConfig>,
        stop: &CancellationToken,
    ) -> Option<Result<Life, NotGot>> {
        let no = |why: String| NotGot { why, wait: None };
        let secret = match hotshare_notify::read_secret(&acme.secret) {
            Ok(secret) => secret,
            Err(error) => return Some(Err(no(chain(&error)))),
        };
        let resolvers = self.names.borrow().resolvers.iter().map(|at| SocketAddr::from((*at, 53))).collect();
        let means = Means { config: &acme.client, tls: Arc::clone(tls), secret: &secret, resolvers };
        let tried = stop.run_until_cancelled(timeout(TRY, obtain(&means, &self.shelf))).await;
        let result = match tried {
            Some(Ok(got)) => match got {
                Ok(fresh) => self.put_in_use(fresh.pem.into_bytes()).await.map_err(no),
                Err(not) => Err(not),
            },
            Some(Err(_)) => Err(no(format!("it was not done within {} s", TRY.as_secs()))),
            None => {
                // If it cannot be taken away now, the next try does it first.
                drop(timeout(GOODBYE, clean(&means, &self.shelf)).await);
                return None;
            }
        };
        Some(result)
    }

    /// Looks at a certificate as at one of the owner's, and puts it in the place of the one in use.
    async fn put_in_use(&self, pem: Vec<u8>) -> Result<Life, String> {
        let path = self.shelf.path(CANDIDATE);
        let files = WebTls { certificate: path.clone(), key: path, ..self.files.clone() };
        self.shelf.put(CANDIDATE, pem.clone()).await.map_err(|error| chain(&error))?;
        let life =
            check(&files).map_err(|error| format!("what was given cannot be used: {}", chain(&error)))?;
        let life = life.ok_or("what was given does not say how long it is good")?;
        self.shelf.put(IN_USE, pem).await.map_err(|error| chain(&error))?;
        self.shelf.take_away(CANDIDATE).await.map_err(|error| chain(&error))?;
        Ok(life)
    }

    async fn status(&self) -> Option<Status> {
        match self.ask(Ask::Status).await? {
            Answer::Status(status) => Some(*status),
            Answer::Done | Answer::Key(_) | Answer::Wifi(_) | Answer::Refused(_) => None,
        }
    }

    async fn tell(&self, news: News) {
        if self.ask(Ask::Certificate(news)).await.is_none() {
            tracing::debug!("the diary could not be told of the certificate");
        }
    }

    async fn ask(&self, ask: Ask) -> Option<Answer> {
        let (reply, answer) = oneshot::channel();
        self.brain.send((ask, reply)).await.ok()?;
        answer.await.ok()
    }
}
