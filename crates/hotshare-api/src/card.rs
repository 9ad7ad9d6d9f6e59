//! Data cards.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A data card that was seen here. Each has a plan of its own; `plan` of a status is that of the one that is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Card {
    /// By which it is named in paths.
    pub number: u32,
    /// The uplink's interface.
    pub interface: String,
    /// The Wi-Fi network that the uplink is part of. It may be called anything: escape it before showing it.
    pub network: Option<String>,
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
            agreed: false,
            is_in: true,
            since: 1_795_000_000,
        };
        let text = serde_json::to_string(&card).expect("plain");
        let wanted = r#"{"number":2,"interface":"wlan0","network":"Harbour","agreed":false,"is_in":true,"since":1795000000}"#;
        assert_eq!(text, wanted);
    }
}
