//! MQTT 3.1.1, with what Home Assistant needs to find everything by itself.
//!
//! One task holds the connection, publishes figures when they change, and alerts when it is told to. A connection that
//! breaks is forgotten with all that was under way in it: what was not acknowledged is in the store's outbox.

mod messages;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hotshare_core::alert::{Alert, AlertId};
use hotshare_core::ask::{Answer, Ask, Status};
use rumqttc::{
    AsyncClient, Event, EventLoop, LastWill, MqttOptions, Packet, PublishOptions, QoS, TlsConfiguration,
    Transport,
};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;

use crate::{NotSent, OpenError, chain, secret, tls};

/// Where to, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttConfig {
    pub server: String,
    pub port: u16,
    /// Else in the clear: the owner said so.
    pub tls: bool,
    /// With the file that holds the password.
    pub login: Option<(String, PathBuf)>,
    /// Trust only these certificates.
    pub ca_file: Option<PathBuf>,
    /// Begins every topic, and tells one hotspot from another.
    pub topic: String,
    /// Where Home Assistant looks.
    pub discovery: String,
    /// Figures are published this often at most.
    pub every: Duration,
    pub timeout: Duration,
}

/// The way to ask for figures: the event loop's own. It is never waited for when it is busy.
pub type BrainSender = mpsc::Sender<(Ask, oneshot::Sender<Answer>)>;

type Order = (Alert, oneshot::Sender<Result<(), NotSent>>);

/// The way to the task.
#[derive(Clone, Debug)]
pub struct Mqtt {
    orders: mpsc::Sender<Order>,
}

/// The task, before it runs.
#[derive(Debug)]
pub struct Link {
    config: MqttConfig,
    tls: Option<Arc<rustls::ClientConfig>>,
    orders: mpsc::Receiver<Order>,
    brain: BrainSender,
    /// Told when a connection is there again.
    connected: Arc<Notify>,
}

/// After a connection broke, or was not to be had.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const GOODBYE: Duration = Duration::from_secs(2);

impl Mqtt {
    /// Checks everything that can be checked without the broker. `connected` is told of each new connection.
    pub fn open(
        config: &MqttConfig,
        brain: BrainSender,
        connected: Arc<Notify>,
    ) -> Result<(Mqtt, Link), OpenError> {
        if let Some((_, path)) = &config.login {
            secret::check(path)?;
        }
        let tls = if config.tls { Some(tls::client_config(config.ca_file.as_deref())?) } else { None };
        let (sender, orders) = mpsc::channel(1);
        Ok((Mqtt { orders: sender }, Link { config: config.clone(), tls, orders, brain, connected }))
    }

    /// Publishes one alert, and waits until the broker has it.
    pub async fn send(&self, alert: &Alert) -> Result<(), NotSent> {
        let gone = || NotSent::yet("MQTT is being stopped");
        let (reply, answer) = oneshot::channel();
        self.orders.send((alert.clone(), reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Link {
    /// Keeps a connection until it is stopped.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        while !stop.is_cancelled() {
            let began = Instant::now();
            let why = self.connection(&stop).await;
            tracing::debug!(why, "no MQTT");
            if began.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            let again = tokio::time::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
            tokio::pin!(again);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = &mut again => break,
                    Some((_, reply)) = self.orders.recv() => {
                        drop(reply.send(Err(NotSent::yet(format!("not connected to the broker: {why}")))));
                    }
                }
            }
        }
    }

    /// One connection, from its beginning to its end; why it ended.
    async fn connection(&mut self, stop: &CancellationToken) -> String {
        let (client, mut events) = match self.client() {
            Ok(pair) => pair,
            Err(why) => return why,
        };
        let (seen_in, seen) = mpsc::channel(64);
        let polling = poll(&mut events, seen_in);
        let talking = self.talk(&client, seen, stop);
        tokio::pin!(polling);
        let ended = {
            tokio::pin!(talking);
            // Each is one future from beginning to end: neither may be begun anew while the other is busy.
            tokio::select! {
                why = &mut polling => return why,
                ended = &mut talking => ended,
            }
        };
        if let Err(why) = ended {
            return why;
        }
        // What says goodbye is still to be sent.
        drop(client.disconnect_with_timeout(GOODBYE).await);
        drop(timeout(GOODBYE, polling).await);
        "stopped".into()
    }

