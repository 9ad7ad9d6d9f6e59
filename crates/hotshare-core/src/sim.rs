//! The SIM in a modem, as far as it is known: its number, and whether it roams.

use std::fmt;

/// A SIM where it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sim {
    /// The card's own number (ICCID, ITU-T E.118), as [`number`] lets it pass.
    pub number: String,
    /// It is in the network of another carrier than its own. `None`: the modem is not registered, or does not say.
    pub roaming: Option<bool>,
}

/// What is said of the SIM behind an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SimSeen {
    /// Nothing on this machine speaks to modems.
    #[default]
    NobodyAsked,
    /// Something does, and does not tell: none of its modems has this interface, or the SIM is not read.
    NotRead,
    Read(Sim),
}

/// The longest number of a card that is known of: 20 digits are written on it.
const LONGEST: usize = 24;

/// A modem's text, if it can be the number of a SIM.
#[must_use]
pub fn number(text: &str) -> Option<String> {
    let fits = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then(|| text.to_ascii_uppercase())
}

impl SimSeen {
    /// What is believed now that this is told of an interface of which `told` was told last, and `believed` was
    /// believed: the interface was there all the time.
    ///
    /// Who looks for a network, and who cannot be asked for a moment, is still the same. But a modem that is gone while
    /// ModemManager goes on may come back with another SIM.
    #[must_use]
    pub fn after(self, told: &SimSeen, believed: &SimSeen) -> SimSeen {
        match (self, told, believed) {
            (SimSeen::Read(now), _, SimSeen::Read(before)) if now.number == before.number => {
                SimSeen::Read(Sim { roaming: now.roaming.or(before.roaming), ..now })
            }
            (SimSeen::NobodyAsked, _, believed) => believed.clone(),
            (SimSeen::NotRead, SimSeen::NobodyAsked | SimSeen::NotRead, believed) => believed.clone(),
            (now, ..) => now,
        }
    }
}

/// “SIM …1234, roaming”.
impl fmt::Display for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.number.len().saturating_sub(4);
        write!(f, "SIM …{}", self.number.get(end..).unwrap_or_default())?;
        match self.roaming {
            Some(true) => f.write_str(", roaming"),
            Some(false) => Ok(()),
            None => f.write_str(", not known whether it roams"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(number: &str, roaming: Option<bool>) -> SimSeen {
        SimSeen::Read(Sim { number: number.into(), roaming })
    }

    #[test]
    fn numbers_of_cards_and_what_is_none() {
        assert_eq!(number("8949020000012345678f").as_deref(), Some("8949020000012345678F"));
        for none in ["", "8949 02", "894902\n", "\u{1b}[2J", &"8".repeat(25), "８９"] {
            assert_eq!(number(none), None, "{none:?}");
        }
    }

    #[test]
    fn who_does_not_answer_for_a_moment_is_the_same() {
        let (home, abroad, searching) = (read("1", Some(false)), read("1", Some(true)), read("1", None));
        let gone = SimSeen::NobodyAsked;
        // What is told, after what, while what is believed: what is believed then.
        for (now, told, believed, then) in [
            (&searching, &home, &home, &home),
            (&searching, &abroad, &abroad, &abroad),
            (&abroad, &searching, &home, &abroad),
            (&searching, &SimSeen::NotRead, &SimSeen::NotRead, &searching),
            (&gone, &home, &home, &home),
            (&SimSeen::NotRead, &gone, &home, &home),
            (&SimSeen::NotRead, &SimSeen::NotRead, &home, &home),
            (&read("2", None), &home, &home, &read("2", None)),
            (&SimSeen::NotRead, &home, &home, &SimSeen::NotRead),
            (&gone, &SimSeen::NotRead, &SimSeen::NotRead, &SimSeen::NotRead),
            (&home, &SimSeen::NotRead, &SimSeen::NotRead, &home),
        ] {
            assert_eq!(now.clone().after(told, believed), *then, "{now:?} after {told:?}, {believed:?}");
        }
    }
}
