//! Talks to a daemon over its control socket, as `hotshare` itself does.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use hotshare_api::{
    AccessLink, AccessLinkNew, Agreement, DeviceChange, Done, Every, Failure, Invite, Key, KeyRotation,
    NetworkKeyRotation, PersonChange, PersonNew, PlanChange, PlanCorrection, Status, Wifi, path,
};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

/// The owner's side of the interface.
#[derive(Clone, Debug)]
pub struct Api {
    socket: PathBuf,
}

impl Api {
    #[must_use]
    pub fn at(socket: PathBuf) -> Api {
        Api { socket }
    }

    pub async fn status(&self) -> Result<Status> {
        self.ask(Method::GET, path::STATUS, Vec::new()).await
    }

    /// One person of the status.
    pub async fn person(&self, name: &str) -> Result<hotshare_api::Person> {
        let status = self.status().await?;
        status
            .people
            .into_iter()
            .find(|p| p.name == name)
            .with_context(|| format!("the status has no person {name}"))
    }

    /// A new person with a total allowance; `None` is unlimited.
    pub async fn add_person(&self, name: &str, allowance: Option<u64>) -> Result<()> {
        let allowance_every = allowance.map(|_| Every::Total);
        let person = PersonNew { name: name.to_owned(), allowance, allowance_every, fair: false };
        self.change(Method::POST, path::PEOPLE, &person).await
    }

    pub async fn set_allowance(&self, name: &str, allowance: Option<u64>) -> Result<()> {
        let allowance_every = allowance.map(|_| Every::Total);
        let change = PersonChange { allowance: Some(allowance), allowance_every, ..PersonChange::default() };
        self.change(Method::PATCH, &path::person(name), &change).await
    }

    pub async fn pause(&self, name: &str, paused: bool) -> Result<()> {
        let change = PersonChange { paused: Some(paused), ..PersonChange::default() };
        self.change(Method::PATCH, &path::person(name), &change).await
    }

    pub async fn remove_person(&self, name: &str) -> Result<()> {
        let _: Done = self.ask(Method::DELETE, &path::person(name), Vec::new()).await?;
        Ok(())
    }

    pub async fn assign(&self, mac: &str, person: &str) -> Result<()> {
        let change = DeviceChange { person: Some(person.to_owned()), blocked: None };
        self.change(Method::PATCH, &path::device(mac), &change).await
    }

    pub async fn block(&self, mac: &str, blocked: bool) -> Result<()> {
        let change = DeviceChange { person: None, blocked: Some(blocked) };
        self.change(Method::PATCH, &path::device(mac), &change).await
    }

    /// The network on the air, and who is on it.
    pub async fn wifi(&self) -> Result<Wifi> {
        self.ask(Method::GET, path::WIFI, Vec::new()).await
    }

    /// The person's key, or a first one. `until`: when it ends, if that is to change.
    pub async fn invite(&self, name: &str, until: Option<Option<i64>>) -> Result<Key> {
        let invite = Invite { expires: until, ..Invite::default() };
        self.ask(Method::POST, &path::invite(name), serde_json::to_vec(&invite)?).await
    }

    /// Another key for the person.
    pub async fn rotate_key(&self, name: &str) -> Result<Key> {
        let body = serde_json::to_vec(&KeyRotation::default())?;
        self.ask(Method::POST, &path::key_rotate(name), body).await
    }

    /// No key any more.
    pub async fn revoke_key(&self, name: &str) -> Result<()> {
        let _: Done = self.ask(Method::DELETE, &path::key(name), Vec::new()).await?;
        Ok(())
    }

    /// The key of a network that has one for everybody.
    pub async fn network_key(&self) -> Result<Key> {
        self.ask(Method::GET, path::WIFI_KEY, Vec::new()).await
    }

    /// Another key for everybody.
    pub async fn rotate_network_key(&self) -> Result<Key> {
        let body = serde_json::to_vec(&NetworkKeyRotation::default())?;
        self.ask(Method::POST, path::WIFI_KEY_ROTATE, body).await
    }

    /// How many devices of the person may be on the air at once; `None`: as many as come.
    pub async fn set_device_limit(&self, name: &str, limit: Option<u32>) -> Result<()> {
        let change = PersonChange { device_limit: Some(limit), ..PersonChange::default() };
        self.change(Method::PATCH, &path::person(name), &change).await
    }

    /// `None`: no cap.
    pub async fn set_cap(&self, cap: Option<u64>) -> Result<()> {
        self.change(Method::PATCH, path::PLAN, &PlanChange { cap: Some(cap), ..PlanChange::default() }).await
    }

    /// Anything of the plan.
    pub async fn change_plan(&self, change: &PlanChange) -> Result<()> {
        self.change(Method::PATCH, path::PLAN, change).await
    }

    /// Another step of money, such as "2.50".
    pub async fn agree(&self, money: &str) -> Result<()> {
        self.change(Method::POST, path::PLAN_AGREE, &Agreement { money: money.to_owned() }).await
    }

    /// The owner agrees to use a data card.
    pub async fn agree_to_card(&self, number: u32) -> Result<()> {
        self.change(Method::POST, &path::card_agree(number), &()).await
    }

    /// Any rule of a person.
    pub async fn change_person(&self, name: &str, change: &PersonChange) -> Result<()> {
        self.change(Method::PATCH, &path::person(name), change).await
    }

    pub async fn correct(&self, used: u64) -> Result<()> {
        self.change(Method::POST, path::PLAN_CORRECT, &PlanCorrection { used }).await
    }

    /// What happened lately, as the daemon's words.
    pub async fn events(&self) -> Result<serde_json::Value> {
        self.ask(Method::GET, path::EVENTS, Vec::new()).await
    }

    /// A one-time link to the dashboard by the machine's own door; `None`: it has none.
    pub async fn link(&self) -> Result<Option<String>> {
        let body = serde_json::to_vec(&AccessLinkNew::default())?;
        let link: AccessLink = self.ask(Method::POST, path::ACCESS_LINK, body).await?;
        Ok(link.machine.map(|link| link.0))
    }

    async fn change(&self, method: Method, path: &str, body: &impl serde::Serialize) -> Result<()> {
        let _: Done = self.ask(method, path, serde_json::to_vec(body)?).await?;
        Ok(())
    }

    /// One request, one reply; a refusal is an error with the daemon's own words.
    pub async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: Vec<u8>) -> Result<T> {
        let what = format!("{method} {path}");
        let reply = tokio::time::timeout(std::time::Duration::from_secs(20), self.send(method, path, body))
            .await
            .with_context(|| format!("{what}: no answer within 20 seconds"))?
            .with_context(|| what.clone())?;
        let (head, bytes) = reply;
        if head.status.is_success() {
            return serde_json::from_slice(&bytes)
                .with_context(|| format!("{what}: the reply is not understood"));
        }
        match serde_json::from_slice::<Failure>(&bytes) {
            Ok(failure) => bail!("{what}: {}", failure.error.message),
            Err(_) => bail!("{what}: HTTP {}", head.status),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(hyper::http::response::Parts, Bytes)> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .with_context(|| format!("connect to {}", self.socket.display()))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // Ends with the exchange; what goes wrong in it is the request's error.
        let connection = tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", "hotshare");
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let reply = sender.send_request(request.body(Full::new(Bytes::from(body)))?).await?;
        let (head, body) = reply.into_parts();
        let bytes = body.collect().await?.to_bytes();
        connection.abort();
        Ok((head, bytes))
    }
}
