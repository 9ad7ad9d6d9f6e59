use hotshare_acme::{Algorithm, LETS_ENCRYPT};
use hotshare_core::access::AdminFrom;
use hotshare_core::alert::{Channel, Language, Patience};
use hotshare_notify::mail::Security;

use super::*;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse("hotshare.toml", text).map_err(|e| e.to_string())
}

#[test]
fn the_example_says_what_holds_when_nothing_is_said() {
    assert_eq!(parse(EXAMPLE), Ok(Config::default()));
    assert_eq!(parse(""), Ok(Config::default()));
}

/// A line “# key = value” of the example is an example of something that may stand there. A certificate is got, or its
/// files are named.
fn hinted(is_got: bool) -> Config {
    let mut section = "";
    let text = EXAMPLE.lines().map(|line| {
        let hint = line.strip_prefix("# ");
        let line = hint.filter(|rest| rest.contains(" = ") || rest.starts_with('[')).unwrap_or(line);
        if line.starts_with('[') {
            section = line;
        }
        let is_file = section == "[web]" && (line.starts_with("certificate") || line.starts_with("key"));
        let left_out = if is_got { is_file } else { section == "[web.acme]" };
        if left_out { "" } else { line }
    });
    parse(&text.collect::<Vec<_>>().join("\n")).expect("every hint is right")
}

#[test]
fn what_the_example_hints_at_of_certificates_that_are_got_is_right_too() {
    let web = hinted(true).web;
    assert_eq!(web.tls, None);
    let WebAcme { client, ca, secret, patience } = web.acme.expect("said");
    assert_eq!((client.name.as_str(), client.directory.as_str()), ("box.example.org", LETS_ENCRYPT));
    assert_eq!((client.dns.server.as_str(), client.dns.port), ("ns1.example.org", 53));
    assert_eq!((client.dns.key.as_str(), client.dns.algorithm), ("hotshare", Algorithm::Sha256));
    assert_eq!(ca.as_deref(), Some(Path::new("/etc/hotshare/acme-ca.pem")));
    assert_eq!(secret, Path::new("/etc/hotshare/dns-secret"));
    assert_eq!((patience.first, patience.longest), (300, 21_600));
    for (written, server) in [
        ("192.0.2.53", ("192.0.2.53", 53)),
        ("192.0.2.53:5353", ("192.0.2.53", 5353)),
        ("2001:db8::53", ("2001:db8::53", 53)),
        ("[2001:db8::53]:54", ("2001:db8::53", 54)),
        ("ns1.example.org:54", ("ns1.example.org", 54)),
    ] {
        let text = format!(
            "[web]\nname = \"a.example\"\n[web.acme]\nagree_to_terms = true\ndns_key = \"k\"\ndns_secret = \"/s\"\ndns_server = \"{written}\""
        );
        let dns = parse(&text).expect("right").web.acme.expect("said").client.dns;
        assert_eq!((dns.server.as_str(), dns.port), server);
    }
}

#[test]
fn what_the_example_only_hints_at_is_right_too() {
    let config = hinted(false);
    assert_eq!(config.web.acme, None);
    assert_eq!(config.uplink.interface.as_deref(), Some("wwan0"));
    assert_eq!(config.lan.subnet, Some(Subnet::new(Ipv4Addr::new(10, 77, 0, 0), 24)));
    assert_eq!(config.people.default.map(|name| name.to_string()).as_deref(), Some("guests"));
    assert_eq!(config.hotspot.off_when_idle, Some(Duration::from_secs(1800)));
    let web = config.web.tls.as_ref().map(|tls| (tls.name.as_str(), tls.key.as_path()));
    assert_eq!(web, Some(("box.example.org", Path::new("/etc/hotshare/web-key.pem"))));
    let wifi = WifiConfig {
        name: Ssid::new("The Millers").ok(),
        mode: Mode::People,
        country: "DE".parse().ok(),
        band: Some(Band::Five),
        channel: Some(36),
        interface: Some("wlan0".into()),
    };
    let wish = hotshare_core::radio::RadioWish::from(&wifi);
    assert_eq!((wish.ssid.as_ref(), wish.mode, wish.country), (wifi.name.as_ref(), wifi.mode, wifi.country));
    assert_eq!((wish.band, wish.channel, &wish.card), (wifi.band, wifi.channel, &wifi.interface));
    assert_eq!(config.wifi, Some(wifi));
    let AlertsConfig { desktop, webhook, mail, mqtt, rules, .. } = config.alerts;
    assert_eq!((desktop, &rules.channels[..]), (true, &Channel::ALL[..]));
    assert_eq!(webhook.map(|webhook| webhook.url).as_deref(), Some("https://example.org/hook"));
    let mail = mail.expect("said");
    assert_eq!((mail.port, mail.security, mail.to.len()), (587, Security::StartTls, 1));
    assert_eq!(mail.login.map(|(user, _)| user).as_deref(), Some("hotshare@example.org"));
    let mqtt = mqtt.expect("said");
    assert_eq!((mqtt.port, mqtt.tls, mqtt.topic.as_str()), (8883, true, "hotshare"));
}

