//! Room between two ends of a link.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};

/// A test's link is a queue in front of a busy processor: what overflows there was sent, and charged, but no far side can
/// count it. The host's limit is raised, and put back. To be made before the thread goes into a namespace, where the
/// setting is not.
pub struct Backlog {
    setting: File,
    usual: Vec<u8>,
}

impl Backlog {
    pub fn widen() -> Backlog {
        let path = "/proc/sys/net/core/netdev_max_backlog";
        let mut setting = File::options().read(true).write(true).open(path).expect("the host's setting");
        let mut usual = Vec::new();
        setting.read_to_end(&mut usual).expect("the host's setting");
        setting.rewind().and_then(|()| setting.write_all(b"200000")).expect("a larger backlog");
        Backlog { setting, usual }
    }
}

impl Drop for Backlog {
    fn drop(&mut self) {
        // Whoever may raise it may lower it.
        drop(self.setting.rewind().and_then(|()| self.setting.write_all(&self.usual)));
    }
}
