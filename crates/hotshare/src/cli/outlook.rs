//! What lies ahead, and how the carrier counts, in words.

use hotshare_api::{Carrier, Compared, Confidence, Outlook, Plan, RunOut, Spread};
use jiff::civil::Date;

use super::size::pretty;
use super::text::escaped;

/// How long it lasts and what is safe for today; `then`: what follows when it has run out. `None`: there is nothing to say.
pub(super) fn words(outlook: &Outlook, then: Option<&str>) -> Option<String> {
    if outlook.balance == Some(0) {
        return None;
    }
    let mut said: Vec<String> = Vec::new();
    // What is left today is today's.
    let ends_today = days_left(outlook) == Some(1);
    let few = format!("{} of 3 days", outlook.days);
    match (&outlook.runs_out, outlook.lasts, &outlook.total) {
        _ if !outlook.enough && (outlook.balance.is_none() || ends_today) => return None,
        _ if !outlook.enough => {
            said.push(format!("too little is known yet to say how long it lasts ({few})"));
        }
        (Some(out), lasts, _) => said.push(run_out_words(out, lasts.unwrap_or(0), then, outlook)),
        (None, Some(lasts), _) => said.push(format!("lasts {} ({})", until(outlook), chance(lasts))),
        (None, None, Some(total)) => said.push(total_words(total, outlook)),
        (None, None, None) => {}
    }
    if let Some(safe) = outlook.safe.as_ref().filter(|_| !ends_today) {
        let what = if outlook.enough { "safe for today" } else { "an even share for today" };
        let left = if outlook.used_today > 0 {
            format!(", {} of it left", pretty(safe.rest))
        } else {
            String::new()
        };
        said.push(format!("{what}: {}{left}", pretty(safe.today)));
    }
    (!said.is_empty()).then(|| said.join("; "))
}

/// What the whole period will come to, where [`words`] do not say it; and on how little it rests.
pub(super) fn more_words(outlook: &Outlook) -> Option<String> {
    let mut said = Vec::new();
    if outlook.enough && outlook.balance.is_some_and(|balance| balance > 0) {
        let total = outlook.total.as_ref().map(|total| total_words(total, outlook));
        said.extend(total.map(|total| format!("if nothing stops it, it {total}")));
    }
    if outlook.enough && outlook.thin {
        said.push(format!("this rests on {} days only, so ranges are wide", outlook.days));
    }
    (!said.is_empty()).then(|| said.join("; "))
}

fn run_out_words(out: &RunOut, lasts: u16, then: Option<&str>, outlook: &Outlook) -> String {
    let then = then.map_or_else(String::new, |then| format!(", then {then}"));
    match &out.latest {
        None => format!(
            "may run out from {} on{then}; it lasts {} in {} cases",
            day(&out.earliest, outlook),
            until(outlook),
            tenths(lasts)
        ),
        Some(latest) if *latest == out.earliest => {
            let day = day(latest, outlook);
            let day = if latest == &outlook.today { "today".to_owned() } else { format!("on {day}") };
            format!("runs out {day} ({}){then}", chance(out.within))
        }
        Some(latest) => {
            let (from, to) = (day(&out.earliest, outlook), day(latest, outlook));
            // “between 12 and 19 December”.
            let from = match (from.split_once(' '), to.split_once(' ')) {
                (Some((number, from_month)), Some((_, to_month))) if from_month == to_month => {
                    number.to_owned()
                }
                _ => from,
            };
            format!("runs out between {from} and {to} ({}){then}", chance(out.within))
        }
    }
}

fn total_words(total: &Spread, outlook: &Outlook) -> String {
    let by = outlook.ends.as_ref().map_or_else(String::new, |ends| format!(" by {}", day(ends, outlook)));
    format!(
        "comes to about {}{by}, between {} and {} (4 in 5)",
        pretty(total.likely),
        pretty(total.low),
        pretty(total.high)
    )
}

fn until(outlook: &Outlook) -> String {
    match &outlook.ends {
        Some(ends) => format!("until {}", day(ends, outlook)),
        None => "400 days and more".to_owned(),
    }
}

/// Days until the end, today included.
fn days_left(outlook: &Outlook) -> Option<i32> {
    let (today, ends) = (outlook.today.parse::<Date>(), outlook.ends.as_ref()?.parse::<Date>());
    Some(today.ok()?.until(ends.ok()?).ok()?.get_days())
}

