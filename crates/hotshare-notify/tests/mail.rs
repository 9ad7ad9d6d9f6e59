//! Mail through aiosmtpd, with and without TLS and login.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::path::Path;
use std::time::Duration;

use hotshare_notify::mail::{Mail, MailConfig, Security};
use support::{Sink, alert, certificate, free_port, mails, secret, sink};

fn config(port: u16, security: Security, ca: &Path) -> MailConfig {
    MailConfig {
        server: "localhost".into(),
        port,
        security,
        from: "Hotshare <hotshare@example.org>".into(),
        to: vec!["anna@example.org".into(), "小明 <ming@example.org>".into()],
        login: None,
        ca_file: Some(ca.to_owned()),
        timeout: Duration::from_secs(5),
    }
}

#[tokio::test]
async fn a_mail_arrives_with_each_kind_of_protection() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (ca, key) = certificate(dir, "server", "DNS:localhost");
    let password = secret(dir, "password", "s3cret");
    for (n, mode, security) in
        [(1, "starttls", Security::StartTls), (2, "tls", Security::Tls), (3, "none", Security::None)]
    {
        let port = free_port();
        let login = if mode == "starttls" { ("hotshare", "s3cret") } else { ("", "") };
        let how = Sink { mode, user: login.0, password: login.1 };
        let _server = sink(dir, port, (&ca, &key), how).await;
        let mut config = config(port, security, &ca);
        if mode == "starttls" {
            config.login = Some(("hotshare".into(), password.clone()));
        }
        Mail::open(&config).unwrap().send(&alert(n)).await.unwrap();
        let got = mails(dir);
        let mail = got.last().unwrap();
        assert_eq!(got.len(), usize::try_from(n).unwrap());
        assert_eq!(mail["id"], format!("<alert-{n}-1795000000@hotshare>"));
        assert_eq!(mail["subject"], "Hotshare: 小明 has used 80 % of the allowance");
        assert!(mail["text"].as_str().unwrap().contains("1.60 GB of 2.00 GB are used."));
        assert_eq!(mail["to"], serde_json::json!(["anna@example.org", "ming@example.org"]));
        assert_eq!((mail["tls"] == true, mail["login"] == true), (mode != "none", mode == "starttls"));
    }
}

#[tokio::test]
async fn a_server_that_is_not_trusted_or_offers_no_tls_gets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (good, _) = certificate(dir, "good", "DNS:localhost");
    let (other, other_key) = certificate(dir, "other", "DNS:localhost");
    let (elsewhere, elsewhere_key) = certificate(dir, "elsewhere", "DNS:mail.example.org");
    for (mode, security) in [("starttls", Security::StartTls), ("tls", Security::Tls)] {
        // Signed by somebody else, and signed for somebody else.
        for (trusted, shown, key) in [(&good, &other, &other_key), (&elsewhere, &elsewhere, &elsewhere_key)] {
            let port = free_port();
            let _server = sink(dir, port, (shown, key), Sink { mode, user: "", password: "" }).await;
            let failed = Mail::open(&config(port, security, trusted)).unwrap().send(&alert(1)).await;
            let failed = failed.expect_err("not trusted");
            assert!(!failed.for_good && failed.why.contains("certificate"), "{failed:?}");
        }
    }
    let port = free_port();
    let how = Sink { mode: "none", user: "", password: "" };
    let _server = sink(dir, port, (&good, &good), how).await;
    let failed = Mail::open(&config(port, Security::StartTls, &good)).unwrap().send(&alert(1)).await;
    failed.expect_err("no TLS to be had");
    assert_eq!(mails(dir).len(), 0);
}

#[tokio::test]
async fn what_is_refused_for_good_is_and_a_wrong_password_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (ca, key) = certificate(dir, "server", "DNS:localhost");
    let port = free_port();
    let how = Sink { mode: "starttls", user: "hotshare", password: "s3cret" };
    let server = sink(dir, port, (&ca, &key), how).await;
    let mut config = config(port, Security::StartTls, &ca);
    config.login = Some(("hotshare".into(), secret(dir, "password", "wr0ng")));
    let failed = Mail::open(&config).unwrap().send(&alert(1)).await.unwrap_err();
    assert!(!failed.for_good && !failed.why.contains("wr0ng"), "{failed:?}");
    // The file is read anew: no restart is needed.
    let mail = Mail::open(&config).unwrap();
    secret(dir, "password", "s3cret");
    mail.send(&alert(2)).await.unwrap();
    config.to = vec!["nobody@example.org".into()];
    let failed = Mail::open(&config).unwrap().send(&alert(3)).await.unwrap_err();
    assert!(failed.for_good && failed.why.contains("nobody of that name"), "{failed:?}");
    drop(server);
    let failed = mail.send(&alert(4)).await.unwrap_err();
    assert!(!failed.for_good, "{failed:?}");
    assert_eq!(mails(dir).len(), 1);
}
