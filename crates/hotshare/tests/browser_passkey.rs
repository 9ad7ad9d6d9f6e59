//! The owner comes in by a passkey, in a real browser with a device that holds some: on the machine, and on a phone where
//! the hotspot has a name by TLS. Needs root.

mod browser;
mod net;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use browser::looks::everybody_sees;
use browser::{Browser, Look, Page};
use hotshare_lab::lab::Lab;

const DASHBOARD: &str = "http://localhost:4680/admin";
const SOON: Duration = Duration::from_secs(10);
const BY_PASSKEY: &str = "form.passkey button";

/// The link that the command line prints, to where it begins like this.
async fn link(lab: &Lab, begins: &str) -> Result<String> {
    let (code, told) = net::verb(lab, &["--lab", "access", "link"]).await?;
    ensure!(code == Some(0), "{told}");
    let link = told.split_whitespace().find(|word| word.starts_with(begins) && word.contains("/admin/link/"));
    Ok(link.with_context(|| format!("no such link: {told}"))?.to_owned())
}

/// Adds a passkey on a page where one can be.
async fn add(page: &Page, name: &str) -> Result<()> {
    page.fill("#passkey-name", name).await?;
    page.click(BY_PASSKEY).await
}

async fn log_out(page: &Page, dashboard: &str) -> Result<()> {
    page.visit(&format!("{dashboard}/access")).await?;
    page.click("form[action='/admin/logout'] button").await?;
    page.sees("h1", "Log in", SOON).await.map(drop)
}

async fn log_in(page: &Page) -> Result<()> {
    page.click(BY_PASSKEY).await?;
    page.sees("h1", "Overview", SOON).await.map(drop)
}

/// From nothing to a passkey by the printed link, out and in by it, another one, and the first is taken away.
#[tokio::test]
async fn a_passkey_in_place_of_a_password() -> Result<()> {
    let lab = net::ready(1, None, None, None).await?;
    let browser = Browser::on_machine()?;
    let first = link(&lab, DASHBOARD).await?;
    everybody_sees(&browser, &first, "link-passkey", ("Welcome", "欢迎")).await?;
    let phone = browser.window(Look::PHONE).await?;
    phone.authenticator().await?;
    phone.visit(&first).await?;
    phone.sees("form.passkey", "Add a passkey", SOON).await?;
    add(&phone, "phone").await?;
    phone.sees("h1", "Overview", SOON).await?;
    everybody_sees(&browser, &first, "link-gone-passkey", ("does not work any more", "此链接已失效")).await?;

    log_out(&phone, DASHBOARD).await?;
    everybody_sees(&browser, &format!("{DASHBOARD}/login"), "login-passkey", ("Log in", "登录")).await?;
    phone.audit().await?;
    log_in(&phone).await?;

    // A device that has one makes no second one; another device does, and the page says so in both languages.
    phone.visit(&format!("{DASHBOARD}/access")).await?;
    add(&phone, "again").await?;
    phone.sees("[role=alert]", "has a passkey for here already", SOON).await?;
    phone.audit().await?;
    phone.shot("access-passkey-there").await?;
    phone.remember().await?;
    let desk = browser.window(Look::DESK).await?;
    desk.authenticator().await?;
    desk.visit(&format!("{DASHBOARD}/access")).await?;
    add(&desk, "desk").await?;
    desk.sees("section", "desk · localhost", SOON).await?;
    desk.sees("[role=status]", "Done", SOON).await?;
    everybody_sees(&browser, &format!("{DASHBOARD}/access"), "access-passkeys", ("Passkeys", "通行密钥"))
        .await?;
    let (code, told) = net::verb(&lab, &["--lab", "access", "passkeys"]).await?;
    ensure!(code == Some(0) && told.contains("phone: at localhost"), "{told}");
    // Both windows had one session, which ends; from here on each has come in by its own passkey.
    log_out(&desk, DASHBOARD).await?;
    for page in [&desk, &phone] {
        page.visit(&format!("{DASHBOARD}/login")).await?;
        log_in(page).await?;
    }

    // Taken away, it lets nobody in, and who came in by it is out.
    desk.answer(true).await?;
    desk.visit(&format!("{DASHBOARD}/access")).await?;
    desk.click("role=button[name=\"Remove phone\"]").await?;
    desk.sees("[role=status]", "Done", SOON).await?;
    ensure!(desk.count("text=phone · localhost").await? == 0, "it is still there");
    phone.visit(DASHBOARD).await?;
    phone.sees("h1", "Log in", SOON).await?;
    phone.click(BY_PASSKEY).await?;
    phone.sees("[role=alert]", "does not let anybody in", SOON).await?;
    phone.audit().await?;
    phone.shot("login-passkey-wrong").await?;
    // The last one stays.
    desk.click("role=button[name=\"Remove desk\"]").await?;
    desk.sees("main", "Nothing else would let you in", SOON).await?;
    log_out(&desk, DASHBOARD).await?;
    log_in(&desk).await?;
    lab.tear_down().await
}
