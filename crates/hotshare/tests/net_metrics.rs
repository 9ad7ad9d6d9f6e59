//! `/metrics`: what Prometheus' own parser reads there is what observers outside the box counted, and no counter falls
//! when the daemon is killed. Needs root.

mod net;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hotshare_lab::lab::Lab;
use hotshare_lab::layout;
use hotshare_lab::phone::Progress;
use net::{ENDLESS, Eyes, MIB, gather, grows};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

#[derive(Debug, Deserialize)]
struct Sample {
    r#type: String,
    unit: String,
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// All samples, by their name and labels.
type Samples = BTreeMap<String, Sample>;

async fn scrape() -> Result<Samples> {
    let mut stream = UnixStream::connect(layout::api_socket()).await?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: hotshare\r\n\r\n").await?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    let (head, text) = reply.split_once("\r\n\r\n").context("a head and a body")?;
    let head = head.to_lowercase();
    ensure!(head.starts_with("http/1.1 200 "), "{head} {text}");
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    ensure!(head.lines().any(|line| line == kind), "{head}");

    let mut parser = tokio::process::Command::new(net::python("python")?)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/python/openmetrics.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = parser.stdin.take().context("an input")?;
    stdin.write_all(text.as_bytes()).await?;
    drop(stdin);
    let read = parser.wait_with_output().await?;
    ensure!(read.status.success(), "the parser does not take it: {text}");
    let samples: Vec<Sample> = serde_json::from_slice(&read.stdout)?;
    Ok(samples.into_iter().map(|sample| (key(&sample.name, &sample.labels), sample)).collect())
}

fn key(name: &str, labels: &BTreeMap<String, String>) -> String {
    format!("{name}{labels:?}")
}

/// A sample's value, by its name and labels.
fn value(samples: &Samples, name: &str, labels: &[(&str, &str)]) -> Result<u64> {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let key = key(name, &labels);
    let value = samples.get(&key).with_context(|| format!("no {key}"))?.value;
    // Whole numbers far below 2^53 are exact.
    format!("{value}").parse().with_context(|| format!("{key} is {value}"))
}

fn none_fell(before: &Samples, after: &Samples) -> Result<()> {
    for (key, old) in before.iter().filter(|(_, sample)| sample.r#type == "counter") {
        let new = after.get(key).with_context(|| format!("{key} is gone"))?;
        ensure!(new.value >= old.value, "{key} fell from {} to {}", old.value, new.value);
    }
    Ok(())
}

/// The counters, against those who counted at the far sides.
async fn counted(lab: &Lab, eyes: &Eyes) -> Result<Samples> {
    // A last packet of an end of a flow may come between the two looks: then both look again.
    let mut tries = 0;
    let (tally, status, samples) = loop {
        let (tally, status) = eyes.settle(lab).await?;
        let samples = scrape().await?;
        let (after, _) = eyes.settle(lab).await?;
        if after.billed() == tally.billed() {
            break (tally, status, samples);
        }
        tries += 1;
        ensure!(tries < 5, "the link does not come to rest: {:?}", after.rows());
    };
    let both = |name: &str, labels: &[(&str, &str)]| -> Result<u64> {
        let mut sum = 0;
        for way in ["up", "down"] {
            let labels: Vec<_> = labels.iter().copied().chain([("direction", way)]).collect();
            sum += value(&samples, name, &labels)?;
        }
        Ok(sum)
    };
    for place in 0..lab.phones.len() {
        let person = lab.phones[place].person();
        let told = value(
            &samples,
            "hotshare_person_delivered_bytes_total",
            &[("person", &person), ("direction", "down")],
        )?;
        ensure!(told == eyes.down(place)?, "{person}: told {told}, counted {}", eyes.down(place)?);
    }
    let (told, counted) = (both("hotshare_delivered_bytes_total", &[])?, eyes.delivered()?);
    ensure!(told == counted, "delivered: told {told}, counted {counted}");
    let (told, counted) =
        (i128::from(both("hotshare_billed_bytes_total", &[])?), eyes.expected(tally.billed()));
    ensure!(told == counted, "billed: told {told}, counted {counted}");
    ensure!(value(&samples, "hotshare_plan_billed_bytes", &[])? == status.plan.billed);
    Ok(samples)
}

#[tokio::test]
async fn figures_are_exact_and_no_counter_falls() -> Result<()> {
    let mut lab = net::ready(2, Some(60_000_000), Some(4 << 30), Some(2 << 30)).await?;
    let eyes = Eyes::open(&lab).await?;
    let progress = Progress::default();
    let transfers = vec![
        lab.phones[0].download(lab.phones[0].web_port(), 10 * MIB, &progress),
        lab.phones[1].upload(lab.phones[1].web_port(), 5 * MIB, &progress),
    ];
    let (done, hanging) = gather(transfers, Duration::from_secs(30)).await?;
    ensure!(hanging == 0 && done.len() == 2, "{hanging} hang");
    let mut before = counted(&lab, &eyes).await?;
    for sample in before.values().filter(|sample| !sample.unit.is_empty()) {
        ensure!(["bytes", "seconds", "ratio"].contains(&sample.unit.as_str()), "{sample:?}");
    }
    ensure!(value(&before, "hotshare_person_open", &[("person", "phone-1")])? == 1);
    ensure!(value(&before, "hotshare_devices", &[("state", "assigned")])? == 2);
    println!("{} samples", before.len());

    // Killed while much is under way, right after a figure was told.
    let start = lab.start().clone();
    let endless = lab.phones[0].download(lab.phones[0].web_port(), ENDLESS, &progress);
    for _ in 0..8 {
        grows(&progress, 300_000, Duration::from_secs(20)).await?;
        let told = scrape().await?;
        none_fell(&before, &told)?;
        lab.kill()?;
        lab.up_with(&start).await?;
        before = scrape().await?;
        none_fell(&told, &before)?;
    }
    endless.abort();
    none_fell(&before, &counted(&lab, &eyes).await?)?;
    lab.tear_down().await
}
