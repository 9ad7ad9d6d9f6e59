//! Alerts in words: a title, and a sentence with the amounts.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::{Language, What};
use crate::plan::Zone;
use crate::units::{Bytes, UnixTime};

/// Title and text. `zone`: whose dates are meant.
#[must_use]
pub fn words(what: &What, language: Language, zone: &Zone) -> (String, String) {
    match language {
        Language::English => english(what, zone),
        Language::Chinese => chinese(what, zone),
    }
}

fn english(what: &What, zone: &Zone) -> (String, String) {
    let until = |renews: &Option<UnixTime>| match renews {
        Some(at) => format!(" until {}", date(zone, *at)),
        None => String::new(),
    };
    let of = |used: &Bytes, limit: &Bytes| format!("{} of {}", amount(*used), amount(*limit));
    let left = |used: &Bytes, limit: &Bytes| amount(limit.saturating_sub(*used));
    match what {
        What::PlanLevel { percent: 100, used, limit, renews } => (
            "The plan is used up".into(),
            format!("{} are used, and that has to do{}.", of(used, limit), until(renews)),
        ),
        What::PlanLevel { percent, used, limit, renews } => (
            format!("{percent} % of the plan is used"),
            format!("{} are used; {} are left{}.", of(used, limit), left(used, limit), until(renews)),
        ),
        What::AllowanceLevel { name, percent: 100, used, limit, renews } => (
            format!("{name}'s allowance is used up"),
            format!("{name} has used {}, and that has to do{}.", of(used, limit), until(renews)),
        ),
        What::AllowanceLevel { name, percent, used, limit, renews } => (
            format!("{name} has used {percent} % of the allowance"),
            format!("{} are used; {} are left{}.", of(used, limit), left(used, limit), until(renews)),
        ),
        What::UnusualUse { name, today, usual } => (
            format!("{name} uses unusually much"),
            format!("{name} has used {} today; {} a day is usual.", amount(*today), amount(*usual)),
        ),
        What::UnusualDevice { mac, host_name, owner, today, usual } => (
            format!("A device of {owner} uses unusually much"),
            format!(
                "{} has used {} today; {} a day is usual for it.",
                device(mac, host_name.as_deref()),
                amount(*today),
                amount(*usual)
            ),
        ),
        What::PlanRolls { ends, again, used, limit } => {
            let verb = if *again { "renews" } else { "ends" };
            let text = match limit {
                Some(limit) => format!("{} of {} are left until then.", left(used, limit), amount(*limit)),
                None => format!("{} were used so far.", amount(*used)),
            };
            (format!("The plan {verb} on {}", date(zone, *ends)), text)
        }
        What::DeviceWaiting { mac, host_name, claim } => (
            "A new device waits".into(),
            match claim {
                None => format!("{} waits for you to say whose it is.", device(mac, host_name.as_deref())),
                Some(claim) => format!(
                    "{} waits for you; whoever uses it says to be “{}”.",
                    device(mac, host_name.as_deref()),
                    claim.as_str()
                ),
            },
        ),
        What::PriceStep { step, cost } => (
            format!("The plan asks for money (step {step})"),
            format!("To go on it would cost another {cost}. Nothing passes until you agree."),
        ),
        What::CertificateEnds { ends } => (
            format!("The certificate of the pages ends on {}", date(zone, *ends)),
            "Without a new one the pages are not served by TLS any more; `hotshare status` tells more."
                .into(),
        ),
        What::Test => ("A test from Hotshare".into(), "Alerts arrive here.".into()),
    }
}

fn chinese(what: &What, zone: &Zone) -> (String, String) {
    let until = |renews: &Option<UnixTime>| match renews {
        Some(at) => format!("，{}更新", date(zone, *at)),
        None => String::new(),
    };
    let of = |used: &Bytes, limit: &Bytes| format!("已用 {}，共 {}", amount(*used), amount(*limit));
    let left = |used: &Bytes, limit: &Bytes| amount(limit.saturating_sub(*used));
    match what {
        What::PlanLevel { percent: 100, used, limit, renews } => {
            ("套餐流量已用完".into(), format!("{}{}。", of(used, limit), until(renews)))
        }
        What::PlanLevel { percent, used, limit, renews } => (
            format!("套餐流量已用 {percent}%"),
            format!("{}，剩余 {}{}。", of(used, limit), left(used, limit), until(renews)),
        ),
        What::AllowanceLevel { name, percent: 100, used, limit, renews } => {
            (format!("{name} 的额度已用完"), format!("{}{}。", of(used, limit), until(renews)))
        }
        What::AllowanceLevel { name, percent, used, limit, renews } => (
            format!("{name} 的额度已用 {percent}%"),
            format!("{}，剩余 {}{}。", of(used, limit), left(used, limit), until(renews)),
        ),
        What::UnusualUse { name, today, usual } => (
            format!("{name} 今天的用量异常"),
            format!("今天已用 {}，平常每天约 {}。", amount(*today), amount(*usual)),
        ),
        What::UnusualDevice { mac, host_name, owner, today, usual } => (
            format!("{owner} 的一台设备今天用量异常"),
            format!(
                "{} 今天已用 {}，平常每天约 {}。",
                device(mac, host_name.as_deref()),
                amount(*today),
                amount(*usual)
            ),
        ),
        What::PlanRolls { ends, again, used, limit } => {
            let verb = if *again { "更新" } else { "到期" };
            let text = match limit {
                Some(limit) => format!("在此之前还剩 {}，共 {}。", left(used, limit), amount(*limit)),
                None => format!("目前已用 {}。", amount(*used)),
            };
            (format!("套餐将于 {} {verb}", date(zone, *ends)), text)
        }
        What::DeviceWaiting { mac, host_name, claim } => (
            "有新设备等待确认".into(),
            match claim {
                None => format!("{} 正在等待您指定它属于谁。", device(mac, host_name.as_deref())),
                Some(claim) => format!(
                    "{} 正在等待您确认，使用者自称“{}”。",
                    device(mac, host_name.as_deref()),
                    claim.as_str()
                ),
            },
        ),
        What::PriceStep { step, cost } => (
            format!("套餐需要付费（第 {step} 级）"),
            format!("继续使用需再付 {cost}；在您同意之前不会放行任何流量。"),
        ),
        What::CertificateEnds { ends } => (
            format!("网页的证书将于 {} 到期", date(zone, *ends)),
            "如果没有新证书，网页将不再通过 TLS 提供；详情请运行 `hotshare status`。".into(),
        ),
        What::Test => ("Hotshare 测试提醒".into(), "提醒可以送达这里。".into()),
    }
}

/// What a device calls itself is a stranger's text: only letters, digits and a few signs of it are shown.
fn device(mac: &crate::units::Mac, host_name: Option<&str>) -> String {
    let harmless = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '\'');
    let name: String = host_name.unwrap_or_default().chars().filter(harmless).take(64).collect();
    if name.trim().is_empty() { mac.to_string() } else { format!("“{name}” ({mac})") }
}

fn date(zone: &Zone, at: UnixTime) -> Date {
    let epoch = Date::constant(1970, 1, 1);
    epoch.checked_add(zone.day(at).0.days()).unwrap_or(epoch)
}

/// In powers of 1000, with three digits or so, cut off: what is said to be used is used.
fn amount(bytes: Bytes) -> String {
    let n = bytes.0;
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{} kB", n / 1_000),
        1_000_000..1_000_000_000 => format!("{}.{} MB", n / 1_000_000, n / 100_000 % 10),
        _ => format!("{}.{:02} GB", n / 1_000_000_000, n / 10_000_000 % 100),
    }
}
