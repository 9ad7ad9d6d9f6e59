//! Secrets that are drawn: of sessions, links and tokens. Only their hashes are kept.

use blake2::digest::Digest as _;
use blake2::{Blake2b512, Blake2s256};
use hotshare_core::access::Digest;
use rand::TryRng as _;
use rand::rngs::{SysError, SysRng};

/// 256 bits of the operating system's random numbers, in hexadecimal.
pub(super) fn draw() -> Result<String, SysError> {
    let mut bytes = [0; 32];
    SysRng.try_fill_bytes(&mut bytes)?;
    Ok(hex(&bytes))
}

/// What is kept of one. A plain hash is enough: nobody can try all that could have been drawn.
pub(super) fn digest(secret: impl AsRef<[u8]>) -> Digest {
    Digest(Blake2s256::digest(secret.as_ref()).into())
}

/// What each form of a session's pages brings back: whoever has it had a page of that session before. It does not
/// lead back to the session's secret.
pub(super) fn csrf(session: &str) -> String {
    let hash = Blake2b512::new().chain_update(b"hotshare csrf ").chain_update(session.as_bytes()).finalize();
    hash.first_chunk::<32>().map(|half| hex(half)).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_and_all_different() {
        let drawn: std::collections::BTreeSet<String> =
            (0..100).map(|_| draw().expect("random numbers")).collect();
        assert_eq!(drawn.len(), 100);
        assert!(
            drawn.iter().all(|secret| secret.len() == 64 && secret.bytes().all(|b| b.is_ascii_hexdigit()))
        );
        let of = |secret| (digest(secret), csrf(secret));
        assert_eq!(of("a"), of("a"));
        assert!(of("a").0 != of("b").0 && of("a").1 != of("b").1);
        assert_ne!(hex(&digest("a").0), csrf("a"));
    }
}
