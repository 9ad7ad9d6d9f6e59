#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

//! The dashboard over its router; only the daemon's interface is a fake, which says what strangers may have chosen.

use std::sync::Mutex;

use axum::body::Body;
use axum::extract::Request;
use axum::http::Method;
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, LOCATION};
use hotshare_api::{
    Access, Admission, AirState, Alert, Alerts, Band, By, Cost, Event, EventFacts, Events, Mode, OffCode,
    Secret, Statement, Station, Terms, Totals, UsageReport, UsageRow, Wifi, WifiReason, WifiReasonCode, Wish,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;

/// What a device may call itself.
const EVIL: &str = "<script>alert(1)</script>\"' onload=x \u{202e}\u{200b}";

type Sent = Arc<Mutex<Vec<(Method, String, Value)>>>;

fn status() -> Status {
    let text = include_str!("../../../hotshare-api/src/status.json");
    let mut status: Status = serde_json::from_str(text).unwrap();
    status.devices[0].host_name = Some(EVIL.into());
    status.devices[0].claim = Some(EVIL.into());
    status.cards[0].network = Some(EVIL.into());
    status.cards[0].agreed = false;
    status.plan.asks_for = Some("2.50".into());
    status.plan.parts[0].part.name = "<script>alert(1)</script>\"' onload=x".into();
    status.wifi.as_mut().unwrap().name = EVIL.into();
    status.people[0].wish = Some(Wish { bytes: 200_000_000, at: 1 });
    let mut mine = status.devices[0].clone();
    mine.person = Some("anna".into());
    mine.mac = "02:00:5e:10:00:02".into();
    status.devices.push(mine);
    let mut other = status.people[0].clone();
    other.name = "小明".into();
    status.people.push(other);
    status
}

fn wifi() -> Wifi {
    Wifi {
        schema: 1,
        at: 1,
        state: AirState::Off,
        off_because: Some(EVIL.into()),
        off_code: Some(OffCode::Failed),
        name: EVIL.into(),
        mode: Mode::Sealed,
        interface: None,
        bssid: None,
        country: Some("DE".into()),
        band: Some(Band::Five),
        channel: Some(36),
        mhz: None,
        width_mhz: None,
        station_ports: true,
        why: vec![EVIL.into(), EVIL.into()],
        reasons: vec![WifiReason {
            code: WifiReasonCode::CardLeaves,
            country: None,
            card: Some(EVIL.into()),
            interface: Some(EVIL.into()),
            configured: false,
            band: None,
            channel: None,
            width_mhz: None,
            detail: Some(EVIL.into()),
        }],
        cost: Cost::Metered,
        stations: vec![Station {
            mac: "02:00:5e:10:00:01".into(),
            person: Some("anna".into()),
            host_name: Some(EVIL.into()),
            address: None,
            since: 1,
            admission: Admission::Waiting,
            reason: Some(EVIL.into()),
            limit: None,
            signal_dbm: Some(-40),
            up_kbit_s: Some(6000),
            down_kbit_s: None,
            heard_ms: Some(1200),
        }],
        denied: Vec::new(),
        wrong_keys: 3,
    }
}

fn usage(path: &str) -> UsageReport {
    let by = match path {
        _ if path.contains("by=day") => By::Day,
        _ if path.contains("by=hour") => By::Hour,
        _ if path.contains("by=device") => By::Device,
        _ => By::Person,
    };
    let key = match by {
        By::Day => "2026-11-18",
        By::Hour => "2026-11-18T18:00+01:00",
        By::Device => "02:00:5e:10:00:01",
        By::Person => EVIL,
    };
    let row = UsageRow {
        key: key.into(),
        person: Some(EVIL.into()),
        up: 1_000_000,
        down: 2_000_000,
        refused_up: 0,
        refused_down: 5,
        billed: matches!(by, By::Day | By::Hour).then_some(3_000_000),
    };
    UsageReport {
        schema: 1,
        by,
        since: 1_794_000_000,
        until: 1_795_000_000,
        rows: vec![row],
        total: Totals::default(),
    }
}

fn told(path: &str) -> Value {
    let evil = EVIL.to_owned();
    let value = |value: Result<Value, serde_json::Error>| value.unwrap();
    match path.split('?').next().unwrap() {
        path::STATUS => value(serde_json::to_value(status())),
        path::USAGE => value(serde_json::to_value(usage(path))),
        path::WIFI => value(serde_json::to_value(wifi())),
        path::WIFI_KEY => {
            json!({"schema": 1, "name": evil, "mode": "sealed", "passphrase": "correct horse", "since": 1,
            "until": null, "join": "WIFI:T:SAE;S:x;P:correct horse;;"})
        }
        path::EVENTS => value(serde_json::to_value(Events {
            schema: 1,
            events: vec![
                Event { at: 1, kind: "device-new".into(), text: evil, facts: EventFacts::default() },
                Event {
                    at: 1,
                    kind: "device-claim".into(),
                    text: String::new(),
                    facts: EventFacts {
                        device: Some("02:00:5e:10:00:01".into()),
                        claim: Some(EVIL.into()),
                        reason: Some(EVIL.into()),
                        ..EventFacts::default()
                    },
                },
            ],
        })),
        path::ALERTS => value(serde_json::to_value(Alerts {
            schema: 1,
            alerts: vec![Alert {
                id: 1,
                at: 1,
                kind: "device-waiting".into(),
                about: None,
                percent: None,
                used: None,
                limit: None,
                title: EVIL.into(),
                text: EVIL.into(),
                facts: EventFacts::default(),
                deliveries: Vec::new(),
            }],
        })),
        path::STATEMENT => value(serde_json::to_value(Statement {
            schema: 1,
            at: 1_795_000_000,
            begins: 1_794_000_000,
            ends: None,
            zone: "Europe/Berlin".into(),
            terms: Terms { currency: Some(EVIL.into()), ..Terms::default() },
            money: Some("17.49".into()),
            billed_up: 1,
            billed_down: 2,
            delivered: 3,
            refused: 0,
            own: 0,
            parts: Vec::new(),
            people: Vec::new(),
            entries: None,
        })),
        path::ACCESS => value(serde_json::to_value(Access {
            schema: 1,
            admin_from: "lan".into(),
            machine: Some("http://localhost:4680/admin".into()),
            lan: None,
            password: true,
            viewer_password: true,
            passkeys: vec![hotshare_api::AccessPasskey {
                name: EVIL.into(),
                host: EVIL.into(),
                since: 1,
                used: Some(2),
            }],
            sessions: 1,
            links: 0,
            owners: vec![EVIL.into()],
            devices: Vec::new(),
            tokens: vec![hotshare_api::AccessToken { name: EVIL.into(), scope: "read".into(), since: 1 }],
        })),
        other => panic!("{other} is asked for"),
    }
}

struct Fake {
    pages: Router,
    sent: Sent,
}

impl Fake {
    fn new() -> Fake {
        let sent = Sent::default();
        let kept = Arc::clone(&sent);
        let interface = Router::new().fallback(async move |request: Request| {
            let path = request.uri().to_string();
            let method = request.method().clone();
            if method == Method::GET {
                return axum::Json(told(&path)).into_response();
            }
            let body = axum::body::to_bytes(request.into_body(), 1 << 16).await.unwrap();
            kept.lock().unwrap().push((method, path.clone(), serde_json::from_slice(&body).unwrap()));
            if path.ends_with("/invite") || path.ends_with("/rotate") {
                return axum::Json(told(path::WIFI_KEY)).into_response();
            }
            axum::Json(Done { schema: 1, done: true }).into_response()
        });
        Fake { pages: router(Api::new(interface)), sent }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        language: &str,
        role: Option<Role>,
        body: &str,
    ) -> (StatusCode, String, String) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(ACCEPT_LANGUAGE, language)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body.to_owned()))
            .unwrap();
        if let Some(role) = role {
            request.extensions_mut().insert(Who { role, csrf: "the-token".into() });
        }
        let reply = self.pages.clone().oneshot(request).await.unwrap();
        let place = reply.headers().get(LOCATION).map(|place| place.to_str().unwrap().to_owned());
        let code = reply.status();
        let bytes = axum::body::to_bytes(reply.into_body(), 1 << 20).await.unwrap();
        (code, place.unwrap_or_default(), String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn post(&self, path: &str, body: &str) -> (StatusCode, String, String) {
        self.ask(Method::POST, path, "en", Some(Role::Owner), body).await
    }
}

