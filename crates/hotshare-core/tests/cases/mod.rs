//! What happens in the life of a hotspot, case by case.

mod air;
mod devices;
mod disk;
mod periods;
mod wifi;
