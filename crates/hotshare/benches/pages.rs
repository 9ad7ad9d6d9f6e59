//! What the pages cost where there is much to show: 50 people with two devices each and a year of usage. The time of
//! each page at the server, and the processor's time for open dashboards. `cargo xtask bench` runs it; docs/benchmarks.md
//! has the figures.
//!
//! Needs root, and the laboratory for itself.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, ensure};
use hotshare_core::ledger::PeriodKey;
use hotshare_core::meter::Usage;
use hotshare_core::record::{Change, Tally, Who};
use hotshare_core::units::{Bytes, CardId, Mac};
use hotshare_lab::lab::Lab;
use hotshare_lab::layout;
use hotshare_lab::lock::Lock;
use hotshare_store::{HOURS_KEPT_DAYS, MINUTES_KEPT_DAYS, Store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const PEOPLE: u8 = 50;
const DAYS: i64 = 365;
const GB: u64 = 1_000_000_000;
const PORT: u16 = 4680;
const TIMES: usize = 15;
const WATCHED: Duration = Duration::from_secs(20);
const PASSWORD: &str = "purple otters juggle at noon";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let lock = Lock::wait(Duration::from_secs(900)).await?;
    let mut lab = Lab::build(lock, env!("CARGO_BIN_EXE_hotshare").into(), 1, None).await?;
    lab.up().await?;
    lab.api.set_cap(Some(1000 * GB)).await?;
    for n in 1..=PEOPLE {
        lab.api.add_person(&format!("person-{n:02}"), Some(20 * GB)).await?;
    }
    lab.down().await?;
    let begun = Instant::now();
    let rows = tokio::task::spawn_blocking(a_year).await??;
    println!("{rows} rows of usage written in {:.1} s", begun.elapsed().as_secs_f64());
    lab.up().await?;
    lab.join().await?;
    let body = format!("{{\"password\":\"{PASSWORD}\"}}").into_bytes();
    let _done: serde_json::Value = lab.api.ask(hyper::Method::POST, "/v1/access/password", body).await?;
    let browser = Browser::log_in(&lab).await?;
    println!("\n| Page | kB | median, ms | slowest of {TIMES}, ms |\n|---|--:|--:|--:|");
    let year_ago = now()? - DAYS * 86_400;
    let year_ago = jiff::Timestamp::from_second(year_ago).map_err(|e| anyhow::anyhow!("{e}"))?;
    let year_ago = year_ago.to_zoned(jiff::tz::TimeZone::UTC).date();
    let gateway = lab.phones[0].lease()?.router.context("the lease names a gateway")?;
    for page in [
        "/".to_owned(),
        "/admin".into(),
        "/admin/people".into(),
        "/admin/people/person-01".into(),
        "/admin/devices".into(),
        "/admin/usage?by=person".into(),
        "/admin/usage?by=device".into(),
        "/admin/usage?by=day".into(),
        "/admin/usage?by=hour".into(),
        format!("/admin/usage?by=day&since={year_ago}"),
        format!("/admin/usage?by=person&since={year_ago}"),
        "/admin/statement".into(),
        "/admin/plan".into(),
        "/admin/diary".into(),
        "/admin/access".into(),
    ] {
        let mut times = Vec::new();
        let mut size = 0;
        for _ in 0..TIMES {
            let begun = Instant::now();
            let text = match page.as_str() {
                "/" => {
                    let mut stream = lab.phones[0].inside().way().connect((gateway, 80)).await?;
                    whole(&mut stream, &format!("GET / HTTP/1.1\r\nHost: {gateway}\r\n\r\n")).await?
                }
                page => browser.get(&lab, page).await?,
            };
            times.push(begun.elapsed());
            // What is shown is kept for a second.
            tokio::time::sleep(Duration::from_millis(300)).await;
            ensure!(text.starts_with("HTTP/1.1 200"), "{page}: {}", text.lines().next().unwrap_or_default());
            size = text.len();
        }
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "| `{page}` | {:.1} | {:.0} | {:.0} |",
            size as f64 / 1e3,
            ms(times[TIMES / 2]),
            ms(times[TIMES - 1])
        );
    }
    println!("\n| Open dashboards | of one core, % |\n|---|--:|");
    for open in [0, 1, 10] {
        println!("| {open} | {:.1} |", browser.watch(&lab, open).await? * 100.0);
    }
    lab.down().await?;
    lab.tear_down().await
}

fn now() -> Result<i64> {
    Ok(i64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_secs())?)
}

