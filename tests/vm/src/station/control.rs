//! The supplicant's control socket: requests with answers, and every event with its time.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::measure::within;

/// Longer than any reply.
const REPLY: usize = 1 << 16;

/// Numbers our ends of the sockets.
static ENDS: AtomicU32 = AtomicU32::new(0);

/// Something that the supplicant told.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) at: Instant,
    pub(crate) text: String,
}

/// A connection with a supplicant (or hostapd: the protocol is the same).
#[derive(Debug)]
pub(crate) struct Control {
    requests: End,
    events: Arc<Mutex<Vec<Event>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    opened: Instant,
}

/// A socket with a name of its own, which goes with it.
#[derive(Debug)]
struct End {
    socket: UnixDatagram,
    path: PathBuf,
}

impl End {
    fn to(target: &Path) -> Result<End> {
        let number = ENDS.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(format!("/tmp/hotshare-vm-control-{}-{number}", std::process::id()));
        drop(std::fs::remove_file(&path));
        let socket = UnixDatagram::bind(&path).with_context(|| format!("bind {}", path.display()))?;
        let end = End { socket, path };
        end.socket.connect(target).with_context(|| format!("connect to {}", target.display()))?;
        Ok(end)
    }
}

impl Drop for End {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

impl Control {
    /// Connects, and attaches for events.
    pub(crate) fn open(socket: &Path) -> Result<Control> {
        let requests = End::to(socket)?;
        requests.socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        let listener = End::to(socket)?;
        listener.socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        listener.socket.send(b"ATTACH")?;
        let events = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::Builder::new().name("events".to_owned()).spawn({
            let (events, stop) = (Arc::clone(&events), Arc::clone(&stop));
            move || listen(&listener, &events, &stop)
        })?;
        Ok(Control { requests, events, stop, thread: Some(thread), opened: Instant::now() })
    }

    /// One request, one reply.
    pub(crate) async fn ask(&self, request: &str) -> Result<String> {
        self.requests.socket.send(request.as_bytes()).with_context(|| format!("ask {request}"))?;
        let socket = self.requests.socket.try_clone()?;
        // The supplicant answers at once or is not there; others go on meanwhile.
        let reply = tokio::task::spawn_blocking(move || {
            let mut reply = vec![0; REPLY];
            socket.recv(&mut reply).map(|size| String::from_utf8_lossy(&reply[..size]).into_owned())
        });
        reply.await?.with_context(|| format!("no answer to {request}"))
    }

    /// A request that is to be answered with `OK`.
    pub(crate) async fn order(&self, request: &str) -> Result<()> {
        let reply = self.ask(request).await?;
        if reply.trim() == "OK" { Ok(()) } else { bail!("{request}: {}", reply.trim()) }
    }

    /// One line of `STATUS`.
    pub(crate) async fn status(&self, key: &str) -> Result<Option<String>> {
        Ok(field(&self.ask("STATUS").await?, key))
    }

    /// Every event from the moment on (`None`: since the connection was made).
    #[must_use]
    pub(crate) fn events(&self, since: Option<Instant>) -> Vec<Event> {
        let since = since.unwrap_or(self.opened);
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().filter(|event| event.at >= since).cloned().collect()
    }

    /// How many events since the moment have these words.
    #[must_use]
    pub(crate) fn count(&self, words: &str, since: Option<Instant>) -> usize {
        self.events(since).iter().filter(|event| event.text.contains(words)).count()
    }

    /// Waits for the first event since the moment with these words, and says how long after the moment it came.
    pub(crate) async fn wait_for(
        &self,
        words: &str,
        since: Option<Instant>,
        patience: Duration,
    ) -> Result<(Event, Duration)> {
        let begin = since.unwrap_or(self.opened);
        let (event, _) = within(patience, words, || async {
            Ok(self.events(since).into_iter().find(|event| event.text.contains(words)))
        })
        .await?;
        let took = event.at.saturating_duration_since(begin);
        Ok((event, took))
    }

    /// The information elements of a network that a scan has seen, raw.
    pub(crate) async fn elements_of(&self, bssid: &str) -> Result<Vec<u8>> {
        let reply = self.ask(&format!("BSS {bssid}")).await?;
        // With the elements of the beacon where they are told apart: a probe response may be older.
        let hex =
            field(&reply, "beacon_ie").or_else(|| field(&reply, "ie")).context("the scan has not seen it")?;
        (0..hex.len() / 2)
            .map(|at| Ok(u8::from_str_radix(hex.get(at * 2..at * 2 + 2).context("half a byte")?, 16)?))
            .collect()
    }

    /// Scans, and waits for the result.
    pub(crate) async fn scan(&self, mhz: u32) -> Result<String> {
        let begin = Instant::now();
        within(Duration::from_secs(10), "a scan", || async {
            Ok(self.order(&format!("SCAN freq={mhz}")).await.ok())
        })
        .await?;
        self.wait_for("CTRL-EVENT-SCAN-RESULTS", Some(begin), Duration::from_secs(10)).await?;
        self.ask("SCAN_RESULTS").await
    }
}

/// The value of a line `key=value`.
#[must_use]
pub(crate) fn field(text: &str, key: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned)
}

fn listen(end: &End, events: &Mutex<Vec<Event>>, stop: &AtomicBool) {
    let mut buffer = vec![0; REPLY];
    while !stop.load(Ordering::Relaxed) {
        // Nothing for a while, or the other end is gone: the owner of this connection notices by itself.
        let Ok(size) = end.socket.recv(&mut buffer) else { continue };
        let text = String::from_utf8_lossy(&buffer[..size]).into_owned();
        events.lock().unwrap_or_else(PoisonError::into_inner).push(Event { at: Instant::now(), text });
    }
    drop(end.socket.send(b"DETACH"));
}

impl Drop for Control {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
