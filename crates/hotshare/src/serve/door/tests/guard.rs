//! Logging in, and what a page from elsewhere cannot do.

use super::*;

#[tokio::test]
async fn the_first_link_sets_the_password_once() {
    let house = House::open().await;
    let reply = house.get("/admin", "").await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/admin/login")));
    assert!(house.get("/admin/login", "").await.body.contains("hotshare access link"), "no password yet");
    assert_eq!(house.get("/admin/style.css", "").await.body, "style");
    assert_eq!(house.log_in(PASSWORD).await.status, 403, "there is none to be right");

    let link = house.link(Role::Owner).await;
    for _ in 0..3 {
        // A preview of the link does not use it up.
        assert_eq!(house.get(&link, "").await.status, 200);
    }
    for (body, why) in [
        (String::new(), "must be chosen"),
        (set_password("password1"), "easy"),
        (set_password("short"), "length"),
        (format!("password={}&repeated=other", form(PASSWORD)), "typed twice"),
    ] {
        assert_eq!(house.post(&link, "", &body).await.status, 422, "{why}");
    }
    let reply = house.post(&link, "", &set_password(PASSWORD)).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/admin")));
    let cookie = reply.cookie();
    assert!(house.get("/admin", &cookie).await.body.starts_with("Owner"));
    assert_eq!(house.get("/admin/login", &cookie).await.status, 303, "already in");

    // Once.
    assert_eq!(house.get(&link, "").await.status, 410);
    assert_eq!(house.post(&link, "", &set_password(PASSWORD)).await.status, 410);
    // And not for ever.
    let link = house.link(Role::Owner).await;
    house.later(3600);
    assert_eq!(house.post(&link, "", "").await.status, 410);
}

#[tokio::test]
async fn a_session_begins_anew_and_ends() {
    let house = House::open().await;
    let first = house.moved_in().await;
    let reply = house.log_in(PASSWORD).await;
    assert_eq!(reply.status, 303, "{}", reply.text);
    let set = reply.header("set-cookie").expect("a cookie");
    assert!(set.ends_with("; HttpOnly; SameSite=Strict; Path=/") && set.starts_with("hotshare="), "{set}");

    // What an attacker planted is not taken over, and does not live on beside it (session fixation).
    let planted = format!("hotshare={}", "0123456789abcdef".repeat(4));
    let body = format!("password={}", form(PASSWORD));
    let second = house.post("/admin/login", &planted, &body).await.cookie();
    assert!(second != planted && second != first);
    assert_eq!(house.get("/admin", &planted).await.status, 303);
    // Who logs in again leaves the old session behind.
    let third = house.post("/admin/login", &second, &body).await.cookie();
    assert_eq!(house.get("/admin", &second).await.status, 303);
    assert_eq!(house.get("/admin", &third).await.status, 200);
    // Two cookies of one name: one of them is not ours.
    assert_eq!(house.get("/admin", &format!("{third}; {planted}")).await.status, 303);

    let csrf = house.csrf(&third).await;
    assert_eq!(house.post("/admin/logout", &third, "csrf=wrong").await.status, 403);
    assert_eq!(house.get("/admin", &third).await.status, 200);
    let out = house.post("/admin/logout", &third, &format!("csrf={csrf}")).await;
    assert!(out.status == 303 && out.header("set-cookie").is_some_and(|set| set.contains("Max-Age=0")));
    assert_eq!(house.get("/admin", &third).await.status, 303);

    // Idle, and in all.
    for _ in 0..2 {
        house.later(11 * 3600);
        assert_eq!(house.get("/admin", &first).await.status, 200, "it is used again and again");
    }
    house.later(12 * 3600 + 1);
    assert_eq!(house.get("/admin", &first).await.status, 303);
}

