//! What was told already. Bounded: a few periods for each topic, and a topic goes with its person or device.

use std::collections::BTreeMap;

use super::{AlertId, Kind, Subject, Topic};
use crate::ledger::PeriodKey;
use crate::units::Bytes;

/// A topic was told in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub topic: Topic,
    pub period: PeriodKey,
    /// The highest level told: percent, or the number of a price step; 0 where there are no levels.
    pub level: u32,
    /// What was used when it was told.
    pub used: Bytes,
    /// With which alert.
    pub alert: AlertId,
}

/// A clock that jumps back and forth over a period's end repeats nothing while this many periods are known.
pub const PERIODS: u32 = 4;

/// All marks that are in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(BTreeMap<(Topic, PeriodKey), Mark>);

impl Marks {
    #[must_use]
    pub fn get(&self, topic: Topic, period: PeriodKey) -> Option<&Mark> {
        self.0.get(&(topic, period))
    }

    /// Inserted, or replaced; of each topic the [`PERIODS`] told last are kept. Told last, not the latest: a clock
    /// that was wrong once must not have the last word.
    pub fn put(&mut self, mark: Mark) {
        self.0.insert((mark.topic, mark.period), mark);
        let range = (mark.topic, PeriodKey(i32::MIN))..=(mark.topic, PeriodKey(i32::MAX));
        if self.0.range(range.clone()).count() > PERIODS as usize
            && let Some(oldest) = self.0.range(range).min_by_key(|(_, mark)| mark.alert).map(|(key, _)| *key)
        {
            self.0.remove(&oldest);
        }
    }

    /// The person or device is gone.
    pub fn forget(&mut self, subject: Subject) {
        self.0.retain(|(topic, _), _| topic.subject != subject);
    }

    /// By topic and period.
    pub fn iter(&self) -> impl Iterator<Item = &Mark> {
        self.0.values()
    }

    /// How many of this kind were told in this period.
    #[must_use]
    pub fn count(&self, kind: Kind, period: PeriodKey) -> usize {
        self.0.values().filter(|mark| mark.topic.kind == kind && mark.period == period).count()
    }

    /// The highest level of the topic that was told, whenever that was; `None`: it never was.
    #[must_use]
    pub fn highest(&self, topic: Topic) -> Option<u32> {
        let range = (topic, PeriodKey(i32::MIN))..=(topic, PeriodKey(i32::MAX));
        self.0.range(range).map(|(_, mark)| mark.level).max()
    }
}
