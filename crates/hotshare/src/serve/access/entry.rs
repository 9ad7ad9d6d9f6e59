//! Coming in by a passkey, and adding one: who may, what was asked, and what follows from the answer.

use hotshare_core::access::{AccessBook, Digest, NoPasskey, Role};
use hotshare_web::access::{NotIn, Right, Site};
use hotshare_web::{Door, Visitor};

use super::passkey::{Asked, Entry, Fresh, Question, Wrong};
use super::porter::By;
use super::{AccessDesk, NotWritten, passkey, secret};

/// Why a passkey is not added.
fn not_added(why: NoPasskey) -> NotIn {
    match why {
        NoPasskey::BadName => NotIn::PasskeyName { is_taken: false },
        NoPasskey::NameTaken(_) => NotIn::PasskeyName { is_taken: true },
        NoPasskey::There(_) => NotIn::PasskeyThere,
        NoPasskey::Full => NotIn::TooManyPasskeys,
        NoPasskey::NoSuchName(_) | NoPasskey::LastWay(_) => NotIn::NoRight,
    }
}

/// What may be done with a new passkey.
enum Allowed {
    /// Whose link it is, is who comes in.
    Link(Digest),
    Session(Digest),
}

impl Allowed {
    fn digest(&self) -> Digest {
        match self {
            Allowed::Link(digest) | Allowed::Session(digest) => *digest,
        }
    }
}

impl AccessDesk {
    pub(super) async fn asks_for_entry(&self, visitor: Visitor, site: &Site) -> Result<String, NotIn> {
        self.asks(visitor, site, passkey::ask(site)).await
    }

    pub(super) async fn enters(
        &self,
        visitor: Visitor,
        site: &Site,
        answer: &[u8],
        old: Option<String>,
    ) -> Result<String, NotIn> {
        let answer = Entry::read(answer).ok_or(NotIn::Unclear)?;
        let Some(Asked::Entry(state)) = self.asked(answer.challenge(), site) else {
            return Err(NotIn::Stale);
        };
        let digest = answer.passkey();
        let kept = self.book().passkeys.get(&digest).filter(|passkey| passkey.host == site.host).cloned();
        let Some(kept) = kept else { return Err(self.wrong_passkey(visitor, "none that is known").await) };
        let (seen, place) = (kept.state, site.clone());
        let judged = self.slowly(move || answer.judge(&place, state, &kept)).await.ok_or(NotIn::Busy)?;
        match judged {
            Ok(state) => {
                // Whoever guesses passwords here keeps nobody out that has a passkey: a right answer need not wait.
                let origin = self.origin(visitor).await;
                self.tries().was_right(origin);
                self.begin(visitor, Role::Owner, By::Passkey { digest, seen, state }, old).await
            }
            Err(why) => {
                if matches!(why, Wrong::Copied) {
                    let now = self.now().wall;
                    let noted = self
                        .change(|book| {
                            Ok::<_, NotWritten>(book.passkey_copied(digest, now).into_iter().collect())
                        })
                        .await;
                    if noted.is_err() {
                        tracing::warn!("the diary does not say that there may be a copy of a passkey");
                    }
                }
                Err(self.wrong_passkey(visitor, &why).await)
            }
        }
    }

    pub(super) async fn asks_for_new(
        &self,
        visitor: Visitor,
        site: &Site,
        right: &Right,
        name: String,
    ) -> Result<String, NotIn> {
        let right = self.allowed(visitor, right)?.digest();
        let question = {
            let book = self.book();
            book.may_add_passkey(&name).map_err(not_added)?;
            passkey::ask_new(site, name, right, book.passkeys_at(&site.host))
        };
        self.asks(visitor, site, question).await
    }

