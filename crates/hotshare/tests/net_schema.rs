//! The interface keeps what its own description says, whatever is sent: schemathesis makes requests from the
//! document of a daemon that runs, good ones and bad ones, and compares every answer with it. Needs root.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod net;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use hotshare_lab::layout;
use nix::sched::{CloneFlags, setns};
use tokio::net::{TcpListener, UnixStream};
use tokio::task::JoinSet;

/// Requests for each operation that are made up, beside those that its description leads to; `HOTSHARE_EXAMPLES`.
const EXAMPLES: &str = "40";
/// The same requests each time: what fails here fails on every desk. Who has an hour sets `HOTSHARE_SEED`.
const SEED: &str = "20261127";

fn setting(name: &str, usual: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| usual.to_owned())
}

/// A program of the Python environment that `cargo xtask test` makes.
fn python(program: &str) -> Result<PathBuf> {
    let built = Path::new(env!("CARGO_BIN_EXE_hotshare"));
    let target = built.ancestors().nth(2).context("the program is in a folder of the target folder")?;
    let found = target.join("tools/python/bin").join(program);
    ensure!(found.exists(), "{} is missing; `cargo xtask test net` makes it", found.display());
    Ok(found)
}

/// Carries connections from TCP to the daemon's socket: the tools speak nothing else.
async fn bridge(listener: TcpListener, socket: PathBuf) {
    let mut open = JoinSet::new();
    loop {
        let (mut near, _) = listener.accept().await.unwrap();
        let socket = socket.clone();
        open.spawn(async move {
            if let Ok(mut far) = UnixStream::connect(socket).await {
                drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
            }
        });
        while open.try_join_next().is_some() {}
    }
}

#[tokio::test]
async fn every_answer_is_described_and_none_is_a_fault() -> Result<()> {
    let schemathesis = python("st")?;
    let lab = net::ready(1, None, Some(20_000_000_000), Some(2_000_000_000)).await?;
    lab.api.add_person("anna", Some(2_000_000_000)).await?;
    lab.api.add_person("bo", Some(2_000_000_000)).await?;
    // From here on this thread, and what it starts, is in the box.
    let home = File::open("/proc/thread-self/ns/net")?;
    setns(File::open(Path::new("/run/netns").join(layout::BOX))?, CloneFlags::CLONE_NEWNET)?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let mut tasks = JoinSet::new();
    tasks.spawn(bridge(listener, layout::api_socket()));

    let folder = tempfile::tempdir()?;
    let said = tokio::process::Command::new(schemathesis)
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["run", &format!("{url}/v1/openapi.json")])
        // It would end what is tried.
        .args(["--exclude-path", "/v1/down"])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", &setting("HOTSHARE_EXAMPLES", EXAMPLES)])
        .args(["--seed", &setting("HOTSHARE_SEED", SEED)])
        .args(["--no-shrink", "--continue-on-failure"])
        // A schema cannot say who may be a name, or that one change comes at a time: good requests may be refused.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .args(["--no-color", "--warnings", "off"])
        .stdin(Stdio::null())
        .output()
        .await?;
    let text = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    println!("{text}");
    ensure!(said.status.success(), "{}", said.status);

    setns(home, CloneFlags::CLONE_NEWNET)?;
    lab.tear_down().await
}
