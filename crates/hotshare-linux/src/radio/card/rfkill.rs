//! Switches that turn cards off: the kernel's rfkill.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// What one is told by, and how it is set (linux/rfkill.h).
const DEVICE: &str = "/dev/rfkill";
const CLASS: &str = "/sys/class/rfkill";
const TYPE_WLAN: u8 = 1;
const OP_CHANGE: u8 = 2;

/// A card's switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Switch {
    index: u32,
    /// Off by software, which we can change.
    pub(super) soft: bool,
    /// Off by a real switch or key.
    pub(super) hard: bool,
}

/// The switch of the card `phy`; `None` when it has none, or the kernel knows no switches.
pub(super) fn of(phy: &str) -> Option<Switch> {
    find(Path::new(CLASS), phy)
}

fn find(class: &Path, phy: &str) -> Option<Switch> {
    fs::read_dir(class).ok()?.flatten().find_map(|entry| {
        let is =
            |file, value| fs::read_to_string(entry.path().join(file)).is_ok_and(|text| text.trim() == value);
        let index = entry.file_name().to_str()?.strip_prefix("rfkill")?.parse().ok()?;
        is("name", phy).then(|| Switch { index, soft: is("soft", "1"), hard: is("hard", "1") })
    })
}

impl Switch {
    /// Turns the card on or off.
    pub(super) fn set_soft(&self, off: bool) -> io::Result<()> {
        match OpenOptions::new().write(true).open(DEVICE) {
            Ok(mut device) => device.write_all(&self.event(off)),
            // A sandbox may hide devices, and not this.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::write(format!("{CLASS}/rfkill{}/soft", self.index), if off { "1" } else { "0" })
            }
            Err(error) => Err(error),
        }
    }

    fn event(&self, off: bool) -> [u8; 8] {
        let [a, b, c, d] = self.index.to_ne_bytes();
        [a, b, c, d, TYPE_WLAN, OP_CHANGE, u8::from(off), 0]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn a_cards_switch_is_found_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        for (index, name, soft, hard) in
            [(0, "hci0", "1", "0"), (3, "phy0", "1", "0"), (12, "phy1", "0", "1")]
        {
            let switch = dir.path().join(format!("rfkill{index}"));
            fs::create_dir(&switch).unwrap();
            for (file, text) in [("name", name), ("soft", soft), ("hard", hard)] {
                fs::write(switch.join(file), format!("{text}\n")).unwrap();
            }
        }
        assert_eq!(find(dir.path(), "phy0"), Some(Switch { index: 3, soft: true, hard: false }));
        assert_eq!(find(dir.path(), "phy1"), Some(Switch { index: 12, soft: false, hard: true }));
        assert_eq!(find(dir.path(), "phy2"), None);
        assert_eq!(find(&dir.path().join("none"), "phy0"), None);
    }

    #[test]
    fn the_event_is_as_the_kernel_reads_it() {
        let switch = Switch { index: 3, soft: true, hard: false };
        assert_eq!(switch.event(false)[..4], 3_u32.to_ne_bytes());
        assert_eq!(switch.event(false)[4..], [1, 2, 0, 0]);
        assert_eq!(switch.event(true)[4..], [1, 2, 1, 0]);
    }
}
