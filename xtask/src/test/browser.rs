//! What drives Chromium in the tests, installed from the npm registry into the target folder.

use std::fs;
use std::io::ErrorKind;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cargo::{target, top};
use crate::packages::Package;

pub(super) const PACKAGES: [Package; 5] = [
    Package { name: "chromium", proof: "/usr/bin/chromium", purpose: "to be the browser" },
    Package {
        name: "fonts-wqy-microhei",
        proof: "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
        purpose: "to show Chinese",
    },
    Package { name: "iproute2", proof: "ip", purpose: "to build namespaces and enter them" },
    Package { name: "nodejs", proof: "node", purpose: "to tell the browser what to do" },
    Package { name: "npm", proof: "npm", purpose: "to install what knows how" },
];

/// What says which packages; the lock file holds their sums.
const FILES: [&str; 3] = [".npmrc", "package.json", "package-lock.json"];

/// Installs into `target/browser` what `tests/browser/package-lock.json` names, unless it is there, and removes the
/// pictures of an earlier run.
pub(super) fn prepare() -> Result<()> {
    let from = top().join("tests/browser");
    let folder = target().join("browser");
    match fs::remove_dir_all(folder.join("screens")) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).context("cannot remove old pictures");
        }
        Ok(()) | Err(_) => {}
    }
    let mut texts = Vec::new();
    for name in FILES {
        let path = from.join(name);
        texts.push(fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?);
    }
    // Written last: when it is there, all is there.
    let stamp = folder.join("installed");
    let now = texts.concat();
    if fs::read(&stamp).is_ok_and(|then| then == now) {
        return Ok(());
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, text) in FILES.iter().zip(&texts) {
        fs::write(folder.join(name), text).with_context(|| format!("cannot write {name}"))?;
    }
    let status = Command::new("npm")
        // Nothing of a package is run while it is installed.
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .status()
        .context("cannot start npm")?;
    ensure!(status.success(), "npm could not install what drives the browser; its own message is above");
    fs::write(&stamp, now).with_context(|| format!("cannot write {}", stamp.display()))
}
