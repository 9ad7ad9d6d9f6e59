//! What the page says, in the language of who asks.

use std::net::Ipv4Addr;

use hotshare_core::ask::{DeviceStatus, PersonStatus, Status};
use hotshare_core::people::Allowance;
use hotshare_core::policy::{Verdict, Why};
use hotshare_core::units::{Mac, UnixTime};
use jiff::tz::TimeZone;

use crate::cli::size::pretty;
use crate::cli::text::html_text;
use crate::cli::when;
use crate::zone;

/// Where the form is sent.
pub(super) const ASK_PATH: &str = "/ask";
/// What can be asked for, in MB.
pub(super) const AMOUNTS: [u64; 4] = [100, 200, 500, 1000];
pub(super) const STYLE_PATH: &str = "/style.css";
pub(super) const STYLE: &str = "\
:root { color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 32rem; padding: 1.5rem; }
h1 { font-size: 1.4rem; }
form { display: flex; flex-wrap: wrap; gap: 0.6rem; align-items: center; }
select, button { font: inherit; min-height: 2.75rem; padding: 0 0.8rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.4rem 1rem; }
dt { opacity: 0.7; }
dd { margin: 0; overflow-wrap: anywhere; }
.closed { border-inline-start: 0.3rem solid #c33; padding-inline-start: 0.8rem; }
";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Chinese,
}

impl Language {
    /// The one that a browser likes best (RFC 9110, 12.5.4); of those it likes alike, the first.
    pub(super) fn of(wished: &str) -> Language {
        let mut best = (Language::English, 0.0);
        for wish in wished.split(',').take(32) {
            let (tag, rest) = wish.split_once(';').unwrap_or((wish, ""));
            let quality = rest.trim().strip_prefix("q=").map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
            let language =
                match tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase().as_str() {
                    "en" => Language::English,
                    "zh" => Language::Chinese,
                    _ => continue,
                };
            if quality > best.1 {
                best = (language, quality);
            }
        }
        best.0
    }

    fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-Hans",
        }
    }

    fn pick(self, english: impl Into<String>, chinese: impl Into<String>) -> String {
        match self {
            Language::English => english.into(),
            Language::Chinese => chinese.into(),
        }
    }
}

/// What there is to say to who asks, and nothing of anybody else.
pub(super) enum Asker<'a> {
    /// The hotspot gave nobody this address.
    Stranger,
    Nobodys(Mac),
    Blocked(Mac),
    Person {
        person: &'a PersonStatus,
        /// Why nothing at all is forwarded.
        closed: Option<Verdict>,
        zone: TimeZone,
        plan_ends: Option<UnixTime>,
    },
}

impl<'a> Asker<'a> {
    /// Who is at this address.
    pub(super) fn of(status: &'a Status, at: Ipv4Addr) -> Asker<'a> {
        let Some(device) = status.devices.iter().find(|device| device.address == Some(at)) else {
            return Asker::Stranger;
        };
        let whose = |device: &'a DeviceStatus| {
            let name = device.person.as_ref()?;
            status.people.iter().find(|person| person.name == *name)
        };
        match whose(device) {
            _ if device.blocked => Asker::Blocked(device.mac),
            None => Asker::Nobodys(device.mac),
            Some(person) => Asker::Person {
                person,
                closed: status.closed,
                zone: zone::rules(status.plan.plan.zone.name()),
                plan_ends: status.plan.ends,
            },
        }
    }
}

