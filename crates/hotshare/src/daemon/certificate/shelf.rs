//! The folder in which the account and the certificate are kept. The disk may take its time, so another thread waits.

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use hotshare_acme::Keep;
use hotshare_linux::host::write_durably;

#[derive(Clone, Debug)]
pub(in crate::daemon) struct Shelf(PathBuf);

impl Shelf {
    /// Makes the folder, for the owner alone.
    pub(in crate::daemon) fn open(dir: PathBuf) -> io::Result<Shelf> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        Ok(Shelf(dir))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(super) async fn get(&self, name: &'static str) -> io::Result<Option<Vec<u8>>> {
        self.aside(name, |path| match std::fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    pub(super) async fn put(&self, name: &'static str, bytes: Vec<u8>) -> io::Result<()> {
        self.aside(name, move |path| write_durably(path, &bytes)).await
    }

    pub(super) async fn take_away(&self, name: &'static str) -> io::Result<()> {
        self.aside(name, |path| match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        })
        .await
    }

    async fn aside<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let path = self.path(name);
        tokio::task::spawn_blocking(move || work(&path)).await.map_err(io::Error::other)?
    }
}

impl Keep for Shelf {
    async fn read(&self, name: &'static str) -> io::Result<Option<Vec<u8>>> {
        self.get(name).await
    }

    async fn write(&self, name: &'static str, bytes: Vec<u8>) -> io::Result<()> {
        self.put(name, bytes).await
    }

    async fn remove(&self, name: &'static str) -> io::Result<()> {
        self.take_away(name).await
    }
}
