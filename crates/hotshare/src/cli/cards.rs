//! `hotshare cards`

use clap::{Args, Subcommand};
use hotshare_api::{self as api, Done, path};

use super::session::Session;
use super::stop::Stop;
use super::table::{Side, fitting};
use super::text::fitted;

/// List the data cards that were seen here, agree to use a new one, or forget one
///
/// Each card has a plan of its own. A card is told from others by its SIM, when ModemManager knows it, else by the
/// uplink's interface and, on Wi-Fi, by the network. A SIM that roams is another card than at home.
/// A new one is closed until you agree; `hotshare plan` is then about that card.
#[derive(Debug, Args)]
pub(crate) struct Cards {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List every card (this is also what `hotshare cards` alone does)
    List,
    /// Let people use a card
    Agree {
        /// Its number, as `hotshare cards` shows it; without: the one that is in
        number: Option<u32>,
    },
    /// Forget a card that is not in, and its plan; if it comes back, it is a new one
    Forget { number: u32 },
}

impl Cards {
    pub(crate) fn run(self, session: &Session) -> Result<(), Stop> {
        match self.action.unwrap_or(Action::List) {
            Action::List => {
                let cards: api::Cards = session.get("cannot list data cards", path::CARDS)?;
                session.show(&cards, |cards| text(&cards.cards, session.width))
            }
            Action::Agree { number } => {
                let tried = "cannot agree to the data card";
                let number = match number {
                    Some(number) => number,
                    None => {
                        let cards: api::Cards = session.get(tried, path::CARDS)?;
                        // The daemon says that there is none with the number 0.
                        cards.cards.iter().find(|card| card.is_in).map_or(0, |card| card.number)
                    }
                };
                let done: Done = session.post(tried, &path::card_agree(number), &())?;
                session.show_done(&done, &format!("The data card {number} may be used."))
            }
            Action::Forget { number } => {
                let done: Done =
                    session.delete(&format!("cannot forget the data card {number}"), &path::card(number))?;
                session.show_done(&done, &format!("The data card {number} is forgotten."))
            }
        }
    }
}

/// Every card, one on a line.
fn text(cards: &[api::Card], width: usize) -> String {
    if cards.is_empty() {
        return "No data card was seen yet.\n".to_owned();
    }
    let rows: Vec<Vec<String>> = cards
        .iter()
        .map(|card| {
            let state = match (card.is_in, card.agreed) {
                (true, true) => "in use",
                (true, false) => "waits for you: hotshare cards agree",
                (false, true) => "known",
                (false, false) => "not agreed to",
            };
            let network = card.network.as_deref().map(|name| fitted(name, 24)).unwrap_or_default();
            let card_of = card.sim.as_deref().map_or(network, |sim| sim_words(sim, card.roaming));
            vec![card.number.to_string(), fitted(&card.interface, 16), card_of, state.to_owned()]
        })
        .collect();
    let all =
        [("No.", Side::Right), ("Uplink", Side::Left), ("Network or SIM", Side::Left), ("", Side::Left)];
    fitting(&all, &rows, &[&[2]], 3, width).join("\n") + "\n"
}

/// Its last digits, as they are printed on it.
fn sim_words(number: &str, roaming: Option<bool>) -> String {
    let skipped = number.chars().count().saturating_sub(4);
    let end: String = number.chars().skip(skipped).collect();
    let roaming = match roaming {
        Some(true) => ", roaming",
        Some(false) => "",
        None => ", roaming?",
    };
    format!("SIM …{}{roaming}", fitted(&end, 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screens() {
        let card = |number, interface: &str, network: Option<&str>, agreed, is_in| api::Card {
            number,
            interface: interface.into(),
            network: network.map(Into::into),
            sim: None,
            roaming: None,
            agreed,
            is_in,
            since: 1_795_000_000,
        };
        let with_sim = |number, roaming| api::Card {
            sim: Some("89490200001234567890".into()),
            roaming,
            ..card(number, "wwan0", None, true, false)
        };
        let cards = [
            card(1, "wwan0", None, true, false),
            card(2, "wlan0", Some("Evil\u{1b}[2J\u{202e}net"), false, true),
            card(3, "usb0", None, false, false),
            with_sim(4, Some(false)),
            with_sim(5, Some(true)),
            with_sim(6, None),
        ];
        let told = [80, 40].map(|width| format!("--- at {width}\n{}", text(&cards, width)));
        insta::assert_snapshot!(told.concat());
    }
}
