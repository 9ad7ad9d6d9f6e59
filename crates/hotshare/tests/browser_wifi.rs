//! The pages about the Wi-Fi, in a real browser. A laboratory of namespaces has no Wi-Fi (`cargo xtask vm` has, and no
//! browser), so here the dashboard stands on answers that are written down, in place of the daemon's. Needs root.

mod browser;
mod net;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::extract::Path as Part;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use browser::looks::all_pages;
use browser::{Browser, Look};
use hotshare_lab::lab::Lab;
use hotshare_web::{Api, Role, Who, admin};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const DASHBOARD: &str = "http://127.0.0.1:4680/admin";
const SOON: Duration = Duration::from_secs(10);
/// With everything in it that must be written with care in a code.
const JOIN: &str = r#"WIFI:T:WPA;S:Caf\;é \"Néon\";P:bicycle walnut harbour umbrella;;"#;

/// The network, with somebody on the air, somebody who waits and somebody who is kept out.
fn wifi() -> Value {
    let station = |mac: &str, person: Option<&str>, admission: &str| {
        json!({
            "mac": mac, "person": person, "host_name": "Annas-Telefon", "address": "10.0.0.12", "since": 1,
            "admission": admission, "reason": null, "signal_dbm": -61, "up_kbit_s": 72_200,
            "down_kbit_s": 433_300, "heard_ms": 1_200,
        })
    };
    json!({
        "schema": 1, "at": 1_795_000_000, "state": "on", "off_because": null, "name": "Café Néon", "mode": "people",
        "interface": "wlan0", "bssid": "02:00:5e:10:01:01", "country": "DE", "band": "5", "channel": 36,
        "mhz": 5180, "width_mhz": 80, "station_ports": true,
        "why": ["card wlan0: it can be an access point, and is not used", "channel 1 (2.4 GHz, 20 MHz): the first"],
        "reasons": [
            {
                "code": "card-free", "country": null, "card": "wlan0", "interface": null, "configured": false,
                "band": null, "channel": null, "width_mhz": null, "detail": null,
            },
            {
                "code": "channel-first", "country": null, "card": null, "interface": null, "configured": false,
                "band": "2.4", "channel": 1, "width_mhz": 20, "detail": "the card has no 5 GHz",
            },
        ],
        "cost": "metered",
        "stations": [
            station("02:00:5e:10:00:01", Some("anna"), "admitted"),
            station("02:00:5e:10:00:02", None, "waiting"),
        ],
        "denied": [{ "mac": "02:00:5e:10:00:03", "seconds_left": 42, "why": "wrong-key", "reason": "too many wrong passphrases" }], "wrong_keys": 3,
    })
}

async fn invited(Part(name): Part<String>) -> Json<Value> {
    Json(json!({
        "schema": 1, "name": "Café Néon", "mode": "people",
        "passphrase": format!("bicycle walnut harbour {name}"),
        "since": 1_795_000_000, "until": 1_796_000_000, "join": JOIN,
    }))
}

/// A line of several kinds: of a person, of a device, of everybody, of a failure, and of an older release.
fn events() -> Value {
    let event = |kind: &str, facts: Value| json!({ "at": 1_795_000_000, "kind": kind, "text": "it happened", "facts": facts });
    json!({
        "schema": 1,
        "events": [
            event("open", json!({})),
            event("gift", json!({ "person": "anna", "other": "小明", "bytes": 200_000_000 })),
            event("wrong-key", json!({ "device": "02:00:5e:10:00:01", "count": 3, "seconds": 60 })),
            event("plan-used", json!({})),
            event("ledger-stuck", json!({ "reason": "No space left on device (os error 28)" })),
            event("card-new", json!({ "card": 1, "interface": "wwan0" })),
        ],
    })
}

fn alerts() -> Value {
    json!({
        "schema": 1,
        "alerts": [{
            "id": 7, "at": 1_795_000_000, "kind": "plan-level", "about": null, "percent": 80, "used": 16_000_000_000_u64,
            "limit": 20_000_000_000_u64, "title": "80 % of the plan is used", "text": "…",
            "facts": { "percent": 80, "bytes": 16_000_000_000_u64, "limit": 20_000_000_000_u64, "alert": 7 },
            "deliveries": [{
                "channel": "mail", "state": "delivered", "attempts": 1, "next_try": null, "settled": 1_795_000_001,
                "error": null,
            }],
        }],
    })
}

