//! Passphrases of words that people can read out and type.

use super::Passphrase;

/// A made passphrase is at least as hard to guess as so many throws of a coin. Whoever records one joining can try
/// passphrases without the access point, some 2.5 million a second with each of the fastest graphics cards of 2024:
/// ten of them need 1,400 years for 2^60.
pub const MADE_BITS: f64 = 60.0;

/// A passphrase that was made, and how hard it is to guess for somebody who knows how.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    pub passphrase: Passphrase,
    pub bits: f64,
}

/// Why none could be made. `E` is what the source of random numbers says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDraw<E> {
    #[error("a list of {0} words is too short to make passphrases from")]
    FewWords(usize),
    #[error("there are no random numbers")]
    Random(#[source] E),
    #[error("the random numbers are always the same")]
    Stuck,
}

/// Draws words from a list, each as likely as any other, as many as [`MADE_BITS`] needs, and joins them with `-`.
///
/// Only words of 3 to 9 small letters are used, each once. `random` gives 32 bits, from a source fit for keys.
///
/// # Errors
/// When the list has fewer than 1,024 such words, or `random` fails.
pub fn draw<E>(list: &[&str], mut random: impl FnMut() -> Result<u32, E>) -> Result<Drawn, NoDraw<E>> {
    let typed_easily = |w: &&str| (3..=9).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_lowercase());
    let mut words: Vec<&str> = list.iter().copied().filter(typed_easily).collect();
    words.sort_unstable();
    words.dedup();
    let few = || NoDraw::FewWords(words.len());
    let count = u32::try_from(words.len()).ok().filter(|n| *n >= 1024).ok_or_else(few)?;
    let bits_each = f64::from(count).log2();
    // 2^32 is no multiple of the count: what is left over at the end would make some words more likely
    let fair = u32::MAX - u32::MAX % count;
    let mut drawn: Vec<&str> = Vec::new();
    let mut bits = 0.0;
    for _ in 0..1000 {
        if bits >= MADE_BITS {
            let passphrase = Passphrase::new(&drawn.join("-")).map_err(|_| few())?;
            return Ok(Drawn { passphrase, bits });
        }
        let number = random().map_err(NoDraw::Random)?;
        if let Some(word) =
            usize::try_from(number % count).ok().and_then(|n| words.get(n)).filter(|_| number < fair)
        {
            drawn.push(word);
            bits += bits_each;
        }
    }
    Err(NoDraw::Stuck)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    /// Words of letters: `aaaa`, `aaab`, …
    fn list(length: usize) -> Vec<String> {
        let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap());
        let word = |n: usize| [n / 17576, n / 676, n / 26, n].iter().map(|p| letter(*p)).collect();
        (0..length).map(word).collect()
    }

    fn drawn(list: &[String], mut random: impl FnMut() -> u32) -> Result<Drawn, NoDraw<Infallible>> {
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        draw(&list, || Ok(random()))
    }

    /// A small generator: xorshift32.
    fn xorshift(mut state: u32) -> impl FnMut() -> u32 {
        move || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state
        }
    }

    #[test]
    fn the_usual_lists_give_four_to_six_words() {
        for (length, words) in [(7776, 5), (40_000, 4), (1296, 6)] {
            let made = drawn(&list(length), xorshift(7)).unwrap();
            assert_eq!(made.passphrase.secret().split('-').count(), words);
            assert!(made.bits >= MADE_BITS && made.bits < 66.0, "{length}: {}", made.bits);
        }
    }

    #[test]
    fn a_bad_list_or_source_makes_none() {
        assert_eq!(drawn(&list(1023), xorshift(7)), Err(NoDraw::FewWords(1023)));
        let mut twice = list(1000);
        twice.extend(list(1000));
        assert_eq!(drawn(&twice, xorshift(7)), Err(NoDraw::FewWords(1000)));
        assert_eq!(drawn(&list(7776), || u32::MAX), Err(NoDraw::Stuck));
        let words = list(7776);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(draw(&words, || Err("dry")), Err(NoDraw::Random("dry")));
    }

    #[test]
    fn each_word_is_as_likely_as_any_other() {
        let list = list(1500);
        let mut random = xorshift(2_463_534_242);
        let mut counts = std::collections::BTreeMap::<String, u32>::new();
        let draws = 10_000;
        for _ in 0..draws {
            let made = drawn(&list, &mut random).unwrap();
            for word in made.passphrase.secret().split('-') {
                *counts.entry(word.to_owned()).or_default() += 1;
            }
        }
        // chi-squared with 1,499 degrees of freedom has mean 1,499 and deviation 55
        let expected = f64::from(draws * 6) / 1500.0;
        let chi: f64 = list
            .iter()
            .map(|w| (f64::from(counts.get(w).copied().unwrap_or(0)) - expected).powi(2) / expected)
            .sum();
        assert!((1499.0 - 5.0 * 55.0..1499.0 + 5.0 * 55.0).contains(&chi), "{chi}");
    }

    #[test]
    fn the_last_numbers_do_not_favour_the_first_words() {
        // with 1,500 words, 2^32 - 1 and its neighbours would all be one of the first 796
        let mut numbers = [u32::MAX, u32::MAX - 1, u32::MAX - 700].into_iter().chain(0..);
        let made = drawn(&list(1500), || numbers.next().unwrap()).unwrap();
        assert!(made.passphrase.secret().starts_with("aaaa-aaab-aaac"), "{}", made.passphrase.secret());
    }

    proptest! {
        #[test]
        fn whatever_is_drawn_is_strong_and_can_be_typed(length in 1024_usize..20_000, seed in 1_u32..) {
            let list = list(length);
            let made = drawn(&list, xorshift(seed)).unwrap();
            let text = made.passphrase.secret();
            prop_assert!(made.bits >= MADE_BITS);
            prop_assert!(text.len() <= 63);
            prop_assert!(text.split('-').all(|word| list.iter().any(|w| w == word)));
        }
    }
}
