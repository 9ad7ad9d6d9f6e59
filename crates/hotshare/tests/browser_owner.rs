//! What the owner does in the dashboard, in a real browser on the machine that runs Hotshare, while real phones use it.
//! Needs root.

mod browser;
mod net;

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use browser::looks::{all_pages, everybody_sees};
use browser::{Browser, Look, Page};
use hotshare_api::{Verdict, show};
use hotshare_lab::lab::Lab;
use hotshare_lab::layout;
use hotshare_lab::phone::Progress;
use net::{ENDLESS, MIB, gather, grows, wait_verdict};

const DASHBOARD: &str = "http://localhost:4680/admin";
/// Four words that no list of passwords has.
const PASSWORD: &str = "bicycle walnut harbour umbrella";
/// What has changed is seen, on a page that was open before, within this time.
const MOVES: Duration = Duration::from_secs(2);
const SOON: Duration = Duration::from_secs(10);

fn button(name: &str) -> String {
    format!("role=button[name=\"{name}\"]")
}

/// The link that the command line prints for a browser on the machine.
async fn link(lab: &Lab) -> Result<String> {
    link_at(lab, |link| link.starts_with(DASHBOARD)).await
}

async fn link_at(lab: &Lab, is_wanted: impl Fn(&str) -> bool) -> Result<String> {
    let (code, told) = net::verb(lab, &["--lab", "access", "link"]).await?;
    ensure!(code == Some(0), "{told}");
    let link = told.split_whitespace().find(|word| word.contains("/admin/link/") && is_wanted(word));
    Ok(link.with_context(|| format!("no such link: {told}"))?.to_owned())
}

/// What a link leads to, filled in.
async fn choose_password(page: &Page) -> Result<()> {
    page.fill("#password", PASSWORD).await?;
    page.fill("#repeated", PASSWORD).await?;
    page.click("button").await?;
    page.sees("h1", "Overview", SOON).await.map(drop)
}

/// The owner's first window, and all later ones of this browser, are logged in.
async fn enter(lab: &Lab, browser: &Browser, look: Look) -> Result<Page> {
    let page = browser.open(look, &link(lab).await?).await?;
    choose_password(&page).await?;
    page.remember().await?;
    Ok(page)
}

/// Something that takes less than [`MOVES`] at the third try at the latest: the machine may be busy with other things.
async fn moves(mut once: impl AsyncFnMut(u32) -> Result<Duration>) -> Result<Duration> {
    let mut took = Duration::MAX;
    for round in 1..=3 {
        took = once(round).await?;
        if took <= MOVES {
            return Ok(took);
        }
    }
    anyhow::bail!("it takes {took:?}, and {MOVES:?} are allowed")
}

/// From nothing to a password by the printed link, which works once; then in by the password, and out again.
#[tokio::test]
async fn the_first_run_leads_to_a_password() -> Result<()> {
    let lab = net::ready(1, None, None, None).await?;
    let browser = Browser::on_machine()?;
    everybody_sees(
        &browser,
        DASHBOARD,
        "login-no-password",
        ("hotshare access link", "hotshare access link"),
    )
    .await?;
    let link = link(&lab).await?;
    everybody_sees(&browser, &link, "link", ("Welcome", "欢迎")).await?;

    let page = browser.open(Look::PHONE, &link).await?;
    page.fill("#password", "password").await?;
    page.fill("#repeated", "password").await?;
    page.click("button").await?;
    page.sees("[role=alert]", "too easy to guess", SOON).await?;
    page.audit().await?;
    page.shot("link-weak").await?;
    choose_password(&page).await?;

    everybody_sees(&browser, &link, "link-gone", ("does not work any more", "此链接已失效")).await?;
    everybody_sees(&browser, DASHBOARD, "login", ("Password", "密码")).await?;
    let page = browser.open(Look::PHONE.in_chinese().without_scripts(), DASHBOARD).await?;
    page.fill("#password", "walnut").await?;
    page.click("button").await?;
    page.sees("[role=alert]", "密码不正确", SOON).await?;
    page.shot("login-wrong").await?;
    page.fill("#password", PASSWORD).await?;
    page.click("button").await?;
    page.sees("h1", "概览", SOON).await?;
    page.visit(&format!("{DASHBOARD}/access")).await?;
    page.click("form[action='/admin/logout'] button").await?;
    page.visit(DASHBOARD).await?;
    page.sees("h1", "登录", SOON).await?;
    lab.tear_down().await
}

