//! Names that never leave the box.

use super::ends_with;

/// What a name is, when it is not an ordinary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    /// `localhost`, and what is under it (RFC 6761, section 6.3).
    Loopback,
    /// In a zone that is not in the public tree; `zone` labels of the name, counted from the root.
    Absent { zone: usize },
    /// In a zone that is there and has nothing in it.
    Empty { zone: usize },
    /// A single label: a machine of the home or a typing error, not a host of the Internet.
    Bare,
}

/// Zones that are not in the public tree, and would only give away what is asked: RFC 6761 and 6762,
/// 7686, 8375, 9476, ICANN's `.internal`, and the reverse zones of RFC 6303 and 7793.
const ABSENT: &[&[&str]] = &[
    &["internal"],
    &["local"],
    &["home", "arpa"],
    &["invalid"],
    &["test"],
    &["onion"],
    &["alt"],
    &["0", "in-addr", "arpa"],
    &["10", "in-addr", "arpa"],
    &["127", "in-addr", "arpa"],
    &["254", "169", "in-addr", "arpa"],
    &["168", "192", "in-addr", "arpa"],
    &["2", "0", "192", "in-addr", "arpa"],
    &["100", "51", "198", "in-addr", "arpa"],
    &["113", "0", "203", "in-addr", "arpa"],
    &["255", "255", "255", "255", "in-addr", "arpa"],
    // fd00::/8, fe80::/10 and 2001:db8::/32; :: and ::1 are below.
    &["d", "f", "ip6", "arpa"],
    &["8", "e", "f", "ip6", "arpa"],
    &["9", "e", "f", "ip6", "arpa"],
    &["a", "e", "f", "ip6", "arpa"],
    &["b", "e", "f", "ip6", "arpa"],
    &["8", "b", "d", "0", "1", "0", "0", "2", "ip6", "arpa"],
];

/// `172.16.0.0/12` and `100.64.0.0/10`: the first octet, and the range of the second.
const ABSENT_RANGES: &[(u8, std::ops::RangeInclusive<u8>)] = &[(172, 16..=31), (100, 64..=127)];

pub(super) fn special(labels: &[&[u8]]) -> Option<Special> {
    if ends_with(labels, &["localhost"]) {
        return Some(Special::Loopback);
    }
    if let Some(zone) = ABSENT.iter().find(|zone| ends_with(labels, zone)) {
        return Some(Special::Absent { zone: zone.len() });
    }
    // Encrypted resolvers are found through it (RFC 9462): those of the uplink are not the gateway's.
    if ends_with(labels, &["resolver", "arpa"]) {
        return Some(Special::Empty { zone: 2 });
    }
    if let Some(special) = private_range(labels).or_else(|| lowest_ip6(labels)) {
        return Some(special);
    }
    (labels.len() == 1).then_some(Special::Bare)
}

fn private_range(labels: &[&[u8]]) -> Option<Special> {
    let [.., second, first, in_addr, arpa] = labels else { return None };
    let (first, second) = (octet(first)?, octet(second)?);
    let private = ABSENT_RANGES.iter().any(|(a, range)| *a == first && range.contains(&second));
    (private && ends_with(&[in_addr, arpa], &["in-addr", "arpa"])).then_some(Special::Absent { zone: 4 })
}

/// `::` and `::1`, whose reverse names have 32 labels and the zone's two.
fn lowest_ip6(labels: &[&[u8]]) -> Option<Special> {
    let (lowest, rest) = labels.split_first()?;
    let lowest = matches!(lowest, [b'0' | b'1']);
    let zeros = rest.iter().take(31).all(|label| *label == b"0");
    (labels.len() == 34 && lowest && zeros && ends_with(labels, &["ip6", "arpa"]))
        .then_some(Special::Absent { zone: 34 })
}

/// A decimal octet, written as it is in reverse names.
pub(super) fn octet(label: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(label).ok()?;
    let canonical = text.len() == 1 || !text.starts_with('0');
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if canonical && digits { text.parse().ok() } else { None }
}
