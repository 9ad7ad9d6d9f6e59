//! Who may come to the dashboard. Only by the Unix socket, and for an owner who is logged in; never by a token.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;
use crate::object::only_objects;

/// `GET /v1/access`. No secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// What lets the owner in beside the password. By name.
    pub passkeys: Vec<AccessPasskey>,
    /// Browsers that are logged in.
    pub sessions: u32,
    /// One-time links that were not used yet.
    pub links: u32,
    /// People whose devices are an owner's.
    pub owners: Vec<String>,
    /// Devices on which a link was used.
    pub devices: Vec<OwnerDevice>,
    /// By name.
    pub tokens: Vec<AccessToken>,
}

/// A passkey of the owner's: it is made and used in a browser, and here only told of and removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessPasskey {
    /// As its owner called it.
    pub name: String,
    /// The name of the host at which browsers offer it: `"localhost"`, or the one that the LAN has by TLS.
    pub host: String,
    /// When it was added.
    pub since: i64,
    /// When somebody last came in by it; `null`: never.
    pub used: Option<i64>,
}

/// `GET /v1/access/passkeys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessPasskeys {
    pub schema: u32,
    /// By name.
    pub passkeys: Vec<AccessPasskey>,
}

/// A device that is an owner's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnerDevice {
    /// Six pairs of lower-case hex digits, with colons.
    pub mac: String,
    /// When the link was used.
    pub since: i64,
}

/// A program's way to the interface, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessToken {
    /// As its maker called it.
    pub name: String,
    /// `"read"`, `"write"` or `"metrics"`.
    pub scope: String,
    /// When it was made.
    pub since: i64,
}

/// `GET /v1/access/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessTokens {
    pub schema: u32,
    /// By name.
    pub tokens: Vec<AccessToken>,
}

/// `POST /v1/access/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct AccessTokenNew {
    /// What it is for: 1 to 40 letters, digits, spaces, dots, dashes or underscores.
    pub name: String,
    /// `"read"`, `"write"` or `"metrics"`.
    #[schema(pattern = "^(read|write|metrics)$")]
    pub scope: String,
}

/// Its reply: the only time that the token is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessTokenMade {
    pub schema: u32,
    /// As it was asked for.
    pub name: String,
    /// As it was asked for.
    pub scope: String,
    /// What is sent as `Authorization: Bearer TOKEN`.
    pub token: Secret,
}

/// `POST /v1/access/link`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct AccessLinkNew {
    /// Whoever uses it can look, and change nothing.
    #[serde(default)]
    pub viewer: bool,
}

/// Its reply: a link that works once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct AccessPassword {
    /// `null`: nobody logs in by password.
    pub password: Option<Secret>,
    /// The viewers' password; else the owner's.
    #[serde(default)]
    pub viewer: bool,
}

/// `POST /v1/access/owner`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct AccessOwner {
    /// This one, beside those that are; `null`: nobody, and no device.
    pub person: Option<String>,
}

only_objects!(AccessTokenNew, AccessLinkNew, AccessPassword, AccessOwner);
