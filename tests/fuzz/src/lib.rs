//! What is done with bytes of strangers. The ordinary tests include this file, too.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use hotshare_core::lease::{Answer, LeaseRules, LeaseTable, Pool};
use hotshare_core::units::{BootTime, Mac, Now, UnixTime};
use hotshare_linux::lease::{parse_frame, reply_frame};
use hotshare_linux::names::NamesView;
use hotshare_linux::names::exercise::exercise;
use hotshare_linux::radio::reply;

const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 1);
const STATION: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 20);
const OWN: Mac = Mac([2, 0, 0, 0, 0, 0xfe]);

/// DHCP messages, each after its length (two bytes) and how long before it nothing happened (one byte).
/// A length with the high bit is a whole frame; else the frame is put around the message.
pub fn dhcp(mut data: &[u8]) {
    let rules = LeaseRules::new(GATEWAY, 29);
    let pool = Pool::new(GATEWAY, 29);
    let mut now = Now { boot: BootTime(1_000_000_000), wall: UnixTime(1_800_000_000), synced: true };
    let mut table = LeaseTable::new(rules, Vec::new(), now);
    while let [high, low, wait, rest @ ..] = data {
        let length = usize::from(u16::from_be_bytes([high & 0x7f, *low])).min(rest.len());
        let (message, next) = rest.split_at(length);
        data = next;
        now.boot = now.boot.plus_secs(u64::from(*wait) * u64::from(*wait));
        now.wall.0 += i64::from(*wait) * i64::from(*wait);
        let frame = if high & 0x80 == 0 { framed(message) } else { message.to_vec() };
        let Ok((request, transaction)) = parse_frame(&frame) else { continue };
        let outcome = table.handle(now, &request);
        if let Some(written) = outcome.written() {
            table.written(written);
        }
        if let Answer::Reply(reply) = &outcome.answer {
            assert!(reply.yours.is_unspecified() || pool.contains(reply.yours));
            let sent = reply_frame((OWN, GATEWAY), &transaction, reply).expect("every reply can be sent");
            assert!(sent.len() >= 14 + 28 + 300 && sent.len() < 700, "{} bytes", sent.len());
        }
        let live: Vec<(Mac, Ipv4Addr)> = table.live(now.boot).collect();
        let addresses: BTreeSet<Ipv4Addr> = live.iter().map(|(_, ip)| *ip).collect();
        assert_eq!(addresses.len(), live.len());
        assert!(table.len() <= 5);
    }
}

/// A station's frame to port 67 around a message; the sender is who the message says.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = |more: usize| u16::try_from(message.len() + more).unwrap_or(u16::MAX).to_be_bytes();
    let (whole, udp) = (length(28), length(8));
    let source = message.get(28..34).unwrap_or(&[2, 0, 0, 0, 0, 1]);
    let header = [0x45, 0, whole[0], whole[1], 0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255];
    let udp = [0, 68, 0, 67, udp[0], udp[1], 0, 0];
    [&[0xff; 6][..], source, &[8, 0], &header, &udp, message].concat()
}

/// A reply or an event of hostapd, read in every way. Whatever is read must be in the text.
pub fn hostapd(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(station) = reply::station(&text) {
        assert!(text.to_ascii_lowercase().replace('-', ":").starts_with(&station.mac.to_string()));
        assert!(!station.is_authorized || text.contains("[AUTHORIZED]"));
        assert!(station.key.is_none_or(|_| text.contains("keyid=k")));
        assert!(station.vlan_id.is_none_or(|id| id > 0 && text.contains("vlan_id=")));
    }
    let status = reply::status(&text);
    assert!(status.state != reply::State::Enabled || text.contains("state=ENABLED"));
    let event = reply::event(&text);
    assert!(!matches!(event, reply::Event::WrongKey(_)) || text.contains("AP-STA-POSSIBLE-PSK-MISMATCH"));
}

/// A query after its length (two bytes), and then what a resolver says.
pub fn dns(data: &[u8]) {
    let [high, low, rest @ ..] = data else { return };
    let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
    let (query, said) = rest.split_at(length);
    let view = NamesView {
        resolvers: vec![Ipv4Addr::new(198, 51, 100, 53)],
        gateway: GATEWAY,
        prefix: 24,
        open: Arc::new(BTreeSet::from([STATION])),
        sites: Arc::default(),
        web_name: Arc::default(),
    };
    for client in [STATION, Ipv4Addr::new(10, 7, 0, 21)] {
        if let Some(answer) = exercise(query, said, client, &view) {
            assert!(answer.len() >= 12 && answer.len() <= 1500, "{} bytes", answer.len());
            assert_eq!(answer.get(..2), query.get(..2), "the answer has the question's id");
            assert!(answer[2] & 0x80 != 0, "an answer says that it is one");
        }
    }
}
