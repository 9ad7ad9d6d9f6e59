//! What speaks for a country, and how the kernel is told.

use std::time::Duration;
use std::{env, fs};

use hotshare_core::radio::Country;
use tokio::time::{Instant, sleep};

use super::air::Air;
use super::journal::CountryBefore;
use super::phy::Phy;
use super::{Card, CardError};

/// The Country element of a beacon (IEEE 802.11-2020, 9.4.2.8).
const COUNTRY_ELEMENT: u8 = 7;

/// Variables that say where somebody is, the surest first; `LANG` alone may only say what somebody reads.
const VARIABLES: [&str; 8] =
    ["LC_ALL", "LC_ADDRESS", "LC_TELEPHONE", "LC_MEASUREMENT", "LC_MONETARY", "LC_PAPER", "LC_TIME", "LANG"];
const FILES: [&str; 2] = ["/etc/locale.conf", "/etc/default/locale"];

/// The kernel reads the rules from a file before it takes them.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Two countries' rules hold at once (98), or rules of the card's own making (99).
const MIXED: [&str; 2] = ["98", "99"];
/// The rules that hold everywhere.
const WORLD: &str = "00";

/// From the environment, else from the machine's settings.
pub(super) fn of_locale() -> Option<Country> {
    let of_files = || {
        let texts = FILES.iter().filter_map(|path| fs::read_to_string(path).ok());
        texts.filter_map(|text| of_variables(|name| variable(&text, name))).next()
    };
    of_variables(|name| env::var(name).ok()).or_else(of_files)
}

fn of_variables(value: impl Fn(&str) -> Option<String>) -> Option<Country> {
    VARIABLES.iter().find_map(|name| country_of(&value(name)?))
}

/// The last assignment of `name` in a file of shell assignments.
fn variable(text: &str, name: &str) -> Option<String> {
    let assigned = |line: &str| {
        let line = line.trim();
        let (left, right) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        (left.trim() == name).then(|| right.trim().trim_matches(['"', '\'']).to_owned())
    };
    text.lines().filter_map(assigned).next_back()
}

/// `de_CH.UTF-8@euro` → CH. No country in `C`, `POSIX`, `en`, `es_419`.
fn country_of(locale: &str) -> Option<Country> {
    let without_rest = locale.split(['.', '@']).next()?;
    without_rest.split_once('_')?.1.parse().ok()
}

/// From the elements of a beacon: two letters, then for where in it the rules are.
pub(super) fn of_elements(mut elements: &[u8]) -> Option<Country> {
    while let [id, len, rest @ ..] = elements {
        let (value, rest) = rest.split_at_checked(usize::from(*len))?;
        if *id == COUNTRY_ELEMENT {
            return std::str::from_utf8(value.get(..2)?)
                .ok()?
                .parse()
                .ok()
                .filter(|_| value.get(2) != Some(&b'X'));
        }
        elements = rest;
    }
    None
}

impl Card {
    /// Has the kernel go by the radio rules of `country`, and waits until it does. What a card may do on each
    /// channel changes with that.
    ///
    /// # Errors
    /// When the kernel does not take them.
    pub async fn set_country(&mut self, country: Country) -> Result<(), CardError> {
        let air = Air::open().await?;
        let now = air.country().await?;
        if now == country.as_str() {
            return Ok(());
        }
        let before = self.before.country.take().map_or(now, |ours| ours.before);
        self.before.country = Some(CountryBefore { before, ours: country.to_string() });
        self.write()?;
        air.ask_country(country.as_str()).await?;
        let now = wait(&air, country.as_str()).await?;
        if now == country.as_str() {
            return Ok(());
        }
        let phys = Phy::all(&air.phys().await?);
        if MIXED.contains(&now.as_str()) || phys.iter().any(|phy| phy.own_rules) {
            tracing::warn!(%country, %now, "the kernel mixes the country's radio rules with a card's or the uplink's");
            return Ok(());
        }
        Err(CardError::Country { wanted: country, now })
    }
}

/// As it was, unless somebody else changed it since.
pub(super) async fn restore(air: &Air, before: &CountryBefore) -> Result<(), CardError> {
    let now = air.country().await?;
    if now != before.ours && !MIXED.contains(&now.as_str()) {
        return Ok(());
    }
    let letters = if before.before.is_empty() || MIXED.contains(&before.before.as_str()) {
        WORLD
    } else {
        &before.before
    };
    air.ask_country(letters).await?;
    let now = wait(air, letters).await?;
    if now != letters {
        // A card or the uplink holds the kernel to it: no fault that a later try could mend.
        tracing::warn!(wanted = letters, %now, "the kernel keeps other radio rules than it had before");
    }
    Ok(())
}

async fn wait(air: &Air, letters: &str) -> Result<String, CardError> {
    let end = Instant::now() + TAKEN_WITHIN;
    loop {
        let now = air.country().await?;
        if now == letters || Instant::now() >= end {
            return Ok(now);
        }
        sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn country(text: &str) -> Option<Country> {
        text.parse().ok()
    }

    #[test]
    fn a_locale_says_a_country_only_when_it_names_one() {
        for (locale, expected) in [
            ("de_DE.UTF-8", "DE"),
            ("sv_SE", "SE"),
            ("de_CH.UTF-8@euro", "CH"),
            ("sr_RS@latin", "RS"),
            ("C", ""),
            ("C.UTF-8", ""),
            ("POSIX", ""),
            ("en", ""),
            ("en.UTF-8", ""),
            ("es_419.UTF-8", ""),
            ("", ""),
            ("_", ""),
        ] {
            assert_eq!(country_of(locale), country(expected), "{locale}");
        }
    }

    #[test]
    fn where_somebody_is_counts_more_than_what_they_read() {
        let file = "# written by hand\nLANG=en_US.UTF-8\nexport LC_TIME=\"sv_SE.UTF-8\"\nLC_PAPER=C\n";
        assert_eq!(of_variables(|name| variable(file, name)), country("SE"));
        assert_eq!(of_variables(|name| variable("LANG='de_AT.UTF-8'\nLANG=fi_FI", name)), country("FI"));
        assert_eq!(of_variables(|name| variable("#LANG=de_DE\nLANGUAGE=de_DE\n", name)), None);
    }

    #[test]
    fn the_country_of_a_beacon_is_found_among_its_elements() {
        let beacon = [&[0, 4][..], b"home", &[1, 1, 0x82], &[7, 6], b"DE ", &[1, 13, 20]].concat();
        assert_eq!(of_elements(&beacon), country("DE"));
        assert_eq!(of_elements(&beacon[..beacon.len() - 1]), None, "cut short");
        assert_eq!(of_elements(&[7, 3, b'X', b'X', b'X']), None, "no country's");
        assert_eq!(of_elements(&[7, 1, b'D']), None);
        assert_eq!(of_elements(b""), None);
    }
}
