//! What the installed hostapd can do: found out by asking it to, without a card.
//!
//! Each question is a small configuration on the driver “none”, in a private folder. A hostapd that does not know
//! something in it ends at once; one that knows all answers on its control socket. Neither touches any interface.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use hotshare_core::radio::{HostapdSeen, Mode};
use tokio::time::{Instant, sleep};

use super::config;
use super::control::Control;
use super::files;
use super::process::Process;

/// hostapd answers a question in some 5 ms; this is for machines under load.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many are asked at the same time.
const AT_ONCE: usize = 3;
const LOOK_AGAIN: Duration = Duration::from_millis(3);
/// The name of an interface that does not exist, and that hostapd does not look for.
const INTERFACE: &str = "hotshare-ask";

/// What is used when it is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extras {
    /// Operating channel validation (`ocv`).
    pub(super) channel_validation: bool,
    /// The network's name in the handshake (`ssid_protection`, 2.11).
    pub(super) name_protection: bool,
    /// `tdls_prohibit`.
    pub(super) no_direct_links: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Features {
    /// Passphrase files with names of keys, and PSK with SHA-256.
    pub(super) people: bool,
    /// An interface for each station.
    pub(super) station_ports: bool,
    pub(super) seen: HostapdSeen,
    pub(super) extras: Extras,
}

impl Features {
    /// When it cannot be asked: what every distribution's hostapd of the last years can do, and no extras.
    const ASSUMED: Features = Features {
        people: true,
        station_ports: true,
        seen: HostapdSeen { sae: true, owe: true, he: true },
        extras: Extras { channel_validation: false, name_protection: false, no_direct_links: false },
    };

    pub(super) fn can(&self, mode: Mode) -> bool {
        match mode {
            Mode::People | Mode::PeopleOld => self.people,
            Mode::Sealed => self.seen.sae,
            Mode::Open => self.seen.owe,
        }
    }
}

/// A program file, as long as nobody replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    length: u64,
    changed: Option<SystemTime>,
}

/// The last answer. A program does not change while its file stays the same.
static KNOWN: Mutex<Option<(Stamp, Features)>> = Mutex::new(None);

/// What this hostapd can do. Asked once for each program file.
pub(super) async fn of(program: &Path) -> Features {
    let meta = fs::metadata(program).ok();
    let stamp = Stamp {
        path: program.to_owned(),
        length: meta.as_ref().map_or(0, fs::Metadata::len),
        changed: meta.and_then(|meta| meta.modified().ok()),
    };
    if let Some((known, features)) = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
        && *known == stamp
    {
        return *features;
    }
    let Some(folder) = Folder::new() else { return Features::ASSUMED };
    let started = Instant::now();
    let answers = ask_all(program, &folder).await;
    let features = Features::from(answers);
    tracing::debug!(?features, ms = started.elapsed().as_millis(), "hostapd was asked what it can do");
    if answers.iter().all(Option::is_some) {
        *KNOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some((stamp, features));
    }
    features
}

/// To each question: yes, no, or nothing in time.
type Answers = [Option<bool>; 9];

impl From<Answers> for Features {
    fn from(answers: Answers) -> Features {
        let [can_ask, people, station_ports, sae, owe, he, ocv, name, tdls] = answers;
        // One that refuses a configuration without anything in it has no driver “none”, and refuses all.
        if can_ask == Some(false) {
            return Features::ASSUMED;
        }
        let (usual, extra) = (|answer: Option<bool>| answer.unwrap_or(true), |answer| answer == Some(true));
        Features {
            people: usual(people),
            station_ports: usual(station_ports),
            seen: HostapdSeen { sae: usual(sae), owe: usual(owe), he: usual(he) },
            extras: Extras {
                channel_validation: extra(ocv),
                name_protection: extra(name),
                no_direct_links: extra(tdls),
            },
        }
    }
}

async fn ask_all(program: &Path, folder: &Folder) -> Answers {
    let keys = folder.0.join("keys");
    let ports = folder.0.join("ports");
    let put = files::put(&keys, "keyid=k1 00:00:00:00:00:00 a passphrase of nobody\n");
    if let Err(error) = put.and_then(|()| files::put(&ports, &files::ports_text())) {
        tracing::debug!(%error, "hostapd cannot be asked what it can do");
        return Answers::default();
    }
    let psk = format!("wpa=2\nwpa_key_mgmt=WPA-PSK-SHA256\nieee80211w=2\nwpa_psk_file={}\n", keys.display());
    let questions: [String; 9] = [
        String::new(),
        format!("{psk}rsn_pairwise=CCMP\n"),
        format!("{psk}per_sta_vif=1\nvlan_file={}\n", ports.display()),
        "wpa=2\nwpa_key_mgmt=SAE\nieee80211w=2\nsae_pwe=1\nsae_groups=19\nsae_require_mfp=1\n\
         sae_anti_clogging_threshold=5\nwpa_passphrase=nobody's\n"
            .to_owned(),
        "wpa=2\nwpa_key_mgmt=OWE\nrsn_pairwise=CCMP\nieee80211w=2\n".to_owned(),
        "ieee80211n=1\nwmm_enabled=1\nieee80211ax=1\nhe_oper_chwidth=0\n".to_owned(),
        format!("{psk}ocv=2\n"),
        format!("{psk}ssid_protection=1\n"),
        "tdls_prohibit=1\n".to_owned(),
    ];
    let mut answers = Answers::default();
    let numbered: Vec<(usize, &String)> = questions.iter().enumerate().collect();
    for some in numbered.chunks(AT_ONCE) {
        let asked = some.iter().map(|(number, lines)| ask(program, folder, *number, lines));
        for ((number, _), answer) in some.iter().zip(join_all(asked).await) {
            answers[*number] = answer;
        }
    }
    answers
}

/// Whether hostapd runs with these lines; `None` when it neither ends nor answers in time.
async fn ask(program: &Path, folder: &Folder, number: usize, lines: &str) -> Option<bool> {
    let control = folder.0.join(format!("control-{number}"));
    let path = folder.0.join(format!("{number}.conf"));
    let text = format!(
        "interface={INTERFACE}\ndriver=none\nctrl_interface={}\nlogger_syslog=0\nssid2={}\nhw_mode=g\nchannel=1\n\
         {lines}",
        control.display(),
        config::hex(b"nobody"),
    );
    files::put(&path, &text).ok()?;
    let (own, socket) = (folder.0.join(format!("own-{number}")), control.join(INTERFACE));
    let mut process = Process::start(program, &path).ok()?;
    let answer = tokio::select! {
        () = process.ended() => Some(false),
        () = answers(&own, &socket) => Some(true),
        () = sleep(PATIENCE) => None,
    };
    if let Err(error) = process.end(false).await {
        tracing::debug!(%error, "a hostapd that was only asked stays behind");
    }
    answer
}

async fn answers(own: &Path, socket: &Path) {
    while Control::new(own, socket).ping().await.is_err() {
        sleep(LOOK_AGAIN).await;
    }
}

/// A private folder that goes with its value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Option<Folder> {
        let places = [PathBuf::from("/run"), std::env::temp_dir()];
        let made = places.iter().find_map(|at| nix::unistd::mkdtemp(&at.join("hotshare-ask-XXXXXX")).ok());
        made.map(Folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, path = %self.0.display(), "a private folder stays behind");
        }
    }
}
