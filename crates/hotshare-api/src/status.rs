//! What is so now.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::card::Card;
use crate::certificate::Certificate;
use crate::outlook::{Carrier, Outlook};
use crate::part::{PartStatus, Terms, Window};
use crate::wifi::{PersonKey, WifiLine};
use crate::words::{AtCap, Every, Period, Verdict};

/// Reply to `GET /v1/status`: everything that `hotshare status` shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    pub schema: u32,
    /// The time that the daemon believes.
    pub at: i64,
    pub daemon: Daemon,
    /// The wall clock is behind what was already seen, and not synchronised: `at` is the latest time believed.
    pub clock_held: bool,
    /// `null`: there is none.
    pub uplink: Option<Uplink>,
    /// `null`: people are on wired ports only.
    pub wifi: Option<WifiLine>,
    /// That the pages are served with by TLS; `null`: the owner wants none.
    #[serde(default)]
    pub certificate: Option<Certificate>,
    /// Why nothing at all is forwarded, if nothing is.
    pub closed: Option<Verdict>,
    /// All data cards that were seen, by number.
    #[serde(default)]
    pub cards: Vec<Card>,
    /// Of the card that is in.
    pub plan: Plan,
    /// By name.
    pub people: Vec<Person>,
    /// Nobody's first, then by person.
    pub devices: Vec<Device>,
}

/// The daemon that answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Daemon {
    /// The process's number.
    pub pid: u32,
    /// The release, such as `0.1.0`.
    pub version: String,
}

/// The way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Uplink {
    /// The interface's name.
    pub name: String,
    /// IPv4, dotted.
    pub address: String,
}

/// What was bought, and what is left of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// `null`: counted, but never closed.
    pub cap: Option<u64>,
    /// What the carrier has billed in this period by our count, corrections included.
    pub billed: u64,
    /// What is left; `null` without a cap.
    pub balance: Option<u64>,
    /// What all together may use now, for everything, without paying more: of each part that is for everybody, without
    /// what is kept back. `null`: no end.
    #[serde(default)]
    pub usable: Option<u64>,
    /// Written down as used: at least `billed`; the difference is a grant that is being spent.
    pub recorded: u64,
    /// Kept back for what is still in flight when the plan closes.
    pub reserve: u64,
    /// Of `billed`: to or from people's devices.
    pub delivered: u64,
    /// Of `billed`: arrived for devices that were closed; delivered to nobody.
    pub refused: u64,
    /// Of `billed`: the rest. The hotspot itself, or not attributed.
    pub own: u64,
    /// Of `billed`: what the owner's corrections added (or, negative, took away).
    pub corrected: i64,
    pub period: Period,
    /// IANA name of the zone by whose civil time periods roll.
    pub zone: String,
    pub at_cap: AtCap,
    /// When the present period began.
    pub begins: i64,
    /// When it ends (exclusive); `null` for no end.
    pub ends: Option<i64>,
    /// Its parts, in the order in which they are used. `cap` and `balance` above are those of the first that is for
    /// everybody and always, renews with the plan and costs nothing more.
    #[serde(default)]
    pub parts: Vec<PartStatus>,
    /// To go on, the owner would have to agree to so much money; `null`: it goes on, or cannot.
    #[serde(default)]
    pub asks_for: Option<String>,
    #[serde(default)]
    pub terms: Terms,
    /// How the carrier counts; `null`: the daemon is older than that.
    #[serde(default)]
    pub carrier: Option<Carrier>,
    /// How it goes on, in the carrier's bytes; `used`, `total` and `balance` are those of the parts that cost nothing
    /// more, are as fast as the first and are for everybody at all hours. `null`: no plan runs, or it has no such part.
    #[serde(default)]
    pub outlook: Option<Outlook>,
}

