//! Passphrases: made of words that people can read out and type, or judged when they are of the owner's own choice.

use diceware_wordlists::EFF_LONG_WORDLIST;
use hotshare_core::keys::{self, Guess, NoDraw, Passphrase, WeakPassphrase};
use rand::TryRng as _;
use rand::rngs::{SysError, SysRng};

/// Makes a passphrase from the operating system's random numbers.
///
/// # Errors
/// When the operating system has none: nothing else will do.
pub(crate) fn fresh_passphrase() -> Result<Passphrase, NoPassphrase> {
    Ok(keys::draw(&EFF_LONG_WORDLIST, || SysRng.try_next_u32())?.passphrase)
}

/// Why no passphrase could be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a passphrase")]
pub(crate) struct NoPassphrase(#[from] NoDraw<SysError>);

/// A passphrase of the owner's own choice, if it is a good one. `known`: what a stranger would try first, such as
/// the network's name.
pub(super) fn judged(text: &str, known: &[&str]) -> Result<Passphrase, WeakPassphrase> {
    // It is not a good one if it is none at all; and nothing long is given to a judge that takes its time.
    Passphrase::new(text)?;
    let entropy = zxcvbn::zxcvbn(text, &[known, &["hotshare", "hotspot", "wifi", "wlan"]].concat());
    let warning = entropy.feedback().and_then(|feedback| feedback.warning());
    let advice = warning.map(|warning| in_a_sentence(&warning.to_string())).into_iter().collect();
    let guess = Guess { guesses_log10: entropy.guesses_log10(), advice };
    keys::judge(text, &guess, known)
}

/// A sentence as a part of another.
fn in_a_sentence(text: &str) -> String {
    let mut rest = text.trim_end_matches('.').chars();
    let first = rest.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_ones_are_words_and_never_the_same() {
        let made: Vec<String> =
            (0..50).map(|_| fresh_passphrase().expect("random numbers").secret().to_owned()).collect();
        for text in &made {
            let words: Vec<&str> = text.split('-').collect();
            assert_eq!(words.len(), 5, "{text}");
            assert!(words.iter().all(|word| EFF_LONG_WORDLIST.contains(word)), "{text}");
            // Nothing is known of a made one: "anna" in "cannabis" is an accident, once in some hundred.
            assert!(judged(text, &[]).is_ok(), "{text}");
        }
        let different: std::collections::BTreeSet<&String> = made.iter().collect();
        assert_eq!(different.len(), made.len());
    }

    #[test]
    fn ones_own_are_judged_with_the_reason() {
        let mut told = String::new();
        for text in [
            "1234567",
            "password1234",
            "qwertyuiop",
            "aaaaaaaaaaaaaaaa",
            "Anna2019!",
            "annahatgeburtstag",
            "The Millers 2026",
            "correct horse battery staple",
            "seven purple otters juggling",
            "ich mag keine kalten Kartoffeln",
            "k7Qp2mXw9rLz",
            "größe ist nicht alles",
        ] {
            let verdict = match judged(text, &["The Millers", "anna"]) {
                Ok(_) => "good".to_owned(),
                Err(why) => why.to_string(),
            };
            told += &format!("{text}\n    {verdict}\n");
        }
        insta::assert_snapshot!(told);
    }
}