/// Every page of the dashboard, of a hotspot where things have happened.
#[tokio::test]
async fn every_page_is_for_everybody() -> Result<()> {
    let lab = net::ready(3, None, Some(2_000_000_000), Some(100_000_000)).await?;
    let browser = Browser::on_machine()?;
    let page = enter(&lab, &browser, Look::PHONE).await?;
    for phone in &lab.phones {
        phone.download(phone.web_port(), 3 * MIB, &Progress::default()).await??;
    }
    // One that waits, one that asks, one that is paused.
    lab.api.remove_person("phone-3").await?;
    let (code, told) = net::verb(&lab, &["--lab", "people", "ask", "phone-1", "200MB"]).await?;
    ensure!(code == Some(0), "{told}");
    lab.api.pause("phone-2", true).await?;
    let at = |path: &str| format!("{DASHBOARD}{path}");
    all_pages(
        &browser,
        &[
            (&at(""), "overview", ("Overview", "概览")),
            (&at("/people"), "people", ("People", "成员")),
            (&at("/people/phone-1"), "person", ("phone-1", "phone-1")),
            (&at("/people/nobody-such"), "no-person", ("nobody of this name", "返回")),
            (&at("/devices"), "devices", ("Devices", "设备")),
            (&at("/wifi"), "no-wifi", ("There is no Wi-Fi", "没有 Wi-Fi")),
            (&at("/usage"), "usage", ("Usage", "用量")),
            (&at("/usage?by=day"), "usage-days", ("Usage", "用量")),
            (&at("/statement"), "statement", ("Statement", "账单")),
            (&at("/plan"), "plan", ("Data plan", "流量套餐")),
            (&at("/diary"), "diary", ("Diary", "日志")),
            (&at("/access"), "access", ("Access", "访问")),
        ],
    )
    .await?;

    // Whoever uses the keyboard alone gets past the links with one key.
    page.visit(DASHBOARD).await?;
    page.press("Tab").await?;
    ensure!(page.text(":focus").await? == "Skip to the page", "{}", page.text(":focus").await?);
    page.press("Enter").await?;
    ensure!(page.count("main:focus, main:focus-within").await? == 1, "the page is not reached");
    lab.tear_down().await
}

/// A person asks on the phone, the owner's open page shows it, gives it, and the number moves.
#[tokio::test]
async fn who_asks_gets_and_sees_it() -> Result<()> {
    let lab = net::ready(1, None, Some(2_000_000_000), Some(100_000_000)).await?;
    let (machine, phone) = (Browser::on_machine()?, Browser::on_phone(&lab, 0)?);
    let owner = enter(&lab, &machine, Look::DESK).await?;
    // Another window that only watches: what moves there came by itself.
    let watcher = machine.open(Look::PHONE.in_chinese(), DASHBOARD).await?;
    let person = phone.open(Look::PHONE.without_scripts(), "http://hotshare.internal/").await?;
    let left = "[data-live='p.phone-1.left']";
    watcher.sees(left, "100.00 MB ／ 100.00 MB", SOON).await?;

    person.choose("select[name=mb]", "200").await?;
    person.click("form[action='/ask'] button").await?;
    let asked = watcher.sees("main", "200.00 MB", SOON).await?;
    owner.sees("main", "Requests", SOON).await?;
    owner.audit().await?;
    owner.shot("overview-wish").await?;
    owner.click(&button("Give phone-1")).await?;
    let given = watcher.sees(left, "300.00 MB ／ 300.00 MB", SOON).await?;
    owner.sees("[role=status]", "Done", SOON).await?;
    ensure!(owner.count("text=Requests").await? == 0, "what was given is still asked for");
    println!("a wish is seen after {asked:?}, what is given after {given:?}");

    let page = machine.open(Look::PHONE, &format!("{DASHBOARD}/people/phone-1")).await?;
    let took = moves(async |round| {
        page.fill("#top", "100").await?;
        page.click("form[action$='/top-up'] button").await?;
        let now = format!("{}00.00 MB ／", 3 + round);
        watcher.sees(left, &now, SOON).await
    })
    .await
    .context("a top-up is seen on another page that is open")?;
    println!("a top-up is seen after {took:?}");
    watcher.shot("overview-topped-up").await?;
    watcher.audit().await?;
    // What a phone's page knows is at most a second old.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    person.reload().await?;
    person.sees("body", "MB", SOON).await?;
    person.shot("phone-topped-up").await?;

    // What is used moves on the open page, to the byte that the daemon counts.
    let device = &lab.phones[0];
    device.download(device.web_port(), 8 * MIB, &Progress::default()).await??;
    let balance = net::Eyes::open(&lab).await?.settle(&lab).await?.1.people[0].balance;
    let now = show::bytes(balance.context("phone-1 has an allowance")?);
    let took = watcher.sees(left, &format!("{now} ／"), SOON).await?;
    println!("what is used is seen {took:?} after all of it came");
    lab.tear_down().await
}

