//! A catalogue of tariffs as it is written in a file. A tariff is written as a plan is; see docs/advice.md.

use hotshare_api::{Part, Period, PlanChange, Terms};
use hotshare_core::advise::{Lasts, Place, Tariff};
use hotshare_core::plan::{self, Plan, Unused, Zone};
use jiff::civil::Date;
use serde::Deserialize;

use super::parts::{PartFile, part_of, period, vat};
use super::text::escaped;
use super::when::{date, days};
use crate::money;
use crate::serve::read_plan;

/// As in a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueFile {
    currency: Option<String>,
    vat: Option<String>,
    #[serde(default)]
    tariff: Vec<TariffFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TariffFile {
    name: String,
    period: String,
    fee: Option<String>,
    joining: Option<String>,
    #[serde(rename = "where")]
    place: Option<String>,
    dates: Option<String>,
    again: Option<bool>,
    #[serde(default)]
    part: Vec<PartFile>,
}

/// What a file says.
#[derive(Debug)]
pub(super) struct Catalogue {
    pub(super) currency: Option<String>,
    /// Such as “with 19% VAT”.
    pub(super) tax: Option<String>,
    /// With the tax in all amounts.
    pub(super) tariffs: Vec<Tariff>,
    plans: Vec<AsPlan>,
}

/// A tariff as a plan, as far as that is known before it is bought.
#[derive(Debug)]
struct AsPlan {
    period: Option<Period>,
    lasts: Lasts,
    parts: Vec<Part>,
    terms: Terms,
}

/// Reads a catalogue from the text of a file.
pub(super) fn catalogue(text: &str) -> Result<Catalogue, String> {
    let file: CatalogueFile = toml::from_str(text).map_err(|e| e.to_string().trim_end().to_owned())?;
    if file.tariff.is_empty() {
        return Err("there is no tariff in it; write [[tariff]] and below it name, period and fee".to_owned());
    }
    let (vat_permille, vat_included) = file.vat.as_deref().map(vat).transpose()?.unzip();
    let mut catalogue =
        Catalogue { currency: file.currency.clone(), tax: None, tariffs: Vec::new(), plans: Vec::new() };
    if let Some(permille) = vat_permille {
        catalogue.tax = Some(format!("with {}.{} % VAT", permille / 10, permille % 10).replace(".0 %", " %"));
    }
    for tariff in &file.tariff {
        let named = |why: String| format!("tariff “{}”: {why}", escaped(&tariff.name));
        if catalogue.tariffs.iter().any(|other| other.name == tariff.name) {
            return Err(named("there are two of this name; give each a name of its own".to_owned()));
        }
        let terms = Terms {
            currency: file.currency.clone(),
            vat_permille,
            vat_included: vat_included.unwrap_or(false),
            fee: tariff.fee.clone(),
        };
        let (tariff, as_plan) = tariff_of(tariff, terms).map_err(named)?;
        catalogue.tariffs.push(tariff);
        catalogue.plans.push(as_plan);
    }
    Ok(catalogue)
}

