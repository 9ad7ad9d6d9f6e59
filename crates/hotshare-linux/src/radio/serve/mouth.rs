//! News on its way to the daemon. What waits to be told never makes the radio wait.

use hotshare_core::radio::StationSeen;
use hotshare_core::units::Mac;
use tokio::sync::mpsc;

use super::super::{RadioError, RadioNews};

/// Wrong keys that wait. More than these are told as these.
const MOST_WRONG_KEYS: usize = 64;

#[derive(Debug)]
pub(super) struct Mouth {
    news: mpsc::Sender<RadioNews>,
    /// The last list that was told.
    told: Option<Vec<StationSeen>>,
    /// Only the newest list is of interest.
    stations: Option<Vec<StationSeen>>,
    wrong_keys: Vec<Mac>,
    card: Option<String>,
}

impl Mouth {
    pub(super) fn new(news: mpsc::Sender<RadioNews>) -> Mouth {
        Mouth { news, told: None, stations: None, wrong_keys: Vec::new(), card: None }
    }

    /// The list as it is now; `repeat` tells it even if it is as before.
    pub(super) fn stations(&mut self, stations: Vec<StationSeen>, repeat: bool) {
        if repeat || self.stations.is_some() || self.told.as_ref() != Some(&stations) {
            self.stations = Some(stations);
        }
    }

    pub(super) fn wrong_key(&mut self, mac: Mac) {
        if self.wrong_keys.len() < MOST_WRONG_KEYS {
            self.wrong_keys.push(mac);
        }
    }

    pub(super) fn card(&mut self, interface: &str) {
        self.card = Some(interface.to_owned());
    }

    /// Tells one of the things that wait; never returns when nothing does. May be dropped without losing anything.
    pub(super) async fn speak(&mut self) -> Result<(), RadioError> {
        if self.card.is_none() && self.stations.is_none() && self.wrong_keys.is_empty() {
            return std::future::pending().await;
        }
        let place = self.news.reserve().await.map_err(|_| RadioError::NobodyListens)?;
        if let Some(card) = self.card.take() {
            place.send(RadioNews::Card(card));
        } else if let Some(stations) = self.stations.take() {
            self.told = Some(stations.clone());
            place.send(RadioNews::Stations(stations));
        } else if let Some(mac) = self.wrong_keys.pop() {
            place.send(RadioNews::WrongKey(mac));
        }
        Ok(())
    }

    /// Tells what waits, for as long as this is waited for. Returns only the failure.
    pub(super) async fn speak_on(&mut self) -> RadioError {
        loop {
            if let Err(error) = self.speak().await {
                return error;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn station(last: u8) -> StationSeen {
        StationSeen { mac: Mac([2, 0, 0, 0, 0, last]), key: None, port: None }
    }

    #[tokio::test]
    async fn only_the_newest_list_is_told() {
        let (sender, mut receiver) = mpsc::channel(4);
        let mut mouth = Mouth::new(sender);
        mouth.stations(vec![station(1)], false);
        mouth.stations(vec![station(2)], false);
        mouth.wrong_key(Mac([2, 0, 0, 0, 0, 9]));
        mouth.speak().await.unwrap();
        mouth.speak().await.unwrap();
        assert_eq!(receiver.recv().await, Some(RadioNews::Stations(vec![station(2)])));
        assert_eq!(receiver.recv().await, Some(RadioNews::WrongKey(Mac([2, 0, 0, 0, 0, 9]))));
    }

    #[tokio::test]
    async fn a_list_that_went_and_came_back_while_it_waited_is_told() {
        let (sender, mut receiver) = mpsc::channel(4);
        let mut mouth = Mouth::new(sender);
        mouth.stations(vec![station(1)], false);
        mouth.speak().await.unwrap();
        mouth.stations(Vec::new(), false);
        mouth.stations(vec![station(1)], false);
        mouth.speak().await.unwrap();
        assert_eq!(receiver.recv().await, Some(RadioNews::Stations(vec![station(1)])));
        assert_eq!(receiver.recv().await, Some(RadioNews::Stations(vec![station(1)])));
    }

    #[tokio::test]
    async fn the_same_list_is_told_once() {
        let (sender, mut receiver) = mpsc::channel(4);
        let mut mouth = Mouth::new(sender);
        mouth.stations(vec![station(1)], false);
        mouth.speak().await.unwrap();
        mouth.stations(vec![station(1)], false);
        assert_eq!(receiver.try_recv().ok(), Some(RadioNews::Stations(vec![station(1)])));
        assert!(mouth.stations.is_none());
        mouth.stations(vec![station(1)], true);
        assert!(mouth.stations.is_some());
    }
}
