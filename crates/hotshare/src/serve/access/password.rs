//! Passwords: judged when they are chosen, and kept as what argon2id makes of them.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use hotshare_core::keys::WeakPassphrase;
use rand::TryRng as _;
use rand::rngs::SysRng;

use super::super::passphrase;

/// KiB for one hash, passes and lanes: the first choice of OWASP's “Password Storage Cheat Sheet” that a small machine
/// can bear (19 MiB, two passes, one lane); some 30 ms on a desktop, 200 ms on a small board. RFC 9106 (4) asks for
/// more memory where there is some. A password that [`judge`] lets through withstands more guesses than this needs to.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Why there is no hash.
#[derive(Debug, thiserror::Error)]
#[error("a password cannot be kept: {0}")]
pub(super) struct NoHash(String);

/// Is it a good one, as Wi-Fi keys are?
pub(super) fn judge(text: &str, known: &[&str]) -> Result<(), WeakPassphrase> {
    passphrase::judged(text, known).map(drop)
}

/// What is kept of a password: a PHC string with its own salt. Takes its time: never on the runtime's thread.
pub(super) fn hash(password: &str) -> Result<String, NoHash> {
    let wrong = |error: &dyn ToString| NoHash(error.to_string());
    let mut salt = [0; 16];
    SysRng.try_fill_bytes(&mut salt).map_err(|e| wrong(&e))?;
    let hash: PasswordHash =
        hasher()?.hash_password_with_salt(password.as_bytes(), &salt).map_err(|e| wrong(&e))?;
    Ok(hash.to_string())
}

/// Is it the password that this was made of? As slow as [`hash`].
pub(super) fn is_right(password: &str, hash: &str) -> bool {
    let (Ok(hasher), Ok(hash)) = (hasher(), PasswordHash::new(hash)) else {
        tracing::error!(
            "what is kept of a password cannot be read; set another with `hotshare access password`"
        );
        return false;
    };
    hasher.verify_password(password.as_bytes(), &hash).is_ok()
}

fn hasher() -> Result<Argon2<'static>, NoHash> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|e| NoHash(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_by_its_hash_only() {
        let made = hash("purple otters juggle at noon").expect("a hash");
        assert!(made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{made}");
        assert!(is_right("purple otters juggle at noon", &made));
        assert!(!is_right("purple otters juggle at noo", &made));
        assert!(!is_right("", &made) && !is_right("x", "") && !is_right("x", "$argon2id$"));
        assert_ne!(made, hash("purple otters juggle at noon").expect("a hash"), "each has its salt");
    }
}
