//! The families, one after the other. Each is there whether it has samples or not, so that who watches sees what could
//! be. How many samples there are is bounded by the kernel's accounts and the plan's parts; devices are only numbered,
//! for their addresses are as many as strangers like.

use std::fmt::Error;

use hotshare_api::{Outlook, Person, Plan, Safe, Verdict};
use hotshare_core::meter::Usage;
use hotshare_store::Whose;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Unit;

use super::Figures;

type Labels<'a> = Vec<(&'static str, &'a str)>;

/// Where families go.
pub(super) struct Out<'a>(DescriptorEncoder<'a>);

impl<'a> Out<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Out<'a> {
        Out(encoder)
    }

    /// A gauge with labels.
    fn gauges<'l, N: EncodeGaugeValue>(
        &mut self,
        (name, help, unit): (&str, &str, Option<Unit>),
        samples: impl IntoIterator<Item = (Labels<'l>, N)>,
    ) -> Result<(), Error> {
        let mut family = self.0.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
        for (labels, value) in samples {
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// A gauge without; `None`: there is no such figure now.
    fn gauge<N: EncodeGaugeValue>(
        &mut self,
        named: (&str, &str, Option<Unit>),
        value: Option<N>,
    ) -> Result<(), Error> {
        self.gauges(named, value.map(|value| (Vec::new(), value)))
    }

    /// Bytes that only grow.
    fn counters<'l>(
        &mut self,
        (name, help): (&str, &str),
        samples: impl IntoIterator<Item = (Labels<'l>, u64)>,
    ) -> Result<(), Error> {
        let mut family = self.0.encode_descriptor(name, help, Some(&Unit::Bytes), MetricType::Counter)?;
        for (labels, value) in samples {
            ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

fn bytes<'a>(name: &'a str, help: &'a str) -> (&'a str, &'a str, Option<Unit>) {
    (name, help, Some(Unit::Bytes))
}

fn seconds<'a>(name: &'a str, help: &'a str) -> (&'a str, &'a str, Option<Unit>) {
    (name, help, Some(Unit::Seconds))
}

fn ratio<'a>(name: &'a str, help: &'a str) -> (&'a str, &'a str, Option<Unit>) {
    (name, help, Some(Unit::Other("ratio".to_owned())))
}

/// 1 or 0, or a number of things.
fn number<'a>(name: &'a str, help: &'a str) -> (&'a str, &'a str, Option<Unit>) {
    (name, help, None)
}