    /// By a link: the secret of the session that begins.
    pub(super) async fn keeps(
        &self,
        visitor: Visitor,
        site: &Site,
        right: &Right,
        answer: &[u8],
        old: Option<String>,
    ) -> Result<Option<String>, NotIn> {
        let allowed = self.allowed(visitor, right)?;
        let answer = Fresh::read(answer).ok_or(NotIn::Unclear)?;
        let Some(Asked::New { state, name, right }) = self.asked(answer.challenge(), site) else {
            return Err(NotIn::Stale);
        };
        if right != allowed.digest() {
            return Err(NotIn::Stale);
        }
        let (now, place) = (self.now().wall, site.clone());
        let made = self.slowly(move || answer.judge(&place, state, name, now)).await.ok_or(NotIn::Busy)?;
        let made = made.map_err(|error| {
            tracing::warn!(door = ?visitor.door, %error, "a new passkey was not kept");
            NotIn::Unclear
        })?;
        let by = By::Passkey { digest: made.digest, seen: made.state, state: made.state };
        match allowed {
            Allowed::Session(digest) => {
                // The session may have ended meanwhile.
                let added = |book: &AccessBook| {
                    book.sessions.get(&digest).ok_or(NotIn::NoRight)?;
                    book.add_passkey(made).map_err(not_added)
                };
                self.change(added).await?;
                tracing::info!(door = ?visitor.door, "a passkey was added");
                Ok(None)
            }
            Allowed::Link(digest) => {
                let origin = self.origin(visitor).await;
                // Used up first, and once: two at a time cannot both have it.
                let used = |book: &AccessBook| {
                    let link = book.link(digest, now).ok_or(NotIn::NoLink)?;
                    let added = book.add_passkey(made).map_err(not_added)?;
                    Ok::<_, NotIn>([book.use_link(&link, origin, now), added].concat())
                };
                self.change(used).await?;
                tracing::info!(door = ?visitor.door, "a one-time link was used, for a passkey");
                self.begin(visitor, Role::Owner, by, old).await.map(Some)
            }
        }
    }

    /// Only an owner, who is logged in or has a link, may add a passkey.
    fn allowed(&self, visitor: Visitor, right: &Right) -> Result<Allowed, NotIn> {
        let (book, now) = (self.book(), self.now().wall);
        match right {
            Right::Link(link) => {
                let link = book.link(secret::digest(link), now).ok_or(NotIn::NoLink)?;
                if link.role == Role::Owner { Ok(Allowed::Link(link.digest)) } else { Err(NotIn::NoRight) }
            }
            Right::Session(session) => {
                let at_machine = visitor.door == Door::Machine;
                let found = book.session(secret::digest(session), at_machine, now);
                let found = found.map(|(session, _)| session).filter(|session| session.role == Role::Owner);
                found.map(|session| Allowed::Session(session.digest)).ok_or(NotIn::NoRight)
            }
        }
    }

    /// Sends a question, and remembers it.
    async fn asks(
        &self,
        visitor: Visitor,
        site: &Site,
        question: Result<Question, Wrong>,
    ) -> Result<String, NotIn> {
        let Question { challenge, asked, text } = question.map_err(|error| {
            tracing::error!(%error, "nobody is asked for a passkey");
            NotIn::Busy
        })?;
        let (origin, now) = (self.origin(visitor).await, self.now().boot);
        self.ceremonies().begin(challenge, origin, &site.origin, now, asked);
        Ok(text)
    }

    /// What is answered, if it was asked here. It is gone from then on.
    fn asked(&self, challenge: Option<u128>, site: &Site) -> Option<Asked> {
        self.ceremonies().take(challenge?, &site.origin, self.now().boot)
    }

    async fn wrong_passkey(&self, visitor: Visitor, why: impl std::fmt::Display) -> NotIn {
        tracing::warn!(door = ?visitor.door, %why, "a wrong passkey for the dashboard");
        let (origin, now) = (self.origin(visitor).await, self.now().boot);
        let mut tries = self.tries();
        let wait = match tries.begin(origin, now) {
            Ok(()) => tries.wait(origin, now),
            Err(wait) => Some(wait),
        };
        NotIn::WrongPasskey { wait: wait.map_or(0, |wait| wait.secs) }
    }
}
