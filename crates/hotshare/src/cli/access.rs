//! `hotshare access`: who may come to the dashboard, and programs to the interface.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use hotshare_api::{self as api, Secret, path};
use jiff::tz::TimeZone;

use super::ask;
use super::screen::{DIM, Screen};
use super::session::{Session, terminal_width};
use super::stop::Stop;
use super::text::escaped;
use super::when;

/// Say who may come to the dashboard, and which programs to the interface
#[derive(Debug, Args)]
pub(crate) struct Access {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show who may come in, and where (this is also what `hotshare access` alone does)
    Show,
    /// Make a link that lets a browser in once; the owner chooses a password with it
    Link {
        /// Whoever uses it can look, and change nothing
        #[arg(long)]
        viewer: bool,
    },
    /// Set the password of the dashboard; who was logged in by the old one is not any more
    Password {
        /// The viewers' password, instead of the owner's
        #[arg(long)]
        viewer: bool,
        /// Read the password's first line from a file; “-”, and nothing said, is the terminal or what is piped in
        #[arg(long, value_name = "FILE", default_value = "-")]
        file: PathBuf,
        /// No password any more: only links let anybody in
        #[arg(long, conflicts_with = "file")]
        none: bool,
    },
    /// Passkeys that let the owner in; they are added in a browser
    Passkeys {
        #[command(subcommand)]
        action: Option<PasskeyAction>,
    },
    /// Programs' ways to the interface
    Tokens {
        #[command(subcommand)]
        action: Option<TokenAction>,
    },
    /// Make a person an owner: the dashboard can be reached from their devices
    Owner {
        #[arg(value_name = "PERSON", required_unless_present = "none")]
        person: Option<String>,
        /// Nobody any more, and no device on which a link was used
        #[arg(long, conflicts_with = "person")]
        none: bool,
    },
    /// Browsers that are logged in
    Sessions {
        #[command(subcommand)]
        action: SessionAction,
    },
}

#[derive(Debug, Subcommand)]
enum PasskeyAction {
    /// Show which there are (this is also what `hotshare access passkeys` alone does)
    List,
    /// It lets nobody in any more, and whoever came in by it is out
    Remove { name: String },
}

#[derive(Debug, Subcommand)]
enum TokenAction {
    /// Show which there are (this is also what `hotshare access tokens` alone does)
    List,
    /// Make one; it is shown this once
    Add {
        name: String,
        #[arg(long, value_enum)]
        scope: Scope,
    },
    /// It is good for nothing any more
    Remove { name: String },
}

#[derive(Debug, Subcommand)]
enum SessionAction {
    /// Log everybody out
    End,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scope {
    /// Look at everything but keys
    Read,
    /// Look, and change
    Write,
    /// Figures for a monitor
    Metrics,
}

impl Scope {
    fn word(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Write => "write",
            Scope::Metrics => "metrics",
        }
    }
}

impl Access {
    pub(crate) fn run(self, session: &Session) -> Result<(), Stop> {
        match self.action.unwrap_or(Action::Show) {
            Action::Show => {
                let access: api::Access = session.get("cannot show who may come in", path::ACCESS)?;
                session.show(&access, |access| screen(access, session.width))
            }
            Action::Link { viewer } => {
                let body = api::AccessLinkNew { viewer };
                let link: api::AccessLink = session.post("cannot make a link", path::ACCESS_LINK, &body)?;
                session.show(&link, |link| {
                    let place = |place: &Option<Secret>| place.as_ref().map(|secret| secret.0.clone());
                    link_text(place(&link.machine).as_deref(), place(&link.lan).as_deref(), session.width)
                })
            }
            Action::Password { viewer, file, none } => password(session, viewer, &file, none),
            Action::Passkeys { action } => passkeys(session, action.unwrap_or(PasskeyAction::List)),
            Action::Tokens { action } => tokens(session, action.unwrap_or(TokenAction::List)),
            Action::Owner { person, none: _ } => {
                let done = match &person {
                    Some(name) => format!("The dashboard can be reached from {}'s devices.", escaped(name)),
                    None => "No device is an owner's any more.".to_owned(),
                };
                let body = api::AccessOwner { person };
                let reply = session.post("cannot say who is an owner", path::ACCESS_OWNER, &body)?;
                session.show_done(&reply, &done)
            }
            Action::Sessions { action: SessionAction::End } => {
                let reply = session.delete("cannot log everybody out", path::ACCESS_SESSIONS)?;
                session.show_done(&reply, "Nobody is logged in any more.")
            }
        }
    }
}