/// The button stops a download under way; the same button without a script lets it go on.
#[tokio::test]
async fn the_pause_button_stops_a_download() -> Result<()> {
    let lab = net::ready(1, Some(100_000_000), None, None).await?;
    let machine = Browser::on_machine()?;
    let page = enter(&lab, &machine, Look::PHONE).await?;
    let place = format!("{DASHBOARD}/people/phone-1");
    page.visit(&place).await?;
    let progress = Progress::default();
    let phone = &lab.phones[0];
    let download = phone.download(phone.web_port(), ENDLESS, &progress);
    grows(&progress, 4 * MIB, SOON).await?;
    page.click(&button("Pause")).await?;
    let (ended, hanging) = gather(vec![download], SOON).await?;
    ensure!(hanging == 0 && !ended[0].complete, "it goes on: {ended:?}");
    let stopped = progress.load(Ordering::Relaxed);
    page.sees("button", "Resume", SOON).await?;
    page.shot("person-paused").await?;
    page.audit().await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    ensure!(progress.load(Ordering::Relaxed) == stopped, "bytes come after the pause");

    let plain = machine.open(Look::PHONE.without_scripts(), &place).await?;
    plain.click(&button("Resume")).await?;
    plain.sees("[role=status]", "Done", SOON).await?;
    wait_verdict(&lab, "phone-1", Verdict::Open, SOON).await?;
    let again = phone.download(phone.web_port(), MIB, &progress).await??;
    ensure!(again.complete, "{again:?}");
    lab.tear_down().await
}

/// A device that waits is somebody's with one click, and its way is open.
#[tokio::test]
async fn a_device_that_waits_is_let_in() -> Result<()> {
    let mut lab = net::bare(1, None).await?;
    lab.up().await?;
    let machine = Browser::on_machine()?;
    let page = enter(&lab, &machine, Look::PHONE).await?;
    page.visit(&format!("{DASHBOARD}/people")).await?;
    page.fill("#name", "anna").await?;
    page.choose("#kind", "free").await?;
    page.click("form[action='/admin/people'] button").await?;
    page.sees("main h2", "anna", SOON).await?;
    page.visit(DASHBOARD).await?;
    lab.join().await?;
    let mac = layout::phone_mac_text(1);
    page.sees("main", &mac, SOON).await?;
    // Who it is, is said on the device and read here.
    let stranger = Browser::on_phone(&lab, 0)?.open(Look::PHONE, "http://hotshare.internal/").await?;
    stranger.fill("#name", "Grandma").await?;
    stranger.click("form[action='/claim'] button").await?;
    page.sees("main", "Grandma", SOON).await?;
    page.audit().await?;
    page.shot("overview-waiting").await?;
    page.choose("select[name=person]", "anna").await?;
    page.click("form[action$='/assign'] button").await?;
    page.sees("[role=status]", "Done", SOON).await?;
    wait_verdict(&lab, "anna", Verdict::Open, SOON).await?;
    let phone = &lab.phones[0];
    let download = phone.download(phone.web_port(), MIB, &Progress::default()).await??;
    ensure!(download.complete, "{download:?}");

    // A question of the script that is answered with no changes nothing; with yes, it does.
    page.visit(&format!("{DASHBOARD}/people/anna")).await?;
    page.answer(false).await?;
    page.click(&button("Remove anna")).await?;
    ensure!(lab.api.person("anna").await.is_ok(), "removed without a yes");
    let page = machine.open(Look::PHONE, &format!("{DASHBOARD}/people/anna")).await?;
    page.answer(true).await?;
    page.click(&button("Remove anna")).await?;
    page.sees("main", "There is nobody yet", SOON).await?;
    ensure!(lab.api.person("anna").await.is_err(), "not removed");
    lab.tear_down().await
}

/// On the owner's phone the dashboard is at the hotspot's own address; on another's it is said that it is not.
#[tokio::test]
async fn the_owners_phone_is_let_in_and_no_other() -> Result<()> {
    let lab = net::ready(2, None, Some(2_000_000_000), None).await?;
    let (code, told) = net::verb(&lab, &["--lab", "access", "owner", "phone-1"]).await?;
    ensure!(code == Some(0), "{told}");
    let (mine, other) = (Browser::on_phone(&lab, 0)?, Browser::on_phone(&lab, 1)?);
    let link = link_at(&lab, |link| !link.starts_with(DASHBOARD)).await?;
    let page = mine.open(Look::PHONE, &link).await?;
    choose_password(&page).await?;
    page.audit().await?;
    page.shot("overview-on-a-phone").await?;
    // What is used is the owner's, too, and moves here as it does on the machine.
    let phone = &lab.phones[1];
    phone.download(phone.web_port(), 8 * MIB, &Progress::default()).await??;
    let used = net::Eyes::open(&lab).await?.settle(&lab).await?.1.plan.billed;
    let now = show::bytes(used);
    page.sees("[data-live='plan.used']", &now, SOON).await?;

    let place = "http://hotshare.internal/admin";
    everybody_sees(&mine, place, "login-on-a-phone", ("Password", "密码")).await?;
    everybody_sees(
        &other,
        place,
        "not-from-here",
        ("does not let the dashboard be reached", "主人不允许从此设备访问"),
    )
    .await?;
    lab.tear_down().await
}
