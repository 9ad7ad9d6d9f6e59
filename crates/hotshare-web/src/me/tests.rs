#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

//! The page, over its router; only the daemon's interface is a fake.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;

use axum::body::Body;
use axum::extract::Request;
use axum::http::Method;
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, HOST, LOCATION, ORIGIN};
use axum::response::IntoResponse;
use hotshare_api::{
    By, Code, Failure, Outlook, PersonKey, RunOut, Safe, Status, Totals, UsageReport, UsageRow, Verdict, Wish,
};
use tower::ServiceExt as _;

use super::*;
use crate::reply::Door;

/// The device that asks.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 12));
/// Monday 2026-11-23 18:30 in Berlin.
const NOW: i64 = 1_795_455_000;
const GB: u64 = 1_000_000_000;

/// What the fake interface was asked to change.
type Sent = Arc<Mutex<Vec<(String, serde_json::Value)>>>;

struct Fake {
    pages: Router,
    sent: Sent,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn new(status: Status) -> Fake {
        Fake::refusing(status, None)
    }

    fn refusing(status: Status, refusal: Option<Code>) -> Fake {
        let (sent, asked) = (Sent::default(), Arc::<Mutex<Vec<String>>>::default());
        let (kept, seen) = (Arc::clone(&sent), Arc::clone(&asked));
        let interface = Router::new().fallback(async move |request: Request| {
            let path = request.uri().to_string();
            if request.method() == Method::GET {
                seen.lock().unwrap().push(path.clone());
                return match path.split('?').next() {
                    Some("/v1/status") => axum::Json(&status).into_response(),
                    Some("/v1/usage") => axum::Json(usage(&path)).into_response(),
                    _ => StatusCode::NOT_FOUND.into_response(),
                };
            }
            let body = axum::body::to_bytes(request.into_body(), 1 << 16).await.unwrap();
            kept.lock().unwrap().push((path, serde_json::from_slice(&body).unwrap()));
            match refusal {
                Some(code) => (StatusCode::CONFLICT, axum::Json(Failure::new(code, "no"))).into_response(),
                None => axum::Json(hotshare_api::Done { schema: 1, done: true }).into_response(),
            }
        });
        Fake { pages: router(Api::new(interface)), sent, asked }
    }