#[test]
fn everything_said() {
    let config = parse(
        r#"
        people.default = "小明"
        [uplink]
        interface = "wwan0"
        resolvers = ["9.9.9.9", "127.0.0.53"]
        [lan]
        interfaces = ["eth1", "wlan0.5"]
        subnet = "192.168.0.0/16"
        lease_time = "7d"
        [grants]
        expiry_seconds = 0x12C
        [hotspot]
        off_when_idle = "7d"
        [web]
        machine_port = 0
        admin_from = "machine"
        name = "Box.Example.ORG"
        certificate = "/a.pem"
        key = "/b.pem"
        [alerts]
        language = "zh"
        levels = [100, 5]
        roll_notice_days = 0
        unusual_factor = 0
        device_waiting = false
        retry_first = "1s"
        retry_longest = "4s"
        give_up = "1m"
        timeout = "2s"
        [alerts.desktop]
        enabled = false
        [alerts.mail]
        server = "::1"
        security = "tls"
        from = "a@b.example"
        to = ["a@b.example", "小明 <c@b.example>"]
        [alerts.mqtt]
        server = "broker"
        security = "none"
        every = "1s"
        [wifi]
        name = "小明的网络"
        mode = "people-old"
        country = "cn"
        band = "2.4"
        channel = 0x0B
        interface = "wlan1"
        "#,
    )
    .expect("right");
    assert_eq!(config.uplink.resolvers, [Ipv4Addr::new(9, 9, 9, 9), Ipv4Addr::new(127, 0, 0, 53)]);
    assert_eq!(config.lan.interfaces, ["eth1", "wlan0.5"]);
    assert_eq!(config.lan.subnet, Some(Subnet::new(Ipv4Addr::new(192, 168, 0, 0), 16)));
    assert_eq!(config.lan.lease_time, Duration::from_secs(604_800));
    assert_eq!(config.grants.expiry, Duration::from_secs(300));
    assert_eq!(config.hotspot.off_when_idle, Some(Duration::from_secs(604_800)));
    let tls = WebTls { name: "box.example.org".into(), certificate: "/a.pem".into(), key: "/b.pem".into() };
    let (tls, admin_from) = (Some(tls), AdminFrom::Machine);
    assert_eq!(config.web, WebConfig { machine_port: None, admin_from, tls, acme: None });
    let AlertsConfig { rules, patience, timeout, desktop, webhook, mail, mqtt } = config.alerts;
    let channels = vec![Channel::Mail, Channel::Mqtt];
    let none = (0, None, false);
    assert_eq!((rules.language, rules.levels, rules.channels), (Language::Chinese, vec![5, 100], channels));
    assert_eq!((rules.roll_notice_days, rules.unusual, rules.device_waiting), none);
    assert_eq!(patience, Patience { first: 1, longest: 4, all: 60 });
    assert_eq!((timeout, desktop, webhook), (Duration::from_secs(2), false, None));
    let (mail, mqtt) = (mail.expect("said"), mqtt.expect("said"));
    assert_eq!((mail.port, mail.to.len(), mail.login), (465, 2, None));
    assert_eq!((mqtt.port, mqtt.tls, mqtt.every), (1883, false, Duration::from_secs(1)));
    let wifi = config.wifi.expect("said");
    assert_eq!(wifi.name.as_ref().map(Ssid::as_str), Some("小明的网络"));
    assert_eq!((wifi.mode, wifi.band, wifi.channel), (Mode::PeopleOld, Some(Band::Two), Some(11)));
    assert_eq!(wifi.country.map(|country| country.to_string()).as_deref(), Some("CN"));
    assert_eq!(wifi.interface.as_deref(), Some("wlan1"));
    assert_eq!(config.people.default.map(|name| name.to_string()).as_deref(), Some("小明"));
}