    fn client(&self) -> Result<(AsyncClient, EventLoop), String> {
        let MqttConfig { server, port, login, topic, timeout, .. } = &self.config;
        let id = topic.replace('/', "-");
        let mut options = MqttOptions::new(id, (server.as_str(), *port));
        options.set_keep_alive(30);
        options.set_clean_session(true);
        options.set_max_packet_size(64 << 10, 64 << 10);
        options.set_last_will(LastWill::new(
            messages::availability(topic),
            "offline",
            QoS::AtLeastOnce,
            true,
        ));
        if let Some(config) = &self.tls {
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(Arc::clone(config))));
        }
        if let Some((user, path)) = login {
            let password = secret::read(path).map_err(|e| chain(&e))?;
            options.set_credentials(user.clone(), password.into_bytes());
        }
        let (client, mut events) = AsyncClient::builder(options).try_build().map_err(|e| chain(&e))?;
        let mut network = events.network_options();
        network.set_connection_timeout(timeout.as_secs().max(1));
        events.set_network_options(network);
        Ok((client, events))
    }

    /// Everything that is said in one connection. `Ok`: it was told to stop.
    async fn talk(
        &mut self,
        client: &AsyncClient,
        mut seen: mpsc::Receiver<Seen>,
        stop: &CancellationToken,
    ) -> Result<(), String> {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                news = seen.recv() => match news {
                    Some(Seen::Connected) => break,
                    Some(Seen::Retained(_)) => {}
                    None => return Err("the connection ended".into()),
                },
                Some((_, reply)) = self.orders.recv() => {
                    drop(reply.send(Err(NotSent::yet("the broker does not answer yet"))));
                }
            }
        }
        tracing::info!("connected to the MQTT broker");
        let availability = messages::availability(&self.config.topic);
        publish(client, &availability, "online", true).await?;
        for filter in messages::filters(&self.config) {
            client.subscribe(filter, QoS::AtLeastOnce).await.map_err(|e| chain(&e))?;
        }
        self.connected.notify_one();
        let mut told = Told::default();
        let mut unacknowledged = Unacknowledged::new();
        let mut figures = tokio::time::interval(self.config.every);
        figures.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => {
                    return publish(client, &availability, "offline", true).await;
                }
                news = seen.recv() => match news {
                    Some(Seen::Retained(topic)) => told.found(topic),
                    Some(Seen::Connected) => return Err("the broker greeted twice".into()),
                    None => return Err("the connection ended".into()),
                },
                Some((alert, reply)) = self.orders.recv() => {
                    // Who gave up waiting comes again: sent now, it would be sent twice.
                    if !reply.is_closed() {
                        drop(reply.send(self.alert(client, &mut unacknowledged, &alert).await));
                    }
                }
                _ = figures.tick() => {
                    if let Some(status) = ask(&self.brain).await {
                        told.tell(client, messages::all(&self.config, &status)).await?;
                    }
                }
            }
        }
    }

    /// Publishes an alert and waits for the acknowledgement. One that is under way in this connection already is not
    /// published again, only waited for: a broker that hung for a while has it once.
    async fn alert(
        &self,
        client: &AsyncClient,
        unacknowledged: &mut Unacknowledged,
        alert: &Alert,
    ) -> Result<(), NotSent> {
        let ((topic, event), (last_topic, last)) = messages::alert(&self.config.topic, alert);
        let no = |why: String| NotSent::yet(format!("the broker did not take it: {why}"));
        let late = |_| NotSent::yet("the broker did not acknowledge it in time");
        let mut acknowledged = match unacknowledged.remove(&alert.id) {
            Some(waiting) => waiting,
            None if unacknowledged.len() == MOST_UNACKNOWLEDGED => {
                return Err(no("too much is under way".into()));
            }
            None => {
                let publish = client.publish_tracked(topic, event, PublishOptions::at_least_once());
                let notice = timeout(self.config.timeout, publish).await.map_err(late)?;
                let notice = notice.map_err(|e| no(chain(&e)))?;
                Box::pin(async move { notice.wait_async().await.map(drop).map_err(|e| chain(&e)) })
            }
        };
        match timeout(self.config.timeout, &mut acknowledged).await {
            Ok(done) => done.map_err(no)?,
            Err(elapsed) => {
                unacknowledged.insert(alert.id, acknowledged);
                return Err(late(elapsed));
            }
        }
        // It was delivered, whatever becomes of the figure beside it.
        drop(timeout(self.config.timeout, publish(client, &last_topic, &last, true)).await);
        Ok(())
    }
}