/// Somebody who shares the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Person {
    /// By which it is named in paths.
    pub name: String,
    /// `null`: unlimited.
    pub allowance: Option<u64>,
    /// How often the allowance renews; `null` when unlimited.
    pub allowance_every: Option<Every>,
    /// Sent in the present period of the allowance, as the device sees it.
    pub up: u64,
    /// Received, likewise.
    pub down: u64,
    /// Written down as used: at least `up + down`.
    pub recorded: u64,
    /// What is left; `null` when unlimited.
    pub balance: Option<u64>,
    /// When the allowance renews; `null` for never.
    pub renews: Option<i64>,
    pub verdict: Verdict,
    /// What the plan has now for this person, for everything, without paying more and without what is kept back. Others
    /// may use it, too. `null`: no end.
    #[serde(default)]
    pub plan_left: Option<u64>,
    /// So much passes before the person is closed or reaches some sites only, if nobody else uses the plan; 0 when
    /// closed; `null`: nothing limits it.
    #[serde(default)]
    pub bytes_remaining: Option<u64>,
    /// Closed from then on if nothing is changed, whatever is left: by bed time, hours, or the end of a key, of the
    /// person's time or of the plan. `null`: nothing says so, or closed already.
    #[serde(default)]
    pub closes: Option<i64>,
    /// While slow: bytes a second in each direction, for this person, or for all together when the plan is slow.
    #[serde(default)]
    pub slow: Option<u64>,
    /// Why: `allowance-used` or `plan-slow`.
    #[serde(default)]
    pub slow_because: Option<Verdict>,
    /// The allowance is a fair share of the plan.
    #[serde(default)]
    pub fair: bool,
    /// What may be used in this period in all: the allowance with what came on top, or the fair share as it is now.
    #[serde(default)]
    pub limit: Option<u64>,
    /// On top of the allowance: topped up, given, lent (negative: given away).
    #[serde(default)]
    pub credit: i64,
    /// How much more than another's counts, 1 to 100.
    #[serde(default)]
    pub weight: u16,
    /// At the end of the allowance it goes on with so many bytes a second; `null`: it stops.
    #[serde(default)]
    pub then_rate: Option<u64>,
    /// Closed at these hours.
    #[serde(default)]
    pub bed_times: Vec<Window>,
    /// Closed from then on; `null`: stays.
    #[serde(default)]
    pub until: Option<i64>,
    /// What the person asked for and waits for.
    #[serde(default)]
    pub wish: Option<Wish>,
    /// How many devices belong to this person.
    pub devices: u32,
    /// How many devices may be on the air at once; `null`: as many as come.
    pub device_limit: Option<u32>,
    /// The Wi-Fi key, in force or ended; `null`: none.
    pub key: Option<PersonKey>,
    /// How it goes on by the allowance alone; the plan may end before. In bytes as people are charged.
    #[serde(default)]
    pub outlook: Option<Outlook>,
}

/// What a person asks the owner for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Wish {
    /// How much.
    pub bytes: u64,
    /// When it was asked for.
    pub at: i64,
}

/// A device that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// Six pairs of lower-case hex digits, with colons.
    pub mac: String,
    /// `null`: nobody's; closed, and waiting for the owner.
    pub person: Option<String>,
    /// It gets nothing, whoever it belongs to.
    pub blocked: bool,
    /// What the device calls itself. It may call itself anything: escape it before showing it.
    pub host_name: Option<String>,
    /// IPv4, while it has a lease.
    pub address: Option<String>,
    /// Since the meter's maps were made (most often: since the machine started).
    pub up: u64,
    /// The same, down.
    pub down: u64,
    /// When it was first seen.
    pub first_seen: i64,
    /// Who its user says to be, while it is nobody's. Anybody may say anything: escape it before showing it.
    #[serde(default)]
    pub claim: Option<String>,
}

/// Reply to `GET /v1/people`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct People {
    pub schema: u32,
    /// By name.
    pub people: Vec<Person>,
}

/// Reply to `GET /v1/devices`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Devices {
    pub schema: u32,
    /// Nobody's first, then by person.
    pub devices: Vec<Device>,
}

/// Reply to `GET /v1/plan`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanReply {
    pub schema: u32,
    pub plan: Plan,
}

