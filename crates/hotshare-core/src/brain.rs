//! The brain: routes each event to its stage, and holds the commands that come of it.
