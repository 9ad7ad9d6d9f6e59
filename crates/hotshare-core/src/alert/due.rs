//! What is to be told now, given what is so and what was told.

use super::{Kind, Mark, Marks, Rules, Subject, Topic, What};
use crate::alert::AlertId;
use crate::ledger::PeriodKey;
use crate::people::{Claim, PersonName};
use crate::plan::PeriodSpan;
use crate::units::{Bytes, Mac, PersonId, UnixTime};

/// What is so.
#[derive(Clone, Debug)]
pub struct Facts {
    pub at: UnixTime,
    /// The civil day in the plan's zone.
    pub day: PeriodKey,
    /// `None`: it does not run.
    pub plan: Option<PlanFacts>,
    pub people: Vec<PersonFacts>,
    /// Somebody's devices whose day may be out of the ordinary.
    pub devices: Vec<DeviceFacts>,
    /// Devices on the LAN that are nobody's.
    pub waiting: Vec<Waiting>,
    /// `None`: there is none, or nobody knows it yet.
    pub certificate: Option<CertificateFacts>,
}

/// The plan's present period.
#[derive(Clone, Debug)]
pub struct PlanFacts {
    pub span: PeriodSpan,
    /// Another period follows this one.
    pub again: bool,
    pub used: Bytes,
    /// `None`: no cap.
    pub limited: Option<Limited>,
    /// `None`: nothing is paid by use, or nothing yet.
    pub price: Option<PriceStep>,
}

/// An amount that is limited.
#[derive(Clone, Copy, Debug)]
pub struct Limited {
    pub used: Bytes,
    pub limit: Bytes,
    /// Less than a packet, or only the reserve, is left: that is all of it.
    pub used_up: bool,
}

impl Limited {
    /// What counts as used when this level is told: at least the level, also when it is told early because less than
    /// a packet was left.
    fn told(&self, percent: u8) -> Bytes {
        let share = (u128::from(self.limit.0) * u128::from(percent)).div_ceil(100);
        self.used.max(Bytes(u64::try_from(share).unwrap_or(u64::MAX)))
    }
}

/// A step of money for which the owner is asked in the plan's period, counted from 1.
#[derive(Clone, Debug)]
pub struct PriceStep {
    pub step: u32,
    /// What this step costs, with its currency.
    pub cost: String,
}

#[derive(Clone, Debug)]
pub struct PersonFacts {
    pub id: PersonId,
    pub name: PersonName,
    /// Of the allowance's present period; `None`: unlimited.
    pub limited: Option<(PeriodSpan, Limited)>,
    /// Used today, and what is usual, if that is known.
    pub today: Option<(Bytes, Bytes)>,
}

#[derive(Clone, Debug)]
pub struct DeviceFacts {
    pub mac: Mac,
    pub host_name: Option<String>,
    pub person: PersonId,
    pub owner: PersonName,
    /// Used today, and what is usual.
    pub today: (Bytes, Bytes),
}

#[derive(Clone, Debug)]
pub struct Waiting {
    pub mac: Mac,
    pub host_name: Option<String>,
    /// Who its user says to be.
    pub claim: Option<Claim>,
}

/// The certificate that the pages are served with.
#[derive(Clone, Copy, Debug)]
pub struct CertificateFacts {
    /// It is told from then on.
    pub warning: UnixTime,
    pub ends: UnixTime,
    /// The civil day in the plan's zone on which it ends.
    pub day: PeriodKey,
}

/// So many devices are told a day, whatever strangers send; the others are told on the next, if they still wait.
const DEVICES_A_DAY: usize = 5;
/// What is usual is known after so many days with use.
const USUAL_DAYS: usize = 3;
const DAY_SECS: i64 = 86_400;

/// The median of the days with use; `None` while there are too few.
#[must_use]
pub fn usual(days: impl IntoIterator<Item = Bytes>) -> Option<Bytes> {
    let mut days: Vec<u64> = days.into_iter().map(|bytes| bytes.0).filter(|bytes| *bytes > 0).collect();
    if days.len() < USUAL_DAYS {
        return None;
    }
    days.sort_unstable();
    let (upper, lower) = (days.get(days.len() / 2)?, days.get((days.len() - 1) / 2)?);
    Some(Bytes(lower.midpoint(*upper)))
}

/// What is to be told now, each with the mark that keeps it from being told again; the alerts are numbered from
/// after `last`.
///
/// Of several levels that were passed since, only the highest is told. A limit that is raised begins anew above
/// what was used when it was last told: what was passed before is not told a second time, what is passed under the
/// new limit is. One that is lowered tells levels that were not told yet.
#[must_use]
pub fn due(rules: &Rules, facts: &Facts, marks: &Marks, last: AlertId) -> Vec<(What, Mark)> {
    let mut told = Telling { marks, last, out: Vec::new() };
    if let Some(plan) = &facts.plan {
        plan_is(&mut told, rules, facts.at, plan);
    }
    for person in &facts.people {
        person_is(&mut told, rules, facts.day, person);
    }
    for device in &facts.devices {
        device_is(&mut told, rules, facts.day, device);
    }
    if let Some(CertificateFacts { warning, ends, day }) = facts.certificate {
        let topic = Topic { kind: Kind::CertificateEnds, subject: Subject::Hotspot };
        // By its end, so that the next one is told as well.
        if facts.at >= warning && marks.get(topic, day).is_none() {
            told.tell(topic, day, 0, Bytes::ZERO, What::CertificateEnds { ends });
        }
    }
    if rules.device_waiting {
        let mut left = DEVICES_A_DAY.saturating_sub(marks.count(Kind::DeviceWaiting, facts.day));
        for Waiting { mac, host_name, claim } in &facts.waiting {
            let topic = Topic { kind: Kind::DeviceWaiting, subject: Subject::Device(*mac) };
            // Once when it comes, and once more when its user has said who it is; what they say after that is not told.
            let level = u32::from(claim.is_some());
            let news = marks.highest(topic).is_none_or(|told| told < level);
            let today = marks.get(topic, facts.day).is_some();
            if news && (today || left > 0) {
                left -= usize::from(!today);
                let (host_name, claim) = (host_name.clone(), claim.clone());
                let what = What::DeviceWaiting { mac: *mac, host_name, claim };
                told.tell(topic, facts.day, level, Bytes::ZERO, what);
            }
        }
    }
    told.out
}

