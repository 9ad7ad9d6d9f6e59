//! What no second try excuses: bytes that were booked wrongly, or passed and should not have. A busy machine makes
//! things late, never these.

/// The scenario saw what must never be.
#[derive(Debug)]
pub(crate) struct Miscounted(String);

impl std::fmt::Display for Miscounted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "miscounted: {}", self.0)
    }
}

impl std::error::Error for Miscounted {}

/// The result of a scenario that ends so.
pub(crate) const RESULT: u8 = 4;

/// Fails with a miscount when `wrong`.
pub(crate) fn miscounted(wrong: bool, what: impl FnOnce() -> String) -> anyhow::Result<()> {
    if wrong { Err(Miscounted(what()).into()) } else { Ok(()) }
}
