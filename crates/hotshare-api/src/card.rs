//! Data cards.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A data card that was seen here. Each has a plan of its own; `plan` of a status is that of the one that is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Card {
    /// By which it is named in paths.
    pub number: u32,
    /// The uplink's interface; with a SIM, the one by which it was seen last.
    pub interface: String,
    /// The Wi-Fi network that the uplink is part of. It may be called anything: escape it before showing it.
    pub network: Option<String>,
    /// The number of the SIM (ICCID), when a modem tells it.
    pub sim: Option<String>,
    /// The SIM is in another carrier's network. `null`: it is not known.
    pub roaming: Option<bool>,
    /// The owner agreed to use it; nothing passes before.
    pub agreed: bool,
    /// The uplink leads to it, or did last.
    pub is_in: bool,
    /// When it was first seen.
    pub since: i64,
}

/// Reply to `GET /v1/cards`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cards {
    pub schema: u32,
    /// By number.
    pub cards: Vec<Card>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_card() {
        let card = Card {
            number: 2,
            interface: "wlan0".into(),
            network: Some("Harbour".into()),
            sim: None,
            roaming: None,
            agreed: false,
            is_in: true,
            since: 1_795_000_000,
        };
        let text = serde_json::to_string(&card).expect("plain");
        let wanted = r#"{"number":2,"interface":"wlan0","network":"Harbour","sim":null,"roaming":null,"agreed":false,"is_in":true,"since":1795000000}"#;
        assert_eq!(text, wanted);
    }
}