#[tokio::test]
async fn a_change_comes_from_our_own_page() {
    let house = House::open().await;
    let cookie = house.moved_in().await;
    let csrf = house.csrf(&cookie).await;
    let port = house.port;
    let body = format!("csrf={csrf}");
    let kind = "content-type: application/x-www-form-urlencoded\r\n";
    let with = async |extra: &str, body: &str| {
        house.send("POST", "/admin/change", &format!("cookie: {cookie}\r\n{kind}{extra}"), body).await.status
    };
    let own = format!("origin: http://127.0.0.1:{port}\r\n");
    for (extra, why) in [
        ("", "says nothing"),
        ("origin: null\r\n", "a sandbox"),
        ("origin: http://evil.example\r\n", "another site"),
        ("origin: http://127.0.0.1:1\r\n", "another program of this machine"),
        (&format!("origin: https://127.0.0.1:{port}\r\n"), "another scheme"),
        (&format!("origin: http://127.0.0.1:{port}.evil.example\r\n"), "begins the same"),
        (&format!("{own}origin: http://evil.example\r\n"), "two"),
        ("sec-fetch-site: cross-site\r\n", "cross-site"),
        ("sec-fetch-site: same-site\r\n", "another port"),
        ("sec-fetch-site: none\r\n", "typed"),
        (&format!("referer: http://127.0.0.1:{port}@evil.example/\r\n"), "a user name"),
        ("referer: http://evil.example/admin\r\n", "another site"),
    ] {
        assert_eq!(with(extra, &body).await, 403, "{why}");
    }
    for wrong in ["", "csrf=", "csrf=0", &format!("csrf={csrf}0"), &format!("csrf={csrf}&csrf=x")] {
        assert_eq!(with(&own, wrong).await, 403, "{wrong:?}");
    }
    assert_eq!(house.changes(), 0);
    assert_eq!(with(&own, &body).await, 200);
    assert_eq!(with("sec-fetch-site: same-origin\r\n", &body).await, 200);
    assert_eq!(with(&format!("referer: http://127.0.0.1:{port}/admin\r\n"), &body).await, 200);
    assert_eq!(with(&format!("{own}x-csrf: {csrf}\r\n"), "").await, 200, "a script");
    assert_eq!(house.changes(), 4);

    // Without a session: a page leads to the login, the rest is told.
    assert_eq!(house.post("/admin/change", "", &body).await.status, 401);
    let script = house.send("GET", "/admin", "sec-fetch-dest: empty\r\naccept: */*\r\n", "").await;
    assert_eq!(script.status, 401);
    assert_eq!(house.changes(), 4);
    // Nobody can be logged in from another site, either.
    let login = format!("{kind}origin: http://evil.example\r\n");
    let password = format!("password={}", form(PASSWORD));
    assert_eq!(house.send("POST", "/admin/login", &login, &password).await.status, 403);
    // Another session's token is not ours.
    let other = house.log_in(PASSWORD).await.cookie();
    let others = house.csrf(&other).await;
    assert_eq!(with(&own, &format!("csrf={others}")).await, 403);
}

#[tokio::test]
async fn only_our_own_names_are_answered() {
    let house = House::open().await;
    let cookie = house.moved_in().await;
    let with = async |host: &str| {
        let text = format!("GET /admin HTTP/1.1\r\n{host}cookie: {cookie}\r\n\r\n");
        Reply::of(&house.raw(text.as_bytes()).await).status
    };
    for good in
        ["127.0.0.1", "127.0.0.1:4680", "127.0.0.1:1", "localhost:4680", "LOCALHOST", "hotspot.example"]
    {
        assert_eq!(with(&format!("host: {good}\r\n")).await, 200, "{good}");
    }
    for bad in [
        "evil.example",
        "evil.example:4680",
        "127.0.0.1.evil.example",
        "127.0.0.1:x",
        "127.0.0.2",
        "10.0.0.1",
        "localhost.evil.example",
        "127.0.0.1@evil.example",
        "[::1]",
        "0.0.0.0",
        "127.1",
        "",
    ] {
        let status = with(&format!("host: {bad}\r\n")).await;
        assert!(matches!(status, 400 | 421), "{bad}: {status}");
    }
    for twice in
        ["host: 127.0.0.1\r\nhost: evil.example\r\n", "host: evil.example\r\nhost: 127.0.0.1\r\n", ""]
    {
        let status = with(twice).await;
        assert!(matches!(status, 400 | 421), "{twice}: {status}");
    }
    let text =
        format!("GET http://evil.example/admin HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {cookie}\r\n\r\n");
    assert_eq!(Reply::of(&house.raw(text.as_bytes()).await).status, 421);
}

#[tokio::test]
async fn wrong_passwords_wait_longer_and_the_right_one_gets_in() {
    let house = House::open().await;
    house.moved_in().await;
    let mut waits = Vec::new();
    for _ in 0..8 {
        let reply = house.log_in("not the one").await;
        assert_eq!(reply.status, 403, "{}", reply.text);
        let wait: i64 = reply.header("retry-after").map_or(0, |wait| wait.parse().expect("seconds"));
        waits.push(wait);
        if wait > 0 {
            // Too early: not even the right one is heard, and asking makes it no worse.
            for _ in 0..3 {
                let early = house.log_in(PASSWORD).await;
                assert_eq!((early.status, early.header("retry-after")), (429, Some(&*wait.to_string())));
            }
            house.later(wait);
        }
    }
    assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32]);
    assert_eq!(house.log_in(PASSWORD).await.status, 303);
    assert_eq!(house.log_in("not the one").await.header("retry-after"), None, "forgotten");
}

#[tokio::test]
async fn a_viewer_looks_and_changes_nothing() {
    let house = House::open().await;
    house.moved_in().await;
    let link = house.link(Role::Viewer).await;
    assert!(!house.get(&link, "").await.body.contains("type=\"password\""));
    let cookie = house.post(&link, "", "").await.cookie();
    let reply = house.get("/admin", &cookie).await;
    assert!(reply.body.starts_with("Viewer"), "{}", reply.text);
    let csrf = house.csrf(&cookie).await;
    let reply = house.post("/admin/change", &cookie, &format!("csrf={csrf}")).await;
    assert_eq!((reply.status, house.changes()), (403, 0));
    assert_eq!(house.post("/admin/logout", &cookie, &format!("csrf={csrf}")).await.status, 303);
}

