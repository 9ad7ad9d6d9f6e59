//! Examples. Replies are those of docs/api.md, whose own test says that they are replies; requests are values of the
//! types that are asked for, so neither can be wrong.

use hotshare_api::{
    AccessLink, AccessLinkNew, AccessOwner, AccessPassword, AccessTokenMade, AccessTokenNew, Agreement,
    AlertsTest, Amount, ChannelTest, Claim, Day, DeviceChange, Done, Every, Gift, Invite, KeyRotation,
    NetworkKeyRotation, Part, Period, PersonChange, PersonNew, PlanChange, PlanCorrection, SCHEMA, Window,
    WishAnswer,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

const PAGE: &str = include_str!("../../../../../docs/api.md");

/// A reply of this type.
pub(super) fn reply(name: &str) -> Option<Value> {
    let of_status = |key: &str| page("Status").map(|status| json!({"schema": SCHEMA, key: status[key]}));
    match name {
        "Status" | "Statement" | "Events" | "Alerts" | "Access" => page(name),
        "UsageReport" => page("Usage"),
        "Wifi" => page("Wi-Fi"),
        "Key" => page("Wi-Fi keys"),
        "People" => of_status("people"),
        "Devices" => of_status("devices"),
        "Cards" => of_status("cards"),
        "PlanReply" => of_status("plan"),
        "Corrected" => page("Status")
            .map(|status| json!({"schema": SCHEMA, "done": true, "carrier": status["plan"]["carrier"]})),
        "Done" => serde_json::to_value(Done { schema: SCHEMA, done: true }).ok(),
        "AccessPasskeys" => {
            page("Access").map(|access| json!({"schema": SCHEMA, "passkeys": access["passkeys"]}))
        }
        "AccessTokens" => page("Access").map(|access| json!({"schema": SCHEMA, "tokens": access["tokens"]})),
        "AccessTokenMade" => serde_json::to_value(AccessTokenMade {
            schema: SCHEMA,
            name: "home assistant".into(),
            scope: "read".into(),
            token: "hotshare-…".into(),
        })
        .ok(),
        "AccessLink" => serde_json::to_value(AccessLink {
            schema: SCHEMA,
            until: 1_795_000_900,
            machine: Some("http://localhost:4680/admin/link/…".into()),
            lan: None,
        })
        .ok(),
        "AlertsTest" => {
            let channel = ChannelTest { channel: "mail".into(), delivered: true, error: None };
            serde_json::to_value(AlertsTest { schema: SCHEMA, channels: vec![channel] }).ok()
        }
        _ => None,
    }
}

/// The example below a heading of the page.
fn page(heading: &str) -> Option<Value> {
    let (_, below) = PAGE.split_once(&format!("\n## {heading}\n"))?;
    let (_, example) = below.split_once("```json\n")?;
    let (example, _) = example.split_once("```")?;
    serde_json::from_str(example).ok()
}

/// Bodies of this type, by what they ask for.
pub(super) fn requests(name: &str) -> Option<Value> {
    let key = || Some("unlocked-trombone-celery-poking".into());
    match name {
        "PersonNew" => {
            let anna = |fair| PersonNew { name: "anna".into(), allowance: None, allowance_every: None, fair };
            all([
                (
                    "allowance",
                    PersonNew {
                        allowance: Some(2_000_000_000),
                        allowance_every: Some(Every::Month),
                        ..anna(false)
                    },
                ),
                ("fair-share", anna(true)),
                ("unlimited", anna(false)),
            ])
        }
        "PersonChange" => person(),
        "PlanChange" => plan(),
        "Amount" => all([("more", Amount { bytes: 200_000_000 })]),
        "Gift" => all([("gift", Gift { to: "bo".into(), bytes: 200_000_000 })]),
        "WishAnswer" => all([
            ("yes", WishAnswer { yes: true, bytes: None }),
            ("less", WishAnswer { yes: true, bytes: Some(100_000_000) }),
            ("no", WishAnswer { yes: false, bytes: None }),
        ]),
        "Claim" => all([("name", Claim { name: "Anna's phone".into() })]),
        "Agreement" => all([("step", Agreement { money: "2.50".into() })]),
        "DeviceChange" => all([
            ("assign", DeviceChange { person: Some("anna".into()), blocked: None }),
            ("block", DeviceChange { person: None, blocked: Some(true) }),
        ]),
        "AccessLinkNew" => {
            all([("owner", AccessLinkNew::default()), ("viewer", AccessLinkNew { viewer: true })])
        }
        "AccessPassword" => all([
            ("owner", AccessPassword { password: key(), viewer: false }),
            ("none", AccessPassword { password: None, viewer: false }),
        ]),
        "AccessTokenNew" => {
            let token = |scope: &str| AccessTokenNew { name: "home assistant".into(), scope: scope.into() };
            all([("read", token("read")), ("metrics", token("metrics"))])
        }
        "AccessOwner" => all([
            ("person", AccessOwner { person: Some("anna".into()) }),
            ("nobody", AccessOwner { person: None }),
        ]),
        "PlanCorrection" => all([("figure", PlanCorrection { used: 3_200_000_000 })]),
        "Invite" => all([
            ("key", Invite::default()),
            ("without-end", Invite { expires: Some(None), passphrase: None }),
            ("own", Invite { expires: None, passphrase: key() }),
        ]),
        "KeyRotation" => all([
            ("another", KeyRotation::default()),
            ("own", KeyRotation { expires: Some(None), passphrase: key() }),
        ]),
        "NetworkKeyRotation" => all([
            ("another", NetworkKeyRotation::default()),
            ("own", NetworkKeyRotation { passphrase: key() }),
        ]),
        _ => None,
    }
}

fn person() -> Option<Value> {
    let same = PersonChange::default;
    let night = Window { days: vec![Day::Mon, Day::Tue], from: "21:00".into(), until: "07:00".into() };
    all([
        (
            "allowance",
            PersonChange {
                allowance: Some(Some(2_000_000_000)),
                allowance_every: Some(Every::Month),
                ..same()
            },
        ),
        ("unlimited", PersonChange { allowance: Some(None), ..same() }),
        ("fair-share", PersonChange { fair: true, ..same() }),
        ("pause", PersonChange { paused: Some(true), ..same() }),
        ("devices", PersonChange { device_limit: Some(Some(3)), ..same() }),
        (
            "rules",
            PersonChange {
                weight: Some(2),
                then_rate: Some(Some(64_000)),
                bed_times: Some(vec![night]),
                ..same()
            },
        ),
    ])
}

fn plan() -> Option<Value> {
    let same = PlanChange::default;
    let part = |name: &str, cap| Part { name: name.into(), cap, ..Part::default() };
    let slow = Part { rate: Some(64_000), ..part("slow", None) };
    all([
        ("cap", PlanChange { cap: Some(Some(20_000_000_000)), ..same() }),
        (
            "period",
            PlanChange {
                period: Some(Period::Monthly { day: 5 }),
                zone: Some("Europe/Berlin".into()),
                ..same()
            },
        ),
        (
            "slow-at-the-end",
            PlanChange { parts: Some(vec![part("fast", Some(20_000_000_000)), slow]), ..same() },
        ),
    ])
}

/// Examples as a document holds them.
fn all<T: Serialize, const N: usize>(named: [(&str, T); N]) -> Option<Value> {
    let one = |(name, value): (&str, T)| {
        Some((name.to_owned(), json!({"value": serde_json::to_value(value).ok()?})))
    };
    named.into_iter().map(one).collect::<Option<Map<_, _>>>().map(Value::Object)
}
