//! The task that serves names.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::answer::SiteSeen;
use super::desk::{Desk, Next, Ready, Way};
use super::tcp::{Asking, MOST_CONNECTIONS, MOST_OF_ONE, converse};
use super::{NamesConfig, NamesError, NamesView, socket};

/// Longer queries are cut, and then refused as malformed.
const LONGEST_QUERY: usize = 4096;
/// How long no connection is taken after one could not be.
const DEAF: Duration = Duration::from_millis(500);

/// The forwarder, bound to its address.
#[derive(Debug)]
pub struct Names {
    config: NamesConfig,
    udp: UdpSocket,
    tcp: TcpListener,
    /// Who is told where sites are.
    sites: Option<mpsc::Sender<SiteSeen>>,
}

/// Binds and serves; see [`Names::bind`] and [`Names::serve`].
pub async fn serve(
    config: NamesConfig,
    view: watch::Receiver<NamesView>,
    stop: CancellationToken,
) -> Result<(), NamesError> {
    Names::bind(config)?.serve(view, stop).await
}

impl Names {
    /// Opens the sockets. Needs a tokio runtime around it.
    pub fn bind(config: NamesConfig) -> Result<Names, NamesError> {
        let (udp, tcp) = socket::open(&config)?;
        Ok(Names { config, udp, tcp, sites: None })
    }

    /// Tells where sites of the plan are, each time before a station hears it.
    #[must_use]
    pub fn telling(self, sites: mpsc::Sender<SiteSeen>) -> Names {
        Names { sites: Some(sites), ..self }
    }

    /// Serves until told to stop. A view takes effect with the next message.
    pub async fn serve(
        self,
        mut view: watch::Receiver<NamesView>,
        stop: CancellationToken,
    ) -> Result<(), NamesError> {
        let mut desk = Desk::new(view.borrow_and_update().clone());
        let mut errands = FuturesUnordered::new();
        let mut connections = FuturesUnordered::new();
        let mut told = FuturesUnordered::new();
        let mut connections_by_client: BTreeMap<IpAddr, usize> = BTreeMap::new();
        let (ask, mut asked) = mpsc::channel::<Asking>(MOST_CONNECTIONS);
        let mut buffer = vec![0; LONGEST_QUERY];
        let mut deaf_until = None;
        loop {
            let next = tokio::select! {
                // In this order: who was closed gets nothing that arrived later.
                biased;
                () = stop.cancelled() => break,
                changed = view.changed() => {
                    changed.map_err(|_| NamesError::NobodySays)?;
                    desk.see(view.borrow_and_update().clone());
                    continue;
                }
                Some(done) = errands.next(), if !errands.is_empty() => {
                    for ready in desk.answered(done) {
                        told.extend(self.tell(ready));
                    }
                    continue;
                }
                Some(ready) = told.next(), if !told.is_empty() => {
                    self.send(ready);
                    continue;
                }
                Some(asking) = asked.recv() => {
                    let Asking { from, bytes, answer } = asking;
                    desk.hear(&bytes, Way::Stream(from, answer))
                }
                Some(from) = connections.next(), if !connections.is_empty() => {
                    forget(&mut connections_by_client, from);
                    continue;
                }
                received = self.udp.recv_from(&mut buffer) => match received {
                    Ok((length, from)) => desk.hear(buffer.get(..length).unwrap_or_default(), Way::Datagram(from)),
                    // Somebody else's ICMP error, or memory is short: the next datagram is another matter.
                    Err(error) => {
                        tracing::debug!(%error, "names: a datagram was lost");
                        continue;
                    }
                },
                () = rest(deaf_until), if deaf_until.is_some() => {
                    deaf_until = None;
                    continue;
                }
                accepted = self.tcp.accept(), if connections.len() < MOST_CONNECTIONS && deaf_until.is_none() => {
                    match accepted {
                        Ok((stream, from)) => {
                            let count = connections_by_client.entry(from.ip()).or_default();
                            if *count < MOST_OF_ONE {
                                *count += 1;
                                connections.push(converse(stream, from, ask.clone()));
                            }
                        }
                        // Without descriptors it would fail again at once.
                        Err(error) => {
                            tracing::debug!(%error, "names: a connection was lost");
                            deaf_until = Some(Instant::now() + DEAF);
                        }
                    }
                    continue;
                }
            };
            match next {
                Next::Nothing => {}
                Next::Reply(ready) => told.extend(self.tell(ready)),
                Next::Ask(errand) => errands.push(errand.run()),
            }
        }
        tracing::debug!(counts = ?desk.counts, gateway = %self.config.gateway, "names: stopped");
        Ok(())
    }

    /// Sends an answer, or gives it back to be sent when the rules know what it says.
    fn tell(&self, mut ready: Ready) -> Option<impl Future<Output = Ready> + use<>> {
        let told = ready.leads.take().zip(self.sites.as_ref()).and_then(|((sites, addresses), tell)| {
            let (known, is_known) = oneshot::channel();
            // Too many at once: the station hears it, and may find that it cannot get there yet.
            tell.try_send(SiteSeen { sites, addresses, known }).is_ok().then_some(is_known)
        });
        let Some(is_known) = told else {
            self.send(ready);
            return None;
        };
        Some(async move {
            _ = is_known.await;
            ready
        })
    }

    /// An answer that does not get out at once is like one that is lost on the way.
    fn send(&self, ready: Ready) {
        match ready.way {
            Way::Datagram(to) => {
                if let Err(error) = self.udp.try_send_to(&ready.bytes, to) {
                    tracing::debug!(%error, "names: an answer did not get out");
                }
            }
            Way::Stream(_, answer) => {
                if answer.send(ready.bytes).is_err() {
                    tracing::trace!("names: who asked is gone");
                }
            }
        }
    }
}

async fn rest(until: Option<Instant>) {
    if let Some(until) = until {
        sleep_until(until).await;
    }
}

fn forget(connections_by_client: &mut BTreeMap<IpAddr, usize>, from: SocketAddr) {
    if let Some(count) = connections_by_client.get_mut(&from.ip()) {
        *count -= 1;
        if *count == 0 {
            connections_by_client.remove(&from.ip());
        }
    }
}
