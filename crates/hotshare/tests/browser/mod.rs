//! A real browser on a device of the laboratory: Chromium, told what to do by `tests/browser/driver.mjs`.
//!
//! It lives in the device's network namespace and asks the resolver of the device's lease, as `ip netns exec` gives it.
//! Pictures of what it showed are kept in `target/browser/screens/` ([how to look](../../../docs/browser-tests.md)).

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hotshare_lab::lab::Lab;
use hotshare_lab::layout;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

pub mod looks;

/// The driver gives up by itself long before.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where `cargo xtask test` installs what the driver needs, and where pictures are kept.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("browser")
}

/// One Chromium. It ends with this value.
#[derive(Clone)]
pub struct Browser {
    driver: Arc<Mutex<Driver>>,
}

struct Driver {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    pages: u32,
    /// It once did not answer in time: whatever it says from then on may be the answer to another question.
    hangs: bool,
    _child: Child,
}

impl Browser {
    /// On a phone that has its lease.
    pub fn on_phone(lab: &Lab, place: usize) -> Result<Browser> {
        Browser::within(&layout::phone_space(lab.phones[place].number()))
    }

    /// On the machine that runs Hotshare.
    pub fn on_machine() -> Result<Browser> {
        Browser::within(layout::BOX)
    }

    fn within(space: &str) -> Result<Browser> {
        let folder = folder();
        ensure!(
            folder.join("node_modules/playwright-core").exists(),
            "nothing is installed in {}: run “cargo xtask test browser” once",
            folder.display()
        );
        let home = folder.join("home");
        std::fs::create_dir_all(&home)?;
        let mut child = Command::new("ip")
            .args(["netns", "exec", space, "node"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser/driver.mjs"))
            .current_dir(&folder)
            // Nothing of who runs the tests: no proxy, no profile, no language.
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", &home)
            .env("TMPDIR", &home)
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start a browser in {space}"))?;
        let input = child.stdin.take().context("the driver has no input")?;
        let output = BufReader::new(child.stdout.take().context("the driver has no output")?).lines();
        let driver = Driver { input, output, pages: 0, hangs: false, _child: child };
        Ok(Browser { driver: Arc::new(Mutex::new(driver)) })
    }

    /// A new window that shares nothing with another but the cookies that a page was told to remember.
    pub async fn window(&self, look: Look) -> Result<Page> {
        let mut driver = self.driver.lock().await;
        driver.pages += 1;
        let number = driver.pages;
        let Look { language, width, dark, scripts } = look;
        driver
            .ask(json!({
                "verb": "open", "page": number,
                "language": language, "width": width, "dark": dark, "scripts": scripts,
            }))
            .await?;
        drop(driver);
        Ok(Page { browser: self.clone(), number, look })
    }

    /// The same, gone somewhere.
    pub async fn open(&self, look: Look, url: &str) -> Result<Page> {
        let page = self.window(look).await?;
        page.visit(url).await?;
        Ok(page)
    }
}

impl Driver {
    async fn ask(&mut self, question: Value) -> Result<Value> {
        let line = format!("{question}\n");
        let talk = async {
            self.input.write_all(line.as_bytes()).await.context("the browser's driver has ended")?;
            self.input.flush().await?;
            self.output.next_line().await?.context("the browser's driver has ended; its own words are above")
        };
        ensure!(!self.hangs, "the browser hangs since an earlier question");
        let reply = tokio::time::timeout(PATIENCE, talk).await;
        self.hangs = reply.is_err();
        let reply = reply.with_context(|| format!("{question}: no answer within {PATIENCE:?}"))??;
        match serde_json::from_str(&reply)? {
            Reply::Done(value) => Ok(value),
            Reply::Fault(fault) => bail!("{question}: {fault}"),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reply {
    Done(Value),
    Fault(String),
}

/// Whose eyes a page is seen with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// As the browser tells it: `en`, `zh-CN`.
    pub language: &'static str,
    /// Of the window, in CSS pixels.
    pub width: u32,
    pub dark: bool,
    /// Whether the page's scripts are run.
    pub scripts: bool,
}

impl Look {
    /// A small phone, in English, by day.
    pub const PHONE: Look = Look { language: "en", width: 360, dark: false, scripts: true };
    /// A desk.
    pub const DESK: Look = Look { width: 1280, ..Look::PHONE };

    pub const fn in_chinese(self) -> Look {
        Look { language: "zh-CN", ..self }
    }

    pub const fn dark(self) -> Look {
        Look { dark: true, ..self }
    }

    pub const fn without_scripts(self) -> Look {
        Look { scripts: false, ..self }
    }
}

/// Where a page is, and how it came.
#[derive(Clone, Debug, Deserialize)]
pub struct Visit {
    pub url: String,
    pub title: String,
    /// Of HTTP; 0: no answer.
    pub status: u16,
    /// From the request to the first byte of the answer, in milliseconds, on the browser's clock.
    pub millis: f64,
}

/// One window. Elements are named by CSS, or as Playwright has it: `text=Ask`, `role=button`; the first that fits is meant.
pub struct Page {
    browser: Browser,
    number: u32,
    look: Look,
}

impl Page {
    pub fn look(&self) -> Look {
        self.look
    }

    pub async fn visit(&self, url: &str) -> Result<Visit> {
        Ok(serde_json::from_value(self.ask("visit", json!({ "url": url })).await?)?)
    }

    /// Where it is now.
    pub async fn place(&self) -> Result<Visit> {
        Ok(serde_json::from_value(self.ask("where", json!({})).await?)?)
    }

    pub async fn reload(&self) -> Result<Visit> {
        Ok(serde_json::from_value(self.ask("reload", json!({})).await?)?)
    }

    /// The text as a person sees it.
    pub async fn text(&self, css: &str) -> Result<String> {
        Ok(serde_json::from_value(self.ask("text", json!({ "css": css })).await?)?)
    }

    pub async fn count(&self, css: &str) -> Result<u64> {
        Ok(serde_json::from_value(self.ask("count", json!({ "css": css })).await?)?)
    }

    pub async fn attribute(&self, css: &str, name: &str) -> Result<Option<String>> {
        Ok(serde_json::from_value(self.ask("attribute", json!({ "css": css, "name": name })).await?)?)
    }

    pub async fn click(&self, css: &str) -> Result<()> {
        self.ask("click", json!({ "css": css })).await.map(drop)
    }

    /// Clicks on a link to something that is saved, and gives what was.
    pub async fn download(&self, css: &str) -> Result<String> {
        Ok(serde_json::from_value(self.ask("download", json!({ "css": css })).await?)?)
    }

    /// A key, by its name: `Tab`, `Enter`.
    pub async fn press(&self, key: &str) -> Result<()> {
        self.ask("press", json!({ "key": key })).await.map(drop)
    }

    pub async fn fill(&self, css: &str, value: &str) -> Result<()> {
        self.ask("fill", json!({ "css": css, "value": value })).await.map(drop)
    }

    pub async fn choose(&self, css: &str, value: &str) -> Result<()> {
        self.ask("choose", json!({ "css": css, "value": value })).await.map(drop)
    }

    /// Waits, without a reload, until an element holds a text; says for how long.
    pub async fn sees(&self, css: &str, text: &str, patience: Duration) -> Result<Duration> {
        let patience = u64::try_from(patience.as_millis())?;
        let waited = self.ask("sees", json!({ "css": css, "text": text, "patience": patience })).await?;
        Ok(Duration::try_from_secs_f64(waited.as_f64().unwrap_or_default() / 1000.0)?)
    }

    /// Keeps a picture of the whole page.
    pub async fn shot(&self, name: &str) -> Result<PathBuf> {
        Ok(serde_json::from_value(self.ask("shot", json!({ "name": name })).await?)?)
    }

    /// Keeps a picture of one element.
    pub async fn shot_of(&self, css: &str, name: &str) -> Result<PathBuf> {
        Ok(serde_json::from_value(self.ask("shot", json!({ "css": css, "name": name })).await?)?)
    }

    /// Fails with everything that is wrong with any page: what axe-core finds (where scripts run), what is
    /// wider than the window, what the console complains of, what is loaded from elsewhere.
    pub async fn audit(&self) -> Result<()> {
        let complaints: Vec<String> = serde_json::from_value(self.ask("audit", json!({})).await?)?;
        ensure!(complaints.is_empty(), "{:?}:\n{}", self.look, complaints.join("\n"));
        Ok(())
    }

    /// Windows opened from now on have the cookies of this one: whoever is logged in here is so there.
    pub async fn remember(&self) -> Result<()> {
        self.ask("remember", json!({})).await.map(drop)
    }

    /// What is said to every question that the page's script asks (`confirm`).
    pub async fn answer(&self, yes: bool) -> Result<()> {
        self.ask("answer", json!({ "yes": yes })).await.map(drop)
    }

    /// Gives the window a device that holds passkeys, and answers by itself.
    pub async fn authenticator(&self) -> Result<()> {
        self.ask("authenticator", json!({})).await.map(drop)
    }

    pub async fn close(self) -> Result<()> {
        self.ask("close", json!({})).await.map(drop)
    }

    async fn ask(&self, verb: &str, mut question: Value) -> Result<Value> {
        question["verb"] = verb.into();
        question["page"] = self.number.into();
        self.browser.driver.lock().await.ask(question).await
    }
}
