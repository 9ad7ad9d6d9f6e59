//! The program as it is typed: exit codes, what goes where, and what is said when something is wrong. The
//! daemon is a fake that sends what it was told to; the real one is met in the network tests.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

mod advice;

const STATUS: &str = include_str!("../../hotshare-api/src/status.json");

fn hotshare() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("hotshare"));
    command.env_remove("RUST_LOG").env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
    command
}

fn run(arguments: &str) -> Said {
    Said::of(hotshare().args(arguments.split_whitespace()).output().unwrap())
}

/// What a run said, and how it ended.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn of(output: Output) -> Said {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A daemon that replies the same to everything. It ends with the test.
struct Daemon {
    folder: TempDir,
    asked: std::sync::mpsc::Receiver<String>,
}

impl Daemon {
    fn replying(status: u16, body: &str) -> Daemon {
        Daemon::start((status, body), (status, body))
    }

    /// A usual status to `GET /v1/status`, and something else to everything else.
    fn with_status(status: u16, body: &str) -> Daemon {
        Daemon::start((200, STATUS), (status, body))
    }

    fn start(to_status: (u16, &str), to_others: (u16, &str)) -> Daemon {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("api.sock")).unwrap();
        let (seen, asked) = std::sync::mpsc::channel();
        let reply = |(status, body): (u16, &str)| {
            let length = body.len();
            format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )
        };
        let (to_status, to_others) = (reply(to_status), reply(to_others));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read_request(&mut stream);
                let reply = if request.starts_with("GET /v1/status ") { &to_status } else { &to_others };
                let _gone = stream.write_all(reply.as_bytes());
                drop(seen.send(request));
            }
        });
        Daemon { folder, asked }
    }

    fn run(&self, arguments: &str) -> Said {
        let socket = self.folder.path().join("api.sock");
        Said::of(hotshare().arg("--socket").arg(socket).args(arguments.split_whitespace()).output().unwrap())
    }
}

/// A whole request: the head, and as much of a body as it announces.
fn read_request(stream: &mut impl std::io::Read) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
        request.extend(byte);
    }
    let head = String::from_utf8(request).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

const VERBS: [&str; 15] = [
    "up",
    "down",
    "status",
    "people",
    "devices",
    "wifi",
    "plan",
    "usage",
    "statement",
    "advise",
    "events",
    "doctor",
    "lab",
    "completions",
    "man",
];

