//! Whether a record that was set is to be seen wherever somebody may look for it.

/// What a name server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    Yes,
    /// It answers, but without the record.
    No,
    /// It does not answer.
    Nothing,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    Everywhere,
    /// Look again soon.
    Wait,
    /// It has taken too long: who looks now may see that it is not there, and remember that.
    TooLong,
}

/// Judges what the zone's name servers say after so many seconds of waiting.
///
/// One that does not answer is waited for during a quarter of `most` seconds: it may be out of reach from here only. One
/// that answers otherwise is waited for until the end, and then it is given up.
#[must_use]
pub fn spread(servers: &[Shows], waited: u64, most: u64) -> Spread {
    let says = |what| servers.contains(&what);
    if says(Shows::Yes) && !says(Shows::No) && (!says(Shows::Nothing) || waited >= most / 4) {
        return Spread::Everywhere;
    }
    if waited >= most { Spread::TooLong } else { Spread::Wait }
}
