//! Forecasts of histories whose future is known.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "made-up amounts and short periods are far within the bounds"
)]

pub(crate) mod cases;
pub(crate) mod chance;
pub(crate) mod families;
pub(crate) mod score;
