//! A statement as a page: one file, nothing fetched, fit for paper. Every name in it may be hostile.

use std::fmt::Write as _;

use hotshare_api::{self as api, Sums};
use jiff::tz::TimeZone;

use super::super::size::pretty;
use super::super::text::html_text;
use super::super::when;
use super::{Language, kinds, signed, span};

const STYLE: &str = "body{font:11pt/1.4 sans-serif;max-width:48em;margin:2em auto;padding:0 1em;color:#111;background:#fff}\
h1{font-size:1.4em}h2{font-size:1.1em;margin-top:1.6em;break-after:avoid}\
table{border-collapse:collapse;width:100%;break-inside:avoid}\
th,td{text-align:left;padding:.25em .5em;border-bottom:1px solid #ccc;vertical-align:top}\
td+td{text-align:right;font-variant-numeric:tabular-nums}tr.sum{font-weight:bold}\
p.small{font-size:.85em;color:#444}@page{margin:18mm}@media print{body{margin:0;max-width:none}}";

/// The page's words.
struct Words {
    code: &'static str,
    title: &'static str,
    period: &'static str,
    to: &'static str,
    now: &'static str,
    card: &'static str,
    billed: &'static str,
    up: &'static str,
    down: &'static str,
    delivered: &'static str,
    refused: &'static str,
    own: &'static str,
    cost: &'static str,
    part: &'static str,
    cap: &'static str,
    bought_for: &'static str,
    person: &'static str,
    reproduces: &'static str,
    kinds: [&'static str; 13],
}

const ENGLISH: Words = Words {
    code: "en",
    title: "Statement",
    period: "Period",
    to: "to",
    now: "now",
    card: "The card",
    billed: "Billed by our count",
    up: "Up",
    down: "Down",
    delivered: "Delivered to devices",
    refused: "Refused after billing",
    own: "The hotspot itself, or not attributed",
    cost: "Cost",
    part: "Part of the plan",
    cap: "Included in a period",
    bought_for: "Bought for",
    person: "Person",
    reproduces: "Every amount is a sum of entries of the ledger; “hotshare statement --entries” lists them.",
    kinds: [
        "Granted",
        "Returned unspent",
        "Used without a grant",
        "Corrections",
        "Used (ledger)",
        "Top-ups",
        "Gifts received",
        "Gifts given",
        "Borrowed",
        "Lent",
        "Rolled over",
        "Bought",
        "On top in all",
    ],
};

const CHINESE: Words = Words {
    code: "zh-Hans",
    title: "账单",
    period: "周期",
    to: "至",
    now: "现在",
    card: "流量卡",
    billed: "计费流量（按本机计量）",
    up: "上行",
    down: "下行",
    delivered: "设备实际收发",
    refused: "已计费但被拒绝",
    own: "热点自身或未归属",
    cost: "费用",
    part: "套餐部分",
    cap: "每周期包含",
    bought_for: "购买金额",
    person: "成员",
    reproduces: "所有数额均为账本条目之和；“hotshare statement --entries” 可列出全部条目。",
    kinds: [
        "授予",
        "退回未用",
        "无授予的使用",
        "更正",
        "已用（账本）",
        "追加",
        "收到赠送",
        "送出赠送",
        "借入",
        "借出",
        "结转",
        "购买",
        "额外合计",
    ],
};

/// The whole page.
pub(super) fn page(statement: &api::Statement, zone: &TimeZone, language: Language) -> String {
    let words = match language {
        Language::En => &ENGLISH,
        Language::Zh => &CHINESE,
    };
    let (from, until) = span(statement, zone);
    let until = until.map_or_else(|| words.now.to_owned(), |until| until.to_string());
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head><meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>{title} {from}</title>\n<style>{STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n<p>{}: {from} {} {until} ({})</p>\n<h2>{}</h2>\n",
        words.code,
        words.period,
        words.to,
        html_text(&statement.zone),
        words.card,
        title = words.title,
    );
    let mut rows = vec![
        (words.billed, pretty(statement.billed_up.saturating_add(statement.billed_down)), true),
        (words.up, pretty(statement.billed_up), false),
        (words.down, pretty(statement.billed_down), false),
        (words.delivered, pretty(statement.delivered), false),
        (words.refused, pretty(statement.refused), false),
        (words.own, pretty(statement.own), false),
    ];
    if let Some(money) = &statement.money {
        let currency = statement.terms.currency.as_deref().unwrap_or_default();
        rows.push((words.cost, format!("{money} {currency}"), true));
    }
    table(&mut out, &rows);
    for part in &statement.parts {
        let _written = writeln!(out, "<h2>{}: {}</h2>", words.part, html_text(&part.name));
        let mut rows = Vec::new();
        rows.extend(part.cap.map(|cap| (words.cap, pretty(cap), false)));
        rows.extend(part.bought.clone().map(|money| (words.bought_for, money, false)));
        rows.extend(ledger(&part.sums, words));
        table(&mut out, &rows);
    }
    for person in &statement.people {
        let _written = writeln!(out, "<h2>{}: {}</h2>", words.person, html_text(&person.name));
        let mut rows = vec![
            (words.up, pretty(person.up), false),
            (words.down, pretty(person.down), false),
            (words.refused, pretty(person.refused_down), false),
        ];
        rows.extend(ledger(&person.sums, words));
        table(&mut out, &rows);
    }
    let at = when::pretty(statement.at, zone);
    let _written = writeln!(out, "<p class=\"small\">{} {at}</p>\n</body>\n</html>", words.reproduces);
    out
}

/// What is nothing is left out, but for the sum of what is used.
fn ledger(sums: &Sums, words: &Words) -> Vec<(&'static str, String, bool)> {
    let all = kinds(sums).into_iter().zip(words.kinds);
    all.filter(|((kind, bytes), _)| *bytes != 0 || *kind == "used")
        .map(|((kind, bytes), word)| (word, signed(bytes), kind == "used" || kind == "on_top"))
        .collect()
}

fn table(out: &mut String, rows: &[(&str, String, bool)]) {
    out.push_str("<table>\n");
    for (what, amount, is_sum) in rows {
        let class = if *is_sum { " class=\"sum\"" } else { "" };
        let _written =
            writeln!(out, "<tr{class}><td>{}</td><td>{}</td></tr>", html_text(what), html_text(amount));
    }
    out.push_str("</table>\n");
}
