//! Who may come to the dashboard. Only by the Unix socket, and for an owner who is logged in; never by a token.

use serde::{Deserialize, Serialize};

use crate::Secret;

/// `GET /v1/access`. No secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    pub schema: u32,
    /// `"owner-devices"`, `"lan"` or `"machine"`: from where the dashboard may be reached.
    pub admin_from: String,
    /// Where the dashboard is on the machine itself; `null`: it has no door there.
    pub machine: Option<String>,
    /// Where it is on the LAN; `null`: not there.
    pub lan: Option<String>,
    /// An owner can log in by password.
    pub password: bool,
    /// A viewer can.
    pub viewer_password: bool,
    /// Browsers that are logged in.
    pub sessions: u32,
    /// One-time links that were not used yet.
    pub links: u32,
    /// People whose devices are an owner's.
    pub owners: Vec<String>,
    /// Devices on which a link was used.
    pub devices: Vec<OwnerDevice>,
    pub tokens: Vec<AccessToken>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerDevice {
    pub mac: String,
    pub since: i64,
}

/// A program's way to the interface, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessToken {
    pub name: String,
    /// `"read"`, `"write"` or `"metrics"`.
    pub scope: String,
    pub since: i64,
}

/// `GET /v1/access/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokens {
    pub schema: u32,
    pub tokens: Vec<AccessToken>,
}

/// `POST /v1/access/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessTokenNew {
    pub name: String,
    pub scope: String,
}

/// Its reply: the only time that the token is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenMade {
    pub schema: u32,
    pub name: String,
    pub scope: String,
    pub token: Secret,
}

/// `POST /v1/access/link`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessLinkNew {
    /// Whoever uses it can look, and change nothing.
    #[serde(default)]
    pub viewer: bool,
}

/// Its reply: a link that works once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessLink {
    pub schema: u32,
    /// Until then.
    pub until: i64,
    /// For a browser on the machine itself.
    pub machine: Option<Secret>,
    /// For one on the LAN.
    pub lan: Option<Secret>,
}

/// `POST /v1/access/password`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessPassword {
    /// `null`: nobody logs in by password.
    pub password: Option<Secret>,
    /// The viewers' password; else the owner's.
    #[serde(default)]
    pub viewer: bool,
}

/// `POST /v1/access/owner`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessOwner {
    /// This one, beside those that are; `null`: nobody, and no device.
    pub person: Option<String>,
}
