//! An access point without Hotshare, for control experiments: they show that a test can see what it looks for.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use nlink::netlink::namespace::Netns;

use crate::measure::within;
use crate::shell::LOGS;
use crate::station::Control;

/// How it is set.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) ssid: String,
    pub(crate) passphrase: String,
    pub(crate) channel: u32,
    /// `hw_mode`: `g` or `a`.
    pub(crate) band: char,
    /// 0, 1 or 2: as `ieee80211w`.
    pub(crate) pmf: u8,
    /// More lines of hostapd's.
    pub(crate) more: String,
}

impl Setting {
    /// WPA2 with SHA-256 and without protected management frames, on channel 1.
    pub(crate) fn new(ssid: &str, passphrase: &str) -> Setting {
        Setting {
            ssid: ssid.to_owned(),
            passphrase: passphrase.to_owned(),
            channel: 1,
            band: 'g',
            pmf: 0,
            more: String::new(),
        }
    }

    fn text(&self, interface: &str, sockets: &Path) -> String {
        format!(
            "interface={interface}\ndriver=nl80211\nctrl_interface={}\nssid={}\ncountry_code=SE\nieee80211d=1\n\
             hw_mode={}\nchannel={}\nwpa=2\nrsn_pairwise=CCMP\nwpa_key_mgmt=WPA-PSK WPA-PSK-SHA256\n\
             wpa_passphrase={}\nieee80211w={}\n{}\n",
            sockets.display(),
            self.ssid,
            self.band,
            self.channel,
            self.passphrase,
            self.pmf,
            self.more,
        )
    }
}

/// It runs until it is dropped.
#[derive(Debug)]
pub(crate) struct PlainAp {
    child: Child,
    control: Option<Control>,
}

impl PlainAp {
    /// Starts hostapd on an interface of a namespace, and waits until it is on the air.
    pub(crate) async fn start(space: &Netns, interface: &str, setting: &Setting) -> Result<PlainAp> {
        let dir = PathBuf::from("/run/plain-ap").join(interface);
        std::fs::create_dir_all(&dir)?;
        let config = dir.join("hostapd.conf");
        std::fs::write(&config, setting.text(interface, &dir))?;
        let mut command = Command::new("hostapd");
        command.arg("-t").arg("-f").arg(Path::new(LOGS).join(format!("plain-{interface}.log"))).arg(&config);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = space.command(command)?.pdeathsig(libc::SIGKILL).spawn().context("start hostapd")?;
        let mut ap = PlainAp { child, control: None };
        let socket = dir.join(interface);
        let (control, _) = within(Duration::from_secs(10), "hostapd's control socket", || {
            let opened = Control::open(&socket);
            async move { opened.map(Some) }
        })
        .await?;
        within(Duration::from_secs(10), "the plain access point", || async {
            Ok((control.status("state").await?.as_deref() == Some("ENABLED")).then_some(()))
        })
        .await?;
        ap.control = Some(control);
        Ok(ap)
    }

    pub(crate) fn control(&self) -> Result<&Control> {
        self.control.as_ref().context("the access point has not started")
    }
}

impl Drop for PlainAp {
    fn drop(&mut self) {
        self.control = None;
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
