//! The client's side of hostapd's control socket: datagrams of text, one request and one reply at a time.
//!
//! Events come only on a socket that has attached itself, so replies and events each have their own. A request
//! that gets no reply in time costs its socket: a late reply must not be taken for the next one's.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hotshare_core::units::Mac;
use tokio::net::UnixDatagram;
use tokio::time::timeout;

use super::reply::{self, Event, Station, Status};

/// hostapd answers from memory, and asks the kernel for a station's counters: milliseconds. Reading a file of many
/// passphrases anew takes it longer.
const PATIENCE: Duration = Duration::from_millis(1500);
/// Before it is given up.
const LAST_PATIENCE: Duration = Duration::from_millis(2500);
/// For what makes it compute: each passphrase costs it 8192 rounds of SHA-1.
const LONG_PATIENCE: Duration = Duration::from_secs(5);
/// The longest datagram that is read. hostapd's replies end at 4 KiB.
const LONGEST: usize = 64 * 1024;
/// More stations than a card can hold. Ends a walk through a list that changes all the time.
const MOST_STATIONS: usize = 2048;
/// How often the list of stations is read anew when it changes while it is read.
const LIST_TRIES: u32 = 5;

/// Why hostapd did not do as asked. Requests can hold secrets, so only their first word is told.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("hostapd's control socket {} cannot be reached", path.display())]
    Unreachable { path: PathBuf, source: io::Error },
    #[error("hostapd does not answer ({verb})")]
    Silent { verb: &'static str },
    #[error("hostapd refuses {verb}")]
    Refused { verb: &'static str },
    #[error("the connection to hostapd is broken ({verb})")]
    Broken { verb: &'static str, source: io::Error },
}

/// A socket with a name of its own, which hostapd sends to. The name goes with it.
#[derive(Debug)]
struct Line {
    socket: UnixDatagram,
    own: PathBuf,
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.own) {
            tracing::debug!(%error, path = %self.own.display(), "a control socket's name was gone already");
        }
    }
}

impl Line {
    fn open(folder: &Path, name: &str, server: &Path) -> io::Result<Line> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let own = folder.join(name);
        // What a killed run left.
        match fs::remove_file(&own) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let line = Line { socket: UnixDatagram::bind(&own)?, own };
        line.socket.connect(server)?;
        Ok(line)
    }

    async fn ask(
        &self,
        verb: &'static str,
        request: &str,
        patience: Duration,
    ) -> Result<String, ControlError> {
        let broken = |source| ControlError::Broken { verb, source };
        let exchange = async {
            self.socket.send(request.as_bytes()).await.map_err(broken)?;
            loop {
                let text = receive(&self.socket).await.map_err(broken)?;
                // An event that came before the reply to ATTACH.
                if !text.starts_with('<') {
                    return Ok(text);
                }
            }
        };
        timeout(patience, exchange).await.map_err(|_| ControlError::Silent { verb })?
    }
}

