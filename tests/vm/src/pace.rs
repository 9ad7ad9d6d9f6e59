//! How slow this guest is. In software emulation its seconds are not those of a machine: a busy or slow host does
//! half of the work in the same time. What is promised in seconds is promised for the machine below, and a guest that
//! took so many times longer to come up has so many times longer for everything.

use std::sync::OnceLock;
use std::time::Duration;

/// How long a guest takes to come up on the machine on which the bounds of the scenarios were found: two cores,
/// software emulation, another guest beside it.
const USUAL: f64 = 6.0;
/// A host that is slower than this by so much shows nothing any more.
pub(crate) const SLOWEST: f64 = 3.0;

/// Where the first process hands it to the scenario.
pub(crate) const VARIABLE: &str = "HOTSHARE_PACE";

/// From the seconds since the kernel started, when everything is ready.
#[must_use]
pub(crate) fn measured(up: f64) -> f64 {
    (up / USUAL).clamp(1.0, SLOWEST)
}

/// 1 or more.
#[must_use]
pub(crate) fn pace() -> f64 {
    static PACE: OnceLock<f64> = OnceLock::new();
    *PACE.get_or_init(|| {
        let told = std::env::var(VARIABLE).ok().and_then(|text| text.parse::<f64>().ok());
        told.map_or(1.0, |pace| pace.clamp(1.0, SLOWEST))
    })
}

/// So long on the usual machine; here perhaps longer.
#[must_use]
pub(crate) fn stretched(time: Duration) -> Duration {
    time.mul_f64(pace())
}