#[tokio::test]
async fn every_page_says_what_browsers_must_not_do() {
    let house = House::open().await;
    let link = house.link(Role::Owner).await;
    let refused = house.send("POST", "/admin/login", "", "x=1").await;
    for reply in [
        house.get("/admin/login", "").await,
        house.get(&link, "").await,
        house.get("/admin/link/gone", "").await,
        house.get("/admin", "").await,
        house.get("/nothing", "").await,
        refused,
    ] {
        let policy = reply.header("content-security-policy").unwrap_or_else(|| panic!("{}", reply.text));
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"),
            "{policy}"
        );
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{}", reply.text);
        }
    }
    assert!(!house.get(&link, "").await.body.contains("<script"));
    let chinese = house.send("GET", "/admin/login", "accept-language: zh-CN\r\n", "").await;
    assert!(chinese.body.contains("lang=\"zh-Hans\"") && chinese.body.contains("登录"), "{}", chinese.text);
}

#[tokio::test]
async fn tricks_with_paths_lead_nowhere() {
    let house = House::open().await;
    let cookie = house.moved_in().await;
    for path in [
        "//admin",
        "/admin/",
        "/admin/../v1/status",
        "/admin/%2e%2e/v1/status",
        "/%61dmin",
        "/admin%00",
        "/admin;x",
        "/ADMIN",
        "/v1/../admin",
        "/admin/%2fv1/status",
        "/admin//",
        "/./admin",
        "/admin\\",
    ] {
        let reply = house.get(path, &cookie).await;
        assert!(matches!(reply.status, 0 | 400 | 404), "{path}: {}", reply.text);
        let reply = house.get(path, "").await;
        assert!(matches!(reply.status, 0 | 303 | 400 | 401 | 404), "{path}: {}", reply.text);
        assert!(!reply.body.contains("schema"), "{path}: {}", reply.text);
    }
    let nul = house.raw(b"GET /admin\0 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").await;
    assert!(nul.is_empty() || nul.starts_with("HTTP/1.1 400"), "{nul}");
}

#[tokio::test]
async fn from_the_lan_as_the_owner_says() {
    for (setting, person, login, link) in [
        (AdminFrom::OwnerDevices, None, 403, 200),
        (AdminFrom::OwnerDevices, Some("anna"), 200, 200),
        (AdminFrom::Lan, None, 200, 200),
        (AdminFrom::Machine, Some("anna"), 403, 403),
    ] {
        let house = House::lan(setting, Some(device(person))).await;
        let anna = AccessChange::OwnerPerson("anna".parse().expect("a name"));
        house.desk.change(|_| Ok::<_, crate::serve::access::NotWritten>(vec![anna])).await.expect("written");
        let fresh = house.link(Role::Owner).await;
        let token = house.send("GET", path::STATUS, "", "").await.status;
        let found = (house.get("/admin/login", "").await.status, house.get(&fresh, "").await.status);
        assert_eq!(found, (login, link), "{setting:?} {person:?}");
        assert_eq!(token, if login == 200 { 401 } else { 403 });
        if link == 200 {
            // Whoever had the link is the owner, and so is the device from then on.
            let cookie = house.post(&fresh, "", &set_password(PASSWORD)).await.cookie();
            assert_eq!(house.get("/admin", &cookie).await.status, 200);
            assert_eq!(house.get("/admin/login", "").await.status, 200);
        }
    }
    // Nobody that has an address from us.
    let house = House::lan(AdminFrom::Lan, None).await;
    assert_eq!(house.get("/admin/login", "").await.status, 403);
}

#[tokio::test]
async fn no_secret_is_on_the_disk() {
    let mut house = House::open().await;
    let cookie = house.moved_in().await;
    let csrf = house.csrf(&cookie).await;
    let link = house.link(Role::Owner).await;
    let extra = format!(
        "cookie: {cookie}\r\norigin: http://127.0.0.1:{}\r\nx-csrf: {csrf}\r\ncontent-type: application/json\r\n",
        house.port
    );
    let made = house.send("POST", path::ACCESS_TOKENS, &extra, r#"{"name":"ha","scope":"read"}"#).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let made: hotshare_api::AccessTokenMade = serde_json::from_str(&made.body).expect("a token");
    house.stop.cancel();
    house.tasks.shutdown().await;
    house.ledger.take().expect("a thread").stop();
    let secrets = [
        PASSWORD,
        cookie.strip_prefix("hotshare=").expect("a session"),
        link.rsplit('/').next().expect("a link"),
        made.token.0.strip_prefix("hotshare-").expect("a token"),
        &csrf,
    ];
    for file in std::fs::read_dir(house.folder.path()).expect("a folder") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("read");
        for secret in secrets {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
        }
    }
    // And all of it is there again.
    let store = hotshare_store::Store::open(&house.folder.path().join("ledger.sqlite")).expect("a store");
    let book = store.access().expect("a book");
    assert_eq!(
        (book.sessions.len(), book.links.len(), book.tokens.len(), book.passwords.len()),
        (1, 1, 1, 1)
    );
}
