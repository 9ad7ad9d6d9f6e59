//! What happens in the life of a hotspot, case by case.

mod air;
pub(crate) mod alerts;
mod cards;
mod carrier;
mod devices;
mod disk;
mod outlook;
mod periods;
mod sites;
mod wifi;
