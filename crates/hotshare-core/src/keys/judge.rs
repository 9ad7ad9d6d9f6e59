//! Is a passphrase of the owner's own choice good enough?

use super::{BadPassphrase, Passphrase};

/// How many guesses one has to resist, as a power of ten.
///
/// Whoever records one joining can try passphrases without the access point: each costs 8,192 HMAC-SHA1 (PBKDF2
/// with 4,096 rounds for two blocks), and the fastest graphics card of 2024 makes some 2.5 million tries a second.
/// 10^14 guesses take it 463 days: more than a person's data plan is worth. Less than a made passphrase
/// ([`super::MADE_BITS`], 10^18), because people have to be able to remember it; zxcvbn counts what an attacker
/// who knows how people choose would try.
pub const OWN_GUESSES_LOG10: f64 = 14.0;

/// Tries a second of one fast graphics card.
const TRIES_A_SECOND: f64 = 2.5e6;

/// What a judge of passwords (zxcvbn) says of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guess {
    /// How many guesses it resists, as a power of ten.
    pub guesses_log10: f64,
    /// What is wrong with it, and what would be better: sentences without a full stop.
    pub advice: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassphrase {
    #[error(transparent)]
    Impossible(#[from] BadPassphrase),
    #[error(
        "“{0}” is in this passphrase, and everybody who sees the network knows that; leave it out, or let Hotshare \
         make one"
    )]
    Named(String),
    #[error(
        "this passphrase is too easy to guess: {time} on one fast graphics card{advice}; write four words or more \
         that do not belong together, or let Hotshare make one"
    )]
    Guessable { time: String, advice: String },
}

/// Takes a passphrase that the owner typed, if it is a good one. `known` is what strangers can see or suppose:
/// the network's name and the person's.
///
/// # Errors
/// With the reason, and what to do.
pub fn judge(text: &str, guess: &Guess, known: &[&str]) -> Result<Passphrase, WeakPassphrase> {
    let passphrase = Passphrase::new(text)?;
    let small = text.to_lowercase();
    let named =
        known.iter().map(|k| k.trim()).find(|k| k.chars().count() >= 3 && small.contains(&k.to_lowercase()));
    if let Some(name) = named {
        return Err(WeakPassphrase::Named(name.to_owned()));
    }
    // written so that a NaN is no good either
    let is_good = guess.guesses_log10 >= OWN_GUESSES_LOG10;
    if !is_good {
        let advice: Vec<&str> = guess.advice.iter().map(|a| a.trim().trim_end_matches('.')).collect();
        let advice: String = advice.iter().filter(|a| !a.is_empty()).map(|a| format!("; {a}")).collect();
        return Err(WeakPassphrase::Guessable { time: time(guess.guesses_log10), advice });
    }
    Ok(passphrase)
}

/// How long the guesses take, in words.
fn time(guesses_log10: f64) -> String {
    let seconds = 10f64.powf(guesses_log10) / TRIES_A_SECOND;
    let units = [(86_400.0, "day"), (3_600.0, "hour"), (60.0, "minute")];
    let unit = units.iter().find(|(length, _)| seconds >= *length);
    unit.map_or_else(
        || "less than a minute".to_owned(),
        |(length, name)| {
            let count = (seconds / length).floor();
            format!("{count} {name}{}", if count < 1.5 { "" } else { "s" })
        },
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use proptest::prelude::*;

    use super::*;

    fn guess(guesses_log10: f64) -> Guess {
        Guess { guesses_log10, advice: Vec::new() }
    }

    #[test]
    fn a_strong_one_is_taken() {
        let taken = judge("glacier otter trumpet 1911", &guess(14.0), &["Home", "anna"]).unwrap();
        assert_eq!(taken.secret(), "glacier otter trumpet 1911");
    }

    #[test]
    fn each_refusal_says_why_and_what_to_do() {
        let words =
            |text, guess: &Guess| judge(text, guess, &["Home", "Anna", "al"]).unwrap_err().to_string();
        let advice =
            Guess { guesses_log10: 9.0, advice: vec!["This is a top-10 common password.".to_owned()] };
        assert_eq!(
            words("password1", &advice),
            "this passphrase is too easy to guess: 6 minutes on one fast graphics card; This is a top-10 common \
             password; write four words or more that do not belong together, or let Hotshare make one"
        );
        assert!(words("i-am-ANNA-really-i-am", &guess(20.0)).starts_with("“Anna” is in this passphrase"));
        assert!(words("short", &guess(20.0)).contains("8 to 63 characters"));
        assert!(words("qwertyuiop", &guess(f64::NAN)).contains("too easy"));
        assert!(words("qwertyuiop", &guess(3.0)).contains("less than a minute"));
        assert!(words("qwertyuiop", &guess(13.5)).contains("146 days"));
        // a name of two letters is in many words
        assert!(judge("coral-tidal-spiral-local", &guess(20.0), &["al"]).is_ok());
    }

    proptest! {
        #[test]
        fn the_verdict_follows_the_guesses(text in "[a-z]{8,30}", log in -5.0..25.0f64) {
            prop_assert_eq!(judge(&text, &guess(log), &[]).is_ok(), log >= OWN_GUESSES_LOG10);
        }
    }
}