/// Alerts that were published in this connection, and wait for the broker's word.
type Unacknowledged = BTreeMap<AlertId, Pin<Box<dyn Future<Output = Result<(), String>> + Send>>>;

const MOST_UNACKNOWLEDGED: usize = 50;

/// What comes from the broker.
enum Seen {
    Connected,
    /// The topic of a message that is kept there.
    Retained(String),
}

/// Drives the connection; why it ended.
async fn poll(events: &mut EventLoop, seen: mpsc::Sender<Seen>) -> String {
    loop {
        let news = match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => Seen::Connected,
            Ok(Event::Incoming(Packet::Publish(publish)))
                if publish.retain && !publish.payload.is_empty() =>
            {
                Seen::Retained(String::from_utf8_lossy(&publish.topic).into_owned())
            }
            Ok(_) => continue,
            Err(error) => return chain(&error),
        };
        // Whoever floods the topics that we look at loses some of the flood.
        drop(seen.try_send(news));
    }
}

/// What the broker keeps of us.
#[derive(Default)]
struct Told {
    sent: BTreeMap<String, String>,
    /// Found there, from this run or an earlier one.
    found: BTreeSet<String>,
}

/// So many topics are remembered, whatever others publish.
const MOST_FOUND: usize = 4096;

impl Told {
    fn found(&mut self, topic: String) {
        if self.found.len() < MOST_FOUND {
            self.found.insert(topic);
        }
    }

    /// Publishes what is new, and takes away what is of nobody any more.
    async fn tell(&mut self, client: &AsyncClient, messages: BTreeMap<String, String>) -> Result<(), String> {
        let known: BTreeSet<String> = self.sent.keys().chain(&self.found).cloned().collect();
        for topic in known.into_iter().filter(|topic| !messages.contains_key(topic)) {
            publish(client, &topic, "", true).await?;
            self.sent.remove(&topic);
            self.found.remove(&topic);
        }
        for (topic, payload) in messages {
            if self.sent.get(&topic) != Some(&payload) {
                publish(client, &topic, &payload, true).await?;
                self.sent.insert(topic, payload);
            }
        }
        Ok(())
    }
}

async fn publish(client: &AsyncClient, topic: &str, payload: &str, retain: bool) -> Result<(), String> {
    let options = PublishOptions::at_least_once().retain(retain);
    client.publish(topic, payload.to_owned(), options).await.map_err(|e| chain(&e))
}

/// The figures, unless the event loop has something better to do.
async fn ask(brain: &BrainSender) -> Option<Status> {
    let (reply, answer) = oneshot::channel();
    brain.try_send((Ask::Status, reply)).ok()?;
    match timeout(Duration::from_secs(2), answer).await {
        Ok(Ok(Answer::Status(status))) => Some(*status),
        _ => None,
    }
}
