//! Alerts on their way outlive the store being closed, and end once.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use hotshare_core::alert::{Alert, AlertId, Channel, Kind, Mark, Raise, Subject, Topic};
use hotshare_core::ledger::PeriodKey;
use hotshare_core::record::{Change, Noted};
use hotshare_core::units::{Bytes, UnixTime};
use hotshare_store::{DeliveryState, Outcome, Reader, Store};

fn raise(n: u64, period: i32, channels: &[Channel]) -> Change {
    let topic = Topic { kind: Kind::PlanLevel, subject: Subject::Plan };
    let mark = Mark { topic, period: PeriodKey(period), level: 80, used: Bytes(u64::MAX), alert: AlertId(n) };
    let alert = Alert {
        id: AlertId(n),
        at: UnixTime(1_000 + i64::try_from(n).unwrap()),
        kind: Kind::PlanLevel,
        about: None,
        percent: Some(80),
        used: Some(Bytes(u64::MAX)),
        limit: Some(Bytes(10)),
        title: "80 % of the plan is used".into(),
        text: "小明".into(),
    };
    Change::Alert(Box::new(Raise { alert, mark, channels: channels.to_vec() }))
}

fn numbers(reader: &Reader, channel: Channel) -> Vec<(u64, u32)> {
    reader.pending(channel, 10).unwrap().into_iter().map(|p| (p.alert.id.0, p.attempts)).collect()
}

#[test]
fn a_delivery_is_pending_until_it_is_marked_whoever_opens_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let mut store = Store::open(&path).unwrap();
    store.commit(&[raise(1, 5, &[Channel::Mail, Channel::Webhook]), raise(2, 6, &[Channel::Mail])]).unwrap();
    let why = "no answer".repeat(100);
    store.mark(AlertId(1), Channel::Webhook, UnixTime(7), &Outcome::Delivered, None).unwrap();
    let later = Outcome::Later { next: UnixTime(2_000), why };
    store.mark(AlertId(1), Channel::Mail, UnixTime(8), &later, None).unwrap();
    drop(store);

    let mut store = Store::open(&path).unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(numbers(&reader, Channel::Mail), [(1, 1), (2, 0)]);
    assert_eq!(numbers(&reader, Channel::Webhook), []);
    assert_eq!(reader.pending(Channel::Mail, 10).unwrap()[0].next_try, UnixTime(2_000));
    let kept = store.snapshot().unwrap();
    assert_eq!((kept.last_alert, kept.marks.len()), (AlertId(2), 2));

    let noted =
        Noted { at: UnixTime(9), kind: "alert-failed", text: "not delivered".into(), facts: Box::default() };
    let failed = Outcome::Failed { why: "gone".into() };
    store.mark(AlertId(1), Channel::Mail, UnixTime(9), &failed, Some(&noted)).unwrap();
    store.mark(AlertId(1), Channel::Mail, UnixTime(9), &failed, Some(&noted)).unwrap();
    let events = reader.events(UnixTime(0), 10).unwrap();
    assert_eq!(events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["alert-failed"]);
    // What is over stays as it ended.
    store.mark(AlertId(1), Channel::Mail, UnixTime(10), &Outcome::Delivered, None).unwrap();
    store.mark(AlertId(77), Channel::Mail, UnixTime(10), &Outcome::Delivered, None).unwrap();
    assert_eq!(numbers(&reader, Channel::Mail), [(2, 0)]);
    let alerts = reader.alerts(10).unwrap();
    let [(second, _), (first, deliveries)] = &alerts[..] else { panic!("{alerts:?}") };
    assert_eq!((second.id, first.id), (AlertId(2), AlertId(1)));
    assert_eq!((first.used, first.text.as_str()), (Some(Bytes(u64::MAX)), "小明"));
    let [mail, webhook] = &deliveries[..] else { panic!("{deliveries:?}") };
    assert_eq!((mail.state, mail.attempts), (DeliveryState::Failed { at: UnixTime(9) }, 2));
    assert_eq!(mail.error.as_deref(), Some("gone"));
    assert_eq!((webhook.state, webhook.attempts), (DeliveryState::Delivered { at: UnixTime(7) }, 1));
}

#[test]
fn old_alerts_go_and_numbers_are_never_given_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let mut store = Store::open(&path).unwrap();
    let all: Vec<Change> = (1..=1_200).map(|n| raise(n, i32::try_from(n).unwrap(), &Channel::ALL)).collect();
    store.commit(&all).unwrap();
    let reader = Reader::open(&path).unwrap();
    let kept = reader.alerts(u32::MAX).unwrap();
    assert_eq!(kept.len(), 1_000);
    assert_eq!(kept.last().map(|(alert, list)| (alert.id.0, list.len())), Some((201, 4)));
    assert_eq!(reader.pending(Channel::Mqtt, u32::MAX).unwrap().len(), 1_000);
    let snapshot = store.snapshot().unwrap();
    assert_eq!((snapshot.last_alert, snapshot.marks.len()), (AlertId(1_200), 4));
}
