//! The hand on the uplink: what the kernel and the resolver's files say, and when it changes.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt as _, select};
use hotshare_core::uplink::{self, NoUplink, Uplink};
use nlink::netlink::nftables::{NftablesEvent, NftablesGroup};
use nlink::netlink::{Connection, Nftables, Nl80211, RtnetlinkGroup};
use tokio::time::{Instant, sleep, sleep_until};

use crate::nat::TABLE;
use crate::observe::Snapshot;

/// Changes come in bursts (a link, its address, its routes): this long after the first, they are one change.
const SETTLE: Duration = Duration::from_millis(50);
/// How long to wait before listening again when the socket broke.
const AGAIN: Duration = Duration::from_secs(1);

const RESOLV_CONF: &str = "/etc/resolv.conf";
/// The resolvers that systemd-resolved asks in turn, when `/etc/resolv.conf` names its stub.
const BEHIND_STUB: &str = "/run/systemd/resolve/resolv.conf";
const STUBS: [Ipv4Addr; 2] = [Ipv4Addr::new(127, 0, 0, 53), Ipv4Addr::new(127, 0, 0, 54)];

/// Why the uplink is not known.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    #[error(transparent)]
    None(#[from] NoUplink),
    #[error("could not read the host's links, addresses and routes")]
    Observe(#[source] nlink::Error),
    #[error("could not read the resolvers from {0}; name them in the configuration")]
    Resolvers(&'static str, #[source] io::Error),
}

/// The uplink as it is now: the `named` one, or the one with the best default route. `lan` are the LAN's ports and
/// bridge; `resolvers` are used as given, or read from the host's files when there are none.
///
/// # Errors
/// When there is none, with what was looked for.
pub async fn find(named: Option<&str>, lan: &[&str], resolvers: &[Ipv4Addr]) -> Result<Uplink, FindError> {
    let conn = Connection::<nlink::Route>::new().map_err(FindError::Observe)?;
    let observed = Snapshot::take(&conn).await.map_err(FindError::Observe)?.observed();
    let resolvers = if resolvers.is_empty() { system_resolvers()? } else { resolvers.to_owned() };
    let uplink = uplink::choose(&observed, named, lan, resolvers)?;
    let network = network(uplink.ifindex).await;
    Ok(Uplink { network, ..uplink })
}

/// The Wi-Fi network that an interface has joined. None without Wi-Fi in this kernel, too.
async fn network(ifindex: u32) -> Option<String> {
    let wifi = Connection::<Nl80211>::new_async().await.ok()?;
    wifi.get_interface_by_index(ifindex).await.ok()??.ssid
}

/// The resolvers that the host itself uses, best first; none when it names none.
fn system_resolvers() -> Result<Vec<Ipv4Addr>, FindError> {
    let read = |path: &'static str| match fs::read_to_string(path) {
        Ok(text) => Ok(nameservers(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(FindError::Resolvers(path, error)),
    };
    let named = read(RESOLV_CONF)?;
    if named.iter().any(|address| STUBS.contains(address)) && Path::new(BEHIND_STUB).exists() {
        return read(BEHIND_STUB);
    }
    Ok(named)
}

/// The IPv4 addresses of `nameserver` lines, as resolv.conf(5) has them; others are passed over.
fn nameservers(text: &str) -> Vec<Ipv4Addr> {
    let address = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next())??.parse().ok()
    };
    let mut found = Vec::new();
    for server in text.lines().filter_map(address) {
        if !found.contains(&server) {
            found.push(server);
        }
    }
    found
}

/// Tells when a link, an IPv4 address, a route, a policy rule, forwarding or our table changed.
pub struct Watch {
    /// Each tells whether it concerns us.
    events: Option<BoxStream<'static, nlink::Result<bool>>>,
    /// Something changed; it is told at this moment, together with what follows until then.
    tell_at: Option<Instant>,
}

impl Watch {
    /// Starts to listen. Look at everything once after this: then nothing is missed.
    ///
    /// # Errors
    /// Without netlink.
    pub async fn open() -> Result<Watch, FindError> {
        Ok(Watch { events: Some(listen().await.map_err(FindError::Observe)?), tell_at: None })
    }

    /// Returns when something changed since the last return, a moment after the first of a burst. May be dropped
    /// at any time and called again: no change is lost. When news was lost in the kernel, that is a change too.
    pub async fn changed(&mut self) {
        loop {
            let Some(events) = &mut self.events else {
                sleep(AGAIN).await;
                match listen().await {
                    Ok(events) => {
                        self.events = Some(events);
                        self.tell_at.get_or_insert(Instant::now());
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot listen for changes of the network; will try again")
                    }
                }
                continue;
            };
            let event = match self.tell_at {
                Some(at) => tokio::select! {
                    biased;
                    event = events.next() => event,
                    () = sleep_until(at) => {
                        self.tell_at = None;
                        return;
                    }
                },
                None => events.next().await,
            };
            let lost = match event {
                Some(Ok(false)) => continue,
                Some(Ok(true)) => false,
                // The socket goes on: only what it had no room for is lost.
                Some(Err(error)) if error.is_no_buffer_space() => false,
                Some(Err(_)) | None => true,
            };
            if lost {
                self.events = None;
            }
            self.tell_at.get_or_insert(Instant::now() + SETTLE);
            // With `biased`, a stream of events that never ends must not put off the telling for ever.
            if self.tell_at.is_some_and(|at| at <= Instant::now()) {
                self.tell_at = None;
                return;
            }
        }
    }
}

async fn listen() -> nlink::Result<BoxStream<'static, nlink::Result<bool>>> {
    let network = Connection::<nlink::Route>::new()?;
    network.subscribe(&[
        RtnetlinkGroup::Link,
        RtnetlinkGroup::Ipv4Addr,
        RtnetlinkGroup::Ipv4Route,
        RtnetlinkGroup::Ipv4Rule,
        RtnetlinkGroup::Ipv4Netconf,
    ])?;
    let rules = Connection::<Nftables>::new()?;
    rules.subscribe(&[NftablesGroup::All])?;
    let network = network.into_events().await.map(|event| event.map(|_| true));
    let rules = rules.into_events().await.map(|event| event.map(|event| is_ours(&event)));
    Ok(select(network, rules).boxed())
}

/// Our table's rules have changed. Who is closed changes often, and by us.
fn is_ours(event: &NftablesEvent) -> bool {
    matches!(event, NftablesEvent::NewTable(of) | NftablesEvent::DelTable(of) if of.name == TABLE)
        || matches!(event, NftablesEvent::NewChain(of) | NftablesEvent::DelChain(of) if of.table == TABLE)
        || matches!(event, NftablesEvent::NewRule(of) | NftablesEvent::DelRule(of) if of.table == TABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameserver_lines_are_read_and_nothing_else() {
        let text = "# made by hand\nnameserver 9.9.9.9\nnameserver\t149.112.112.112  # second\n\
            nameserver 9.9.9.9\nnameserver 2620:fe::fe\n nameserver 192.0.2.1\n#nameserver 192.0.2.2\n\
            nameserverx 192.0.2.3\nnameserver\nsearch example.org\nnameserver 300.1.1.1\n";
        let expected = ["9.9.9.9", "149.112.112.112", "192.0.2.1"];
        assert_eq!(nameservers(text).iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }
}
