//! The interface keeps what its own description says, whatever is sent: schemathesis makes requests from the
//! document of a daemon that runs, good ones and bad ones, and compares every answer with it. Needs root.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod net;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use hotshare_lab::layout;
use nix::sched::{CloneFlags, setns};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Requests for each operation that are made up, beside those that its description leads to; `HOTSHARE_EXAMPLES`.
const EXAMPLES: &str = "40";
/// The same requests each time: what fails here fails on every desk. Who has an hour sets `HOTSHARE_SEED`.
const SEED: &str = "20261127";

fn setting(name: &str, usual: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| usual.to_owned())
}

/// How often each status was the answer, by method and path (with places where names, numbers and addresses are).
fn answers(har: &[u8]) -> Result<BTreeMap<String, BTreeMap<u64, u32>>> {
    let har: serde_json::Value = serde_json::from_slice(har)?;
    let mut answers = BTreeMap::<String, BTreeMap<u64, u32>>::new();
    for entry in har["log"]["entries"].as_array().context("entries")? {
        let (method, url) = (entry["request"]["method"].as_str(), entry["request"]["url"].as_str());
        let (method, url) = method.zip(url).context("a request")?;
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let path = path.splitn(4, '/').nth(3).unwrap_or_default();
        let parts: Vec<&str> = path.split('/').collect();
        let path = match parts.as_slice() {
            [v1, of @ ("people" | "devices" | "cards"), _, rest @ ..] => {
                format!("{v1}/{of}/_/{}", rest.join("/"))
            }
            _ => path.to_owned(),
        };
        let status = entry["response"]["status"].as_u64().context("a status")?;
        *answers.entry(format!("{method} {path}")).or_default().entry(status).or_default() += 1;
    }
    Ok(answers)
}

#[tokio::test]
async fn every_answer_is_described_and_none_is_a_fault() -> Result<()> {
    let schemathesis = net::python("st")?;
    let lab = net::ready(1, None, Some(20_000_000_000), Some(2_000_000_000)).await?;
    lab.api.add_person("anna", Some(2_000_000_000)).await?;
    lab.api.add_person("bo", Some(2_000_000_000)).await?;
    // From here on this thread, and what it starts, is in the box.
    let home = File::open("/proc/thread-self/ns/net")?;
    setns(File::open(Path::new("/run/netns").join(layout::BOX))?, CloneFlags::CLONE_NEWNET)?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let mut tasks = JoinSet::new();
    tasks.spawn(net::bridge(listener, layout::api_socket()));

    let folder = tempfile::tempdir()?;
    let said = tokio::process::Command::new(schemathesis)
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg("--config-file")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/schemathesis.toml"))
        .args(["run", &format!("{url}/v1/openapi.json")])
        // It would end what is tried.
        .args(["--exclude-path", "/v1/down"])
        .args(["--max-examples", &setting("HOTSHARE_EXAMPLES", EXAMPLES)])
        .args(["--seed", &setting("HOTSHARE_SEED", SEED)])
        .args(["--no-shrink", "--continue-on-failure", "--no-color", "--warnings", "off"])
        .args(["--report", "har", "--report-har-path"])
        .arg(folder.path().join("all.har"))
        .stdin(Stdio::null())
        .output()
        .await?;
    let text = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    println!("{text}");
    ensure!(said.status.success(), "{}", said.status);
    let answers = answers(&std::fs::read(folder.path().join("all.har"))?)?;
    println!("{answers:?}");
    // Not only refused: what can be done in a lab without Wi-Fi, prices and devices of nobody was done.
    let beyond = |what: &str| {
        ["wifi", "key", "invite", "plan/agree", "DELETE v1/cards", "claim"]
            .iter()
            .any(|word| what.contains(word))
    };
    let known =
        answers.iter().filter(|(what, said)| !beyond(what) && said.keys().any(|status| *status != 405));
    let (done, not): (Vec<_>, Vec<_>) = known.partition(|(_, said)| said.contains_key(&200));
    ensure!(not.is_empty() && done.len() >= 20, "{} were done, and these never: {not:?}", done.len());

    setns(home, CloneFlags::CLONE_NEWNET)?;
    lab.tear_down().await
}
