//! Passphrases: made of words that people can read out and type, or judged when they are of the owner's own choice.

use diceware_wordlists::EFF_LONG_WORDLIST;
use hotshare_core::keys::Passphrase;
use rand::TryRng;
use rand::rngs::SysRng;

/// Makes a passphrase from the operating system's random numbers.
///
/// # Errors
/// When the operating system has none: nothing else will do.
pub(crate) fn fresh_passphrase() -> Result<Passphrase, NoPassphrase> {
    drawn(|| SysRng.try_next_u32().map_err(|e| NoPassphrase(e.to_string())))
}

/// Why no passphrase could be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a passphrase: {0}")]
pub(crate) struct NoPassphrase(String);

/// Of the words: 5 of 7,772 have 64.6 bits.
const WORDS: usize = 5;

/// Draws words, each as likely as any other.
fn drawn<E>(mut random: impl FnMut() -> Result<u32, E>) -> Result<Passphrase, E> {
    // A hyphen stands between words, so that none with one inside is taken.
    let plain: Vec<&str> = EFF_LONG_WORDLIST.iter().copied().filter(|word| !word.contains('-')).collect();
    let count = u32::try_from(plain.len()).unwrap_or(u32::MAX);
    // What is left over at the end would make the first words more likely.
    let fair = u32::MAX - u32::MAX % count;
    let mut words: Vec<&str> = Vec::new();
    while words.len() < WORDS {
        let number = random()?;
        if number < fair {
            words.extend(usize::try_from(number % count).ok().and_then(|n| plain.get(n).copied()));
        }
    }
    Ok(Passphrase::new(&words.join("-")).expect("five short words"))
}

/// A passphrase of the owner's own choice, if it is a good one; the message says why not. `known`: what a
/// stranger would try first, such as the network's name.
pub(super) fn judged(text: &str, known: &[&str]) -> Result<Passphrase, String> {
    let passphrase = Passphrase::new(text).map_err(|e| e.to_string())?;
    let verdict = zxcvbn::zxcvbn(text, known);
    if verdict.guesses_log10() >= ENOUGH {
        return Ok(passphrase);
    }
    let warning =
        verdict.feedback().and_then(|feedback| feedback.warning()).map(|warning| format!(" {warning}"));
    Err(format!(
        "this passphrase is too easily guessed.{} Take several words that have nothing to do with one another, or let Hotshare make one",
        warning.unwrap_or_default()
    ))
}

/// The decimal logarithm of how many guesses a passphrase must withstand.
const ENOUGH: f64 = 12.0;
