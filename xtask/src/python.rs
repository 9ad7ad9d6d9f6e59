//! Python packages that tests need: one environment with exact versions, kept under `target/tools`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cargo::{target, top};
use crate::packages::Package;

/// What makes such an environment. Debian keeps it apart from Python itself.
pub(crate) const VENV: Package = Package {
    name: "python3-venv",
    proof: "/usr/lib/python3.11/ensurepip",
    purpose: "to install tools that look at the interface",
};

/// Makes sure that the environment is there and holds what `tests/python/requirements.txt` says.
pub(crate) fn ensure_packages() -> Result<()> {
    let wanted = top().join("tests/python/requirements.txt");
    let text = std::fs::read(&wanted).with_context(|| format!("cannot read {}", wanted.display()))?;
    let folder = target().join("tools/python");
    // Written when all is done, so what was broken off is done again.
    let made = folder.join("requirements.txt");
    if std::fs::read(&made).is_ok_and(|made| made == text) {
        return Ok(());
    }
    println!("installing Python packages, once, into {}", folder.display());
    call(Command::new("/usr/bin/python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let pip =
        ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--requirement"];
    call(Command::new(folder.join("bin/python")).args(pip).arg(&wanted))?;
    std::fs::write(&made, text).with_context(|| format!("cannot write {}", made.display()))
}

fn call(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_owned();
    let program = Path::new(&program).display();
    let status = command.status().with_context(|| format!("cannot start {program}"))?;
    ensure!(status.success(), "{program} failed; its own message is above");
    Ok(())
}
