//! Who looks at the dashboard, as the guard in front of it found.

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Owner,
    /// Look.
    Viewer,
}

/// Put into the request's extensions by the guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    pub role: Role,
    /// Each form sends it back as `csrf`, the script as `x-csrf`.
    pub csrf: String,
}