/// Reply to every change: it is durable and in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Done {
    pub schema: u32,
    /// Always true: what cannot be done is a failure.
    pub done: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::CertificateFailed;
    use crate::outlook::{CarrierFigure, Compared, Confidence, RunOut, Safe, Spread};
    use crate::part::Part;
    use crate::wifi::{AirState, Band};

    #[test]
    fn the_text_of_a_status() {
        let status = Status {
            schema: crate::SCHEMA,
            at: 1_795_000_000,
            daemon: Daemon { pid: 4711, version: "0.1.0".into() },
            clock_held: false,
            uplink: Some(Uplink { name: "wwan0".into(), address: "100.64.0.2".into() }),
            wifi: Some(WifiLine {
                state: AirState::On,
                off_because: None,
                name: "Hotshare-0001".into(),
                band: Some(Band::Five),
                channel: Some(36),
                stations: 1,
            }),
            certificate: Some(Certificate {
                name: "box.example.org".into(),
                by_itself: true,
                until: Some(1_799_000_000),
                next_try: Some(1_796_400_000),
                waits_for: None,
                failed: Some(CertificateFailed {
                    at: 1_794_999_000,
                    times: 1,
                    why: "the name server 192.0.2.53:53 does not answer".into(),
                }),
            }),
            closed: None,
            cards: vec![Card {
                number: 1,
                interface: "wwan0".into(),
                network: None,
                sim: Some("89490200001234567890".into()),
                roaming: Some(false),
                agreed: true,
                is_in: true,
                since: 1_794_000_000,
            }],
            plan: Plan {
                cap: Some(20_000_000_000),
                billed: 5_300_000_000,
                balance: Some(14_700_000_000),
                usable: Some(14_291_816_534),
                recorded: 5_304_000_000,
                reserve: 16_777_216,
                delivered: 5_000_000_000,
                refused: 100_000_000,
                own: 200_000_000,
                corrected: -50,
                period: Period::Monthly { day: 5 },
                zone: "Europe/Berlin".into(),
                at_cap: AtCap::Stop,
                begins: 1_793_833_200,
                ends: Some(1_796_425_200),
                parts: vec![PartStatus {
                    part: Part { name: "plan".into(), cap: Some(20_000_000_000), ..Part::default() },
                    in_use: true,
                    in_hours: true,
                    begins: Some(1_793_833_200),
                    ends: Some(1_796_425_200),
                    used: 5_300_000_000,
                    credit: 0,
                    balance: Some(14_700_000_000),
                    bought: "0.00".into(),
                }],
                asks_for: None,
                terms: Terms::default(),
                carrier: Some(Carrier {
                    factor: 1024,
                    confidence: Confidence::Fair,
                    based_on: 4,
                    strange: 0,
                    spread: 0,
                    drift: None,
                    kept: 391_406_250,
                    since_figure: 2_000_000_000,
                    figure: Some(CarrierFigure { at: 1_794_500_000, told: 3_300_000_000 }),
                    compared: vec![Compared {
                        at: 1_794_500_000,
                        ours: 1_000_000_000,
                        carriers: 1_030_000_000,
                    }],
                }),
                outlook: Some(Outlook {
                    at: 1_795_000_000,
                    today: "2026-11-18".into(),
                    ends: Some("2026-12-05".into()),
                    used: 5_348_000_000,
                    used_today: 102_400_000,
                    balance: Some(14_652_000_000),
                    factor: 1024,
                    days: 90,
                    enough: true,
                    thin: false,
                    weekly: true,
                    week: [900, 900, 900, 900, 900, 1250, 1250],
                    total: Some(Spread { low: 17_000_000_000, likely: 20_500_000_000, high: 24_000_000_000 }),
                    runs_out: Some(RunOut {
                        earliest: "2026-11-30".into(),
                        likely: Some("2026-12-03".into()),
                        latest: None,
                        within: 900,
                    }),
                    lasts: Some(430),
                    safe: Some(Safe { today: 795_147_305, rest: 692_747_305 }),
                }),
            },
            people: vec![Person {
                name: "anna".into(),
                allowance: Some(2_000_000_000),
                allowance_every: Some(Every::Month),
                up: 10,
                down: 20,
                recorded: 64,
                balance: Some(1_999_999_970),
                renews: Some(1_796_079_600),
                verdict: Verdict::Open,
                plan_left: Some(14_291_816_534),
                bytes_remaining: Some(1_999_999_970),
                closes: None,
                slow: None,
                slow_because: None,
                fair: false,
                limit: Some(2_000_000_000),
                credit: 0,
                weight: 1,
                then_rate: None,
                bed_times: Vec::new(),
                until: None,
                wish: Some(Wish { bytes: 200_000_000, at: 1_794_999_900 }),
                devices: 1,
                device_limit: Some(3),
                key: Some(PersonKey { since: 1_794_000_000, until: None }),
                outlook: Some(Outlook {
                    at: 1_795_000_000,
                    today: "2026-11-18".into(),
                    ends: Some("2026-12-01".into()),
                    used: 30,
                    used_today: 0,
                    balance: Some(1_999_999_970),
                    factor: 1000,
                    days: 2,
                    enough: false,
                    thin: true,
                    weekly: false,
                    week: [1000; 7],
                    total: None,
                    runs_out: None,
                    lasts: None,
                    safe: Some(Safe { today: 153_846_151, rest: 153_846_151 }),
                }),
            }],
            devices: vec![Device {
                mac: "02:00:5e:10:00:01".into(),
                person: None,
                blocked: false,
                host_name: Some("Pixel-8".into()),
                address: None,
                up: 0,
                down: 0,
                first_seen: 1_794_999_000,
                claim: Some("Bo".into()),
            }],
        };
        let text = serde_json::to_string_pretty(&status).expect("plain");
        assert_eq!(text, include_str!("status.json").trim_end());
        assert_eq!(serde_json::from_str::<Status>(&text).expect("reads back"), status);
    }

    #[test]
    fn unlimited_is_null_and_newer_fields_are_skipped() {
        let text = r#"{"name":"bo","allowance":null,"allowance_every":null,"up":1,"down":2,"recorded":3,
            "balance":null,"renews":null,"verdict":"napping","devices":0,"colour":"red"}"#;
        let person: Person = serde_json::from_str(text).expect("a newer daemon's reply reads");
        assert_eq!((person.allowance, person.balance, person.verdict), (None, None, Verdict::Unknown));
    }

    #[test]
    fn done() {
        let text = serde_json::to_string(&Done { schema: crate::SCHEMA, done: true }).expect("plain");
        assert_eq!(text, r#"{"schema":1,"done":true}"#);
    }
}
