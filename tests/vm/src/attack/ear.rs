//! What reaches a victim's interface, by the marks that attackers' frames carry.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;

use super::ether::MARK;
use crate::measure::{index_of, read_frame};
use crate::station::Station;

/// Kinds of marks that are told apart.
const KINDS: usize = 16;

/// Listens until it is dropped.
#[derive(Debug)]
pub(crate) struct Ear {
    heard: Arc<[AtomicU64; KINDS]>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ear {
    /// Listens at a station, to every frame that its kernel gets from the radio.
    pub(crate) async fn at(station: &Station) -> Result<Ear> {
        let space = station.inside().space();
        let socket = hotshare_lab::every_frame(space, index_of(space, station.interface()).await?)?;
        let heard: Arc<[AtomicU64; KINDS]> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::Builder::new().name("ear".to_owned()).spawn({
            let (heard, stop) = (Arc::clone(&heard), Arc::clone(&stop));
            move || {
                let mut frame = vec![0; 4096];
                while !stop.load(Ordering::Relaxed) {
                    let Some(length) = read_frame(&socket, &mut frame, Duration::from_millis(100)) else {
                        continue;
                    };
                    let bytes = &frame[..length];
                    let mark = bytes.windows(MARK.len() + 1).find(|window| window.starts_with(MARK));
                    if let Some(count) = mark.and_then(|mark| heard.get(usize::from(*mark.last()?))) {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        })?;
        Ok(Ear { heard, stop, thread: Some(thread) })
    }

    /// How many frames with this mark have come.
    pub(crate) fn heard(&self, kind: u8) -> u64 {
        self.heard.get(usize::from(kind)).map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
