//! The interface through a door: tokens, and sessions.

use super::*;

async fn token(house: &House, name: &str, scope: &str) -> String {
    let cookie = house.log_in(PASSWORD).await.cookie();
    let csrf = house.csrf(&cookie).await;
    let extra = format!(
        "cookie: {cookie}\r\norigin: http://127.0.0.1:{}\r\nx-csrf: {csrf}\r\ncontent-type: application/json\r\n",
        house.port
    );
    let body = format!(r#"{{"name":"{name}","scope":"{scope}"}}"#);
    let made = house.send("POST", path::ACCESS_TOKENS, &extra, &body).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let made: hotshare_api::AccessTokenMade = serde_json::from_str(&made.body).expect("a token");
    made.token.0
}

#[tokio::test]
async fn each_token_is_for_what_it_is_for() {
    let house = House::open().await;
    house.moved_in().await;
    let as_token = async |token: &str, method: &str, path: &str| {
        let body = if method == "GET" { "" } else { r#"{"name":"bo"}"# };
        let extra = format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n");
        house.send(method, path, &extra, body).await.status
    };
    for (scope, look, key, change) in
        [("read", 200, false, 403), ("write", 200, true, 200), ("metrics", 403, false, 403)]
    {
        let token = token(&house, scope, scope).await;
        assert_eq!(as_token(&token, "GET", path::STATUS).await, look, "{scope}");
        assert_eq!(as_token(&token, "GET", path::WIFI_KEY).await != 403, key, "{scope}");
        assert_eq!(as_token(&token, "POST", path::PEOPLE).await, change, "{scope}");
        assert_ne!(as_token(&token, "GET", "/metrics").await, 403, "{scope}");
        // A token makes no other, no link and no password.
        for (method, path) in [
            ("GET", path::ACCESS),
            ("GET", path::ACCESS_TOKENS),
            ("POST", path::ACCESS_TOKENS),
            ("POST", path::ACCESS_LINK),
            ("POST", path::ACCESS_PASSWORD),
            ("DELETE", path::ACCESS_SESSIONS),
        ] {
            assert_eq!(as_token(&token, method, path).await, 403, "{scope} {method} {path}");
        }
        let extra = format!("authorization: Bearer {token}\r\n");
        assert_eq!(house.send("GET", "/admin", &extra, "").await.status, 303, "a token is no session");
    }
    for wrong in ["", "x", "hotshare-", &"0".repeat(64)] {
        assert_eq!(as_token(wrong, "GET", path::STATUS).await, 401, "{wrong:?}");
    }
    let basic = house.send("GET", path::STATUS, "authorization: Basic YTpi\r\n", "").await;
    assert_eq!((basic.status, basic.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(house.get(path::STATUS, "").await.status, 401);
}

#[tokio::test]
async fn a_session_may_ask_too_by_the_rules_of_a_page() {
    let house = House::open().await;
    let cookie = house.moved_in().await;
    let csrf = house.csrf(&cookie).await;
    assert_eq!(house.get(path::STATUS, &cookie).await.status, 200);
    assert_eq!(house.get(path::ACCESS, &cookie).await.status, 200);
    let port = house.port;
    let json = format!("cookie: {cookie}\r\ncontent-type: application/json\r\n");
    let body = r#"{"name":"bo"}"#;
    for (extra, status) in [
        (String::new(), 403),
        (format!("x-csrf: {csrf}\r\n"), 403),
        (format!("origin: http://127.0.0.1:{port}\r\n"), 403),
        (format!("origin: http://evil.example\r\nx-csrf: {csrf}\r\n"), 403),
        (format!("origin: http://127.0.0.1:{port}\r\nx-csrf: {csrf}\r\n"), 200),
    ] {
        let reply = house.send("POST", path::PEOPLE, &format!("{json}{extra}"), body).await;
        assert_eq!(reply.status, status, "{extra}: {}", reply.text);
    }
    let link = house.link(Role::Viewer).await;
    let viewer = house.post(&link, "", "").await.cookie();
    let csrf = house.csrf(&viewer).await;
    let json = format!(
        "cookie: {viewer}\r\ncontent-type: application/json\r\norigin: http://127.0.0.1:{port}\r\nx-csrf: {csrf}\r\n"
    );
    assert_eq!(house.get(path::STATUS, &viewer).await.status, 200);
    for (method, path) in [("POST", path::PEOPLE), ("GET", path::ACCESS), ("GET", path::WIFI_KEY)] {
        let body = if method == "GET" { "" } else { body };
        assert_eq!(house.send(method, path, &json, body).await.status, 403, "{method} {path}");
    }
}