    async fn send(&self, request: axum::http::request::Builder, body: &str) -> (StatusCode, String, String) {
        let visitor = Visitor { door: Door::Lan, here: "10.77.0.1:80".parse().unwrap(), peer: HERE };
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(visitor);
        let reply = self.pages.clone().oneshot(request).await.unwrap();
        let place = reply.headers().get(LOCATION).map(|place| place.to_str().unwrap().to_owned());
        let code = reply.status();
        let bytes = axum::body::to_bytes(reply.into_body(), 1 << 20).await.unwrap();
        (code, place.unwrap_or_default(), String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn page(&self, language: &str) -> String {
        let request = Request::builder().uri("/").header(ACCEPT_LANGUAGE, language);
        let (code, _, text) = self.send(request, "").await;
        assert_eq!(code, StatusCode::OK, "{text}");
        text
    }

    async fn post(&self, path: &str, body: &str) -> (StatusCode, String, String) {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(HOST, "hotshare.internal")
            .header(ORIGIN, "http://hotshare.internal")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, body).await
    }

    fn sent(&self) -> Vec<(String, serde_json::Value)> {
        self.sent.lock().unwrap().clone()
    }
}

/// Today's is a tenth of the month.
fn usage(path: &str) -> UsageReport {
    let since = path.split("since=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap();
    let times = if since == 1_795_388_400 { 1 } else { 9 };
    let row = |mac: u8, person: &str, bytes: u64| UsageRow {
        key: format!("02:00:5e:10:00:{mac:02x}"),
        person: Some(person.into()),
        up: bytes * times,
        down: 2 * bytes * times,
        refused_up: 0,
        refused_down: 0,
        billed: None,
    };
    let rows = vec![row(1, "anna", 1_000_000), row(2, "anna", 50_000_000), row(3, "bo", 7_000_000)];
    UsageReport { schema: 1, by: By::Device, since, until: NOW, rows, total: Totals::default() }
}

fn outlook(balance: u64) -> Outlook {
    Outlook {
        at: NOW,
        today: "2026-11-23".into(),
        ends: Some("2026-12-01".into()),
        used: 0,
        used_today: 0,
        balance: Some(balance),
        factor: 1000,
        days: 90,
        enough: true,
        thin: false,
        weekly: false,
        week: [1000; 7],
        total: None,
        runs_out: None,
        lasts: Some(900),
        safe: Some(Safe { today: 120_000_000, rest: 95_000_000 }),
    }
}

/// anna asks, with two devices; bo is there, too, and carl has no end.
fn status(change: impl FnOnce(&mut Status)) -> Status {
    let mut status: Status =
        serde_json::from_str(include_str!("../../../hotshare-api/src/status.json")).expect("a status");
    status.at = NOW;
    status.plan.carrier = None;
    status.plan.outlook = Some(Outlook {
        ends: Some("2026-12-05".into()),
        runs_out: Some(RunOut {
            earliest: "2026-11-30".into(),
            likely: Some("2026-12-02".into()),
            latest: Some("2026-12-04".into()),
            within: 800,
        }),
        safe: None,
        ..outlook(1)
    });
    let anna = hotshare_api::Person {
        limit: Some(2 * GB),
        balance: Some(1_500_000_000),
        up: 100_000_000,
        down: 400_000_000,
        outlook: Some(outlook(1)),
        plan_left: Some(14_683_222_784),
        wish: None,
        ..status.people.remove(0)
    };
    let bo = hotshare_api::Person { name: "bo".into(), ..anna.clone() };
    let carl = hotshare_api::Person {
        name: "carl".into(),
        allowance: None,
        allowance_every: None,
        limit: None,
        balance: None,
        ..anna.clone()
    };
    status.people = vec![anna, bo, carl];
    let device = |mac: u8, person: &str, name: Option<&str>| hotshare_api::Device {
        mac: format!("02:00:5e:10:00:{mac:02x}"),
        person: Some(person.into()),
        host_name: name.map(Into::into),
        address: Some(format!("10.77.0.{}", 11 + mac)),
        claim: None,
        ..status.devices[0].clone()
    };
    status.devices = vec![
        device(1, "anna", Some("Pixel-8")),
        device(2, "anna", None),
        device(3, "bo", Some("bo's secret laptop")),
    ];
    change(&mut status);
    status
}

fn verdict(verdict: Verdict) -> impl FnOnce(&mut Status) {
    move |status| status.people[0].verdict = verdict
}

/// Everything that the page shows, without what is the same in all.
fn body(page: &str) -> String {
    let body = page.split_once("<body>").map_or("", |(_, body)| body);
    let body = body.split_once("</body>").map_or("", |(body, _)| body);
    body.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n")
}

async fn told(cases: Vec<(&str, Status)>) -> String {
    let mut told = String::new();
    for (name, status) in cases {
        let fake = Fake::new(status);
        for language in ["en", "zh-CN"] {
            let page = fake.page(language).await;
            assert!(!page.contains("<script") && !page.contains("style="), "{page}");
            for others in ["secret laptop", "02:00:5e:10:00:03", "21.00 MB"] {
                assert!(!page.contains(others), "{others} is another's: {page}");
            }
            told += &format!("--- {name}, {language}\n{}\n", body(&page));
        }
    }
    told
}

#[tokio::test]
async fn people_see_what_they_have() {
    let unlimited = |s: &mut Status| {
        let (limit, allowance) = (None, None);
        s.people[0] = hotshare_api::Person {
            limit,
            allowance,
            allowance_every: None,
            balance: None,
            renews: None,
            outlook: None,
            ..s.people[0].clone()
        };
        s.people[0].plan_left = None;
        s.plan.outlook = None;
    };
    let cases = vec![
        ("open", status(|_| ())),
        (
            "slow",
            status(|s| {
                let person = &mut s.people[0];
                (person.verdict, person.slow) = (Verdict::Slow, Some(32_000));
                (person.slow_because, person.balance) = (Some(Verdict::AllowanceUsed), Some(0));
                person.then_rate = Some(32_000);
            }),
        ),
        ("unlimited", status(unlimited)),
        (
            "fair",
            status(|s| {
                let person = &mut s.people[0];
                (person.fair, person.allowance, person.allowance_every) = (true, None, None);
                (person.limit, person.balance) = (None, Some(5 * GB));
            }),
        ),
        (
            "waits, and a key with an end",
            status(|s| {
                s.people[0].wish = Some(Wish { bytes: 200_000_000, at: NOW });
                s.people[0].key = Some(PersonKey { since: 0, until: Some(NOW + 86_400) });
            }),
        ),
        (
            "hostile names",
            status(|s| s.devices[0].host_name = Some("<script>alert(1)</script>\u{202e}gnp".into())),
        ),
        ("nobody's", status(|s| s.devices[0].person = None)),
        (
            "nobody's, who said something",
            status(|s| {
                s.devices[0].person = None;
                s.devices[0].claim = Some("Bo <b>\u{202e}Müller".into());
            }),
        ),
        ("blocked", status(|s| s.devices[0].blocked = true)),
        ("stranger", status(|s| s.devices.clear())),
    ];
    insta::assert_snapshot!(told(cases).await);
}

#[tokio::test]
async fn people_are_told_why_they_are_closed() {
    let mut cases = Vec::new();
    for (name, why) in [
        ("paused", Verdict::Paused),
        ("allowance-used", Verdict::AllowanceUsed),
        ("ended", Verdict::Ended),
        ("bed-time", Verdict::BedTime),
        ("kept-for-others", Verdict::KeptForOthers),
        ("only-sites", Verdict::OnlySites),
        ("a word of a newer daemon", Verdict::Unknown),
    ] {
        cases.push((name, status(verdict(why))));
    }
    for (name, why) in [
        ("plan-used", Verdict::PlanUsed),
        ("plan-over", Verdict::PlanOver),
        ("no-uplink", Verdict::NoUplink),
        ("ledger-stuck", Verdict::LedgerStuck),
        ("asks-for-money", Verdict::AsksForMoney),
        ("new-card", Verdict::NewCard),
        ("card-unknown", Verdict::CardUnknown),
    ] {
        cases.push((name, status(|s| s.closed = Some(why))));
    }
    let mut said = String::new();
    for (name, status) in cases {
        let fake = Fake::new(status);
        for language in ["en", "zh-CN"] {
            let page = fake.page(language).await;
            let why = page.split("<section class=\"card closed\"").nth(1).expect("it is said why");
            let why: Vec<&str> = why.split("</section>").next().unwrap_or_default().lines().skip(1).collect();
            said += &format!("--- {name}, {language}\n{}\n", why.join("\n").trim());
        }
    }
    insta::assert_snapshot!(said);
}

#[tokio::test]
async fn forms_are_taken_from_the_page_alone() {
    let fake = Fake::new(status(|_| ()));
    let (code, place, _) = fake.post("/ask", "mb=200").await;
    assert_eq!((code, place.as_str()), (StatusCode::SEE_OTHER, "/"));
    let (code, place, _) = fake.post("/give", "to=bo&mb=1500").await;
    assert_eq!((code, place.as_str()), (StatusCode::SEE_OTHER, format!("/?given={NOW}").as_str()));
    assert_eq!(
        fake.sent(),
        [
            ("/v1/people/anna/wish".into(), serde_json::json!({"bytes": 200_000_000})),
            ("/v1/people/anna/give".into(), serde_json::json!({"to": "bo", "bytes": 1_500_000_000})),
        ]
    );
    // Said once: the same page loaded later is about what is so then.
    for (place, is_said) in [
        (format!("/?given={NOW}"), true),
        (format!("/?given={}", NOW - 9), true),
        (format!("/?given={}", NOW - 10), false),
        (format!("/?given={}", NOW + 1), false),
        (format!("/?given={}", i64::MIN), false),
        ("/?given=%3Cscript%3E".to_owned(), false),
        ("/?done=given".to_owned(), false),
    ] {
        let (code, _, page) = fake.send(Request::builder().uri(&place), "").await;
        assert_eq!(code, StatusCode::OK, "{place}");
        assert_eq!(page.contains("role=\"status\">It is given."), is_said, "{place}: {page}");
    }

    for (path, form) in [
        ("/ask", "mb=201"),
        ("/ask", "mb=-1"),
        ("/ask", "mb=200&mb=500"),
        ("/ask", "mb=200&x=1"),
        ("/ask", ""),
        ("/give", "to=bo&mb=1501"),
        ("/give", "to=bo&mb=0"),
        ("/give", "to=bo&mb=18446744073709551615"),
        ("/give", "mb=1"),
    ] {
        let (code, _, page) = fake.post(path, form).await;
        assert_eq!(code, StatusCode::BAD_REQUEST, "{path} {form}");
        assert!(page.contains("role=\"alert\""), "{path} {form}: {page}");
    }
    for origin in
        [None, Some("null"), Some("http://evil.example"), Some("https://hotshare.internal"), Some("http://")]
    {
        let mut request =
            Request::builder().method(Method::POST).uri("/ask").header(HOST, "hotshare.internal");
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        assert_eq!(fake.send(request, "mb=200").await.0, StatusCode::BAD_REQUEST, "{origin:?}");
    }
    // Whoever pretends to be something else than the form.
    let (code, ..) = fake.post("/ask", &format!("mb=200&{}", "x".repeat(9000))).await;
    assert_eq!(code, StatusCode::BAD_REQUEST);
    assert_eq!(fake.sent().len(), 2, "none of these was passed on");
}

#[tokio::test]
async fn only_who_may_can_ask_give_and_say_who_they_are() {
    let nobody = |s: &mut Status| s.devices[0].person = None;
    let fake = Fake::new(status(nobody));
    let (code, place, _) = fake.post("/claim", "name=Bo+M%C3%BCller").await;
    assert_eq!((code, place.as_str()), (StatusCode::SEE_OTHER, "/"));
    let claim = (
        "/v1/devices/02%3A00%3A5e%3A10%3A00%3A01/claim".to_owned(),
        serde_json::json!({"name": "Bo Müller"}),
    );
    assert_eq!(fake.sent(), [claim]);
    for (path, form) in [("/ask", "mb=200"), ("/give", "to=bo&mb=1")] {
        assert_eq!(fake.post(path, form).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    for change in [|s: &mut Status| s.devices[0].blocked = true, |s: &mut Status| s.devices.clear()] {
        let fake = Fake::new(status(change));
        for (path, form) in [("/ask", "mb=200"), ("/give", "to=bo&mb=1"), ("/claim", "name=Bo")] {
            assert_eq!(fake.post(path, form).await.0, StatusCode::NOT_FOUND, "{path}");
        }
        assert!(fake.sent().is_empty());
    }
    let waits = Fake::new(status(|s| s.people[0].wish = Some(Wish { bytes: 1, at: NOW })));
    assert_eq!(waits.post("/ask", "mb=500").await.0, StatusCode::SEE_OTHER, "once until the answer");
    assert_eq!(waits.post("/claim", "name=Bo").await.0, StatusCode::SEE_OTHER, "somebody's already");
    assert!(waits.sent().is_empty());
    for (code, words) in
        [(Code::NotEnough, "You have not so much left."), (Code::NoSuchPerson, "cannot be given anything")]
    {
        let (_, _, page) = Fake::refusing(status(|_| ()), Some(code)).post("/give", "to=bo&mb=1").await;
        assert!(page.contains(words), "{page}");
    }
    let refused = Fake::refusing(status(nobody), Some(Code::TooOften)).post("/claim", "name=Bo").await;
    assert!(refused.2.contains("Try again in a minute"), "{}", refused.2);
}

#[tokio::test]
async fn the_interface_is_asked_seldom_however_many_look() {
    let fake = Fake::new(status(|_| ()));
    for _ in 0..50 {
        fake.page("en").await;
    }
    let asked = fake.asked.lock().unwrap().clone();
    let usage: Vec<&String> = asked.iter().filter(|path| path.starts_with("/v1/usage")).collect();
    // Since the first of November and since midnight in Berlin, both +01:00. What is over is read once.
    let earlier = "/v1/usage?by=device&since=1793487600&until=1795388400";
    assert_eq!(usage, [earlier, "/v1/usage?by=device&since=1795388400"], "{asked:?}");
    assert!(asked.len() <= 5, "{asked:?}");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let fake = Fake::new(status(|_| ()));
    for path in ["/v1/status", "/admin", "/../etc/passwd", "/ask"] {
        let (code, ..) = fake.send(Request::builder().uri(path), "").await;
        assert!([StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&code), "{path}: {code}");
    }
    assert!(fake.asked.lock().unwrap().is_empty());
    let (code, _, style) = fake.send(Request::builder().uri("/style.css"), "").await;
    assert_eq!(code, StatusCode::OK);
    assert!(style.len() < 12_000 && !style.contains("url("), "{}", style.len());
}

#[tokio::test]
async fn every_reply_is_locked_down_and_a_daemon_that_is_stuck_is_told() {
    let stuck = router(Api::new(Router::new().fallback(async || StatusCode::SERVICE_UNAVAILABLE)));
    let visitor = Visitor { door: Door::Lan, here: "10.77.0.1:80".parse().unwrap(), peer: HERE };
    for (path, code) in [
        ("/", StatusCode::SERVICE_UNAVAILABLE),
        ("/style.css", StatusCode::OK),
        ("/x", StatusCode::NOT_FOUND),
    ] {
        let mut request = Request::builder().uri(path).body(Body::empty()).unwrap();
        request.extensions_mut().insert(visitor);
        let reply = stuck.clone().oneshot(request).await.unwrap();
        assert_eq!(reply.status(), code, "{path}");
        let head = format!("{:?}", reply.headers());
        for line in ["default-src 'none'; style-src 'self'", "form-action 'self'", "nosniff", "DENY"] {
            assert!(head.contains(line), "{path}: {head}");
        }
    }
}

#[tokio::test]
async fn on_the_first_of_the_month_today_is_all_of_it() {
    let fake = Fake::new(status(|s| s.at = 1_796_115_600));
    let page = fake.page("en").await;
    assert!(page.contains("As of 2026-12-01 10:00."), "{page}");
    let asked = fake.asked.lock().unwrap().clone();
    assert_eq!(asked, ["/v1/status", "/v1/usage?by=device&since=1796079600"]);
}

fn capport(status: &Status) -> serde_json::Value {
    let visitor = Visitor { door: Door::LanTls, here: "10.77.0.1:443".parse().unwrap(), peer: HERE };
    capport::told(status, visitor, "box.example.org")
}

#[test]
fn systems_are_never_told_more_than_there_is() {
    use serde_json::json;
    let url = "https://box.example.org/";
    let open = |seconds: Option<u64>, bytes: Option<u64>| {
        let mut told = json!({"captive": false, "user-portal-url": url, "can-extend-session": true});
        if let Some(seconds) = seconds {
            told["seconds-remaining"] = seconds.into();
        }
        if let Some(bytes) = bytes {
            told["bytes-remaining"] = bytes.into();
        }
        told
    };
    let left = |bytes: Option<u64>, closes: Option<i64>| {
        capport(&status(|s| {
            let person = &mut s.people[0];
            (person.bytes_remaining, person.closes) = (bytes, closes);
        }))
    };
    assert_eq!(left(Some(1_500_000_000), None), open(None, Some(1_500_000_000)));
    assert_eq!(left(None, Some(NOW + 66)), open(Some(66), None));
    assert_eq!(left(Some(0), Some(NOW - 1)), open(Some(0), Some(0)), "what the last look saw is over");
    assert_eq!(left(None, None), open(None, None));
    let closed = json!({"captive": true, "user-portal-url": url, "can-extend-session": true});
    for closes in [
        status(|s| s.people[0].verdict = Verdict::AllowanceUsed),
        status(|s| s.people[0].verdict = Verdict::OnlySites),
        status(|s| s.closed = Some(Verdict::NoUplink)),
    ] {
        assert_eq!(capport(&closes), closed);
    }
    for nobody in [
        status(|s| s.devices[0].person = None),
        status(|s| s.devices[0].blocked = true),
        status(|s| s.devices.clear()),
    ] {
        let told = json!({"captive": true, "user-portal-url": url, "can-extend-session": false});
        assert_eq!(capport(&nobody), told);
    }
}

/// Relative luminance and contrast of WCAG 2.2.
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |colour: &str| {
        let part = |from: usize| {
            let value = f64::from(u8::from_str_radix(&colour[from..from + 2], 16).expect("a colour")) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    };
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn text_can_be_read_in_light_and_in_dark() {
    let style = include_str!("../../static/style.css");
    let blocks: Vec<&str> =
        style.split(":root {").skip(1).map(|block| block.split('}').next().unwrap()).collect();
    let [light, dark] = blocks[..] else { panic!("{} themes", blocks.len()) };
    for (theme, block) in [("light", light), ("dark", dark)] {
        let colour = |name: &str| {
            let at = block.split(&format!("--{name}: ")).nth(1).unwrap_or_else(|| panic!("{theme} {name}"));
            at.split(';').next().unwrap()
        };
        // What is read needs 4.5:1 (1.4.3), what is only seen 3:1 (1.4.11).
        for (text, ground, least) in [
            ("text", "page", 4.5),
            ("text", "card", 4.5),
            ("faint", "page", 4.5),
            ("faint", "card", 4.5),
            ("accent", "page", 4.5),
            ("accent", "card", 4.5),
            ("on-accent", "accent", 4.5),
            ("line", "card", 3.0),
            ("bad", "card", 3.0),
            ("warn", "card", 3.0),
            ("good", "card", 3.0),
        ] {
            let is = contrast(colour(text), colour(ground));
            assert!(is >= least, "{theme}: {text} on {ground} is {is:.2}:1");
        }
    }
}