struct Telling<'a> {
    marks: &'a Marks,
    last: AlertId,
    out: Vec<(What, Mark)>,
}

impl Telling<'_> {
    fn tell(&mut self, topic: Topic, period: PeriodKey, level: u32, used: Bytes, what: What) {
        self.last.0 += 1;
        self.out.push((what, Mark { topic, period, level, used, alert: self.last }));
    }

    /// The highest level that was passed and not told.
    fn level(&self, levels: &[u8], topic: Topic, period: PeriodKey, now: &Limited) -> Option<u8> {
        let Limited { used, limit, used_up } = *now;
        let share = |level: u8| u128::from(limit.0) * u128::from(level);
        let passed = |level: &&u8| used_up || u128::from(used.0) * 100 >= share(**level);
        let highest = *levels.iter().filter(passed).max()?;
        match self.marks.get(topic, period) {
            None => Some(highest),
            Some(mark) => {
                let new = u32::from(highest) > mark.level || share(highest) > u128::from(mark.used.0) * 100;
                new.then_some(highest)
            }
        }
    }
}

fn plan_is(told: &mut Telling<'_>, rules: &Rules, at: UnixTime, plan: &PlanFacts) {
    let PeriodSpan { key, begins, ends } = plan.span;
    let topic = |kind| Topic { kind, subject: Subject::Plan };
    if let Some(now) = plan.limited
        && let Some(percent) = told.level(&rules.levels, topic(Kind::PlanLevel), key, &now)
    {
        let Limited { used, limit, .. } = now;
        let what = What::PlanLevel { percent, used, limit, renews: ends };
        told.tell(topic(Kind::PlanLevel), key, u32::from(percent), now.told(percent), what);
    }
    let notice = i64::from(rules.roll_notice_days) * DAY_SECS;
    if let Some(ends) = ends
        // A plan of a day or two needs no notice of it.
        && ends.0.saturating_sub(begins.0) > 2 * notice
        && notice > 0
        && ends.0.saturating_sub(at.0) <= notice
        && told.marks.get(topic(Kind::PlanRolls), key).is_none()
    {
        let limit = plan.limited.map(|limited| limited.limit);
        let what = What::PlanRolls { ends, again: plan.again, used: plan.used, limit };
        told.tell(topic(Kind::PlanRolls), key, 0, plan.used, what);
    }
    if let Some(PriceStep { step, cost }) = &plan.price
        && told.marks.get(topic(Kind::PriceStep), key).is_none_or(|mark| *step > mark.level)
    {
        let what = What::PriceStep { step: *step, cost: cost.clone() };
        told.tell(topic(Kind::PriceStep), key, *step, plan.used, what);
    }
}

fn person_is(told: &mut Telling<'_>, rules: &Rules, day: PeriodKey, person: &PersonFacts) {
    let topic = |kind| Topic { kind, subject: Subject::Person(person.id) };
    if let Some((span, now)) = person.limited
        && let Some(percent) = told.level(&rules.levels, topic(Kind::AllowanceLevel), span.key, &now)
    {
        let Limited { used, limit, .. } = now;
        let name = person.name.clone();
        let what = What::AllowanceLevel { name, percent, used, limit, renews: span.ends };
        told.tell(topic(Kind::AllowanceLevel), span.key, u32::from(percent), now.told(percent), what);
    }
    if let Some((today, usual)) = person.today
        && is_unusual(rules, today, usual)
        && told.marks.get(topic(Kind::UnusualUse), day).is_none()
    {
        let what = What::UnusualUse { name: person.name.clone(), today, usual };
        told.tell(topic(Kind::UnusualUse), day, 0, today, what);
    }
}

fn is_unusual(rules: &Rules, today: Bytes, usual: Bytes) -> bool {
    rules.unusual.is_some_and(|rule| {
        today > rule.floor && u128::from(today.0) > u128::from(usual.0) * u128::from(rule.factor)
    })
}

/// What is unusual of the person is not told once more of the device.
fn device_is(told: &mut Telling<'_>, rules: &Rules, day: PeriodKey, device: &DeviceFacts) {
    let topic = |subject| Topic { kind: Kind::UnusualUse, subject };
    let (own, person) = (topic(Subject::Device(device.mac)), topic(Subject::Person(device.person)));
    let (today, usual) = device.today;
    let is_told =
        |topic| told.marks.get(topic, day).is_some() || told.out.iter().any(|(_, m)| m.topic == topic);
    if is_unusual(rules, today, usual) && !is_told(own) && !is_told(person) {
        let (mac, host_name, owner) = (device.mac, device.host_name.clone(), device.owner.clone());
        told.tell(own, day, 0, today, What::UnusualDevice { mac, host_name, owner, today, usual });
    }
}
