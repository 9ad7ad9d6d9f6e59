//! What holds for every page, whatever it says: seen with the eyes of different people.

use anyhow::{Context, Result, ensure};

use super::{Browser, Look};

/// Day and night, both languages, a small phone and a desk, with scripts and without.
const LOOKS: [(&str, Look); 4] = [
    ("phone", Look::PHONE),
    ("phone-zh-night", Look::PHONE.in_chinese().dark()),
    ("desk-night", Look::DESK.dark()),
    ("phone-zh-plain", Look::PHONE.in_chinese().without_scripts()),
];

/// The server's part of showing a page, in milliseconds.
const LONGEST: f64 = 200.0;

/// Looks at a page with all eyes, keeps pictures under a name, and fails with all that is wrong.
///
/// Every look has to show `words`: English ones to the English, the others to the others.
pub async fn everybody_sees(browser: &Browser, url: &str, name: &str, words: (&str, &str)) -> Result<()> {
    let mut wrong = Vec::new();
    // Another process may have had the processor meanwhile: of four answers, one is the server's own pace.
    let mut quickest = f64::INFINITY;
    for (eyes, look) in LOOKS {
        let page = browser.window(look).await?;
        let visit = page.visit(url).await?;
        quickest = quickest.min(visit.millis);
        page.shot(&format!("{name}-{eyes}")).await?;
        let (language, words) = if look.language == "en" { ("en", words.0) } else { ("zh", words.1) };
        let told = page.attribute("html", "lang").await?.unwrap_or_default();
        if !told.starts_with(language) {
            wrong.push(format!("{eyes}: it says that it is in “{told}” and not in “{language}”"));
        }
        let text = page.text("body").await?;
        if !text.contains(words) {
            wrong.push(format!("{eyes}: “{words}” is not there:\n{text}"));
        }
        if let Err(complaint) = page.audit().await {
            wrong.push(format!("{eyes}: {complaint:#}"));
        }
        page.close().await?;
    }
    if quickest > LONGEST {
        wrong.push(format!("the server took {quickest:.0} ms, and {LONGEST} ms are allowed"));
    }
    println!("{name}: {quickest:.1} ms of the server's time");
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// The same for several pages; all are looked at before anything fails.
pub async fn all_pages(browser: &Browser, pages: &[(&str, &str, (&str, &str))]) -> Result<()> {
    let mut wrong = Vec::new();
    for (url, name, words) in pages {
        if let Err(complaints) = everybody_sees(browser, url, name, *words).await.context((*name).to_owned())
        {
            wrong.push(format!("{complaints:#}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    Ok(())
}