/// The page.
pub(super) fn html(language: Language, asker: &Asker<'_>) -> String {
    let l = language;
    match asker {
        Asker::Stranger => closed_page(
            l,
            &l.pick("This device is not known here.", "这里不认识这台设备。"),
            &l.pick(
                "The hotspot did not give it its address. Let the device get its address by itself (DHCP, “automatic”).",
                "它的地址不是热点分配的。请让设备自动获取地址（DHCP，“自动”）。",
            ),
            None,
        ),
        Asker::Nobodys(mac) => closed_page(
            l,
            &l.pick("This device waits.", "这台设备正在等待。"),
            &l.pick(
                "Nobody has said yet whose it is. Show this to the owner of the hotspot:",
                "还没有人说明它属于谁。请把下面的内容给热点的主人看：",
            ),
            Some(*mac),
        ),
        Asker::Blocked(mac) => closed_page(
            l,
            &l.pick("This device is blocked.", "这台设备被阻止了。"),
            &l.pick("The owner of the hotspot has blocked it:", "热点的主人阻止了它："),
            Some(*mac),
        ),
        Asker::Person { person, closed, zone, plan_ends } => {
            // What closes everybody comes first: topping one person up does not help then.
            let why = closed.filter(|verdict| !verdict.is_open()).unwrap_or(person.verdict).why();
            let slow = person.verdict.rate().map(|rate| rate.0.saturating_mul(8) / 1000);
            let mut body = String::new();
            if let Some(why) = why {
                let text = why_words(l, why, person, zone, *plan_ends);
                body.push_str(&format!("<p class=\"closed\">{}</p>\n", html_text(&text)));
            }
            if let Some(kbit) = slow {
                let text = l.pick(
                    format!("You go on, slowly: {kbit} kbit/s."),
                    format!("你可以继续使用，但速度较慢：{kbit} kbit/s。"),
                );
                body.push_str(&format!("<p>{}</p>\n", html_text(&text)));
            }
            body.push_str("<dl>\n");
            for (label, text) in facts(l, person, zone) {
                body.push_str(&format!("<dt>{}</dt><dd>{}</dd>\n", html_text(&label), html_text(&text)));
            }
            body.push_str("</dl>\n");
            body.push_str(&more(l, person));
            let name = person.name.as_str();
            page(l, &l.pick(format!("You are {name}."), format!("你是 {name}。")), &body)
        }
    }
}

/// The page when the brain does not answer.
pub(super) fn busy(l: Language) -> String {
    let text =
        l.pick("The hotspot is busy. Load this page again in a moment.", "热点正忙，请稍后重新加载本页。");
    page(l, "Hotshare", &format!("<p class=\"closed\">{}</p>\n", html_text(&text)))
}

fn closed_page(l: Language, title: &str, text: &str, mac: Option<Mac>) -> String {
    let mac = mac.map(|mac| format!("<p><strong>{mac}</strong></p>\n")).unwrap_or_default();
    page(l, title, &format!("<p class=\"closed\">{}</p>\n{mac}", html_text(text)))
}

fn page(l: Language, title: &str, body: &str) -> String {
    let (tag, title) = (l.tag(), html_text(title));
    format!(
        "<!doctype html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Hotshare</title>\n<link rel=\"stylesheet\" href=\"{STYLE_PATH}\">\n</head>\n<body>\n\
         <h1>{title}</h1>\n{body}</body>\n</html>\n"
    )
}

/// A form that asks the owner for more, or what was asked for already.
fn more(l: Language, person: &PersonStatus) -> String {
    if let Some(wish) = person.wish {
        let asked = pretty(wish.bytes.0);
        let text = l.pick(
            format!("You asked for {asked} more. The owner has not answered yet."),
            format!("你申请了 {asked}，热点的主人尚未答复。"),
        );
        return format!("<p>{}</p>\n", html_text(&text));
    }
    if person.allowance == Allowance::Unlimited {
        return String::new();
    }
    let label = html_text(&l.pick("Ask the owner for more:", "向热点的主人申请更多："));
    let button = html_text(&l.pick("Ask", "申请"));
    let option = |mb: u64| format!("<option value=\"{mb}\">{}</option>", html_text(&pretty(mb * 1_000_000)));
    let options: String = AMOUNTS.into_iter().map(option).collect();
    format!(
        "<form method=\"post\" action=\"{ASK_PATH}\">\n<label for=\"mb\">{label}</label>\n\
         <select id=\"mb\" name=\"mb\">{options}</select>\n<button>{button}</button>\n</form>\n"
    )
}

