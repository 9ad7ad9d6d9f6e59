#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::reply::Door;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.iter().map(pair) {
        headers.append(name, value);
    }
    headers
}

fn visitor(door: Door) -> Visitor {
    let here = SocketAddr::from((Ipv4Addr::new(10, 77, 0, 1), 80));
    Visitor { door, here, peer: IpAddr::V4(Ipv4Addr::new(10, 77, 0, 9)) }
}

#[test]
fn one_cookie_of_ours_and_no_other() {
    let secret = "0123456789abcdef0123456789abcdef";
    let found = |text: &str, door| cookie::session(&headers(&[("cookie", text)]), door);
    for text in
        [format!("hotshare={secret}"), format!("a=b; hotshare={secret};c"), format!(" hotshare={secret} ")]
    {
        assert_eq!(found(&text, Door::Machine).as_deref(), Some(secret), "{text}");
        assert_eq!(found(&text, Door::LanTls), None, "in the clear it could have been set by somebody else");
    }
    let secure = format!("__Host-hotshare={secret}");
    assert_eq!(found(&secure, Door::LanTls).as_deref(), Some(secret));
    assert_eq!(found(&secure, Door::Lan), None);
    for text in [
        "hotshare=".to_owned(),
        "hotshare=short".to_owned(),
        format!("hotshare={}", "a".repeat(129)),
        format!("hotshare={secret}\u{fe}"),
        format!("hotshare=\"{secret}\""),
        format!("xhotshare={secret}"),
        format!("hotshare={secret}; hotshare={secret}"),
    ] {
        assert_eq!(found(&text, Door::Machine), None, "{text}");
    }
    let twice =
        headers(&[("cookie", &format!("hotshare={secret}")), ("cookie", &format!("hotshare={secret}"))]);
    assert_eq!(cookie::session(&twice, Door::Machine), None);
}

#[test]
fn a_cookie_is_set_for_this_host_only() {
    for (door, set) in [
        (Door::Machine, "hotshare=x; HttpOnly; SameSite=Strict; Path=/"),
        (Door::Lan, "hotshare=x; HttpOnly; SameSite=Strict; Path=/"),
        (Door::LanTls, "__Host-hotshare=x; HttpOnly; SameSite=Strict; Path=/; Secure"),
    ] {
        assert_eq!(cookie::set(door, "x").unwrap(), set);
        assert_eq!(cookie::forget(door).unwrap(), format!("{}; Max-Age=0", set.replace("=x", "=")));
    }
    assert_eq!(cookie::set(Door::Lan, "x\r\nset-cookie: y"), None);
}

#[test]
fn by_tls_the_origin_is_too() {
    let own = |origin: &str, door| {
        from_here::is_own(&headers(&[("host", "box.example.org"), ("origin", origin)]), door)
    };
    assert!(own("https://box.example.org", Door::LanTls) && !own("http://box.example.org", Door::LanTls));
    assert!(own("http://BOX.example.org", Door::Lan) && !own("https://box.example.org", Door::Lan));
    assert!(!from_here::is_own(&headers(&[("origin", "http://")]), Door::Lan), "no host");
    assert!(!from_here::is_own(&headers(&[("host", ""), ("origin", "http://é")]), Door::Lan));
}

#[test]
fn what_is_compared_is_all_of_it() {
    assert!(guard::same("abc", "abc"));
    for (sent, own) in [("abd", "abc"), ("ab", "abc"), ("abcd", "abc"), ("", "abc"), ("", "")] {
        assert!(!guard::same(sent, own), "{sent} {own}");
    }
}

proptest! {
    /// Whatever a browser says: only our own names, with or without a port, are ours.
    #[test]
    fn no_other_host_is_ours(host in "([a-z0-9.:\\[\\]@ -]{0,24}|10\\.77\\.0\\.1[:0-9.a-z@]{0,6}|localhost[.:a-z0-9]{0,6})") {
        let hosts = Hosts::new(["hotshare.internal".to_owned()]);
        for door in [Door::Lan, Door::Machine] {
            let named = host.rsplit_once(':').map_or(&*host, |(name, port)| {
                if port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit()) { name } else { "" }
            });
            let name = named.trim_end_matches('.');
            let own = named == "10.77.0.1" || name == "hotshare.internal" || (named == "localhost" && door == Door::Machine);
            prop_assert_eq!(hosts.has(&host, visitor(door)), own, "{}", host);
        }
    }

    #[test]
    fn nothing_that_is_sent_breaks_anything(
        cookie in "[ -~]{0,60}", host in "[ -~]{0,30}", origin in "[ -~]{0,30}", referer in "[ -~é]{0,30}",
    ) {
        let sent = headers(&[("cookie", &cookie), ("host", &host), ("origin", &origin), ("referer", &referer)]);
        let _session = cookie::session(&sent, Door::Lan);
        prop_assert_eq!(from_here::is_own(&sent, Door::Lan), origin.eq_ignore_ascii_case(&format!("http://{host}")));
        let sent = headers(&[("host", &host), ("referer", &referer)]);
        let own = referer.to_ascii_lowercase().strip_prefix(&format!("http://{host}").to_ascii_lowercase())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        prop_assert_eq!(from_here::is_own(&sent, Door::Lan), own && referer.is_ascii());
    }
}