fn password(session: &Session, viewer: bool, file: &Path, none: bool) -> Result<(), Stop> {
    let tried = "cannot set the password";
    let password =
        if none { None } else { Some(Secret(ask::new_secret(file).map_err(|e| Stop::because(tried, &e))?)) };
    let body = api::AccessPassword { password, viewer };
    let reply = session.post(tried, path::ACCESS_PASSWORD, &body)?;
    session.show_done(
        &reply,
        match (none, viewer) {
            (false, false) => "This is the owner's password now.",
            (false, true) => "This is the viewers' password now.",
            (true, false) => "The owner has no password any more; `hotshare access link` lets them in.",
            (true, true) => "Viewers have no password any more.",
        },
    )
}

fn passkeys(session: &Session, action: PasskeyAction) -> Result<(), Stop> {
    match action {
        PasskeyAction::List => {
            let passkeys: api::AccessPasskeys =
                session.get("cannot show the passkeys", path::ACCESS_PASSKEYS)?;
            session.show(&passkeys, |passkeys| {
                if passkeys.passkeys.is_empty() {
                    return "There are no passkeys. One is added in the dashboard, or by a one-time link.\n"
                        .to_owned();
                }
                passkeys.passkeys.iter().map(|passkey| passkey_line(passkey) + "\n").collect()
            })
        }
        PasskeyAction::Remove { name } => {
            let reply = session.delete("cannot remove the passkey", &path::access_passkey(&name))?;
            session.show_done(&reply, &format!("The passkey “{}” lets nobody in any more.", escaped(&name)))
        }
    }
}

fn passkey_line(passkey: &api::AccessPasskey) -> String {
    let zone = TimeZone::system();
    let used = match passkey.used {
        Some(used) => format!("last used {}", when::pretty(used, &zone)),
        None => "never used".to_owned(),
    };
    let since = when::pretty(passkey.since, &zone);
    format!("{}: at {}, since {since}, {used}", escaped(&passkey.name), escaped(&passkey.host))
}

fn tokens(session: &Session, action: TokenAction) -> Result<(), Stop> {
    match action {
        TokenAction::List => {
            let tokens: api::AccessTokens = session.get("cannot show the tokens", path::ACCESS_TOKENS)?;
            session.show(&tokens, |tokens| {
                if tokens.tokens.is_empty() {
                    return "There are no tokens.\n".to_owned();
                }
                tokens.tokens.iter().map(|token| token_line(token) + "\n").collect()
            })
        }
        TokenAction::Add { name, scope } => {
            let body = api::AccessTokenNew { name, scope: scope.word().into() };
            let made: api::AccessTokenMade =
                session.post("cannot make a token", path::ACCESS_TOKENS, &body)?;
            session.show(&made, |made| {
                format!(
                    "{}\nThis is the token “{}”, for {}. It is shown this once.\n",
                    escaped(&made.token.0),
                    escaped(&made.name),
                    escaped(&made.scope)
                )
            })
        }
        TokenAction::Remove { name } => {
            let reply = session.delete("cannot remove the token", &path::access_token(&name))?;
            session
                .show_done(&reply, &format!("The token “{}” is good for nothing any more.", escaped(&name)))
        }
    }
}

fn token_line(token: &api::AccessToken) -> String {
    let since = when::pretty(token.since, &TimeZone::system());
    format!("{}: {}, since {since}", escaped(&token.name), escaped(&token.scope))
}