/// What the person has used, what is left, and until when.
fn facts(l: Language, person: &PersonStatus, zone: &TimeZone) -> Vec<(String, String)> {
    let used = pretty(person.up.0.saturating_add(person.down.0));
    let mut facts = match person.allowance {
        Allowance::Unlimited => vec![
            (l.pick("Left", "剩余"), l.pick("no limit of your own", "没有个人限额")),
            (l.pick("Used", "已用"), used),
        ],
        Allowance::Fair if person.limit.is_none() => vec![
            (l.pick("Left", "剩余"), l.pick("a fair share of everything", "公平共享全部流量")),
            (l.pick("Used", "已用"), used),
        ],
        Allowance::Limited { .. } | Allowance::Fair => {
            let all = pretty(person.limit.map_or(0, |limit| limit.0));
            let left = pretty(person.balance.map_or(0, |left| left.0));
            vec![
                (l.pick("Left", "剩余"), l.pick(format!("{left} of {all}"), format!("{left}（共 {all}）"))),
                (l.pick("Used", "已用"), used),
            ]
        }
    };
    if let Some(renews) = person.renews {
        facts.push((l.pick("Renews", "重置时间"), when::pretty(renews.0, zone)));
    }
    if let Some(until) = person.key.and_then(|key| key.until) {
        facts.push((l.pick("Your key holds until", "密钥有效期至"), when::pretty(until.0, zone)));
    }
    facts
}

fn why_words(
    l: Language,
    why: Why,
    person: &PersonStatus,
    zone: &TimeZone,
    plan_ends: Option<UnixTime>,
) -> String {
    let again = |at: Option<UnixTime>| match at.map(|at| when::pretty(at.0, zone)) {
        Some(at) => l.pick(format!(" It opens again at {at}."), format!("将在 {at} 重新开放。")),
        None => l.pick(" Ask the owner of the hotspot.", "请询问热点的主人。"),
    };
    match why {
        Why::Paused => l.pick("The owner of the hotspot has paused you.", "热点的主人暂停了你的使用。"),
        Why::AllowanceUsed => {
            l.pick("Your allowance is used up.", "你的限额已用完。") + &again(person.renews)
        }
        Why::Ended => l.pick(
            "The time that was given to you is over. Ask the owner of the hotspot.",
            "给你的使用时间已结束，请询问热点的主人。",
        ),
        Why::BedTime => {
            l.pick("It is bed time: you are closed at this hour.", "现在是休息时间，此时段不开放。")
        }
        Why::KeptForOthers => {
            l.pick("What is left of the data plan is kept for others.", "套餐剩余的流量留给其他人使用。")
        }
        Why::AsksForMoney => l.pick(
            "More data would cost money, and the owner has not agreed to it yet.",
            "继续使用需要付费，热点的主人尚未同意。",
        ),
        Why::CardUnknown => l.pick(
            "The hotspot does not know yet which SIM is in its modem. Wait a minute.",
            "热点还不知道调制解调器里是哪张 SIM 卡，请稍等片刻。",
        ),
        Why::NewCard => l.pick(
            "The data card is new, and the owner has not agreed to use it yet.",
            "数据卡是新的，热点的主人尚未同意使用。",
        ),
        Why::PlanSlow => {
            l.pick("This part of the data plan is slow.", "套餐的这一部分限速。") + &again(plan_ends)
        }
        Why::OnlySites => l.pick(
            "What is left of the data plan is kept for some sites; nothing else can be reached.",
            "套餐剩余的流量仅限访问指定的网站，其他网站无法访问。",
        ),
        Why::PlanUsed => {
            l.pick("Everybody's data plan is used up.", "大家共用的流量套餐已用完。") + &again(plan_ends)
        }
        Why::PlanOver => l.pick(
            "The data plan has not begun or is over. Ask the owner of the hotspot.",
            "流量套餐尚未开始或已经结束，请询问热点的主人。",
        ),
        Why::NoUplink => l.pick(
            "The hotspot has no connection to the internet at the moment.",
            "热点目前没有连接到互联网。",
        ),
        Why::LedgerStuck => l.pick(
            "The hotspot cannot write down what is used, so it lets nothing through. Tell its owner.",
            "热点无法记录用量，因此暂停放行，请告诉热点的主人。",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_is_liked_best() {
        for (wished, language) in [
            ("", Language::English),
            ("en-US,en;q=0.9", Language::English),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("de-DE,de;q=0.9,zh;q=0.5,en;q=0.4", Language::Chinese),
            ("en;q=0.9, zh-Hans", Language::Chinese),
            ("zh;q=0", Language::English),
            ("zh;q=NaN,*", Language::English),
            ("fr", Language::English),
        ] {
            assert_eq!(Language::of(wished), language, "{wished}");
        }
    }

    #[test]
    fn nothing_is_markup() {
        assert_eq!(
            html_text("<script>\"a\" & 'b'\u{202e}</script>"),
            "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;\\u{202e}&lt;/script&gt;"
        );
    }
}
