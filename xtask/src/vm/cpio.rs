//! The archive format the kernel unpacks into its first file system ("newc").

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};

const FOLDER: u32 = 0o040_755;
const LINK: u32 = 0o120_777;
const CHARACTER_DEVICE: u32 = 0o020_600;
const FILE: u32 = 0o100_000;

/// An archive being written. Parent folders come by themselves; a path written twice is written once.
pub(super) struct Cpio {
    out: BufWriter<File>,
    written: BTreeSet<String>,
    number: u32,
}

impl Cpio {
    pub(super) fn create(path: &Path) -> Result<Cpio> {
        let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Cpio { out: BufWriter::with_capacity(1 << 20, file), written: BTreeSet::new(), number: 0 })
    }

    pub(super) fn folder(&mut self, name: &str) -> Result<()> {
        self.entry(name, FOLDER, (0, 0), &[])
    }

    pub(super) fn link(&mut self, name: &str, to: &str) -> Result<()> {
        self.entry(name, LINK, (0, 0), to.as_bytes())
    }

    pub(super) fn device(&mut self, name: &str, major: u32, minor: u32) -> Result<()> {
        self.entry(name, CHARACTER_DEVICE, (major, minor), &[])
    }

    pub(super) fn bytes(&mut self, name: &str, permissions: u32, bytes: &[u8]) -> Result<()> {
        self.entry(name, FILE | (permissions & 0o7777), (0, 0), bytes)
    }

    /// A file of this machine, with its permissions.
    pub(super) fn file(&mut self, name: &str, from: &Path) -> Result<()> {
        let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        let mode = fs::metadata(from).with_context(|| format!("cannot look at {}", from.display()))?;
        self.bytes(name, mode.permissions().mode(), &bytes)
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.header("TRAILER!!!", 0, (0, 0), 0)?;
        self.out.flush().context("cannot write the archive")
    }

    fn entry(&mut self, name: &str, mode: u32, device: (u32, u32), content: &[u8]) -> Result<()> {
        if let Some((parent, _)) = name.rsplit_once('/') {
            self.folder(parent)?;
        }
        if !self.written.insert(name.to_owned()) {
            return Ok(());
        }
        self.header(name, mode, device, content.len())?;
        self.out.write_all(content).context("cannot write the archive")?;
        self.pad(content.len())
    }

    fn header(&mut self, name: &str, mode: u32, device: (u32, u32), length: usize) -> Result<()> {
        self.number += 1;
        let (major, minor) = device;
        let links = if mode == FOLDER { 2 } else { 1 };
        let fields = [
            u64::from(self.number),
            u64::from(mode),
            0, // user
            0, // group
            links,
            0, // changed
            u64::try_from(length).context("a file is too long")?,
            0, // on which device
            0,
            u64::from(major),
            u64::from(minor),
            u64::try_from(name.len() + 1).context("a name is too long")?,
            0, // checksum, unused
        ];
        let mut header = String::from("070701");
        for field in fields {
            header.push_str(&format!("{field:08x}"));
        }
        header.push_str(name);
        header.push('\0');
        self.out.write_all(header.as_bytes()).context("cannot write the archive")?;
        self.pad(header.len())
    }

    fn pad(&mut self, length: usize) -> Result<()> {
        let zeroes = &[0; 3][..length.wrapping_neg() % 4];
        self.out.write_all(zeroes).context("cannot write the archive")
    }
}