fn word(verdict: Verdict) -> String {
    serde_json::to_value(verdict).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn thousandths(permille: u16) -> f64 {
    f64::from(permille) / 1000.0
}

pub(super) fn box_itself(out: &mut Out<'_>, figures: &Figures) -> Result<(), Error> {
    let status = &figures.status;
    let build = Info::new(vec![("version", status.daemon.version.clone())]);
    build.encode(out.0.encode_descriptor("hotshare_build", "The release.", None, MetricType::Info)?)?;
    out.gauge(number("hotshare_uplink_up", "There is an uplink."), Some(u32::from(status.uplink.is_some())))?;
    out.gauge(number("hotshare_open", "Something may pass: nothing is closed for everybody."), {
        Some(u32::from(status.closed.is_none()))
    })?;
    let closed = status.closed.map(word);
    let closed = closed.iter().map(|why| (vec![("reason", why.as_str())], 1_u32));
    out.gauges(
        number("hotshare_closed", "Why nothing passes at all; not there while something may."),
        closed,
    )?;
    out.gauge(
        number("hotshare_clock_held", "The wall clock is behind, and not believed."),
        Some(u32::from(status.clock_held)),
    )?;
    out.gauge(bytes("hotshare_ledger_size", "The database's file."), figures.ledger_size)?;

    let cards: Vec<(String, _)> = status.cards.iter().map(|card| (card.number.to_string(), card)).collect();
    let of_cards = |is: fn(&hotshare_api::Card) -> bool| {
        cards.iter().map(move |(number, card)| {
            (vec![("card", number.as_str()), ("interface", card.interface.as_str())], u32::from(is(card)))
        })
    };
    out.gauges(
        number("hotshare_card_in", "The uplink leads to this data card."),
        of_cards(|card| card.is_in),
    )?;
    out.gauges(
        number("hotshare_card_agreed", "The owner agreed to use this data card."),
        of_cards(|card| card.agreed),
    )?;

    let count = |is: fn(&hotshare_api::Device) -> bool| status.devices.iter().filter(|d| is(d)).count();
    let states = [
        ("assigned", count(|device| device.person.is_some() && !device.blocked)),
        ("waiting", count(|device| device.person.is_none() && !device.blocked)),
        ("blocked", count(|device| device.blocked)),
    ];
    out.gauges(
        number("hotshare_devices", "Devices that were seen, by whether they are somebody's."),
        states.map(|(state, count)| (vec![("state", state)], count)),
    )?;
    let wifi = status.wifi.as_ref();
    out.gauge(
        number("hotshare_wifi_up", "The Wi-Fi is on the air; not there without Wi-Fi."),
        wifi.map(|wifi| u32::from(wifi.state == hotshare_api::AirState::On)),
    )?;
    out.gauge(number("hotshare_stations", "Devices on the air."), wifi.map(|wifi| wifi.stations))?;
    let certificate = status.certificate.as_ref();
    out.gauge(
        seconds(
            "hotshare_certificate_ends_timestamp",
            "When the certificate of the pages ends, as Unix time; not there without one.",
        ),
        certificate.and_then(|certificate| certificate.until),
    )?;
    let failed = |certificate: &hotshare_api::Certificate| {
        certificate.failed.as_ref().map_or(0, |failed| failed.times)
    };
    out.gauge(
        number(
            "hotshare_certificate_tries_failed",
            "Tries to get a new certificate that failed since the last that did not; not there where none is got.",
        ),
        certificate.filter(|certificate| certificate.by_itself).map(failed),
    )
}

/// Of the data card that is in.
pub(super) fn plan(out: &mut Out<'_>, plan: &Plan) -> Result<(), Error> {
    out.gauge(
        bytes("hotshare_plan_cap", "What the plan has in a period; not there without a cap."),
        plan.cap,
    )?;
    out.gauge(
        bytes("hotshare_plan_billed", "What the carrier bills in this period by our count, corrected."),
        Some(plan.billed),
    )?;
    out.gauge(bytes("hotshare_plan_balance", "What is left; not there without a cap."), plan.balance)?;
    out.gauge(
        bytes("hotshare_plan_recorded", "Written down as used: a grant more than billed at most."),
        Some(plan.recorded),
    )?;
    out.gauge(
        bytes("hotshare_plan_reserve", "Kept back for what is in flight when it closes."),
        Some(plan.reserve),
    )?;
    let kept = plan.carrier.as_ref().map(|carrier| carrier.kept);
    out.gauge(bytes("hotshare_plan_kept", "Kept back for what the carrier counts more."), kept)?;
    out.gauge(
        bytes("hotshare_plan_delivered", "Of billed: to or from people's devices."),
        Some(plan.delivered),
    )?;
    out.gauge(bytes("hotshare_plan_refused", "Of billed: delivered to nobody."), Some(plan.refused))?;
    out.gauge(
        bytes("hotshare_plan_own", "Of billed: the hotspot itself, or not attributed."),
        Some(plan.own),
    )?;
    out.gauge(
        bytes("hotshare_plan_corrected", "Of billed: the owner's corrections; may be negative."),
        Some(plan.corrected),
    )?;
    out.gauge(
        seconds("hotshare_plan_begins_timestamp", "When the present period began, as Unix time."),
        Some(plan.begins),
    )?;
    out.gauge(seconds("hotshare_plan_ends_timestamp", "When it ends; not there without an end."), plan.ends)?;
    let factor = plan.carrier.as_ref().map(|carrier| thousandths(carrier.factor));
    out.gauge(ratio("hotshare_carrier_factor", "The carrier's bytes for each of ours."), factor)?;
    parts(out, plan)?;

    let outlook = plan.outlook.as_ref();
    let safe = outlook.and_then(|outlook| outlook.safe);
    out.gauge(
        bytes("hotshare_plan_safe_today", "What may be used in the whole of today so that it lasts."),
        safe.map(|safe| safe.today),
    )?;
    out.gauge(bytes("hotshare_plan_safe_rest", "Of it, what is left."), safe.map(|safe| safe.rest))?;
    let cases = outlook.and_then(|outlook| outlook.total).map(|total| {
        [("low", total.low), ("likely", total.likely), ("high", total.high)]
            .map(|(case, bytes)| (vec![("case", case)], bytes))
    });
    out.gauges(
        bytes(
            "hotshare_plan_forecast",
            "What the period will have used at its end; one case in ten is below low, one above high.",
        ),
        cases.into_iter().flatten(),
    )?;
    let lasts = outlook.and_then(|outlook| outlook.lasts).map(thousandths);
    out.gauge(ratio("hotshare_plan_lasts", "In so many cases it lasts until its end."), lasts)
}

fn parts(out: &mut Out<'_>, plan: &Plan) -> Result<(), Error> {
    let parts = || plan.parts.iter().map(|part| (vec![("part", part.part.name.as_str())], part));
    out.gauges(
        bytes("hotshare_plan_part_used", "Used of this part in its present period."),
        parts().map(|(labels, part)| (labels, part.used)),
    )?;
    out.gauges(
        bytes("hotshare_plan_part_balance", "What is left of it; not there without a cap."),
        parts().filter_map(|(labels, part)| Some((labels, part.balance?))),
    )?;
    out.gauges(
        number("hotshare_plan_part_in_use", "It is the part that is used now."),
        parts().map(|(labels, part)| (labels, u32::from(part.in_use))),
    )
}

pub(super) fn people(out: &mut Out<'_>, people: &[Person]) -> Result<(), Error> {
    fn of(person: &Person) -> Labels<'_> {
        vec![("person", person.name.as_str())]
    }
    let amounts = |figure: fn(&Person) -> Option<u64>| {
        people.iter().filter_map(move |person| Some((of(person), figure(person)?)))
    };
    let ways = people.iter().flat_map(|person| {
        let way = |way, bytes| (vec![("person", person.name.as_str()), ("direction", way)], bytes);
        [way("up", person.up), way("down", person.down)]
    });
    out.gauges(bytes("hotshare_person_used", "Delivered in the present period of the allowance."), ways)?;
    out.gauges(
        bytes("hotshare_person_limit", "What may be used in it in all; not there when unlimited."),
        amounts(|person| person.limit),
    )?;
    out.gauges(
        bytes("hotshare_person_balance", "What is left; not there when unlimited."),
        amounts(|person| person.balance),
    )?;
    out.gauges(
        bytes("hotshare_person_recorded", "Written down as used: a grant more than used at most."),
        amounts(|person| Some(person.recorded)),
    )?;
    let safe = |person: &Person| person.outlook.as_ref().and_then(|Outlook { safe, .. }| *safe);
    let safe = |which: fn(Safe) -> u64| {
        people.iter().filter_map(move |person| Some((of(person), which(safe(person)?))))
    };
    out.gauges(
        bytes("hotshare_person_safe_today", "What may be used in the whole of today so that it lasts."),
        safe(|safe| safe.today),
    )?;
    out.gauges(bytes("hotshare_person_safe_rest", "Of it, what is left."), safe(|safe| safe.rest))?;
    let is_open =
        |person: &Person| matches!(person.verdict, Verdict::Open | Verdict::Slow | Verdict::OnlySites);
    out.gauges(
        number("hotshare_person_open", "Something may pass for this person."),
        people.iter().map(|person| (of(person), u32::from(is_open(person)))),
    )?;
    let verdicts: Vec<String> = people.iter().map(|person| word(person.verdict)).collect();
    out.gauges(
        number("hotshare_person_verdict", "The verdict that is in force; the others are not there."),
        people.iter().zip(&verdicts).map(|(person, verdict)| {
            (vec![("person", person.name.as_str()), ("verdict", verdict.as_str())], 1_u32)
        }),
    )?;
    out.gauges(
        number("hotshare_person_devices", "Devices of this person."),
        people.iter().map(|person| (of(person), person.devices)),
    )
}

