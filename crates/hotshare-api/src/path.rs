//! Where each request goes. A name in a path is percent-encoded as UTF-8.

pub const STATUS: &str = "/v1/status";
pub const USAGE: &str = "/v1/usage";
pub const STATEMENT: &str = "/v1/statement";
pub const EVENTS: &str = "/v1/events";
pub const ALERTS: &str = "/v1/alerts";
pub const ALERTS_TEST: &str = "/v1/alerts/test";
pub const PEOPLE: &str = "/v1/people";
pub const DEVICES: &str = "/v1/devices";
pub const PLAN: &str = "/v1/plan";
pub const PLAN_CORRECT: &str = "/v1/plan/correct";
pub const PLAN_AGREE: &str = "/v1/plan/agree";
pub const CARDS: &str = "/v1/cards";
pub const WIFI: &str = "/v1/wifi";
pub const WIFI_KEY: &str = "/v1/wifi/key";
pub const WIFI_KEY_ROTATE: &str = "/v1/wifi/key/rotate";
pub const DOWN: &str = "/v1/down";
pub const ACCESS: &str = "/v1/access";
pub const ACCESS_LINK: &str = "/v1/access/link";
pub const ACCESS_PASSWORD: &str = "/v1/access/password";
pub const ACCESS_PASSKEYS: &str = "/v1/access/passkeys";
pub const ACCESS_TOKENS: &str = "/v1/access/tokens";
pub const ACCESS_OWNER: &str = "/v1/access/owner";
pub const ACCESS_SESSIONS: &str = "/v1/access/sessions";
/// What describes all of these: an OpenAPI document.
pub const OPENAPI: &str = "/v1/openapi.json";
/// Figures over time, as OpenMetrics text; where Prometheus looks by itself.
pub const METRICS: &str = "/metrics";

// Paths with a place in them, as the daemon routes and describes them; the functions below fill it in.
pub const PERSON: &str = "/v1/people/{name}";
pub const PERSON_TOP_UP: &str = "/v1/people/{name}/top-up";
pub const PERSON_GIVE: &str = "/v1/people/{name}/give";
pub const PERSON_WISH: &str = "/v1/people/{name}/wish";
pub const PERSON_WISH_ANSWER: &str = "/v1/people/{name}/wish/answer";
pub const PERSON_INVITE: &str = "/v1/people/{name}/invite";
pub const PERSON_KEY: &str = "/v1/people/{name}/key";
pub const PERSON_KEY_ROTATE: &str = "/v1/people/{name}/key/rotate";
pub const DEVICE: &str = "/v1/devices/{mac}";
pub const CARD: &str = "/v1/cards/{number}";
pub const ACCESS_PASSKEY: &str = "/v1/access/passkeys/{name}";
pub const ACCESS_TOKEN: &str = "/v1/access/tokens/{name}";
pub const CARD_AGREE: &str = "/v1/cards/{number}/agree";
pub const DEVICE_CLAIM: &str = "/v1/devices/{mac}/claim";

/// One passkey, by its name.
#[must_use]
pub fn access_passkey(name: &str) -> String {
    format!("{ACCESS_PASSKEYS}/{}", percent(name))
}

/// One token, by its name.
#[must_use]
pub fn access_token(name: &str) -> String {
    format!("{ACCESS_TOKENS}/{}", percent(name))
}

/// One person.
#[must_use]
pub fn person(name: &str) -> String {
    format!("{PEOPLE}/{}", percent(name))
}

/// More on top of a person's allowance.
#[must_use]
pub fn top_up(name: &str) -> String {
    format!("{}/top-up", person(name))
}

/// From a person to another.
#[must_use]
pub fn give(name: &str) -> String {
    format!("{}/give", person(name))
}

/// What a person asks for.
#[must_use]
pub fn wish(name: &str) -> String {
    format!("{}/wish", person(name))
}

/// The owner's answer to it.
#[must_use]
pub fn wish_answer(name: &str) -> String {
    format!("{}/wish/answer", person(name))
}

/// A person's way into the Wi-Fi.
#[must_use]
pub fn invite(name: &str) -> String {
    format!("{}/invite", person(name))
}

/// A person's Wi-Fi key.
#[must_use]
pub fn key(name: &str) -> String {
    format!("{}/key", person(name))
}

/// Another key instead of it.
#[must_use]
pub fn key_rotate(name: &str) -> String {
    format!("{}/key/rotate", person(name))
}

/// One data card, by its number.
#[must_use]
pub fn card(number: u32) -> String {
    format!("{CARDS}/{number}")
}

/// The owner agrees to use it.
#[must_use]
pub fn card_agree(number: u32) -> String {
    format!("{CARDS}/{number}/agree")
}

/// One device, by its hardware address.
#[must_use]
pub fn device(mac: &str) -> String {
    format!("{DEVICES}/{}", percent(mac))
}

/// Who its user says to be.
#[must_use]
pub fn device_claim(mac: &str) -> String {
    format!("{}/claim", device(mac))
}

/// Everything but RFC 3986's unreserved characters becomes `%XX`.
fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_percent_encoded() {
        assert_eq!(person("anna"), "/v1/people/anna");
        assert_eq!(person("小明"), "/v1/people/%E5%B0%8F%E6%98%8E");
        assert_eq!(person("../plan?x"), "/v1/people/..%2Fplan%3Fx");
        assert_eq!(invite("小明"), "/v1/people/%E5%B0%8F%E6%98%8E/invite");
        assert_eq!(key("anna"), "/v1/people/anna/key");
        assert_eq!(key_rotate("anna"), "/v1/people/anna/key/rotate");
        assert_eq!(device("02:00:5e:10:00:01"), "/v1/devices/02%3A00%3A5e%3A10%3A00%3A01");
    }

    #[test]
    fn what_is_asked_for_is_what_is_routed() {
        let filled = |path: &str| path.replace("{name}", "anna").replace("{number}", "7");
        for (path, asked) in [
            (PERSON, person("anna")),
            (PERSON_TOP_UP, top_up("anna")),
            (PERSON_GIVE, give("anna")),
            (PERSON_WISH, wish("anna")),
            (PERSON_WISH_ANSWER, wish_answer("anna")),
            (PERSON_INVITE, invite("anna")),
            (PERSON_KEY, key("anna")),
            (PERSON_KEY_ROTATE, key_rotate("anna")),
            (DEVICE, device("").replace("/devices/", "/devices/{mac}")),
            (CARD, card(7)),
            (CARD_AGREE, card_agree(7)),
            (ACCESS_PASSKEY, access_passkey("anna")),
            (ACCESS_TOKEN, access_token("anna")),
        ] {
            assert_eq!(filled(path), asked);
        }
    }
}
