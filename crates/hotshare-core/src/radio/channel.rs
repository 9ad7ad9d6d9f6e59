//! The choice of a channel on one card.

use std::collections::BTreeMap;

use super::card::{CardSeen, ChannelSeen};
use super::choice::{RadioWish, block};
use super::reason::{Because, Reason};
use super::words::{NoRadio, Obstacle, Place, Rules, instead};
use super::{Band, Mode};

/// Which channel of this card?
pub(super) struct Question<'a> {
    pub card: &'a CardSeen,
    pub wish: &'a RadioWish,
    pub rules: Rules,
    /// Card and hostapd can do Wi-Fi 6.
    pub he: bool,
}

pub(super) struct Picked<'a> {
    pub channel: &'a ChannelSeen,
    pub width: u32,
    pub why: Reason,
}

/// In the order of preference where nothing else is said: 5 GHz without radar checks, then the three channels of
/// 2.4 GHz that do not overlap.
const PREFERRED: [(Band, u32); 12] = [
    (Band::Five, 36),
    (Band::Five, 40),
    (Band::Five, 44),
    (Band::Five, 48),
    (Band::Five, 149),
    (Band::Five, 153),
    (Band::Five, 157),
    (Band::Five, 161),
    (Band::Five, 165),
    (Band::Two, 1),
    (Band::Two, 6),
    (Band::Two, 11),
];