fn tariff_of(file: &TariffFile, terms: Terms) -> Result<(Tariff, AsPlan), String> {
    let shown = file.name.trim() == file.name && !file.name.chars().any(char::is_control);
    if !shown || !(1..=64).contains(&file.name.chars().count()) {
        return Err("name: write 1 to 64 characters that can be seen".to_owned());
    }
    for (key, text) in [("fee", &file.fee), ("joining", &file.joining)] {
        if let Some(text) = text {
            money::amount(text).map_err(|why| format!("{key}: {why}"))?;
        }
    }
    let (lasts, own, as_period) = lasts(&file.period).map_err(|why| format!("period: {why}"))?;
    let dates = file.dates.as_deref().map(span).transpose().map_err(|why| format!("dates: {why}"))?;
    if own.is_some() && dates.is_some() {
        return Err("dates: a period of the kind “once” has its dates already; leave this out".to_owned());
    }
    let place = match file.place.as_deref() {
        None | Some("home") => Place::Home,
        Some("abroad") => Place::Abroad,
        Some("everywhere") => Place::Everywhere,
        Some(_) => return Err("where: write \"home\", \"abroad\" or \"everywhere\"".to_owned()),
    };
    if file.part.is_empty() {
        return Err(
            "it has no part; write [[tariff.part]] with a name, and data = \"20GB\" or nothing for no end"
                .to_owned(),
        );
    }
    let named = |part: &PartFile, why: String| format!("part “{}”: {why}", escaped(&part.name));
    let parts: Vec<Part> = file
        .part
        .iter()
        .map(|part| part_of(part).map_err(|why| named(part, why)))
        .collect::<Result<_, _>>()?;
    let (buckets, read) = read_plan(&parts, &terms)?;
    let whole = Plan {
        period: plan::Period::Monthly { day: 1 },
        zone: Zone::utc(),
        buckets: buckets.clone(),
        terms: read,
    };
    whole.check().map_err(|why| why.to_string())?;
    if buckets.iter().filter(|bucket| bucket.unused != Unused::Lost).count() > 1 {
        return Err("unused: only one part of a tariff may keep what is left over here".to_owned());
    }
    let contract = matches!(lasts, Lasts::Month | Lasts::MonthDay(_));
    let amount =
        |text: &Option<String>| text.as_deref().and_then(|text| money::amount(text).ok()).unwrap_or_default();
    let tariff = Tariff {
        name: file.name.clone(),
        lasts,
        dates: own.or(dates),
        place,
        fee: amount(&file.fee),
        joining: amount(&file.joining),
        again: file.again.unwrap_or(!contract),
        parts: buckets,
    };
    Ok((tariff.with(read.vat), AsPlan { period: as_period, lasts, parts, terms }))
}

type Read = (Lasts, Option<(Date, Date)>, Option<Period>);

/// As in a plan, but `monthly` and `every 28d` begin on the day of buying.
fn lasts(text: &str) -> Result<Read, String> {
    const ALLOWED: &str = "write \"monthly\" or \"every 28d\" (from the day it is bought), \"monthly 5\", \"weekly\", \"daily\" or \"once 2026-11-01 to 2026-11-30\"";
    match text {
        "monthly" => return Ok((Lasts::Month, None, None)),
        "daily" => return Ok((Lasts::Days(1), None, Some(period(text)?))),
        "weekly" => return Ok((Lasts::Days(7), None, None)),
        _ => {}
    }
    if let Some(count) = text.strip_prefix("every ").filter(|rest| !rest.contains(' ')) {
        return Ok((Lasts::Days(days(count)?), None, None));
    }
    let as_period = period(text).map_err(|_| ALLOWED.to_owned())?;
    let lasts = match &as_period {
        Period::Monthly { day } => (Lasts::MonthDay(*day), None),
        Period::EveryDays { days, .. } => (Lasts::Days(*days), None),
        Period::Once { from, until } => {
            let (from, until) = ordered(date(from)?, date(until)?)?;
            let length = from.until(until).map_or(0, |span| span.get_days()).saturating_add(1);
            (Lasts::Days(u16::try_from(length).unwrap_or(u16::MAX)), Some((from, until)))
        }
    };
    Ok((lasts.0, lasts.1, Some(as_period)))
}

/// `2026-07-01 to 2026-07-14`.
fn span(text: &str) -> Result<(Date, Date), String> {
    let (from, until) = text.split_once(" to ").ok_or("write it as \"2026-06-01 to 2026-08-31\"")?;
    ordered(date(from)?, date(until)?)
}

fn ordered(from: Date, until: Date) -> Result<(Date, Date), String> {
    if from <= until { Ok((from, until)) } else { Err(format!("{until} is before {from}: swap the dates")) }
}

/// `2026-07-01..2026-07-14`, both included.
pub(super) fn trip(text: &str) -> Result<(Date, Date), String> {
    let (from, until) =
        text.split_once("..").ok_or("write the first and the last day, such as 2026-07-01..2026-07-14")?;
    ordered(date(from)?, date(until)?)
}

