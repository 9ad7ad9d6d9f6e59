//! One run of a scenario, with or without a restart of which it does not speak.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use hotshare_core::ask::{Answer, Ask, Refusal};
use hotshare_core::brain::{AskId, Event};
use hotshare_core::radio::StationSeen;
use hotshare_core::record::Change;
use hotshare_core::units::{Mac, PersonId, Slot};

use super::expect::Seen;
use super::parse::{Scenario, Step};
use super::text::Names;
use super::verbs;
use super::words::Calendar;
use super::{facts, promises};
use crate::world::{START, World, mac};

/// A board without a clock wakes up here: 2000-01-01.
pub(crate) const WAKES_UP: i64 = 946_684_800;

/// How a daemon ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// The kernel goes on.
    Kill,
    /// The kernel's maps are lost.
    PowerCut,
    /// It says goodbye.
    Clean,
}

/// A restart that the scenario does not speak of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Injection {
    pub(crate) how: How,
    /// The number of the step.
    pub(crate) step: usize,
    /// In its middle, if it lasts; else after it.
    pub(crate) middle: bool,
}

/// Something is not as the scenario says.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    pub(crate) line: usize,
    pub(crate) step: String,
    pub(crate) what: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    {}", self.line, self.step, self.what.replace('\n', "\n    "))
    }
}

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) troubles: Vec<Trouble>,
    /// What was seen at each expectation.
    pub(crate) seen: Vec<Seen>,
    /// How lines would have to read, by the line that they begin on.
    pub(crate) rewritten: BTreeMap<usize, Vec<String>>,
}

/// A transfer that goes on while time passes.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(crate) who: String,
    pub(crate) up: bool,
    /// Bytes a second.
    pub(crate) rate: u64,
    pub(crate) packet: u64,
    /// Left over of a slice of time that was less than a packet.
    pub(crate) carried: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Bases {
    pub(crate) people: BTreeMap<PersonId, u64>,
    pub(crate) devices: BTreeMap<(Mac, PersonId), u64>,
    pub(crate) billed: u64,
}

pub(crate) struct Run<'a> {
    pub(crate) world: World,
    pub(crate) calendar: Calendar,
    pub(crate) names: Names,
    pub(crate) injection: Option<Injection>,
    pub(crate) reference: Option<&'a [Seen]>,
    pub(crate) outcome: Outcome,
    /// The machine keeps its clock while it is off.
    pub(crate) keeps_time: bool,
    /// Real time less the wall clock.
    pub(crate) skew: i64,
    pub(crate) started: bool,
    pub(crate) flows: Vec<Flow>,
    pub(crate) stations: BTreeMap<Mac, StationSeen>,
    pub(crate) ports: u32,
    /// Of the changes on disk, how many were shown already, by block.
    pub(crate) shown: BTreeMap<&'static str, usize>,
    pub(crate) given: BTreeMap<Slot, String>,
    pub(crate) bases: Bases,
    /// A refusal is wanted; the one that came.
    pub(crate) refusal: Option<Option<String>>,
    /// Asked while the disk does not answer.
    waiting: Vec<(AskId, Ask)>,
    numbers: BTreeMap<String, u8>,
    pub(crate) cuts: u32,
    /// What happens depends on how much is granted and not spent.
    pub(crate) loose: bool,
    /// Nothing that follows can be shown in this run.
    pub(crate) over: bool,
    /// After a restart amounts may differ by so much.
    pub(crate) within: i64,
    /// The injection happens when the step is half done.
    halfway: Option<How>,
}

pub(crate) fn run(scenario: &Scenario, injection: Option<Injection>, reference: Option<&[Seen]>) -> Outcome {
    let mut run = Run::new(injection, reference);
    for (number, step) in scenario.steps.iter().enumerate() {
        let here = injection.filter(|i| i.step == number);
        run.halfway = here.filter(|i| i.middle).map(|i| i.how);
        let result = verbs::step(&mut run, step);
        run.halfway = None;
        run.names.learn(&run.world.book);
        if let Err(what) = result {
            run.trouble(step, what);
            return run.outcome;
        }
        if let Some(how) = here.filter(|i| !i.middle).map(|i| i.how) {
            run.restart(how, true);
        }
        promises::hold(&mut run, step);
        if run.over {
            break;
        }
        if run.outcome.troubles.len() > 5 {
            return run.outcome;
        }
    }
    if let Some(last) = scenario.steps.last() {
        promises::hold_at_the_end(&mut run, last);
    }
    run.outcome
}