/// The whole file at once: every key wrong once, and keys and sections that do not exist.
#[test]
fn every_field_wrong_once() {
    let text = include_str!("tests/every-field-wrong.toml");
    insta::assert_snapshot!(parse(text).expect_err("wrong"));
}

#[test]
fn each_way_to_be_wrong() {
    let mut told = String::new();
    for text in [
        "uplink = 3",
        "[[lan]]",
        "[uplink]\ninterface = \"\"",
        "[uplink]\ninterface = \"a-name-of-16-byt\"",
        "[uplink]\ninterface = \"../etc\"",
        "[uplink]\ninterface = \"eth0\\n\\u001b[2J\"",
        "[uplink]\nresolvers = \"9.9.9.9\"",
        "[uplink]\nresolvers = [\"9.9.9.9\", \"2620:fe::fe\", 9, \"0.0.0.0\", \"224.0.0.1\"]",
        "[uplink]\ninterface = \"eth0\"\n[lan]\ninterfaces = [\"eth1\", \"eth0\", \"eth1\"]",
        "[lan]\nsubnet = \"10.77.0.1/24\"",
        "[lan]\nsubnet = \"8.8.8.0/24\"",
        "[lan]\nsubnet = \"10.0.0.0/8\"",
        "[lan]\nsubnet = \"10.77.0.0\"",
        "[lan]\nsubnet = \"10.77.0.0/+24\"",
        "[lan]\nlease_time = 3600",
        "[lan]\nlease_time = \"1m\"",
        "[lan]\nlease_time = \"8d\"",
        "[lan]\nlease_time = \"1h30m\"",
        "[lan]\nlease_time = \"99999999999999999999d\"",
        "[grants]\nexpiry_seconds = 4",
        "[grants]\nexpiry_seconds = 301",
        "[grants]\nexpiry_seconds = -30",
        "[grants]\nexpiry_seconds = 30.0",
        "wifi = true",
        "[wifi]\nname = \"\"",
        "[wifi]\nname = \"a name of more than thirty-two by\"",
        "[wifi]\nname = \"evil\\u001b[2J\"",
        "[wifi]\nname = \"a\u{fe0f}\u{3164}\u{202e} name of more than thirty-two bytes\"",
        "[wifi]\nname = 7",
        "[wifi]\nmode = \"wep\"",
        "[wifi]\nmode = \"People\"",
        "[wifi]\ncountry = \"Germany\"",
        "[wifi]\ncountry = 49",
        "[wifi]\nband = 5",
        "[wifi]\nband = \"60\"",
        "[wifi]\nchannel = \"36\"",
        "[wifi]\nchannel = 0",
        "[wifi]\nchannel = 4294967297",
        "[lan]\ninterfaces = [\"wlan0\"]\n[wifi]\ninterface = \"wlan0\"",
        "[alerts]\nlanguage = \"tlh\"\nlevels = [0, 50, 50, \"80\"]\ntimeout = \"2m\"\nunusual_floor = 5",
        "[alerts]\nroll_notice_days = 31\nunusual_factor = -1\ndevice_waiting = \"yes\"\nretry_first = \"0s\"",
        "[alerts]\nwebhook = true\n[alerts.desktop]\nuser = \"anna\"",
        "[alerts.webhook]\ntoken_file = \"/t\"",
        "[alerts.webhook]\nurl = \"ftp://x/\"",
        "[alerts.webhook]\nurl = \"https://anna:secret@example.org/\"",
        "[alerts.webhook]\nurl = \"http://example.org/\"\ntoken_file = \"/t\"",
        "[alerts.mail]\nserver = \"a b\"\nfrom = \"anna\"\nport = 0\nsecurity = \"some\"",
        "[alerts.mail]\nserver = \"a\"\nfrom = \"a@b.example\"\nto = [\"a@b.example\"]\nuser = \"anna\"",
        "[alerts.mqtt]\nserver = \"a\"\nsecurity = \"starttls\"\ntopic = \"a/+/b\"\npassword_file = \"p\"",
        "[hotspot]\noff_when_idle = \"29s\"",
        "[hotspot]\noff_when_idle = \"8d\"",
        "[hotspot]\noff_when_idle = 0",
        "[web]\nmachine_port = 80\nadmin_from = \"internet\"",
        "[web]\nmachine_port = 65536\nadmin_from = 1",
        "[web]\nname = \"box.example.org\"\nkey = \"/k.pem\"",
        "[web]\nname = \"hotshare.internal\"\ncertificate = \"web.pem\"\nkey = 7",
        "[web]\nname = \"10.77.0.1\"\ncertificate = \"/a\"\nkey = \"/b\"",
        "[web]\nname = \"-a.example.org\"\ncertificate = \"/a\"\nkey = \"/b\"",
        "[web]\nname = \"box\"\ncertificate = \"/a\"\nkey = \"/b\"",
        "[web]\nname = \"größe.example.org\"\ncertificate = \"/a\"\nkey = \"/b\"",
        "[web]\nacme = true",
        "[web.acme]",
        "[web]\nname = \"a.example\"\ncertificate = \"/a\"\nkey = \"/b\"\n[web.acme]\nagree_to_terms = false",
        "[web]\nname = \"a.example\"\n[web.acme]\nagree_to_terms = \"yes\"\ndirectory = \"http://ca.example.org/\"",
        "[web.acme]\ncontact = \"anna\"\nca = \"ca.pem\"\ndns_server = \"ns1:\"\ndns_zone = \"a b\"\ndns_key = \"\"",
        "[web.acme]\ndns_algorithm = \"hmac-md5\"\ndns_secret = 1\nretry_first = \"0s\"\nretry_longest = \"2d\"",
        "[people]\ndefault = \"Guests\"",
        "[people]\ndefault = [\"guests\"]",
        "[lan]\n\"sub\\nnet\" = 1",
        "[lan]\nsubnet = \"10.77.0.0/24\"\nsubnet = \"10.78.0.0/24\"",
        "[lan\nsubnet",
        "[lan]\nsubnet = 10.77.0.0/24",
        "[lan]\ninterfaces = [\"eth1\"",
        "[größe]\n",
        "   # ünïcode before it\n   [lan] # 长\n   subnet = 1",
        "\u{feff}[lan]\nsubnet = 1",
        "\0",
    ] {
        told += &format!("{text:?}\n");
        for line in parse(text).expect_err(text).lines().filter(|line| line.starts_with("hotshare.toml")) {
            told += &format!("    {line}\n");
        }
    }
    insta::assert_snapshot!(told);
}

proptest::proptest! {
    /// Whatever is in the file, the answer is a configuration or a list of places.
    #[test]
    fn any_text_is_answered(
        text in "(\\[(uplink|lan|wifi|grants|people|hotspot|web|alerts|alerts.mail|alerts.webhook|alerts.mqtt)\\]\n|(interface|name|mode|country|band|channel|resolvers|interfaces|subnet|lease_time|off_when_idle|expiry_seconds|default) = |[\\[\\]\"',\n=0-9a-z./ü长\u{202e}]){0,12}",
    ) {
        if let Err(told) = parse(&text) {
            proptest::prop_assert!(told.starts_with("hotshare.toml:"), "{}", told);
        }
    }
}