impl<'a> Question<'a> {
    /// The channel that the uplink is on.
    pub(super) fn follow(&self, mhz: u32) -> Result<Picked<'a>, NoRadio> {
        let card = || self.card.name().to_owned();
        let Some(channel) = self.card.channels.iter().find(|c| c.mhz == mhz) else {
            let wished = format!("channel at {mhz} MHz, which the uplink is on");
            return Err(NoRadio::NoSuchChannel { card: card(), wished, usable: self.usable() });
        };
        let at = channel.place();
        if !self.wished(channel) {
            return Err(NoRadio::MustFollow { card: card(), at, wished: self.wished_words() });
        }
        match self.obstacle(channel, false) {
            Some(obstacle) => Err(NoRadio::Followed { card: card(), at, obstacle, rules: self.rules }),
            None => Ok(self.picked(channel, Because::OnlyUplinks)),
        }
    }

    /// Any channel; that of the uplink (`tuned`) if it will do.
    pub(super) fn free(&self, tuned: Option<u32>) -> Result<Picked<'a>, NoRadio> {
        if self.wish.channel.is_some() {
            return self.named();
        }
        let fits = |c: &&ChannelSeen| self.wished(c) && self.obstacle(c, false).is_none();
        let good: Vec<&ChannelSeen> = self.card.channels.iter().filter(fits).collect();
        if let Some(channel) = good.iter().find(|c| Some(c.mhz) == tuned) {
            return Ok(self.picked(channel, Because::Uplinks));
        }
        let rank = |c: &ChannelSeen| {
            let preferred = PREFERRED.iter().position(|p| *p == (c.band, c.number));
            (preferred.unwrap_or(PREFERRED.len()), c.band != Band::Five, c.band == Band::Six, c.number)
        };
        let Some(channel) = good.iter().min_by_key(|c| rank(c)) else { return Err(self.nothing()) };
        Ok(self.picked(channel, self.first(channel)))
    }

    /// The channel that the owner names.
    fn named(&self) -> Result<Picked<'a>, NoRadio> {
        let card = || self.card.name().to_owned();
        let mut found: Vec<&ChannelSeen> = self.card.channels.iter().filter(|c| self.wished(c)).collect();
        found.sort_by_key(|c| (self.obstacle(c, true).is_some(), c.band));
        let Some(channel) = found.first() else {
            return Err(NoRadio::NoSuchChannel {
                card: card(),
                wished: self.wished_words(),
                usable: self.usable(),
            });
        };
        if let Some(obstacle) = self.obstacle(channel, true) {
            let (at, usable) = (channel.place(), self.usable());
            return Err(NoRadio::Channel { card: card(), at, obstacle, rules: self.rules, usable });
        }
        Ok(self.picked(channel, Because::Configured { radar: channel.radar }))
    }

    fn wished(&self, channel: &ChannelSeen) -> bool {
        self.wish.band.is_none_or(|b| b == channel.band)
            && self.wish.channel.is_none_or(|n| n == channel.number)
    }

    fn wished_words(&self) -> String {
        match (self.wish.channel, self.wish.band) {
            (Some(channel), Some(band)) => Place { band, channel }.to_string(),
            (Some(channel), None) => format!("channel {channel}"),
            (None, Some(band)) => format!("{} GHz", band.word()),
            (None, None) => "any channel".to_owned(),
        }
    }

    fn obstacle(&self, channel: &ChannelSeen, asked: bool) -> Option<Obstacle> {
        if channel.disabled {
            Some(Obstacle::Disabled)
        } else if channel.no_ir {
            Some(Obstacle::NoIr)
        } else if channel.radar && !self.card.radar_watch {
            Some(Obstacle::RadarUnwatched)
        } else if channel.radar && !asked {
            Some(Obstacle::RadarUnasked)
        } else if channel.band != Band::Six {
            None
        } else if matches!(self.wish.mode, Mode::People | Mode::PeopleOld) {
            Some(Obstacle::SixWantsWpa3)
        } else {
            (!self.he).then_some(Obstacle::SixWantsWifi6)
        }
    }

    /// The channels that could be named instead.
    fn usable(&self) -> Vec<Place> {
        let usable = self.card.channels.iter().filter(|c| self.obstacle(c, true).is_none());
        let mut places: Vec<Place> = usable.map(ChannelSeen::place).collect();
        places.sort_unstable();
        places
    }

    fn nothing(&self) -> NoRadio {
        let remedy = instead(&self.usable());
        let obstacles = self.obstacles(|c| self.wished(c));
        NoRadio::NoChannel { card: self.card.name().to_owned(), band: self.wish.band, obstacles, remedy }
    }

    /// What is wrong with these channels, a phrase for each obstacle.
    fn obstacles(&self, among: impl Fn(&ChannelSeen) -> bool) -> Vec<String> {
        let mut numbers_by_obstacle: BTreeMap<(Band, Obstacle), Vec<String>> = BTreeMap::new();
        for channel in self.card.channels.iter().filter(|c| among(c)) {
            if let Some(obstacle) = self.obstacle(channel, false) {
                let numbers = numbers_by_obstacle.entry((channel.band, obstacle)).or_default();
                numbers.push(channel.number.to_string());
            }
        }
        let words = |((band, obstacle), numbers): (&(Band, Obstacle), &Vec<String>)| {
            format!("channel {} ({} GHz): {obstacle} ({})", numbers.join(" "), band.word(), self.rules)
        };
        numbers_by_obstacle.iter().map(words).collect()
    }

    fn picked(&self, channel: &'a ChannelSeen, because: Because) -> Picked<'a> {
        let width = self.width(channel);
        let why = Reason::Channel { at: channel.place(), width_mhz: width, because };
        Picked { channel, width, why }
    }

    fn first(&self, channel: &ChannelSeen) -> Because {
        let without_radar = channel.band == Band::Five;
        let wanted = channel.band == Band::Two && self.wish.band.is_none();
        let not_five = wanted.then(|| self.obstacles(|c| c.band == Band::Five));
        Because::First { rules: self.rules, without_radar, not_five }
    }

    /// 2.4 GHz has no room for more than 20 MHz; wider in 5 GHz where every part is allowed without radar checks.
    fn width(&self, channel: &ChannelSeen) -> u32 {
        if channel.band != Band::Five || channel.radar || !self.card.ht || !self.card.ht40 {
            return 20;
        }
        let parts = |width: u32| {
            let first = block(Band::Five, channel.number, width);
            (0..width / 20).map(move |n| first + 4 * n)
        };
        let part = |number: u32| {
            let found = self.card.channels.iter().find(|c| c.band == Band::Five && c.number == number);
            found.filter(|c| self.obstacle(c, false).is_none())
        };
        let paired = |number: u32| {
            let above = block(Band::Five, number, 40) == number;
            part(number).is_some_and(|c| if above { c.ht40_plus } else { c.ht40_minus })
        };
        if !parts(40).all(paired) {
            20
        } else if self.card.vht && parts(80).all(|n| paired(n) && part(n).is_some_and(|c| c.vht80)) {
            80
        } else {
            40
        }
    }
}

impl ChannelSeen {
    fn place(&self) -> Place {
        Place { band: self.band, channel: self.number }
    }
}