const PAGES: [&str; 14] = [
    "/admin",
    "/admin/people",
    "/admin/people/anna",
    "/admin/people/%E5%B0%8F%E6%98%8E",
    "/admin/devices",
    "/admin/wifi",
    "/admin/usage",
    "/admin/usage?by=device",
    "/admin/usage?by=day",
    "/admin/usage?by=hour&since=2026-11-17&until=2026-11-18",
    "/admin/plan",
    "/admin/diary",
    "/admin/statement",
    "/admin/access",
];

#[tokio::test]
async fn nothing_that_strangers_chose_is_markup_or_hides() {
    let fake = Fake::new();
    let assets = [
        include_str!("../../static/style.css"),
        include_str!("../../static/admin.css"),
        include_str!("../../static/page.js"),
    ];
    let assets: usize = assets.iter().map(|text| text.len()).sum();
    for language in ["en", "zh-CN"] {
        for path in PAGES {
            let (code, _, text) = fake.ask(Method::GET, path, language, Some(Role::Owner), "").await;
            assert_eq!(code, StatusCode::OK, "{path}: {text}");
            assert!(!text.contains("alert(1)</script>") && !text.contains("\"' onload"), "{path}: {text}");
            assert!(!text.contains(['\u{202e}', '\u{200b}']), "{path}");
            // A strict policy would refuse these anyway.
            assert!(
                !text.contains(" style=") && !text.contains("<script>") && !text.contains(" onclick"),
                "{path}"
            );
            // Each change is a form with the token against forgery.
            for form in text.split("<form").skip(1) {
                let form = form.split("</form>").next().unwrap();
                let is_change = form.contains("method=\"post\"");
                assert_eq!(form.contains("value=\"the-token\""), is_change, "{path}: {form}");
            }
            assert!(text.len() + assets < 150_000, "{path}: {} bytes", text.len() + assets);
            let tag = if language == "en" { "en" } else { "zh-Hans" };
            assert!(text.contains(&format!("<html lang=\"{tag}\">")), "{path}");
            // A key that is nowhere would say itself.
            assert!(!text.contains("fail-") && !text.contains("-hint<"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_viewer_has_nothing_to_change_but_to_leave() {
    let fake = Fake::new();
    for path in PAGES {
        let (code, _, text) = fake.ask(Method::GET, path, "en", Some(Role::Viewer), "").await;
        assert_eq!(code, StatusCode::OK, "{path}");
        for form in text.split("<form method=\"post\"").skip(1) {
            assert!(form.starts_with(" action=\"/admin/logout\""), "{path}: {form}");
        }
    }
    let (code, _, text) = fake.ask(Method::GET, "/admin", "en", None, "").await;
    assert_eq!((code, text.as_str()), (StatusCode::FORBIDDEN, "Log in first.\n"));
}

#[tokio::test]
async fn forms_become_what_the_interface_takes() {
    let fake = Fake::new();
    for (path, body, method, asked, sent) in [
        (
            "/admin/people",
            "name=bo&kind=fair&allowance=&every=month",
            "POST",
            "/v1/people",
            json!({"name":"bo","allowance":null,"allowance_every":null,"fair":true}),
        ),
        (
            "/admin/people",
            "name=bo&kind=limit&allowance=2.5&allowance-unit=GB&every=week",
            "POST",
            "/v1/people",
            json!({"name":"bo","allowance":2_500_000_000_u64,"allowance_every":"week"}),
        ),
        ("/admin/people/anna/pause", "", "PATCH", "/v1/people/anna", json!({"paused":true})),
        ("/admin/people/anna/resume", "", "PATCH", "/v1/people/anna", json!({"paused":false})),
        (
            "/admin/people/anna/top-up",
            "amount=200&amount-unit=MB",
            "POST",
            "/v1/people/anna/top-up",
            json!({"bytes":200_000_000}),
        ),
        (
            "/admin/people/anna/give",
            "to=bo&amount=1&amount-unit=GB",
            "POST",
            "/v1/people/anna/give",
            json!({"to":"bo","bytes":1_000_000_000}),
        ),
        (
            "/admin/people/anna/answer",
            "yes=1&amount=100&amount-unit=MB",
            "POST",
            "/v1/people/anna/wish/answer",
            json!({"yes":true,"bytes":100_000_000}),
        ),
        ("/admin/people/anna/answer", "", "POST", "/v1/people/anna/wish/answer", json!({"yes":false})),
        ("/admin/people/anna/allowance", "kind=free", "PATCH", "/v1/people/anna", json!({"allowance":null})),
        (
            "/admin/people/anna/limit",
            "device-limit=",
            "PATCH",
            "/v1/people/anna",
            json!({"device_limit":null}),
        ),
        (
            "/admin/people/anna/rules",
            "weight=2&then=1000&bed-times=mon+21%3A00-07%3A00&until=",
            "PATCH",
            "/v1/people/anna",
            json!({"weight":2,"then_rate":125_000,"bed_times":[{"days":["mon"],"from":"21:00","until":"07:00"}],"until":null}),
        ),
        ("/admin/people/anna/revoke", "", "DELETE", "/v1/people/anna/key", Value::Null),
        ("/admin/people/anna/remove", "", "DELETE", "/v1/people/anna", Value::Null),
        (
            "/admin/devices/02%3A00%3A5e%3A10%3A00%3A01/assign",
            "person=anna",
            "PATCH",
            "/v1/devices/02%3A00%3A5e%3A10%3A00%3A01",
            json!({"person":"anna"}),
        ),
        (
            "/admin/devices/02%3A00%3A5e%3A10%3A00%3A01/block",
            "",
            "PATCH",
            "/v1/devices/02%3A00%3A5e%3A10%3A00%3A01",
            json!({"blocked":true}),
        ),
        (
            "/admin/devices/02%3A00%3A5e%3A10%3A00%3A01/forget",
            "",
            "DELETE",
            "/v1/devices/02%3A00%3A5e%3A10%3A00%3A01",
            Value::Null,
        ),
        (
            "/admin/plan/correct",
            "used=3.2&used-unit=GB",
            "POST",
            "/v1/plan/correct",
            json!({"used":3_200_000_000_u64}),
        ),
        ("/admin/plan/agree", "money=2.50", "POST", "/v1/plan/agree", json!({"money":"2.50"})),
        ("/admin/cards/2/agree", "", "POST", "/v1/cards/2/agree", Value::Null),
        ("/admin/access/owner", "person=anna", "POST", "/v1/access/owner", json!({"person":"anna"})),
        (
            "/admin/access/password",
            "password=a+b&repeated=a+b",
            "POST",
            "/v1/access/password",
            json!({"password":"a b","viewer":false}),
        ),
        ("/admin/access/sessions", "", "DELETE", "/v1/access/sessions", Value::Null),
        ("/admin/access/tokens/home", "", "DELETE", "/v1/access/tokens/home", Value::Null),
    ] {
        let (code, place, text) = fake.post(path, body).await;
        assert_eq!(code, StatusCode::SEE_OTHER, "{path}: {text}");
        assert!(place.ends_with("?done=1"), "{path}: {place}");
        let last = fake.sent.lock().unwrap().pop().unwrap();
        assert_eq!(last, (method.parse().unwrap(), asked.to_owned(), sent), "{path}");
    }
    assert!(fake.sent.lock().unwrap().is_empty(), "each form is one change");
}

#[tokio::test]
async fn the_plan_is_sent_back_as_it_was_shown() {
    let fake = Fake::new();
    let (_, _, text) = fake.ask(Method::GET, "/admin/plan", "en", Some(Role::Owner), "").await;
    assert!(
        text.contains("name=\"0.cap\" inputmode=\"decimal\" autocomplete=\"off\" size=\"8\" value=\"20\""),
        "{text}"
    );
    let body = "period=monthly&day=5&zone=Europe%2FBerlin&fee=14.99&currency=EUR&vat=19.0&vat-included=1&0.name=plan\
        &0.cap=20&0.cap-unit=GB&0.period=plan&0.unused=kept&0.most=5&0.most-unit=GB&0.hours=&0.kbit=&0.people=&0.sites=\
        &0.price=&1.name=pack&1.cap=&1.price=2.50&1.unit=1&1.unit-unit=GB&1.limit=10&1.step=2.50&1.people=anna%2C+bo\
        &1.sites=&1.period=every-days&1.days=28&1.from=2026-11-01&2.name=";
    let (code, place, text) = fake.post("/admin/plan", body).await;
    assert_eq!((code, place.as_str()), (StatusCode::SEE_OTHER, "/admin/plan?done=1"), "{text}");
    let (method, path, sent) = fake.sent.lock().unwrap().pop().unwrap();
    assert_eq!((method, path.as_str()), (Method::PATCH, "/v1/plan"));
    let read: hotshare_api::PlanChange = serde_json::from_value(sent).unwrap();
    assert_eq!(read.period, Some(hotshare_api::Period::Monthly { day: 5 }));
    let parts = read.parts.unwrap();
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0].cap, Some(20_000_000_000));
    assert_eq!(parts[0].unused, hotshare_api::Unused::Kept { most: 5_000_000_000 });
    assert_eq!(parts[1].people, Some(vec!["anna".to_owned(), "bo".to_owned()]));
    assert_eq!(parts[1].pay.as_ref().unwrap().price, "2.50");
    assert_eq!(read.terms.unwrap().vat_permille, Some(190));
}

#[tokio::test]
async fn what_cannot_be_used_is_said_and_nothing_is_sent() {
    let fake = Fake::new();
    for (path, body, says) in [
        ("/admin/people/anna/top-up", "amount=much&amount-unit=MB", "This is not an amount"),
        ("/admin/people/anna/rules", "weight=1&bed-times=late", "These are not hours"),
        ("/admin/plan", "period=once&from=2026-11-01&until=soon", "This is not a date"),
        ("/admin/access/password", "password=a&repeated=b", "The two passwords are not the same"),
        ("/admin/people/anna/dance", "", "There is no such thing to do"),
        ("/admin/devices/x/dance", "", "There is no such thing to do"),
    ] {
        let (code, _, text) = fake.post(path, body).await;
        assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert!(text.contains(says), "{path}: {text}");
    }
    assert!(fake.sent.lock().unwrap().is_empty());
}

#[tokio::test]
async fn keys_are_shown_to_who_asks_for_them_and_kept_nowhere() {
    let fake = Fake::new();
    for path in ["/admin/people/anna/invite", "/admin/people/anna/rotate", "/admin/wifi/key"] {
        let (code, _, text) = fake.post(path, "").await;
        assert_eq!(code, StatusCode::OK, "{path}: {text}");
        assert!(text.contains("correct horse") && text.contains("<svg"), "{path}");
    }
    for path in PAGES {
        let (.., text) = fake.ask(Method::GET, path, "en", Some(Role::Owner), "").await;
        assert!(!text.contains("correct horse"), "{path}");
    }
    assert!(!format!("{:?}", Secret::from("correct horse")).contains("horse"));
}

#[tokio::test]
async fn numbers_move() {
    let fake = Fake::new();
    let mut request = Request::builder().uri("/admin/live").body(Body::empty()).unwrap();
    request.extensions_mut().insert(Who { role: Role::Viewer, csrf: String::new() });
    let reply = fake.pages.clone().oneshot(request).await.unwrap();
    assert_eq!(reply.headers()[CONTENT_TYPE], "text/event-stream");
    let mut body = reply.into_body();
    let frame = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap().into_data().unwrap();
    let text = std::str::from_utf8(&frame).unwrap().trim().strip_prefix("data: ").unwrap();
    let moved: Value = serde_json::from_str(text).unwrap();
    assert_eq!(moved["text"]["plan.left"], "14.70 GB");
    assert_eq!(moved["value"]["plan.share"], 735);
    assert_eq!(moved["text"]["p.anna.left"], "2.00 GB of 2.00 GB");
    assert_eq!(moved["stamp"], live::stamp(&status()));
}