impl<'a> Run<'a> {
    fn new(injection: Option<Injection>, reference: Option<&'a [Seen]>) -> Run<'a> {
        let calendar = Calendar::named("UTC").expect("UTC is known");
        let mut world = World::before_first_start(calendar.zone.clone(), START);
        world.heard = injection.is_none().then(Vec::new);
        Run {
            world,
            calendar,
            names: Names::default(),
            injection,
            reference,
            outcome: Outcome::default(),
            keeps_time: true,
            skew: 0,
            started: false,
            flows: Vec::new(),
            stations: BTreeMap::new(),
            ports: 100,
            shown: BTreeMap::new(),
            given: BTreeMap::new(),
            bases: Bases::default(),
            refusal: None,
            waiting: Vec::new(),
            numbers: BTreeMap::new(),
            cuts: 0,
            loose: false,
            over: false,
            within: 0,
            halfway: None,
        }
    }

    pub(crate) fn trouble(&mut self, step: &Step, what: String) {
        self.outcome.troubles.push(Trouble { line: step.line, step: step.text.clone(), what });
    }

    /// The daemon runs from the first step on that is not about how the machine is set up.
    pub(crate) fn begin(&mut self) {
        if !self.started {
            self.started = true;
            self.world.start();
        }
    }

    /// What is set before the first start.
    pub(crate) fn not_begun(&self) -> Result<(), String> {
        if self.started { Err("this belongs before the first step of the daemon".into()) } else { Ok(()) }
    }

    /// Half of a step is done.
    pub(crate) fn halfway(&mut self) {
        if let Some(how) = self.halfway.take() {
            self.restart(how, true);
        }
    }

    /// Half of what lasts, when something is to happen there.
    pub(crate) fn half_of(&self, whole: u64) -> Option<u64> {
        self.halfway.map(|_| whole / 2)
    }

    /// The daemon ends and is started again. `reached`: a posting that was under way is on disk.
    pub(crate) fn restart(&mut self, how: How, reached: bool) {
        if self.started && self.world.brain.is_some() {
            self.end(how, reached);
            self.start();
        }
    }

    pub(crate) fn end(&mut self, how: How, reached: bool) {
        match how {
            How::Kill => self.world.kill(reached),
            How::Clean => self.world.stop(),
            How::PowerCut => {
                self.cuts += 1;
                self.world.cut_power(reached);
                if !self.keeps_time {
                    self.skew += self.world.wall - WAKES_UP;
                    (self.world.wall, self.world.synced) = (WAKES_UP, false);
                }
            }
        }
    }

    pub(crate) fn start(&mut self) {
        self.started = true;
        self.world.start();
        self.tell_stations();
        // Who got no answer tries again; it may have been done all the same.
        for (_, ask) in std::mem::take(&mut self.waiting) {
            let id = self.world.ask_later(ask.clone());
            self.waiting.push((id, ask));
        }
    }

    /// hostapd says who is on the air.
    pub(crate) fn tell_stations(&mut self) {
        if self.world.wifi.is_none() {
            return;
        }
        let owner = |s: &StationSeen| s.key.and_then(|key| self.world.owner_of(key));
        let air = self.stations.values().filter_map(|s| Some((s.mac, (s.port?, owner(s)?)))).collect();
        self.world.air = air;
        self.world.tell(Event::Stations(self.stations.values().copied().collect()));
    }

    /// Asks for what can be refused.
    pub(crate) fn done(&mut self, ask: Ask) -> Result<(), String> {
        match self.ask(ask)? {
            // A cut may have cost what was to be given: what follows cannot be shown.
            Some(Answer::Refused(Refusal::NotEnough { .. }))
                if self.refusal.is_none() && self.injection.is_some_and(|i| i.how == How::PowerCut) =>
            {
                self.over = true;
                Ok(())
            }
            Some(Answer::Refused(refusal)) => {
                let text = refusal.to_string();
                match &mut self.refusal {
                    Some(wanted) => *wanted = Some(text),
                    None => return Err(format!("refused: {text}")),
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The answer, unless it waits for a slow disk.
    pub(crate) fn ask(&mut self, ask: Ask) -> Result<Option<Answer>, String> {
        self.begin();
        if self.world.brain.is_none() {
            return Err("the daemon does not run".into());
        }
        let id = self.world.ask_later(ask.clone());
        let answer = self.answer(id);
        if answer.is_none() {
            if !self.world.patient {
                return Err("there is no answer".into());
            }
            self.waiting.push((id, ask));
        }
        Ok(answer)
    }

    fn answer(&mut self, id: AskId) -> Option<Answer> {
        let found = self.world.answers.iter().position(|(a, _)| *a == id)?;
        Some(self.world.answers.remove(found).1)
    }

    /// The disk answers again, and so does the daemon.
    pub(crate) fn take_answers(&mut self) -> Result<(), String> {
        for (id, ask) in std::mem::take(&mut self.waiting) {
            match self.answer(id) {
                None => return Err(format!("still no answer to {ask:?}")),
                Some(Answer::Refused(no)) if self.injection.is_none() => {
                    return Err(format!("refused: {no}"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The number of a device, by what the scenario calls it.
    pub(crate) fn number_of(&self, device: &str) -> Option<u8> {
        self.numbers.get(device).copied()
    }

    pub(crate) fn known_device(&self, device: &str) -> Result<u8, String> {
        self.number_of(device)
            .ok_or_else(|| format!("no device is called “{device}”; write `device {device}` first"))
    }

    pub(crate) fn new_device(&mut self, device: &str) -> u8 {
        let next = u8::try_from(self.numbers.len() + 1).expect("a scenario has few devices");
        let number = *self.numbers.entry(device.to_owned()).or_insert(next);
        self.names.devices.insert(mac(number), device.to_owned());
        number
    }

    /// The device that somebody uses: the first one, when a person is named.
    pub(crate) fn device_of(&self, who: &str) -> Result<u8, String> {
        if let Some(number) = self.number_of(who) {
            return Ok(number);
        }
        let id =
            facts::person_id(self, who).ok_or_else(|| format!("nobody and nothing is called “{who}”"))?;
        let theirs = |n: &&u8| self.world.book.devices.get(&mac(**n)).is_some_and(|d| d.person == Some(id));
        let devices: BTreeSet<&u8> = self.numbers.values().filter(theirs).collect();
        devices.first().map(|n| **n).ok_or_else(|| format!("{who} has no device"))
    }

    /// What really passed since the last mark; for the plan, what the carrier billed.
    pub(crate) fn got(&self, subject: &str) -> Option<i64> {
        let (truth, bases) = (&self.world.truth, &self.bases);
        let bytes = if subject == "plan" {
            truth.billed - bases.billed
        } else if let Some(number) = self.number_of(subject) {
            let of = |map: &BTreeMap<(Mac, PersonId), u64>| -> u64 {
                map.iter().filter(|((whose, _), _)| *whose == mac(number)).map(|(_, bytes)| bytes).sum()
            };
            of(&truth.by_device) - of(&bases.devices)
        } else {
            let id = facts::person_id(self, subject)?;
            let of = |map: &BTreeMap<PersonId, u64>| map.get(&id).copied().unwrap_or(0);
            of(&truth.forwarded) - of(&bases.people)
        };
        i64::try_from(bytes).ok()
    }

    /// Blocks and amounts begin anew.
    pub(crate) fn mark(&mut self) {
        let truth = &self.world.truth;
        self.bases =
            Bases { people: truth.forwarded.clone(), devices: truth.by_device.clone(), billed: truth.billed };
        for block in ["entries", "changes", "diary"] {
            self.shown.insert(block, self.world.log.len());
        }
        let heard = self.world.heard.as_mut().map(std::mem::take).unwrap_or_default();
        for command in heard {
            super::text::command(&command, &mut self.given, &self.names, &self.calendar);
        }
    }

    /// Changes that no block of this name has shown yet.
    pub(crate) fn fresh(&mut self, block: &'static str) -> Vec<Change> {
        let from = self.shown.insert(block, self.world.log.len()).unwrap_or(0);
        self.world.log[from..].to_vec()
    }
}