/// Fills the ledger as a year would have: by minute, hour and day, and the sums of each day.
fn a_year() -> Result<u64> {
    let mut store = Store::open(&layout::state_dir().join("ledger.sqlite"))?;
    let people = store.snapshot()?.people;
    ensure!(people.len() == usize::from(PEOPLE), "the ledger has {} people", people.len());
    let today = now()? / 86_400;
    let mut rows = 0;
    let usage = |n: i64| {
        let n = n.unsigned_abs() % 97 + 1;
        Usage { up: Bytes(n * 1_000), down: Bytes(n * 20_000), ..Usage::default() }
    };
    for ago in 1..=DAYS {
        let day = today - ago;
        let step = match ago {
            _ if ago <= MINUTES_KEPT_DAYS => 10,
            _ if ago <= HOURS_KEPT_DAYS => 60,
            _ => 1440,
        };
        let mut changes = Vec::new();
        let mut sum = Usage::default();
        let key = PeriodKey(i32::try_from(day)?);
        for (number, person) in (1_u8..).zip(&people) {
            let mut whole = Usage::default();
            for device in 1..=2 {
                let mac = Mac([2, 0, 0x5e, 0x20, number, device]);
                // Six hours a day.
                let minutes = if step == 1440 { 0..1 } else { 16 * 60..22 * 60 };
                for minute in minutes.step_by(step) {
                    let usage = usage(day + minute + i64::from(number));
                    changes.push(Change::Usage {
                        minute: day * 1440 + minute,
                        who: Who::Device(mac, person.id),
                        usage,
                    });
                    whole += usage;
                }
            }
            changes.push(Change::Spent { tally: Tally::Person(person.id), day: key, usage: whole });
            sum += whole;
        }
        changes.push(Change::Usage { minute: day * 1440, who: Who::Plan, usage: sum });
        changes.push(Change::Spent { tally: Tally::Billed(CardId(1)), day: key, usage: sum });
        rows += u64::try_from(changes.len())?;
        store.commit(&changes)?;
    }
    Ok(rows)
}

struct Browser {
    cookie: String,
}

impl Browser {
    async fn log_in(lab: &Lab) -> Result<Browser> {
        let body = format!("password={}", PASSWORD.replace(' ', "+"));
        let request = format!(
            "POST /admin/login HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nOrigin: http://127.0.0.1:{PORT}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let reply = whole(&mut connect(lab).await?, &request).await?;
        let cookie = reply.lines().find_map(|line| line.strip_prefix("set-cookie: "));
        let cookie = cookie.with_context(|| format!("no session: {reply}"))?;
        Ok(Browser { cookie: cookie.split(';').next().unwrap_or_default().to_owned() })
    }

    fn request(&self, path: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nCookie: {}\r\n\r\n", self.cookie)
    }

    async fn get(&self, lab: &Lab, path: &str) -> Result<String> {
        whole(&mut connect(lab).await?, &self.request(path)).await
    }

    /// The share of one core that the daemon takes with so many dashboards open.
    async fn watch(&self, lab: &Lab, open: usize) -> Result<f64> {
        let pid = lab.daemon.as_ref().context("a daemon")?.pid();
        let mut streams = JoinSet::new();
        for _ in 0..open {
            let mut stream = connect(lab).await?;
            stream.write_all(self.request("/admin/live").as_bytes()).await?;
            streams.spawn(async move {
                let mut seen = 0;
                let mut room = [0; 16 * 1024];
                while let Ok(n @ 1..) = stream.read(&mut room).await {
                    seen += n;
                }
                seen
            });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (begun, before) = (Instant::now(), processor_time(pid)?);
        tokio::time::sleep(WATCHED).await;
        let share = (processor_time(pid)? - before).as_secs_f64() / begun.elapsed().as_secs_f64();
        ensure!(streams.try_join_next().is_none(), "a dashboard was cut off");
        streams.shutdown().await;
        Ok(share)
    }
}

async fn connect(lab: &Lab) -> Result<TcpStream> {
    lab.hotspot.way().connect((Ipv4Addr::LOCALHOST, PORT)).await
}

async fn whole(stream: &mut TcpStream, request: &str) -> Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await?;
    Ok(String::from_utf8_lossy(&reply).into_owned())
}

/// User and system time of all threads, from `/proc/PID/stat` (proc(5): fields 14 and 15, in hundredths of a second).
fn processor_time(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, rest) = stat.rsplit_once(')').context("no name")?;
    let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}