/// Such as `12 December`; with its year when that is not the present one.
fn day(text: &str, outlook: &Outlook) -> String {
    let (Ok(date), Ok(today)) = (text.parse::<Date>(), outlook.today.parse::<Date>()) else {
        return escaped(text);
    };
    let format = if date.year() == today.year() { "%-d %B" } else { "%-d %B %Y" };
    date.strftime(format).to_string()
}

/// Such as `4 in 5`, of thousandths.
fn chance(permille: u16) -> String {
    match (permille + 50) / 100 {
        _ if permille >= 990 => "all but certain".to_owned(),
        0 => "less than 1 in 10".to_owned(),
        2 => "1 in 5".to_owned(),
        4 => "2 in 5".to_owned(),
        5 => "1 in 2".to_owned(),
        6 => "3 in 5".to_owned(),
        8 => "4 in 5".to_owned(),
        10.. => "more than 9 in 10".to_owned(),
        n => format!("{n} in 10"),
    }
}

fn tenths(permille: u16) -> String {
    match (permille + 50) / 100 {
        0 => "less than 1 of 10".to_owned(),
        n => format!("{n} of 10"),
    }
}

/// What follows when those parts have run out that the outlook is of.
pub(super) fn then_words(plan: &Plan) -> Option<&'static str> {
    let mut parts = plan.parts.iter().map(|status| &status.part);
    let first = parts.next()?.rate;
    parts.find_map(|part| match (&part.pay, part.rate) {
        (Some(_), _) => Some("it costs money"),
        (None, rate) if rate != first => Some("it is slow"),
        (None, _) => None,
    })
}

/// How the carrier counts; `None`: nothing was told of it.
pub(super) fn carrier_words(carrier: &Carrier) -> Option<String> {
    carrier.figure.as_ref()?;
    if carrier.based_on == 0 {
        return Some("counts as we do, as far as is known: it is learnt from the next figure on".to_owned());
    }
    let sure = match carrier.confidence {
        Confidence::Good => "well known",
        Confidence::Fair => "fairly well known",
        Confidence::Nothing | Confidence::Low | Confidence::Unknown => "not well known yet",
    };
    let by = match carrier.based_on {
        1 => "1 comparison".to_owned(),
        n => format!("{n} comparisons"),
    };
    let mut text = match carrier.factor {
        1000 => format!("counts as we do ({by}, {sure})"),
        factor => format!("counts {} times what we count ({by}, {sure})", thousandths(factor)),
    };
    if carrier.kept > 0 {
        text += &format!("; {} are kept back of the plan for that", pretty(carrier.kept));
    }
    if let Some(drift) = carrier.drift {
        let verb = if drift > 0 { "grows" } else { "shrinks" };
        let by = drift.unsigned_abs();
        text += &format!("; that {verb} by {}.{} % a week", by / 10, by % 10);
    }
    if carrier.strange > 0 {
        let (figures, are) = if carrier.strange == 1 { ("figure", "is") } else { ("figures", "are") };
        text += &format!("; {} {figures} {are} far from our count and may be mistyped", carrier.strange);
    }
    Some(text)
}

/// The answer to a figure.
pub(super) fn corrected_words(used: u64, carrier: Option<&Carrier>) -> String {
    let mut text = format!("{} count as used in this period.\n", pretty(used));
    let Some(carrier) = carrier else { return text };
    let last = carrier.figure.as_ref().zip(carrier.compared.last());
    if let Some((_, Compared { ours, carriers, .. })) = last.filter(|(figure, last)| figure.at == last.at) {
        text += &format!(
            "Since the figure before, or since the period began, we counted {} and the carrier {}.\n",
            pretty(*ours),
            pretty(*carriers)
        );
        if *ours < 100 << 20 {
            text += "That is too little to learn from.\n";
        } else if *carriers < ours / 2 || carriers / 2 > *ours {
            text += "That is far apart. If it was mistyped, tell the right figure now: it takes the place of this one.\n";
        }
    }
    if let Some(words) = carrier_words(carrier) {
        text += &format!("The carrier {words}.\n");
    }
    text
}

/// Such as `1.024`.
fn thousandths(n: u16) -> String {
    format!("{}.{:03}", n / 1000, n % 1000)
}

#[cfg(test)]
mod tests;