/// Of all time. Who is gone has no samples of their own any more, and stays in the sums.
pub(super) fn counters(out: &mut Out<'_>, figures: &Figures) -> Result<(), Error> {
    let (mut billed, mut delivered) = (Usage::default(), Usage::default());
    let mut people: Vec<(&str, Usage)> =
        figures.status.people.iter().map(|person| (person.name.as_str(), Usage::default())).collect();
    for row in &figures.usage {
        match &row.whose {
            Whose::Plan => billed += row.usage,
            Whose::Person { name, .. } => {
                delivered += row.usage;
                if let Some((_, usage)) = people.iter_mut().find(|(person, _)| person == name) {
                    *usage += row.usage;
                }
            }
            Whose::Everyone | Whose::Device { .. } => {}
        }
    }
    let ways = |usage: Usage| [("up", usage.up.0), ("down", usage.down.0)];
    let refused = |usage: Usage| [("up", usage.refused_up.0), ("down", usage.refused_down.0)];
    let all = |ways: Ways| ways.map(|(way, bytes)| (vec![("direction", way)], bytes));
    out.counters(
        ("hotshare_billed", "What the carrier bills by our count, uncorrected."),
        all(ways(billed)),
    )?;
    out.counters(("hotshare_delivered", "To and from people's devices."), all(ways(delivered)))?;
    out.counters(
        ("hotshare_refused", "Up: never sent. Down: billed, and delivered to nobody."),
        all([("up", delivered.refused_up.0), ("down", billed.refused_down.0)]),
    )?;
    out.counters(("hotshare_person_delivered", "To and from this person's devices."), each(&people, ways))?;
    out.counters(
        ("hotshare_person_refused", "Up: never sent. Down: billed, and not delivered."),
        each(&people, refused),
    )
}

type Ways = [(&'static str, u64); 2];

fn each<'p>(people: &[(&'p str, Usage)], which: fn(Usage) -> Ways) -> Vec<(Labels<'p>, u64)> {
    let mut samples = Vec::new();
    for (name, usage) in people {
        for (way, bytes) in which(*usage) {
            samples.push((vec![("person", *name), ("direction", way)], bytes));
        }
    }
    samples
}
