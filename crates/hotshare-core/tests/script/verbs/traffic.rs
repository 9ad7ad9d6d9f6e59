//! Bytes: sent and asked for in packets, which the world's kernel passes or not.

use std::collections::BTreeMap;

use super::Understood;
use super::owner::bytes;
use crate::script::run::{Flow, Run};
use crate::world::{Fate, Wish};

/// Merged packets are larger than those on the wire; none is larger than this.
const LARGEST: u64 = 60_000;
const WIRE: u64 = 1500;
/// What is not a thousandth of the amount, when nothing is said of packets.
const USUAL: u64 = 10_000;

pub(super) fn verb(run: &mut Run<'_>, words: &[&str]) -> Understood {
    let (words, packet) = match words {
        [rest @ .., "in", n, unit, "packets"] => (rest, Some(bytes(n, unit)?.0)),
        _ => (words, None),
    };
    match words {
        [who, way @ ("downloads" | "uploads"), "until", "closed"] => {
            transfer(run, who, *way == "uploads", u64::MAX, packet.unwrap_or(USUAL), false)?;
        }
        [who, way @ ("downloads" | "uploads" | "floods"), n, unit] => {
            let amount = bytes(n, unit)?.0;
            let packet = packet.unwrap_or((amount / 1000).clamp(WIRE, LARGEST));
            transfer(run, who, *way == "uploads", amount, packet, *way == "floods")?;
        }
        [who, "starts", way @ ("downloading" | "uploading"), n, unit] => {
            let rate = match unit.strip_suffix("/s") {
                Some(unit) => bytes(n, unit)?.0,
                None => return Err("write a rate such as `500 kB/s`".into()),
            };
            run.device_of(who)?;
            let packet = packet.unwrap_or((rate / 50).clamp(WIRE, LARGEST));
            let who = (*who).to_owned();
            run.flows.push(Flow { who, up: *way == "uploading", rate, packet, carried: 0 });
        }
        [who, "stops"] => {
            let before = run.flows.len();
            run.flows.retain(|flow| flow.who != *who);
            if run.flows.len() == before {
                return Err(format!("{who} transfers nothing"));
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Until the amount is through, or a packet does not pass. A flood does not mind.
fn transfer(
    run: &mut Run<'_>,
    who: &str,
    up: bool,
    amount: u64,
    packet: u64,
    flood: bool,
) -> Result<(), String> {
    run.begin();
    let device = run.device_of(who)?;
    let half = run.half_of(if amount == u64::MAX { 200 * packet } else { amount });
    // Downloads are asked for: a closed gate is not billed.
    if !flood && run.world.packet(device, true, 0) != Fate::Forwarded {
        return Ok(());
    }
    let mut sent = 0;
    while sent < amount {
        if half.is_some_and(|half| sent >= half) {
            run.halfway();
        }
        let size = packet.min(amount - sent);
        if run.world.packet(device, up, size) != Fate::Forwarded && !flood {
            break;
        }
        sent += size;
    }
    Ok(())
}

/// So many seconds of all transfers that go on, a tenth of a second each in turn. One that is held up tries
/// again each second; one that is slowed sends no faster than it may.
pub(super) fn flow(run: &mut Run<'_>, secs: u64) {
    let mut flows = std::mem::take(&mut run.flows);
    let secs = if flows.is_empty() { 0 } else { secs };
    for _ in 0..secs {
        let mut held = vec![false; flows.len()];
        for _ in 0..10 {
            let mut wishes: BTreeMap<_, Wish> = BTreeMap::new();
            for (flow, _) in flows.iter().zip(&held).filter(|(_, held)| !**held) {
                if let Some(payer) = run.device_of(&flow.who).ok().and_then(|d| run.world.payer(d)) {
                    let wish = wishes.entry((payer, flow.up)).or_default();
                    wish.bytes += flow.rate / 10 + flow.carried;
                    wish.packet = wish.packet.max(flow.packet);
                }
            }
            run.world.let_through(&wishes);
            for (flow, held) in flows.iter_mut().zip(&mut held).filter(|(_, held)| !**held) {
                let Ok(device) = run.device_of(&flow.who) else { continue };
                flow.carried += flow.rate / 10;
                while flow.carried >= flow.packet && !*held {
                    // What is held up asks with a packet of no size: a closed gate is not billed for asking.
                    if run.world.packet(device, true, 0) != Fate::Forwarded {
                        *held = true;
                        break;
                    }
                    if !run.world.is_let_through(device, flow.up, flow.packet) {
                        // The sender is told to go slower: what it could not send is not sent later.
                        flow.carried = flow.carried.min(flow.packet);
                        break;
                    }
                    flow.carried -= flow.packet;
                    *held = run.world.packet(device, flow.up, flow.packet) != Fate::Forwarded;
                }
            }
        }
        for (flow, held) in flows.iter_mut().zip(held) {
            if held {
                flow.carried = 0;
            }
        }
    }
    run.flows = flows;
}
