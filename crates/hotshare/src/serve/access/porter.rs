//! What the pages for logging in ask.

use axum::body::Bytes;
use axum::http::Method;
use hotshare_core::access::{AccessBook, AccessChange, Caller, Digest, Role, Session, may_reach, permits};
use hotshare_core::keys::WeakPassphrase;
use hotshare_web::access::{NotIn, Permit, Porter, Right, Site, Ticket, Ways, Weak};
use hotshare_web::{Door, Visitor, Who};

use super::{AccessDesk, NotWritten, password, secret};

impl From<NotWritten> for NotIn {
    fn from(_: NotWritten) -> NotIn {
        NotIn::Busy
    }
}

impl Porter for AccessDesk {
    async fn lets_in(&self, visitor: Visitor, by_link: bool) -> bool {
        may_reach(self.0.settings.admin_from, self.origin(visitor).await, by_link)
    }

    async fn who(&self, visitor: Visitor, session: &str) -> Option<Who> {
        let at_machine = visitor.door == Door::Machine;
        let found = self.book().session(secret::digest(session), at_machine, self.now().wall);
        let (found, used) = found?;
        if let Some(used) = used {
            // The session may have ended meanwhile; then it stays so.
            let still = |book: &AccessBook| {
                Ok::<_, NotWritten>(if book.sessions.contains_key(&found.digest) {
                    vec![used]
                } else {
                    Vec::new()
                })
            };
            if self.change(still).await.is_err() {
                tracing::debug!("it could not be written that a session was used");
            }
        }
        Some(Who { role: to_web(found.role), csrf: secret::csrf(session) })
    }

    fn permits(&self, ticket: Ticket<'_>, method: &Method, path: &str) -> Permit {
        let caller = match ticket {
            Ticket::Session(role) => Caller::Session(from_web(role)),
            Ticket::Token(token) => match self.book().tokens.get(&secret::digest(token)) {
                Some(token) => Caller::Token(token.scope),
                None => return Permit::Unknown,
            },
        };
        let looks = matches!(*method, Method::GET | Method::HEAD);
        if permits(caller, looks, path) { Permit::Yes } else { Permit::NotForThis }
    }

    fn ways(&self) -> Ways {
        let book = self.book();
        let has = |role| book.passwords.contains_key(&role);
        Ways { owner: has(Role::Owner), viewer: has(Role::Viewer), passkey: !book.passkeys.is_empty() }
    }

    fn has_passkey(&self, host: &str) -> bool {
        self.book().passkeys_at(host).next().is_some()
    }

    async fn log_in(
        &self,
        visitor: Visitor,
        role: hotshare_web::Role,
        password: String,
        old: Option<String>,
    ) -> Result<String, NotIn> {
        let role = from_web(role);
        let origin = self.origin(visitor).await;
        let begun = self.tries().begin(origin, self.now().boot);
        begun.map_err(|wait| NotIn::TooEarly { wait: wait.secs })?;
        let kept = self.book().passwords.get(&role).cloned();
        let right = match kept {
            // No password is longer.
            Some(kept) if password.len() <= 63 => {
                self.slowly(move || password::is_right(&password, &kept)).await.ok_or(NotIn::Busy)?
            }
            Some(_) | None => false,
        };
        if !right {
            tracing::warn!(door = ?visitor.door, "a wrong password for the dashboard");
            let wait = self.tries().wait(origin, self.now().boot);
            return Err(NotIn::Wrong { wait: wait.map_or(0, |wait| wait.secs) });
        }
        self.tries().was_right(origin);
        self.begin(visitor, role, By::Secret, old).await
    }

    async fn ask_passkey(&self, visitor: Visitor, site: &Site) -> Result<String, NotIn> {
        self.asks_for_entry(visitor, site).await
    }

    async fn log_in_by_passkey(
        &self,
        visitor: Visitor,
        site: &Site,
        answer: Bytes,
        old: Option<String>,
    ) -> Result<String, NotIn> {
        self.enters(visitor, site, &answer, old).await
    }

    async fn new_passkey(
        &self,
        visitor: Visitor,
        site: &Site,
        right: Right,
        name: String,
    ) -> Result<String, NotIn> {
        self.asks_for_new(visitor, site, &right, name).await
    }

    async fn keep_passkey(
        &self,
        visitor: Visitor,
        site: &Site,
        right: Right,
        answer: Bytes,
        old: Option<String>,
    ) -> Result<Option<String>, NotIn> {
        self.keeps(visitor, site, &right, &answer, old).await
    }

    fn link(&self, link: &str) -> Option<hotshare_web::Role> {
        self.book().link(secret::digest(link), self.now().wall).map(|link| to_web(link.role))
    }

