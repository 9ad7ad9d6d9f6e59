//! What happens in the life of a hotspot, case by case.

mod air;
pub(crate) mod alerts;
mod devices;
mod disk;
mod periods;
mod sites;
mod wifi;