/// Who may come in, and where.
fn screen(access: &api::Access, width: usize) -> String {
    let mut out = Screen::new(width);
    let places: Vec<String> =
        [&access.machine, &access.lan].into_iter().flatten().map(|p| escaped(p)).collect();
    if places.is_empty() {
        out.labelled("Place", "nowhere: [web] machine_port is 0, and the LAN may not");
    }
    for (n, place) in places.iter().enumerate() {
        out.labelled_whole(if n == 0 { "Place" } else { "" }, place);
    }
    out.labelled(
        "From",
        match access.admin_from.as_str() {
            "owner-devices" => "this machine, and owners' devices",
            "lan" => "this machine, and every device on the LAN",
            _ => "this machine only",
        },
    );
    let of_viewers = if access.viewer_password { "; viewers have one too" } else { "" };
    let own = match (access.password, access.passkeys.is_empty()) {
        (true, _) => "a password is set",
        (false, false) => "by passkey only",
        (false, true) => "no password yet: `hotshare access link` lets you choose it",
    };
    out.labelled("Login", &format!("{own}{of_viewers}"));
    for (n, passkey) in access.passkeys.iter().enumerate() {
        out.labelled(if n == 0 { "Passkey" } else { "" }, &passkey_line(passkey));
    }
    out.labelled(
        "Inside",
        &match access.sessions {
            0 => "nobody".to_owned(),
            1 => "1 browser".to_owned(),
            more => format!("{more} browsers"),
        },
    );
    if access.links > 0 {
        out.labelled("Links", &format!("{} not used yet", access.links));
    }
    let owners: Vec<String> = access.owners.iter().map(|name| escaped(name)).collect();
    out.labelled("Owners", &if owners.is_empty() { "nobody named".to_owned() } else { owners.join(", ") });
    for device in &access.devices {
        let since = when::pretty(device.since, &TimeZone::system());
        out.labelled_as(DIM, "", &format!("{}, where a link was used {since}", escaped(&device.mac)));
    }
    for (n, token) in access.tokens.iter().enumerate() {
        out.labelled(if n == 0 { "Tokens" } else { "" }, &token_line(token));
    }
    out.into_text()
}

fn link_text(machine: Option<&str>, lan: Option<&str>, width: usize) -> String {
    let mut out = Screen::new(width);
    let mut lines = String::new();
    // A link is never broken into lines: nobody could click it.
    for (place, link) in [("On this machine", machine), ("On a device of yours", lan)] {
        if let Some(link) = link {
            lines.push_str(&format!("{place}:\n  {}\n", escaped(link)));
        }
    }
    if lines.is_empty() {
        return "The dashboard has no door: [web] machine_port is 0, and the LAN may not.\n".to_owned();
    }
    out.labelled_as(
        DIM,
        "",
        "It works once, and for an hour. Whoever has it is the owner: show it to nobody.",
    );
    lines + &out.into_text()
}

/// Shows the first link, beside the log.
pub(crate) fn show_link(machine: Option<&str>, lan: Option<&str>) {
    let text = link_text(machine, lan, terminal_width());
    // The terminal may be gone by now; another link is made by whoever asks for it.
    let _written = anstream::stderr().lock().write_all(format!("\nThe dashboard\n{text}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screens() {
        let nobody = api::Access {
            schema: api::SCHEMA,
            admin_from: "machine".into(),
            machine: None,
            lan: None,
            password: false,
            viewer_password: false,
            passkeys: Vec::new(),
            sessions: 0,
            links: 0,
            owners: Vec::new(),
            devices: Vec::new(),
            tokens: Vec::new(),
        };
        let text = screen(&nobody, 80);
        assert!(text.contains("nowhere") && text.contains("no password yet"), "{text}");
        let full = api::Access {
            admin_from: "owner-devices".into(),
            machine: Some("http://localhost:4680/admin".into()),
            lan: Some("http://10.77.0.1/admin".into()),
            password: true,
            viewer_password: true,
            passkeys: vec![api::AccessPasskey {
                name: "phone".into(),
                host: "localhost".into(),
                since: 1_795_455_000,
                used: None,
            }],
            sessions: 2,
            links: 1,
            owners: vec!["anna".into(), "evil\u{1b}[2J".into()],
            tokens: vec![api::AccessToken { name: "ha".into(), scope: "read".into(), since: 1_795_455_000 }],
            ..nobody
        };
        let text = anstream::adapter::strip_str(&screen(&full, 80)).to_string();
        for line in [
            "Place   http://localhost:4680/admin\n        http://10.77.0.1/admin\n",
            "Login   a password is set; viewers have one too\n",
            "Passkey phone: at localhost, since 20",
            "never used\n",
            "Inside  2 browsers\n",
            "Links   1 not used yet\n",
            "Tokens  ha: read, since 20",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_link_is_never_broken_into_lines() {
        let link = format!("http://localhost:4680/admin/link/{}", "0123456789abcdef".repeat(4));
        for width in [24, 80] {
            let text = link_text(Some(&link), None, width);
            assert!(text.lines().any(|line| line.trim() == link), "{text}");
        }
        assert!(link_text(None, None, 80).contains("machine_port"));
    }
}
