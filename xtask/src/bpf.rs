//! `cargo xtask bpf`: compiles the kernel meter, or proves that the committed object is what the source
//! compiles to.
//!
//! The compiler is named with its version: another one makes other bytes. Paths are cut out of the object, so
//! that it does not depend on where the source stands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

const CLANG: &str = "clang-14";
const STRIP: &str = "llvm-strip-14";
const FOLDER: &str = "crates/hotshare-linux/src/datapath/bpf";
const SOURCE: &str = "hotshare.bpf.c";
const OBJECT: &str = "hotshare.bpfel.o";

/// Compiles the source; `check` only compares.
pub(crate) fn run(check: bool) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = root.join(FOLDER).canonicalize().with_context(|| format!("looking for {FOLDER}"))?;
    let fresh = std::env::temp_dir().join(format!("hotshare-bpf-{}.o", std::process::id()));
    let made = compile(&folder, &fresh).and_then(|()| fs::read(&fresh).context("reading the new object"));
    let _ = fs::remove_file(&fresh);
    let made = made?;
    let committed = folder.join(OBJECT);
    if !check {
        fs::write(&committed, &made).with_context(|| format!("writing {FOLDER}/{OBJECT}"))?;
        println!("bpf: {FOLDER}/{OBJECT}, {} bytes", made.len());
        return Ok(());
    }
    let there = fs::read(&committed).with_context(|| format!("reading {FOLDER}/{OBJECT}"))?;
    if there != made {
        bail!(
            "{FOLDER}/{OBJECT} is not what {SOURCE} compiles to: run `cargo xtask bpf` and commit the object"
        );
    }
    println!("bpf: the committed object is what {SOURCE} compiles to");
    Ok(())
}

fn compile(folder: &Path, to: &Path) -> Result<()> {
    let mut clang = Command::new(CLANG);
    clang.current_dir(folder).args(["-O2", "-g", "-Wall", "-Wextra", "-Werror"]);
    clang.args(["-target", "bpfel", "-mcpu=v3"]);
    // The folder of the compiler's caller would stand in the BTF line records.
    clang.arg(format!("-fdebug-prefix-map={}=.", folder.display()));
    if let Some(headers) = machine_headers() {
        clang.arg("-idirafter").arg(headers);
    }
    clang.args(["-c", SOURCE, "-o"]).arg(to);
    obey(clang, CLANG, "clang-14, libbpf-dev and linux-libc-dev")?;

    let mut strip = Command::new(STRIP);
    strip.arg("-g").arg(to); // DWARF goes, BTF stays
    obey(strip, STRIP, "llvm-14")
}

/// Debian keeps `asm/types.h` in a folder named after the machine, where `-target bpf` does not look.
fn machine_headers() -> Option<PathBuf> {
    let folder = Path::new("/usr/include").join(format!("{}-linux-gnu", std::env::consts::ARCH));
    folder.is_dir().then_some(folder)
}

fn obey(mut command: Command, name: &str, packages: &str) -> Result<()> {
    let status = command.status().with_context(|| format!("starting {name} (Debian: {packages})"))?;
    if !status.success() {
        bail!("{name} failed: {status}");
    }
    Ok(())
}
