//! How to join the Wi-Fi: a QR code for the eyes of whoever is invited, the same in words, and as files.

use std::path::PathBuf;

use clap::Args;
use hotshare_api::{Key, Mode, Secret};
use hotshare_core::keys::Passphrase;
use jiff::tz::TimeZone;

use super::screen::Screen;
use super::session::Session;
use super::stop::Stop;
use super::text::escaped;
use super::{ask, qr, when};

/// Where else the QR code goes.
#[derive(Debug, Args)]
pub(super) struct Files {
    /// Write the QR code into this SVG file too; only you may read it
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write the QR code into this PNG image too; only you may read it
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
}

/// A passphrase of the owner's own choice. Never as an argument: others see those.
#[derive(Debug, Args)]
pub(super) struct Own {
    /// Take the passphrase from the first line of this file instead of making one; “-” asks for it
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Own {
    pub(super) fn passphrase(&self, tried: &str) -> Result<Option<Secret>, Stop> {
        let Some(file) = &self.passphrase_file else { return Ok(None) };
        let text = ask::secret(file).map_err(|e| Stop::because(&format!("{tried}: no passphrase"), &e))?;
        let passphrase = Passphrase::new(&text).map_err(|e| Stop::refused(format!("{tried}: {e}")))?;
        Ok(Some(Secret(passphrase.secret().to_owned())))
    }
}

impl Files {
    /// Writes the files, then shows the key.
    pub(super) fn show(&self, session: &Session, key: &Key, shown: &Shown<'_>) -> Result<(), Stop> {
        if let Some(path) = &self.svg {
            qr::write_private(path, qr::svg(&key.join.0)?.as_bytes())?;
        }
        if let Some(path) = &self.png {
            qr::write_private(path, &qr::png(&key.join.0)?)?;
        }
        session.show(key, |key| text(key, shown, session.width))
    }
}

/// What the screen says beside the key.
pub(super) struct Shown<'a> {
    /// Whose key it is; `None`: everybody's.
    pub(super) person: Option<&'a str>,
    /// By which zone times are told.
    pub(super) zone: &'a TimeZone,
}

/// The screen.
pub(super) fn text(key: &Key, shown: &Shown<'_>, width: usize) -> String {
    let mut out = Screen::new(width);
    let code = qr::on_terminal(&key.join.0, width);
    if let Some(code) = &code {
        out.block(code);
        out.line("");
    }
    out.labelled("Network", &escaped(&key.name));
    match &key.passphrase {
        // Never wrapped: a passphrase may have spaces.
        Some(passphrase) => out.labelled_whole("Key", &escaped(&passphrase.0)),
        None => out.labelled("Key", "none is needed"),
    }
    if let Some(until) = key.until {
        out.labelled("Until", &format!("{} ({})", when::pretty(until, shown.zone), shown.zone_name()));
    }
    out.line("");
    let how = if code.is_some() {
        "Scan the code with the phone's camera, or choose the network and type the key."
    } else {
        "The terminal is too narrow for a QR code: choose the network and type the key, or write the code into a file with --svg or --png."
    };
    let how = if key.passphrase.is_none() {
        "Scan the code with the phone's camera, or choose the network."
    } else {
        how
    };
    out.wrapped("", how);
    match (shown.person, key.mode) {
        (Some(person), _) => {
            let person = escaped(person);
            out.wrapped(
                "",
                &format!("Whoever joins with this key is {person}, and spends {person}'s allowance."),
            );
        }
        (None, Mode::Sealed | Mode::Open | Mode::People | Mode::PeopleOld | Mode::Unknown) => {
            out.wrapped("", "A device that joins is closed until you say whose it is: `hotshare devices` lists those that wait.");
        }
    }
    out.into_text()
}

impl Shown<'_> {
    fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }
}

#[cfg(test)]
mod tests {
    use hotshare_core::radio::Join;

    use super::*;
    use crate::cli::qr::tests::seen_on_terminal;
    use crate::zone;

    fn key(mode: Mode, passphrase: Option<&str>, until: Option<i64>) -> Key {
        let ssid = hotshare_core::radio::Ssid::new("小明; \u{202e}net").expect("a name");
        let (core_mode, passphrase) = match mode {
            Mode::Sealed => (hotshare_core::radio::Mode::Sealed, passphrase),
            Mode::Open => (hotshare_core::radio::Mode::Open, None),
            Mode::People | Mode::PeopleOld | Mode::Unknown => {
                (hotshare_core::radio::Mode::People, passphrase)
            }
        };
        let told = passphrase.map(|text| hotshare_core::ask::KeyTold {
            passphrase: Passphrase::new(text).expect("a passphrase"),
            since: hotshare_core::units::UnixTime(1_795_455_000),
            until: until.map(hotshare_core::units::UnixTime),
        });
        crate::serve::key_told(&ssid, core_mode, told.as_ref())
    }

    /// What the phone reads off the screen is what was meant.
    #[test]
    fn the_screen_can_be_scanned() {
        let zone = zone::rules("Europe/Berlin");
        let shown = Shown { person: Some("anna"), zone: &zone };
        for passphrase in ["unlocked-trombone-celery-poking-vanity", r#"a;b:c,d\e"f  g"#, &"x".repeat(63)] {
            let screen = text(&key(Mode::People, Some(passphrase), None), &shown, 80);
            let join = Join::parse(&seen_on_terminal(&screen)).expect("what phones read");
            assert_eq!(join.ssid.as_str(), "小明; \u{202e}net");
            assert_eq!(join.passphrase.as_ref().map(Passphrase::secret), Some(passphrase));
            assert!(screen.contains(passphrase), "in words too, as it is: {screen}");
        }
    }

    #[test]
    fn in_words() {
        let zone = zone::rules("Europe/Berlin");
        let mut told = String::new();
        for (key, person, width) in [
            (
                key(Mode::People, Some("unlocked-trombone-celery-poking-vanity"), Some(1_795_541_400)),
                Some("anna"),
                40,
            ),
            (key(Mode::People, Some("seven  purple otters juggling in the sun"), None), Some("小明"), 30),
            (key(Mode::Sealed, Some("unlocked-trombone-celery-poking-vanity"), None), None, 80),
            (key(Mode::Open, None, None), None, 80),
        ] {
            let screen = text(&key, &Shown { person, zone: &zone }, width);
            let plain = anstream::adapter::strip_str(&screen).to_string();
            let words = plain.lines().filter(|line| !line.contains(['█', '▀', '▄']));
            told += &format!("--- at {width}\n{}\n", words.collect::<Vec<_>>().join("\n"));
            assert_eq!(plain.contains('█'), width == 80, "a code only where it fits");
        }
        insta::assert_snapshot!(told);
    }
}