/// One datagram. What is not UTF-8 is hostile or broken, and reads as nothing we know.
async fn receive(socket: &UnixDatagram) -> io::Result<String> {
    let mut buffer = vec![0; LONGEST];
    let length = socket.recv(&mut buffer).await?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

/// For requests.
#[derive(Debug)]
pub(super) struct Control {
    folder: PathBuf,
    server: PathBuf,
    line: Option<Line>,
    /// How many sockets there were: each has another name, so that a late reply finds nobody.
    opened: u64,
}

impl Control {
    /// `folder` is where the own sockets get their names, `server` is hostapd's.
    pub(super) fn new(folder: &Path, server: &Path) -> Control {
        Control { folder: folder.to_owned(), server: server.to_owned(), line: None, opened: 0 }
    }

    async fn ask(&mut self, verb: &'static str, request: &str) -> Result<String, ControlError> {
        self.ask_within(PATIENCE, verb, request).await
    }

    async fn ask_within(
        &mut self,
        patience: Duration,
        verb: &'static str,
        request: &str,
    ) -> Result<String, ControlError> {
        let line = match self.line.take() {
            Some(line) => line,
            None => {
                self.opened += 1;
                Line::open(&self.folder, &format!("ask-{}", self.opened), &self.server)
                    .map_err(|source| ControlError::Unreachable { path: self.server.clone(), source })?
            }
        };
        let reply = line.ask(verb, request, patience).await?;
        self.line = Some(line);
        Ok(reply)
    }

    async fn order(&mut self, verb: &'static str, request: &str) -> Result<(), ControlError> {
        expect("OK", verb, &self.ask(verb, request).await?)
    }

    pub(super) async fn ping(&mut self) -> Result<(), ControlError> {
        expect("PONG", "PING", &self.ask("PING", "PING").await?)
    }

    /// The same, before it is given up.
    pub(super) async fn ping_patiently(&mut self) -> Result<(), ControlError> {
        expect("PONG", "PING", &self.ask_within(LAST_PATIENCE, "PING", "PING").await?)
    }

    pub(super) async fn status(&mut self) -> Result<Status, ControlError> {
        Ok(reply::status(&self.ask("STATUS", "STATUS").await?))
    }

    /// One station, if hostapd knows it.
    pub(super) async fn station(&mut self, mac: Mac) -> Result<Option<Station>, ControlError> {
        let reply = self.ask("STA", &format!("STA {mac}")).await?;
        Ok(reply::station(&reply).filter(|station| station.mac == mac))
    }

    /// Every station, proven or not, at nearly one moment.
    pub(super) async fn stations(&mut self) -> Result<Vec<Station>, ControlError> {
        for _ in 0..LIST_TRIES {
            if let Some(stations) = self.try_stations().await? {
                return Ok(stations);
            }
        }
        Err(ControlError::Refused { verb: "STA-NEXT" })
    }

    /// `None` when the station that was to be followed is gone.
    async fn try_stations(&mut self) -> Result<Option<Vec<Station>>, ControlError> {
        let mut stations: Vec<Station> = Vec::new();
        let mut reply = self.ask("STA-FIRST", "STA-FIRST").await?;
        while let Some(station) = reply::station(&reply) {
            if stations.iter().any(|seen| seen.mac == station.mac) || stations.len() == MOST_STATIONS {
                return Ok(None);
            }
            stations.push(station);
            reply = self.ask("STA-NEXT", &format!("STA-NEXT {}", station.mac)).await?;
        }
        Ok((!reply.starts_with("FAIL") || stations.is_empty()).then_some(stations))
    }

    /// Reads the passphrase file again. Who joined with a passphrase that is gone is disconnected; nobody else is.
    pub(super) async fn reload_keys(&mut self) -> Result<(), ControlError> {
        let verb = "RELOAD_WPA_PSK";
        expect("OK", verb, &self.ask_within(LONG_PATIENCE, verb, verb).await?)
    }

    /// Sets one item of the configuration. The value may be a secret.
    pub(super) async fn set(&mut self, item: &'static str, value: &str) -> Result<(), ControlError> {
        self.order("SET", &format!("SET {item} {value}")).await
    }

    /// Puts changed elements into the beacon. Stations stay.
    pub(super) async fn update_beacon(&mut self) -> Result<(), ControlError> {
        self.order("UPDATE_BEACON", "UPDATE_BEACON").await
    }

    /// Forgets the keys of earlier associations, so that each station must prove the key again.
    pub(super) async fn forget_associations(&mut self) -> Result<(), ControlError> {
        self.order("PMKSA_FLUSH", "PMKSA_FLUSH").await
    }

    /// The station is disconnected, if it is on, and may not come back.
    pub(super) async fn deny(&mut self, mac: Mac) -> Result<(), ControlError> {
        self.order("DENY_ACL", &format!("DENY_ACL ADD_MAC {mac}")).await
    }

    pub(super) async fn allow(&mut self, mac: Mac) -> Result<(), ControlError> {
        self.order("DENY_ACL", &format!("DENY_ACL DEL_MAC {mac}")).await
    }

    pub(super) async fn allow_all(&mut self) -> Result<(), ControlError> {
        self.order("DENY_ACL", "DENY_ACL CLEAR").await
    }

    /// Disconnects one station. It may come back at once.
    pub(super) async fn kick(&mut self, mac: Mac) -> Result<(), ControlError> {
        self.order("DEAUTHENTICATE", &format!("DEAUTHENTICATE {mac}")).await
    }

    /// Says to a station that hostapd does not know that it does not know it (reason 7: a frame of class 3 from a
    /// station that is not associated).
    pub(super) async fn disown(&mut self, mac: Mac) -> Result<(), ControlError> {
        self.order("DEAUTHENTICATE", &format!("DEAUTHENTICATE {mac} reason=7")).await
    }

    pub(super) async fn kick_all(&mut self) -> Result<(), ControlError> {
        self.order("DEAUTHENTICATE", "DEAUTHENTICATE ff:ff:ff:ff:ff:ff").await
    }

    /// hostapd is to end.
    pub(super) async fn terminate(&mut self) -> Result<(), ControlError> {
        self.order("TERMINATE", "TERMINATE").await
    }
}

fn expect(reply: &str, verb: &'static str, came: &str) -> Result<(), ControlError> {
    if came.trim_end() == reply { Ok(()) } else { Err(ControlError::Refused { verb }) }
}

/// For events.
#[derive(Debug)]
pub(super) struct Events {
    line: Line,
}

impl Events {
    /// Asks hostapd for its events. What happened before is told by the list of stations only.
    pub(super) async fn attach(folder: &Path, server: &Path) -> Result<Events, ControlError> {
        let line = Line::open(folder, "events", server)
            .map_err(|source| ControlError::Unreachable { path: server.to_owned(), source })?;
        expect("OK", "ATTACH", &line.ask("ATTACH", "ATTACH", PATIENCE).await?)?;
        Ok(Events { line })
    }

    /// Waits for the next event. May be dropped at any moment without losing one.
    ///
    /// # Errors
    /// When the socket is broken; hostapd's end shows otherwise.
    pub(super) async fn next(&mut self) -> Result<Event, ControlError> {
        let broken = |source| ControlError::Broken { verb: "events", source };
        let text = receive(&self.line.socket).await.map_err(broken)?;
        Ok(reply::event(&text))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    /// Answers each request by its first word, from the own end of hostapd's socket.
    async fn answer(socket: &UnixDatagram, say: impl Fn(&str) -> Vec<&'static str>) {
        let mut buffer = [0; 1024];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            for reply in say(&request) {
                socket.send_to(reply.as_bytes(), from.as_pathname().unwrap()).await.unwrap();
            }
        }
    }

    struct Place {
        folder: tempfile::TempDir,
        socket: UnixDatagram,
    }

    impl Place {
        fn new() -> Place {
            let folder = tempfile::tempdir().unwrap();
            let socket = UnixDatagram::bind(folder.path().join("wlan0")).unwrap();
            Place { folder, socket }
        }

        fn control(&self) -> Control {
            Control::new(&self.folder.path().join("own"), &self.folder.path().join("wlan0"))
        }
    }

    const FIRST: &str = "02:00:00:00:01:00\nflags=[AUTHORIZED]\nkeyid=k1\n";
    const SECOND: &str = "02:00:00:00:02:00\nflags=[AUTH]\n";

    #[tokio::test]
    async fn the_list_of_stations_is_walked_to_its_end() {
        let place = Place::new();
        let say = |request: &str| match request {
            "STA-FIRST" => vec![FIRST],
            "STA-NEXT 02:00:00:00:01:00" => vec![SECOND],
            _ => vec![""],
        };
        let mut control = place.control();
        let stations = tokio::select! {
            stations = control.stations() => stations.unwrap(),
            () = answer(&place.socket, say) => unreachable!(),
        };
        assert_eq!(stations.len(), 2);
        assert!(stations[0].is_authorized && !stations[1].is_authorized);
    }

    #[tokio::test]
    async fn a_list_without_an_end_is_given_up() {
        let place = Place::new();
        let mut control = place.control();
        let failed = tokio::select! {
            stations = control.stations() => stations.unwrap_err(),
            () = answer(&place.socket, |_| vec![FIRST]) => unreachable!(),
        };
        assert!(matches!(failed, ControlError::Refused { .. }));
    }

    #[tokio::test]
    async fn an_event_is_not_taken_for_a_reply_and_a_refusal_tells_no_secret() {
        let place = Place::new();
        let say = |request: &str| match request {
            "PING" => vec!["<3>AP-STA-CONNECTED 02:00:00:00:01:00", "PONG\n"],
            _ => vec!["FAIL\n"],
        };
        let mut control = place.control();
        let refused = tokio::select! {
            refused = async {
                control.ping().await.unwrap();
                control.set("wpa_passphrase", "four plain words here").await.unwrap_err()
            } => refused,
            () = answer(&place.socket, say) => unreachable!(),
        };
        assert!(!format!("{refused} {refused:?}").contains("plain"));
    }

    #[tokio::test]
    async fn a_late_reply_finds_nobody() {
        let place = Place::new();
        let mut control = place.control();
        assert!(matches!(control.ping().await, Err(ControlError::Silent { .. })));
        let (_, from) = place.socket.recv_from(&mut [0; 64]).await.unwrap();
        assert!(place.socket.send_to(b"PONG\n", from.as_pathname().unwrap()).await.is_err());
        assert_eq!(fs::read_dir(place.folder.path().join("own")).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn events_come_on_the_attached_socket() {
        let place = Place::new();
        let (own, server) = (place.folder.path().join("own"), place.folder.path().join("wlan0"));
        let say = |_: &str| vec!["OK\n", "<3>AP-STA-DISCONNECTED 02:00:00:00:01:00"];
        let event = tokio::select! {
            event = async { Events::attach(&own, &server).await.unwrap().next().await.unwrap() } => event,
            () = answer(&place.socket, say) => unreachable!(),
        };
        assert_eq!(event, Event::Left(Mac([2, 0, 0, 0, 1, 0])));
    }
}
