//! Forecasts of histories whose future is known.

pub(crate) mod cases;
pub(crate) mod chance;
pub(crate) mod families;
pub(crate) mod score;
