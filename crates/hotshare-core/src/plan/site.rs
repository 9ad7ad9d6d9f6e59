//! Sites: destinations by name, for parts of a plan that are kept for some.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A DNS name, in lower case and without the last dot: it stands for itself and for every name under it. At least
/// two labels, so that nobody keeps a part of a plan for all of `com`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteName(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "“{}” is not the name of a site: write one such as topup.carrier.example, without http:// and without a path; other scripts as xn--…",
    .0.escape_debug()
)]
pub struct NotASite(pub String);

impl SiteName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` is this name, or under it.
    #[must_use]
    pub fn covers(&self, other: &SiteName) -> bool {
        let labels: Vec<&[u8]> = other.0.split('.').map(str::as_bytes).collect();
        self.holds(&labels)
    }

    /// The same for a name by its labels, the most specific first, in any case.
    #[must_use]
    pub fn holds(&self, labels: &[&[u8]]) -> bool {
        let mut theirs = labels.iter().rev();
        self.0.rsplit('.').all(|ours| theirs.next().is_some_and(|l| l.eq_ignore_ascii_case(ours.as_bytes())))
    }
}

impl fmt::Display for SiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for SiteName {
    type Err = NotASite;
    fn from_str(s: &str) -> Result<SiteName, NotASite> {
        let fits = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        // An address is no name: its last label is a number.
        let top = s.rsplit('.').next().unwrap_or_default();
        let good = s.len() <= 253
            && s.contains('.')
            && s.split('.').all(fits)
            && !top.bytes().all(|b| b.is_ascii_digit());
        if good { Ok(SiteName(s.to_ascii_lowercase())) } else { Err(NotASite(s.to_owned())) }
    }
}

/// The names that are in both. What is in neither is in none.
#[must_use]
pub fn common(one: &BTreeSet<SiteName>, other: &BTreeSet<SiteName>) -> BTreeSet<SiteName> {
    let within = |name: &&SiteName, sites: &BTreeSet<SiteName>| sites.iter().any(|site| site.covers(name));
    let both = one.iter().filter(|name| within(name, other));
    both.chain(other.iter().filter(|name| within(name, one))).cloned().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn site(name: &str) -> SiteName {
        name.parse().unwrap()
    }

    #[test]
    fn names_of_sites() {
        for good in ["topup.carrier.example", "Carrier.Example", "a.b", "xn--fiq228c.example", "4g.example"] {
            assert_eq!(site(good).as_str(), good.to_ascii_lowercase());
        }
        let long = format!("{}.example", "a".repeat(64));
        let longer = ["abcdefg"; 32].join(".");
        for bad in [
            "",
            "com",
            ".",
            "a.",
            ".b",
            "a..b",
            "a b.example",
            "https://a.example",
            "a.example/x",
            "*.a.example",
            "-a.example",
            "a-.example",
            "1.2.3.4",
            "größe.example",
            "a.example\n",
            &long,
            &longer,
        ] {
            assert!(bad.parse::<SiteName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_site_is_itself_and_what_is_under_it() {
        let carrier = site("carrier.example");
        for (name, within) in [
            ("carrier.example", true),
            ("TopUp.Carrier.Example", true),
            ("not-carrier.example", false),
            ("carrier.example.org", false),
            ("b.example", false),
        ] {
            assert_eq!(carrier.covers(&site(name)), within, "{name}");
        }
        assert!(!carrier.holds(&[b"example"]) && !carrier.holds(&[]));
    }

    #[test]
    fn what_is_in_both() {
        let set = |names: &[&str]| names.iter().map(|name| site(name)).collect::<BTreeSet<_>>();
        let one = set(&["a.example", "x.b.example", "c.example"]);
        let other = set(&["a.example", "b.example", "y.c.example", "d.example"]);
        assert_eq!(common(&one, &other), set(&["a.example", "x.b.example", "y.c.example"]));
        assert_eq!(common(&one, &set(&[])), set(&[]));
    }
}