    async fn use_link(
        &self,
        visitor: Visitor,
        link: String,
        password: Option<String>,
        old: Option<String>,
    ) -> Result<String, NotIn> {
        let now = self.now().wall;
        let digest = secret::digest(&link);
        let link = self.book().link(digest, now).ok_or(NotIn::NoLink)?;
        let hash = match (link.role, password) {
            (Role::Viewer, _) => None,
            (Role::Owner, Some(password)) => Some(self.fresh_hash(password).await?),
            (Role::Owner, None) if !self.owner_can_log_in() => return Err(NotIn::Weak(Weak::Missing)),
            (Role::Owner, None) => None,
        };
        let origin = self.origin(visitor).await;
        // Used up first, and once: two at a time cannot both have it.
        let used = |book: &AccessBook| {
            let link = book.link(digest, now).ok_or(NotIn::NoLink)?;
            let mut changes = book.use_link(&link, origin, now);
            changes.extend(hash.map(|hash| book.set_password(Role::Owner, Some(hash))).into_iter().flatten());
            Ok::<_, NotIn>(changes)
        };
        self.change(used).await?;
        tracing::info!(door = ?visitor.door, "a one-time link was used");
        self.begin(visitor, link.role, By::Secret, old).await
    }

    async fn log_out(&self, session: &str) {
        let digest = secret::digest(session);
        if self.change(|_| Ok::<_, NotWritten>(vec![AccessChange::SessionGone(digest)])).await.is_err() {
            tracing::warn!("a session could not be ended");
        }
    }
}

/// What somebody has come in by.
pub(super) enum By {
    /// A password or a link.
    Secret,
    /// A passkey whose answer, judged by what was `seen` of it, was right.
    Passkey { digest: Digest, seen: [u8; 7], state: [u8; 7] },
}

impl AccessDesk {
    /// A new session, with a secret of its own whatever the browser brought.
    pub(super) async fn begin(
        &self,
        visitor: Visitor,
        role: Role,
        by: By,
        old: Option<String>,
    ) -> Result<String, NotIn> {
        let fresh = secret::draw().map_err(|_| NotIn::Busy)?;
        let now = self.now().wall;
        let passkey = if let By::Passkey { digest, .. } = by { Some(digest) } else { None };
        let session = Session {
            digest: secret::digest(&fresh),
            role,
            at_machine: visitor.door == Door::Machine,
            passkey,
            begun: now,
            used: now,
        };
        let old = old.map(|old| secret::digest(&old));
        let begun = |book: &AccessBook| {
            let mut changes = book.begin(session, old);
            if let By::Passkey { digest, seen, state } = by {
                let used = book.use_passkey(digest, seen, state, now);
                changes.push(used.ok_or(NotIn::WrongPasskey { wait: 0 })?);
            }
            Ok::<_, NotIn>(changes)
        };
        self.change(begun).await?;
        Ok(fresh)
    }

    /// Judges a new password, and makes what is kept of it.
    async fn fresh_hash(&self, password: String) -> Result<String, NotIn> {
        match self.hashed(password).await {
            Some(Ok(hash)) => Ok(hash),
            Some(Err(NoPassword::Weak(weak))) => Err(NotIn::Weak(match weak {
                WeakPassphrase::Impossible(hotshare_core::keys::BadPassphrase::Length(_)) => Weak::Length,
                WeakPassphrase::Impossible(_) => Weak::Character,
                WeakPassphrase::Named(_) | WeakPassphrase::Guessable { .. } => Weak::Guessable,
            })),
            Some(Err(NoPassword::Broken)) | None => Err(NotIn::Busy),
        }
    }

    /// The same; `None`: busy.
    pub(super) async fn hashed(&self, password: String) -> Option<Result<String, NoPassword>> {
        self.slowly(move || {
            password::judge(&password, &["admin", "dashboard"]).map_err(NoPassword::Weak)?;
            password::hash(&password).map_err(|error| {
                tracing::error!(%error, "a password was not set");
                NoPassword::Broken
            })
        })
        .await
    }
}

/// Why a password is not kept.
pub(super) enum NoPassword {
    Weak(WeakPassphrase),
    Broken,
}

fn to_web(role: Role) -> hotshare_web::Role {
    match role {
        Role::Owner => hotshare_web::Role::Owner,
        Role::Viewer => hotshare_web::Role::Viewer,
    }
}

fn from_web(role: hotshare_web::Role) -> Role {
    match role {
        hotshare_web::Role::Owner => Role::Owner,
        hotshare_web::Role::Viewer => Role::Viewer,
    }
}