/// The days of the plan's period so far.
fn usage() -> Value {
    let day = |n: u64| {
        let down = 230_000_000 + n * 7_919 % 13 * 21_000_000;
        json!({
            "key": format!("2026-11-{n:02}"), "person": null, "up": down / 9, "down": down, "refused_up": 0,
            "refused_down": 4_000_000, "billed": down + down / 8,
        })
    };
    json!({
        "schema": 1, "by": "day", "since": 1_793_833_200, "until": 1_795_000_000,
        "rows": (5..=18).map(day).collect::<Vec<_>>(),
        "total": {
            "billed_up": 530_000_000, "billed_down": 4_770_000_000_u64, "delivered": 5_000_000_000_u64,
            "refused": 100_000_000, "own": 200_000_000,
        },
    })
}

/// Serves the dashboard where the daemon would, to an owner who has logged in.
async fn serve(lab: &Lab) -> Result<()> {
    let status: Value = serde_json::from_str(include_str!("../../hotshare-api/src/status.json"))?;
    let interface = Router::new()
        .route("/v1/status", get(async move || Json(status.clone())))
        .route("/v1/usage", get(async || Json(usage())))
        .route("/v1/events", get(async || Json(events())))
        .route("/v1/alerts", get(async || Json(alerts())))
        .route("/v1/wifi", get(async || Json(wifi())))
        .route("/v1/people/{name}/invite", post(invited));
    let owner = Who { role: Role::Owner, csrf: "of-this-test".to_owned() };
    let pages = admin::router(Api::new(interface)).layer(Extension(owner));
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    lab.hotspot.start(async move {
        let listener = TcpListener::bind(("127.0.0.1", 4680)).await;
        ready.send(listener.is_ok()).ok();
        if let Ok(listener) = listener {
            axum::serve(listener, pages).await.ok();
        }
    });
    ensure!(is_ready.await?, "the port of the dashboard is taken");
    Ok(())
}

/// What a camera reads off a picture.
fn read_code(picture: &Path) -> Result<String> {
    let file = std::io::BufReader::new(std::fs::File::open(picture)?);
    let mut decoder = png::Decoder::new(file);
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().context("a picture too large")?];
    let frame = reader.next_frame(&mut pixels)?;
    let (width, height) = (usize::try_from(frame.width)?, usize::try_from(frame.height)?);
    let step = frame.line_size / width;
    // One of the colours is enough: the code has none.
    let luma = |x: usize, y: usize| pixels[y * frame.line_size + x * step];
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, luma);
    let grids = image.detect_grids();
    let grid = grids.first().with_context(|| format!("no code in {}", picture.display()))?;
    Ok(grid.decode()?.1)
}

/// The button leads to a code that a camera reads, whatever the theme, with a script and without.
#[tokio::test]
async fn an_invitation_is_a_code_that_can_be_read() -> Result<()> {
    let lab = net::bare(1, None).await?;
    serve(&lab).await?;
    let browser = Browser::on_machine()?;
    for (name, look, heading) in [
        ("invite-phone", Look::PHONE, "Join as anna"),
        ("invite-zh-night", Look::PHONE.in_chinese().dark(), "以 anna 的身份加入"),
        ("invite-desk-night", Look::DESK.dark(), "Join as anna"),
        ("invite-plain", Look::PHONE.without_scripts(), "Join as anna"),
    ] {
        let page = browser.open(look, &format!("{DASHBOARD}/people/anna")).await?;
        page.click("form[action$='/invite'] button").await?;
        page.sees("h1", heading, SOON).await?;
        page.sees("main code", "bicycle walnut harbour anna", SOON).await?;
        page.shot(name).await?;
        let code = read_code(&page.shot_of("figure.code svg", &format!("{name}-code")).await?);
        let code = code.with_context(|| name.to_owned())?;
        ensure!(code == JOIN, "{name}: the code says {code}");
        page.audit().await.with_context(|| name.to_owned())?;
        page.close().await?;
    }
    lab.tear_down().await
}

/// The network and who is on the air; and what the overview says of a plan with a past.
#[tokio::test]
async fn everybody_can_read_who_is_on_the_air() -> Result<()> {
    let lab = net::bare(1, None).await?;
    serve(&lab).await?;
    let browser = Browser::on_machine()?;
    let at = |path: &str| format!("{DASHBOARD}{path}");
    all_pages(
        &browser,
        &[
            (&at("/wifi"), "wifi", ("Waits: it is being written down", "等待中")),
            (&at("/diary"), "diary-words", ("anna gives 200.00 MB to 小明", "anna 把 200.00 MB 转赠给 小明")),
            (&at(""), "overview-forecast", ("Will it last?", "够用吗？")),
            (&at("/usage?by=day"), "usage-fortnight", ("Billed", "2026-11-18")),
            (&at("/plan"), "plan-past", ("The carrier counts", "运营商")),
            (&at("/people/anna"), "person-wifi", ("There is a key", "密钥长期有效")),
        ],
    )
    .await?;
    lab.tear_down().await
}