impl Catalogue {
    /// A tariff as a plan that begins on a day.
    pub(super) fn plan(&self, name: &str, begins: Date) -> Result<PlanChange, String> {
        let at = self.find(name)?;
        let as_plan = self.plans.get(at).ok_or("there is no such tariff")?;
        let on = |days| Period::EveryDays { days, from: begins.to_string() };
        let period = as_plan.period.clone().unwrap_or(match as_plan.lasts {
            Lasts::Days(days) => on(days),
            Lasts::MonthDay(day) => Period::Monthly { day },
            Lasts::Month => Period::Monthly { day: begins.day().unsigned_abs() },
        });
        Ok(PlanChange {
            period: Some(period),
            parts: Some(as_plan.parts.clone()),
            terms: Some(as_plan.terms.clone()),
            ..PlanChange::default()
        })
    }

    /// The place of a tariff.
    pub(super) fn find(&self, name: &str) -> Result<usize, String> {
        self.tariffs.iter().position(|tariff| tariff.name == name).ok_or_else(|| {
            let names: Vec<String> =
                self.tariffs.iter().map(|tariff| format!("“{}”", escaped(&tariff.name))).collect();
            let few =
                names.get(..12).map_or_else(|| names.join(", "), |few| format!("{}, …", few.join(", ")));
            format!("there is no tariff “{}” in it; there are {few}", escaped(name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        currency = "EUR"
        vat = "19%"
        [[tariff]]
        name = "Home 20"
        period = "monthly"
        fee = "10"
        joining = "5"
        [[tariff.part]]
        name = "fast"
        data = "20GB"
        [[tariff.part]]
        name = "slow"
        speed = "1Mbit"
        [[tariff]]
        name = "Trip"
        period = "every 14d"
        where = "abroad"
        dates = "2026-06-01 to 2026-08-31"
        fee = "7.50"
        [[tariff.part]]
        name = "esim"
        data = "5GB"
    "#;

    #[test]
    fn a_catalogue() {
        let catalogue = catalogue(FILE).expect("good");
        let [home, trip] = &catalogue.tariffs[..] else { panic!("{catalogue:?}") };
        assert_eq!((home.fee.to_string(), home.joining.to_string()), ("11.90".to_owned(), "5.95".to_owned()));
        assert_eq!((home.lasts, home.place, home.again), (Lasts::Month, Place::Home, false));
        assert_eq!((trip.lasts, trip.place, trip.again), (Lasts::Days(14), Place::Abroad, true));
        let begins = date("2026-11-27").expect("a date");
        let plan = catalogue.plan("Home 20", begins).expect("a plan");
        assert_eq!(plan.period, Some(Period::Monthly { day: 27 }));
        assert_eq!(plan.terms.and_then(|terms| terms.fee).as_deref(), Some("10"));
        let plan = catalogue.plan("Trip", begins).expect("a plan");
        assert_eq!(plan.period, Some(Period::EveryDays { days: 14, from: "2026-11-27".into() }));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let tariff = |lines: &str| {
            format!(
                "[[tariff]]\nname = \"X\"\nperiod = \"monthly\"\n{lines}\n[[tariff.part]]\nname = \"p\"\n"
            )
        };
        let mut told = String::new();
        for text in [
            String::new(),
            "[[tariff]]\nname = \"X\"\n".to_owned(),
            "[[tariff]]\nname = \"X\"\nperiod = \"monthly\"\n".to_owned(),
            tariff("fe = \"10\""),
            tariff("fee = \"10 EUR\""),
            tariff("joining = \"-1\""),
            tariff("where = \"Spain\""),
            tariff("dates = \"june\""),
            tariff("dates = \"2026-07-02 to 2026-07-01\""),
            tariff("").replace("monthly", "yearly"),
            tariff("").replace("monthly", "monthly 32"),
            tariff("") + "data = \"20gb\"\n",
            tariff("") + "price = \"1 per 1MB\"\n",
            tariff("") + "unused = \"next period\"\n",
            tariff("") + &tariff(""),
            "currency = \"Euro\"\n".to_owned() + &tariff(""),
            "vat = \"much\"\n".to_owned() + &tariff(""),
        ] {
            told += &format!("{}\n", catalogue(&text).expect_err(&text));
        }
        told += &format!("{}\n", catalogue(FILE).expect("good").find("Home").expect_err("none"));
        insta::assert_snapshot!(told);
    }
}