#[test]
fn help_is_no_error_and_tells_the_exit_codes() {
    let said = run("--help");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for verb in VERBS {
        assert!(said.out.contains(&format!("\n  {verb} ")), "{verb} is not in the help: {}", said.out);
        let of_verb = run(&format!("{verb} --help"));
        assert_eq!(of_verb.code, Some(0));
        assert!(of_verb.out.contains("Usage: hotshare "), "{}", of_verb.out);
    }
    assert!(said.out.contains("Exit codes: 0 done; 1 refused"), "{}", said.out);
    assert_eq!(run("--version").out, format!("hotshare {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_is_2_and_goes_to_stderr() {
    for arguments in [
        "",
        "upp",
        "--wrong",
        "status --wrong",
        "status extra",
        "people add",
        "people add anna",
        "people add Anna --allowance 1GB",
        "people add anna --allowance 1",
        "people add anna --allowance 1GB/year",
        "people pause",
        "people invite",
        "people invite Anna",
        "people invite anna --expires 2026-12-32",
        "people invite anna --expires 3",
        "people invite anna --passphrase secret-words",
        "people limit anna",
        "people limit anna 0",
        "people limit anna many",
        "wifi key --passphrase-file",
        "up --country Germany",
        "up --name",
        "devices assign nonsense anna",
        "devices assign 02:00:5e:10:00:01",
        "plan set",
        "plan set --cap 20",
        "plan set --monthly 32",
        "plan correct",
        "usage --by week",
        "usage --since someday",
        "usage --csv --json",
        "up --lan",
        "up --lan ../x",
        "up --uplink a-name-of-16-byt",
        "up --print-config --check",
        "lab --clean --hold",
        "lab --phones many",
        "lab --rate 5MB",
        "completions cmd",
        "man extra",
    ] {
        let said = run(arguments);
        assert_eq!(said.code, Some(2), "{arguments}: {}", said.err);
        assert!(said.out.is_empty() && !said.err.is_empty(), "{arguments}: {}", said.out);
    }
}

#[test]
fn without_a_daemon_it_says_so_and_how_to_start_one() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("api.sock");
    let dead = folder.path().join("dead.sock");
    drop(UnixListener::bind(&dead).unwrap());
    for socket in [&socket, &dead] {
        for verb in [
            "status",
            "people",
            "people pause anna",
            "devices",
            "wifi",
            "wifi key",
            "people invite anna",
            "people revoke anna",
            "plan",
            "plan correct --used 1GB",
            "usage",
            "events",
            "down",
        ] {
            let said =
                Said::of(hotshare().arg("--socket").arg(socket).args(verb.split(' ')).output().unwrap());
            assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{verb}");
            assert!(
                said.err.contains("Hotshare is not running")
                    && said.err.contains("start it with `sudo hotshare up`"),
                "{}",
                said.err
            );
        }
    }
    let said = Said::of(hotshare().args(["--json", "status", "--socket"]).arg(&socket).output().unwrap());
    let error: serde_json::Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!((said.code, &error["error"]["code"]), (Some(2), &"not-running".into()));
    let said = Said::of(hotshare().args(["--lab", "status", "--socket"]).arg(&socket).output().unwrap());
    assert!(said.err.contains("sudo hotshare lab --hold"), "{}", said.err);
}

#[test]
fn without_permission_it_names_the_group() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("api.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o000)).unwrap();
    // A copy: somebody else may not reach the folder that it was built in.
    let binary = folder.path().join("hotshare");
    std::fs::copy(assert_cmd::cargo::cargo_bin!("hotshare"), &binary).unwrap();
    let mut command = Command::new(&binary);
    command.arg("--socket").arg(&socket).arg("status");
    if nix::unistd::geteuid().is_root() {
        // No mode keeps root out.
        command.uid(65_534).gid(65_534);
    }
    let said = Said::of(command.output().unwrap());
    assert_eq!(said.code, Some(2));
    assert!(
        said.err.contains("group “hotshare”") && said.err.contains("usermod -aG hotshare"),
        "{}",
        said.err
    );
}

#[test]
fn the_daemons_no_is_1_and_its_failure_2() {
    let no = r#"{"error":{"code":"no-such-person","message":"there is nobody named “bo”"}}"#;
    for (status, code) in [(404, 1), (409, 1), (422, 1), (400, 1), (500, 2), (503, 2)] {
        let daemon = Daemon::replying(status, no);
        let said = daemon.run("people pause bo");
        assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{status}");
        assert_eq!(said.err, "hotshare: cannot pause bo: there is nobody named “bo”\n");
        let said = daemon.run("people pause bo --json");
        let error: serde_json::Value = serde_json::from_str(&said.err).unwrap();
        assert_eq!(error["error"]["code"], "no-such-person");
    }
}

#[test]
fn a_reply_that_makes_no_sense_is_told() {
    for body in ["", "{}", "<html>", "{\"schema\":1", "\u{1b}[2J"] {
        for status in [200, 404] {
            let said = Daemon::replying(status, body).run("status");
            assert_eq!(said.code, Some(2), "{body:?}");
            assert!(said.err.contains("cannot be understood"), "{}", said.err);
            assert!(!said.err.contains('\u{1b}'), "{:?}", said.err);
        }
    }
}

#[test]
fn an_error_from_a_stranger_cannot_play_tricks() {
    let no = r#"{"error":{"code":"no-such-person","message":"\u001b[2Jgone\u202e"}}"#;
    let said = Daemon::replying(404, no).run("people pause bo");
    assert_eq!(said.err, "hotshare: cannot pause bo: \\u{1b}[2Jgone\\u{202e}\n");
}

#[test]
fn status_for_people_and_for_programs() {
    let daemon = Daemon::replying(200, STATUS);
    let said = daemon.run("status");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert!(said.out.contains("5.30 GB of 20.00 GB used, 14.70 GB left"), "{}", said.out);
    assert!(!said.out.contains('\u{1b}'), "colours although nobody looks");
    let said = daemon.run("status --json");
    assert_eq!(said.out, STATUS, "what was received is what is printed");
    let coloured = hotshare()
        .env("CLICOLOR_FORCE", "1")
        .arg("--socket")
        .arg(daemon.folder.path().join("api.sock"))
        .arg("status")
        .output()
        .unwrap();
    assert!(Said::of(coloured).out.contains("\u{1b}["), "no colours although they were asked for");
}

#[test]
fn each_change_is_one_request() {
    for (arguments, expected, body) in [
        (
            "people add anna --allowance 2GB/month",
            "POST /v1/people ",
            r#"{"name":"anna","allowance":2000000000,"allowance_every":"month"}"#,
        ),
        (
            "people set 小明 --allowance unlimited",
            "PATCH /v1/people/%E5%B0%8F%E6%98%8E ",
            r#"{"allowance":null}"#,
        ),
        ("people pause anna", "PATCH /v1/people/anna ", r#"{"paused":true}"#),
        ("people resume anna", "PATCH /v1/people/anna ", r#"{"paused":false}"#),
        ("people revoke anna", "DELETE /v1/people/anna/key ", ""),
        ("people limit anna 3", "PATCH /v1/people/anna ", r#"{"device_limit":3}"#),
        ("people limit anna none", "PATCH /v1/people/anna ", r#"{"device_limit":null}"#),
        ("people remove anna", "DELETE /v1/people/anna ", ""),
        (
            "devices assign 02-00-5E-10-00-01 anna",
            "PATCH /v1/devices/02%3A00%3A5e%3A10%3A00%3A01 ",
            r#"{"person":"anna"}"#,
        ),
        ("devices block 02:00:5e:10:00:01", "PATCH /v1/devices/", r#"{"blocked":true}"#),
        ("devices unblock 02:00:5e:10:00:01", "PATCH /v1/devices/", r#"{"blocked":false}"#),
        ("devices forget 02:00:5e:10:00:01", "DELETE /v1/devices/", ""),
        (
            "plan set --cap 20GB --monthly 5",
            "PATCH /v1/plan ",
            r#"{"cap":20000000000,"period":{"kind":"monthly","day":5}}"#,
        ),
        (
            "plan set --no-cap --zone asia/shanghai",
            "PATCH /v1/plan ",
            r#"{"cap":null,"zone":"Asia/Shanghai"}"#,
        ),
        ("plan correct --used 3.2GB", "POST /v1/plan/correct ", r#"{"used":3200000000}"#),
    ] {
        let daemon = Daemon::replying(200, r#"{"schema":1,"done":true}"#);
        let said = daemon.run(arguments);
        assert_eq!(said.code, Some(0), "{arguments}: {}", said.err);
        assert_eq!(said.out.lines().count(), 1, "{arguments}: {}", said.out);
        let request = daemon.asked.recv().unwrap();
        assert!(request.starts_with(expected), "{arguments}: {request}");
        assert_eq!(request.split_once("\r\n\r\n").unwrap().1, body, "{arguments}");
        assert!(daemon.asked.try_recv().is_err(), "{arguments}: more than one request");
    }
}

const KEY: &str = r#"{"schema":1,"name":"Hotshare-3F2A","mode":"people","passphrase":"unlocked-trombone-celery-poking-vanity",
    "since":1795000000,"until":1795388400,"join":"WIFI:T:WPA;S:Hotshare-3F2A;P:unlocked-trombone-celery-poking-vanity;;"}"#;

#[test]
fn an_invitation_is_asked_for_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (svg, png) = (folder.path().join("anna.svg"), folder.path().join("anna.png"));
    let daemon = Daemon::with_status(200, KEY);
    let said = daemon.run(&format!(
        "people invite anna --expires 2026-11-22 --svg {} --png {}",
        svg.display(),
        png.display()
    ));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let _status = daemon.asked.recv().unwrap();
    let request = daemon.asked.recv().unwrap();
    assert!(request.starts_with("POST /v1/people/anna/invite "), "{request}");
    // To the end of the 22nd in Berlin.
    assert!(request.ends_with("\r\n\r\n{\"expires\":1795388400}"), "{request}");
    for part in ["Hotshare-3F2A", "unlocked-trombone-celery-poking-vanity", "2026-11-23 00:00", "██"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    for file in [&svg, &png] {
        let meta = std::fs::metadata(file).unwrap();
        assert!(meta.len() > 200, "{}", file.display());
        assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    let said = Daemon::with_status(200, KEY).run("people rotate anna --json");
    let reply: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(reply["passphrase"], "unlocked-trombone-celery-poking-vanity");
}

#[test]
fn a_passphrase_of_ones_own_comes_from_a_file_and_is_never_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine");
    std::fs::write(&file, "seven purple otters juggling\nand more\n").unwrap();
    let daemon = Daemon::with_status(200, KEY);
    let said =
        daemon.run(&format!("people rotate anna --expires never --passphrase-file {}", file.display()));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let _status = daemon.asked.recv().unwrap();
    let request = daemon.asked.recv().unwrap();
    assert!(request.starts_with("POST /v1/people/anna/key/rotate "), "{request}");
    assert!(
        request.ends_with(r#"{"expires":null,"passphrase":"seven purple otters juggling"}"#),
        "{request}"
    );

    for (text, why) in
        [("short\n", "8 to 63 characters"), ("長い長い長い長い\n", "plain ASCII"), ("", "8 to 63")]
    {
        std::fs::write(&file, text).unwrap();
        let said = daemon.run(&format!("people invite anna --passphrase-file {}", file.display()));
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{}", said.err);
        assert!(said.err.contains(why) && !said.err.contains("short"), "{}", said.err);
    }
    let said = daemon.run(&format!("wifi key --passphrase-file {}/none", folder.path().display()));
    assert_eq!(said.code, Some(2));
    let said = Daemon::with_status(200, KEY).run("wifi key");
    assert_eq!(said.code, Some(0), "{}", said.err);
    let (_, piped) =
        piped(&Daemon::with_status(200, KEY), "wifi key --rotate --passphrase-file -", "a b c d e f g h\n");
    assert!(piped.ends_with(r#"{"passphrase":"a b c d e f g h"}"#), "{piped}");
}

/// Runs with something piped in; what was said, and the request that the daemon got.
fn piped(daemon: &Daemon, arguments: &str, input: &str) -> (Said, String) {
    let mut child = hotshare()
        .arg("--socket")
        .arg(daemon.folder.path().join("api.sock"))
        .args(arguments.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let said = Said::of(child.wait_with_output().unwrap());
    (said, daemon.asked.recv().unwrap())
}

#[test]
fn usage_as_values_and_by_the_plans_zone() {
    let report = r#"{"schema":1,"by":"person","since":1,"until":2,"rows":[{"key":"anna","person":null,"up":1,"down":2,
        "refused_up":3,"refused_down":4,"billed":null}],"total":{"billed_up":1,"billed_down":2,"delivered":3,"refused":0,"own":0}}"#;
    let daemon = Daemon::with_status(200, report);
    let said = daemon.run("usage --by person --since 2026-11-01 --until 2026-11-22 --csv");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(said.out, "person,up,down,refused_up,refused_down\nanna,1,2,3,4\n");
    let _status = daemon.asked.recv().unwrap();
    // The first of November in Berlin, to the end of the 22nd.
    let request = daemon.asked.recv().unwrap();
    assert!(request.starts_with("GET /v1/usage?by=person&since=1793487600&until=1795388400 "), "{request}");
}

#[test]
fn nobody_reads_is_success() {
    for arguments in ["man", "completions bash", "--help", "up --print-config"] {
        let mut child = hotshare()
            .args(arguments.split(' '))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""), "{arguments}");
    }
}

#[test]
fn a_full_disk_is_no_success() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = hotshare().arg("man").stdout(full).stderr(Stdio::piped()).output().unwrap();
    let said = Said::of(output);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("cannot write the output"), "{}", said.err);
}

#[test]
fn completions_are_scripts() {
    for shell in ["bash", "zsh", "fish"] {
        let said = run(&format!("completions {shell}"));
        assert_eq!(said.code, Some(0));
        for verb in VERBS {
            assert!(said.out.contains(verb), "{shell} knows no {verb}");
        }
    }
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(run("completions bash").out.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
}

#[test]
fn a_manual_page_for_each_verb() {
    let folder = tempfile::tempdir().unwrap();
    let write_to = |dir: &Path| Said::of(hotshare().args(["man", "--dir"]).arg(dir).output().unwrap());
    assert_eq!(write_to(folder.path()).code, Some(0));
    for name in VERBS.iter().map(|verb| format!("hotshare-{verb}.1")).chain(["hotshare.1".to_owned()]) {
        let page = std::fs::read_to_string(folder.path().join(&name)).unwrap();
        assert!(page.contains(".TH") && page.contains(".SH SYNOPSIS"), "{name}");
    }
    let said = write_to(&folder.path().join("not there"));
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("cannot write the manual pages into "), "{}", said.err);
}

#[test]
fn a_wrong_configuration_is_refused_with_every_place() {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("hotshare.toml");
    std::fs::write(
        &file,
        "[lan]\ninterfaces = [\"eth1\"]\nsubnets = \"10.77.0.0/24\"\n[grants]\nexpiry_seconds = 3\n",
    )
    .unwrap();
    let said = Said::of(hotshare().args(["up", "--check", "--config"]).arg(&file).output().unwrap());
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    let name = file.display();
    assert!(said.err.contains(&format!("{name}:3:1: lan.subnets: there is no such key")), "{}", said.err);
    assert!(
        said.err.contains(&format!("{name}:5:18: grants.expiry_seconds: 3 is too small")),
        "{}",
        said.err
    );

    let said = Said::of(
        hotshare().args(["up", "--check", "--lan", "eth1", "--config", "/does/not/exist"]).output().unwrap(),
    );
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.contains("cannot read the configuration file /does/not/exist: No such file"),
        "{}",
        said.err
    );
}

#[test]
fn the_configuration_that_is_printed_is_the_one_that_is_shipped() {
    let said = run("up --print-config");
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(0), include_str!("../../../dist/hotshare.toml.example"))
    );
}
