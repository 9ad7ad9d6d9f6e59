//! Secrets in files that only their owner can read. They are read anew each time, so that one can be replaced while the
//! daemon runs, and are never part of a message.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Why a secret is not used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("cannot read the secret in {}", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    #[error("{} can be read by others: take that away with `chmod 600`, and use another secret if it may be known", .0.display())]
    Open(PathBuf),
    #[error("{} belongs to neither root nor whoever runs the daemon; use a file of root's", .0.display())]
    Foreign(PathBuf),
    #[error("{} holds no secret: it must be one line of text, 1 to {MOST} bytes", .0.display())]
    NotASecret(PathBuf),
}

const MOST: usize = 4096;

/// Whether the secret can be read as it has to be.
pub fn check(path: &Path) -> Result<(), SecretError> {
    read(path).map(drop)
}

/// The one line of a file. Asks the open file, not the path, who may read it.
pub fn read(path: &Path) -> Result<String, SecretError> {
    let unreadable = |e| SecretError::Unreadable(path.to_owned(), e);
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let meta = file.metadata().map_err(unreadable)?;
    if !meta.is_file() {
        return Err(SecretError::NotASecret(path.to_owned()));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(SecretError::Open(path.to_owned()));
    }
    let own = std::fs::metadata("/proc/self").map(|own| own.uid()).unwrap_or(0);
    if meta.uid() != 0 && meta.uid() != own {
        return Err(SecretError::Foreign(path.to_owned()));
    }
    let mut text = String::new();
    let most = u64::try_from(MOST).unwrap_or(u64::MAX);
    file.take(most + 1).read_to_string(&mut text).map_err(unreadable)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() || text.len() > MOST || line.chars().any(char::is_control) {
        return Err(SecretError::NotASecret(path.to_owned()));
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_a_line_that_nobody_else_can_read_is_a_secret() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("secret");
        let write = |text: &str, mode: u32| {
            std::fs::write(&path, text).expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("mode");
            read(&path)
        };
        assert_eq!(write("s3cret pass\n", 0o600).expect("good"), "s3cret pass");
        assert_eq!(write("s3cret\r\n", 0o400).expect("good"), "s3cret");
        for mode in [0o640, 0o604, 0o660, 0o601] {
            assert!(matches!(write("s3cret\n", mode), Err(SecretError::Open(_))), "{mode:o}");
        }
        for text in ["", "\n", "two\nlines\n", "a\tb", &"x".repeat(MOST + 1)] {
            let error = write(text, 0o600).expect_err("no secret");
            assert!(matches!(error, SecretError::NotASecret(_)), "{error}");
            assert!(!error.to_string().contains("two"));
        }
        assert!(matches!(read(dir.path()), Err(SecretError::NotASecret(_))));
        assert!(matches!(read(&dir.path().join("none")), Err(SecretError::Unreadable(..))));
    }
}
