//! Passkeys at a real door: who may add one, what lets somebody in, and what does not.

use hotshare_core::units::UnixTime;
use hotshare_web::access::{NotIn, Porter as _, Site};
use serde_json::{Value, json};

use super::authenticator::{Authenticator, PRESENT};
use super::*;

const LOGIN: &str = "/admin/login/passkey";
const NEW: &str = "/admin/passkey";

impl House {
    fn site(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    fn device(&self, n: u8) -> Authenticator {
        Authenticator::new(n, &self.site())
    }

    /// As the script of a page at `localhost` sends it.
    async fn script(&self, method: &str, path: &str, (cookie, csrf): (&str, &str), body: &Value) -> Reply {
        let extra = format!("origin: {}\r\ncookie: {cookie}\r\nx-csrf: {csrf}\r\n", self.site());
        self.script_with(method, path, &extra, body.to_string()).await
    }

    async fn script_with(&self, method: &str, path: &str, extra: &str, body: String) -> Reply {
        let (port, length) = (self.port, body.len());
        let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost:{port}\r\n{extra}");
        let kind = format!("content-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        Reply::of(&self.raw(format!("{head}{kind}{body}").as_bytes()).await)
    }

    /// A question for the browser.
    async fn question(&self, path: &str, as_whom: (&str, &str), name: &str) -> Value {
        let reply = self.script("POST", path, as_whom, &json!({ "name": name })).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        serde_json::from_str(&reply.body).expect("a question")
    }

    /// An owner with no password and this passkey, and their session.
    async fn moved_in_with(&self, device: &mut Authenticator, name: &str) -> String {
        let place = format!("{}/passkey", self.link(Role::Owner).await);
        let question = self.question(&place, ("", ""), name).await;
        let reply = self.script("PUT", &place, ("", ""), &device.make(&question)).await;
        assert_eq!((reply.status, &*reply.body), (200, r#"{"to":"/admin"}"#), "{}", reply.text);
        reply.cookie()
    }

    /// Another one, by a session.
    async fn adds(&self, device: &mut Authenticator, name: &str, as_whom: (&str, &str)) -> Reply {
        let question = self.question(NEW, as_whom, name).await;
        self.script("PUT", NEW, as_whom, &device.make(&question)).await
    }

    async fn enters_with(&self, device: &mut Authenticator) -> Reply {
        let question = self.question(LOGIN, ("", ""), "").await;
        self.script("PUT", LOGIN, ("", ""), &device.answer(&question)).await
    }

    /// What the diary says, oldest first.
    fn told(&self) -> Vec<String> {
        let path = self.folder.path().join("ledger.sqlite");
        let events = hotshare_store::Reader::open(&path).expect("a reader").events(UnixTime(0), 99);
        events.expect("a diary").into_iter().rev().map(|event| event.kind).collect()
    }

    async fn passkeys(&self, cookie: &str) -> Vec<hotshare_api::AccessPasskey> {
        let told = self.get(path::ACCESS_PASSKEYS, cookie).await;
        serde_json::from_str::<hotshare_api::AccessPasskeys>(&told.body).expect("passkeys").passkeys
    }
}

#[tokio::test]
async fn a_passkey_in_place_of_a_password() {
    let house = House::open().await;
    let (mut phone, mut desk) = (house.device(1), house.device(2));
    let first = house.moved_in_with(&mut phone, "phone").await;
    assert_eq!(house.get("/admin", &first).await.status, 200);

    // In by it, and again.
    for _ in 0..2 {
        let reply = house.enters_with(&mut phone).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert!(house.get("/admin", &reply.cookie()).await.body.starts_with("Owner"));
    }
    let csrf = house.csrf(&first).await;
    let as_owner = (&*first, &*csrf);
    let reply = house.adds(&mut desk, "desk", as_owner).await;
    assert_eq!((reply.status, &*reply.body), (200, r#"{"to":"/admin/access?done=1"}"#), "{}", reply.text);
    let by_desk = house.enters_with(&mut desk).await.cookie();

    // The interface tells of both, and removes one; who came in by it is out, and it lets nobody in any more.
    let extra = format!("cookie: {by_desk}\r\n");
    let told = house.passkeys(&by_desk).await;
    let names: Vec<(&str, &str)> = told.iter().map(|p| (&*p.name, &*p.host)).collect();
    assert_eq!(names, [("desk", "localhost"), ("phone", "localhost")]);
    assert!(told.iter().all(|passkey| passkey.used.is_some()));
    let csrf = house.csrf(&by_desk).await;
    let own = format!("{extra}origin: http://127.0.0.1:{}\r\nx-csrf: {csrf}\r\n", house.port);
    let removed = house.send("DELETE", &path::access_passkey("phone"), &own, "").await;
    assert_eq!(removed.status, 200, "{}", removed.text);
    assert_eq!(house.get("/admin", &first).await.status, 303, "out");
    assert_eq!(house.get("/admin", &by_desk).await.status, 200);
    assert_eq!(house.enters_with(&mut phone).await.status, 403);
    let again = house.send("DELETE", &path::access_passkey("phone"), &own, "").await;
    assert_eq!(again.status, 404, "{}", again.text);
    let last = house.send("DELETE", &path::access_passkey("desk"), &own, "").await;
    assert!(last.status == 409 && last.body.contains("last-way-in"), "{}", last.text);
    assert_eq!(house.told(), ["passkey-new", "passkey-new", "passkey-gone"]);
}

#[tokio::test]
async fn an_answer_is_good_once_and_only_as_it_was_asked_for() {
    let house = House::open().await;
    let mut phone = house.device(1);
    house.moved_in_with(&mut phone, "phone").await;
    let none = ("", "");

    // Replayed.
    let question = house.question(LOGIN, none, "").await;
    let answer = phone.answer(&question);
    assert_eq!(house.script("PUT", LOGIN, none, &answer).await.status, 200);
    assert_eq!(house.script("PUT", LOGIN, none, &answer).await.status, 410);
    // Another answer to the same question.
    assert_eq!(house.script("PUT", LOGIN, none, &phone.answer(&question)).await.status, 410);
    // Never asked, and too late.
    let made_up =
        json!({"rpId": "localhost", "userVerification": "required", "challenge": "AAAAAAAAAAAAAAAAAAAAAA"});
    assert_eq!(house.script("PUT", LOGIN, none, &phone.answer(&made_up)).await.status, 410);
    let question = house.question(LOGIN, none, "").await;
    house.later(300);
    assert_eq!(house.script("PUT", LOGIN, none, &phone.answer(&question)).await.status, 410);

    // A signature that is not its own: tampered with, and another's.
    let question = house.question(LOGIN, none, "").await;
    let mut answer = phone.answer(&question);
    let other = phone.answer(&question);
    answer["response"]["signature"] = other["response"]["signature"].clone();
    assert_eq!(house.script("PUT", LOGIN, none, &answer).await.status, 403);
    let mut thief = house.device(2);
    thief.id.clone_from(&phone.id);
    let mut answer = thief.answer(&house.question(LOGIN, none, "").await);
    answer["response"]["userHandle"] = other["response"]["userHandle"].clone();
    assert_eq!(house.script("PUT", LOGIN, none, &answer).await.status, 403);
    // Nobody was asked who they are; another program's page at the same host; a page elsewhere.
    house.later(3600);
    phone.flags = PRESENT;
    assert_eq!(house.enters_with(&mut phone).await.status, 403, "not verified");
    let good = house.device(1);
    (phone.flags, phone.origin) = (good.flags, "http://localhost:1".into());
    assert_eq!(house.enters_with(&mut phone).await.status, 403, "another port");
    phone.origin = "https://evil.example".into();
    assert_eq!(house.enters_with(&mut phone).await.status, 403, "another site");
    phone.origin = good.origin;
    assert_eq!(house.enters_with(&mut phone).await.status, 200);

    // No answer at all.
    for (body, status) in [(json!({}), 400), (json!([]), 400), (json!({"id": "AA"}), 400)] {
        assert_eq!(house.script("PUT", LOGIN, none, &body).await.status, status, "{body}");
    }
    let large = format!("\"{}\"", "x".repeat(65 << 10));
    let extra = format!("origin: {}\r\n", house.site());
    assert_eq!(house.script_with("PUT", LOGIN, &extra, large).await.status, 413);
}

#[tokio::test]
async fn a_counter_that_goes_back_is_refused_and_told() {
    let house = House::open().await;
    let mut phone = house.device(1);
    house.moved_in_with(&mut phone, "phone").await;
    phone.count = 9;
    assert_eq!(house.enters_with(&mut phone).await.status, 200);
    phone.count = 9;
    assert_eq!(house.enters_with(&mut phone).await.status, 403);
    assert_eq!(house.told(), ["passkey-new", "passkey-copied"]);
    phone.count = 10;
    assert_eq!(house.enters_with(&mut phone).await.status, 200, "the one that went on");
}

#[tokio::test]
async fn nobody_but_an_owner_adds_one() {
    let house = House::open().await;
    let mut phone = house.device(1);
    let session = house.moved_in_with(&mut phone, "phone").await;
    let csrf = house.csrf(&session).await;
    let wish = json!({"name": "mine"});
    let link = house.link(Role::Viewer).await;
    let viewer = house.post(&link, "", "").await.cookie();
    let viewers = house.csrf(&viewer).await;
    for (as_whom, status) in
        [(("", ""), 401), ((&*session, ""), 403), ((&*session, &*viewers), 403), ((&*viewer, &*viewers), 403)]
    {
        for method in ["POST", "PUT"] {
            assert_eq!(house.script(method, NEW, as_whom, &wish).await.status, status, "{as_whom:?}");
        }
    }
    // From another site, or an address, where there are none.
    for from in ["origin: http://evil.example\r\n", "origin: http://localhost:1\r\n", ""] {
        for (path, extra) in
            [(LOGIN, String::new()), (NEW, format!("cookie: {session}\r\nx-csrf: {csrf}\r\n"))]
        {
            let reply = house.script_with("POST", path, &format!("{extra}{from}"), wish.to_string()).await;
            assert_eq!(reply.status, 403, "{path} {from}");
        }
    }
    let at_address = format!("origin: http://127.0.0.1:{}\r\ncontent-type: application/json\r\n", house.port);
    assert_eq!(house.send("POST", LOGIN, &at_address, "{}").await.status, 403);
    // Sent as a form of another site could be.
    let form = format!("origin: {}\r\ncontent-type: text/plain\r\n", house.site());
    let text = format!(
        "POST {LOGIN} HTTP/1.1\r\nhost: localhost:{}\r\n{form}content-length: 2\r\n\r\n{{}}",
        house.port
    );
    assert_eq!(Reply::of(&house.raw(text.as_bytes()).await).status, 415);

    // A viewer's link, one that is gone, and one that is used up by the passkey.
    let viewers_link = house.link(Role::Viewer).await;
    assert_eq!(house.script("POST", &format!("{viewers_link}/passkey"), ("", ""), &wish).await.status, 403);
    assert_eq!(house.script("POST", "/admin/link/gone/passkey", ("", ""), &wish).await.status, 410);
    let place = house.link(Role::Owner).await;
    let at = format!("{place}/passkey");
    let (mut desk, mut tablet) = (house.device(2), house.device(3));
    let questions =
        [house.question(&at, ("", ""), "desk").await, house.question(&at, ("", ""), "tablet").await];
    assert_eq!(house.script("PUT", &at, ("", ""), &desk.make(&questions[0])).await.status, 200);
    assert_eq!(house.script("PUT", &at, ("", ""), &tablet.make(&questions[1])).await.status, 410, "used up");
    assert_eq!(house.get(&place, "").await.status, 410);

    // What was asked with one right is not answered with another.
    let as_owner = (&*session, &*csrf);
    let question = house.question(NEW, as_owner, "tablet").await;
    let at = format!("{}/passkey", house.link(Role::Owner).await);
    assert_eq!(house.script("PUT", &at, ("", ""), &tablet.make(&question)).await.status, 410);
    // Names, the same device, and no one who was verified.
    for (name, status) in [("", 422), ("a/b", 422), ("phone", 409)] {
        assert_eq!(
            house.script("POST", NEW, as_owner, &json!({"name": name})).await.status,
            status,
            "{name}"
        );
    }
    let question = house.question(NEW, as_owner, "again").await;
    assert_eq!(question["excludeCredentials"].as_array().map(Vec::len), Some(2));
    assert_eq!(house.script("PUT", NEW, as_owner, &phone.make(&question)).await.status, 409);
    tablet.flags = PRESENT;
    assert_eq!(house.adds(&mut tablet, "tablet", as_owner).await.status, 400);
    assert_eq!(house.passkeys(&session).await.len(), 2);
}

/// Wrong answers wait as wrong passwords do; whoever guesses passwords does not keep out who has a passkey.
#[tokio::test]
async fn a_right_answer_waits_for_nobody() {
    let house = House::open().await;
    let (mut phone, mut stranger) = (house.device(1), house.device(2));
    house.moved_in_with(&mut phone, "phone").await;
    let mut waits = Vec::new();
    for _ in 0..6 {
        let reply = house.enters_with(&mut stranger).await;
        assert_eq!(reply.status, 403, "{}", reply.text);
        waits.push(reply.header("retry-after").map_or(0, |wait| wait.parse().expect("seconds")));
    }
    // Those that come too early are not counted.
    assert_eq!(waits, [0, 0, 1, 1, 1, 1]);
    assert_eq!(house.log_in("not the one").await.status, 429);
    assert_eq!(house.enters_with(&mut phone).await.status, 200);
    assert_eq!(house.log_in("not the one").await.status, 403, "heard again");
}

/// However many ask: what is remembered is bounded, and the latest question is answered.
#[tokio::test]
async fn many_questions_are_few() {
    let house = House::open().await;
    let mut phone = house.device(1);
    house.moved_in_with(&mut phone, "phone").await;
    let first = house.question(LOGIN, ("", ""), "").await;
    for _ in 0..100 {
        house.question(LOGIN, ("", ""), "").await;
    }
    assert_eq!(house.script("PUT", LOGIN, ("", ""), &phone.answer(&first)).await.status, 410, "forgotten");
    assert_eq!(house.enters_with(&mut phone).await.status, 200);
}

/// A question of the machine's door is not answered at the LAN's by TLS, nor the other way round; each has passkeys of
/// its own.
#[tokio::test]
async fn each_door_has_its_own_questions() {
    let house = House::open().await;
    let mut phone = house.device(1);
    house.moved_in_with(&mut phone, "phone").await;
    let question = house.question(LOGIN, ("", ""), "").await;
    // The same desk behind a door that is the LAN's by TLS.
    let desk = house.desk.clone();
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 443));
    let visitor = Visitor { door: Door::LanTls, here, peer: Ipv4Addr::LOCALHOST.into() };
    let site = Site { host: "hotspot.example".into(), origin: "https://hotspot.example".into() };
    let answer = phone.answer(&question).to_string();
    let other = desk.log_in_by_passkey(visitor, &site, answer.into(), None).await;
    assert_eq!(other, Err(NotIn::Stale));
    assert!(!desk.has_passkey("hotspot.example") && desk.has_passkey("localhost"));
    // Asked there, a passkey of the machine is none that is known.
    let asked: Value =
        serde_json::from_str(&desk.ask_passkey(visitor, &site).await.expect("asked")).expect("JSON");
    assert_eq!(asked["rpId"], "hotspot.example");
    phone.origin.clone_from(&site.origin);
    let answer = phone.answer(&asked).to_string();
    assert_eq!(
        desk.log_in_by_passkey(visitor, &site, answer.into(), None).await,
        Err(NotIn::WrongPasskey { wait: 0 })
    );
    // In the clear on the LAN there are none, and the page says nothing of them.
    let lan = House::lan(AdminFrom::Lan, Some(device(None))).await;
    let reply = lan.script("POST", LOGIN, ("", ""), &json!({})).await;
    assert!(matches!(reply.status, 403 | 421), "{}", reply.text);
    assert!(!lan.get("/admin/login", "").await.body.contains("passkey"));
}

/// A script runs only where there is something for it to do.
#[tokio::test]
async fn only_pages_with_a_passkey_have_its_script() {
    let house = House::open().await;
    let at = async |host: &str, path: &str| {
        let text = format!("GET {path} HTTP/1.1\r\nhost: {host}:{}\r\n\r\n", house.port);
        let reply = Reply::of(&house.raw(text.as_bytes()).await);
        let runs =
            reply.header("content-security-policy").is_some_and(|policy| policy.contains("script-src"));
        assert_eq!(runs, reply.body.contains("<script"), "{}", reply.text);
        (runs, reply.body)
    };
    let (runs, body) = at("localhost", "/admin/login").await;
    assert!(!runs && !body.contains("passkey"), "{body}");
    let link = house.link(Role::Owner).await;
    assert!(at("localhost", &link).await.0);
    // At an address it says where they are.
    let elsewhere = format!("http://localhost:{}{link}", house.port);
    let (runs, body) = at("127.0.0.1", &link).await;
    assert!(!runs && body.contains(&elsewhere), "{body}");
    let viewers = house.link(Role::Viewer).await;
    assert!(!at("localhost", &viewers).await.0);
    house.moved_in_with(&mut house.device(1), "phone").await;
    assert!(at("localhost", "/admin/login").await.0);
    let (runs, body) = at("127.0.0.1", "/admin/login").await;
    assert!(!runs && body.contains(&format!("http://localhost:{}/admin/login", house.port)), "{body}");
}
