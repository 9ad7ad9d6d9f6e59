//! The Network Cost element of beacons: Windows, NetworkManager and iwd read from it that the network is metered.

use super::Cost;

/// The vendor element that says this, from its element id on ([MS-NCT] 2.2.1: length 8, Microsoft's OUI
/// `00-50-f2`, type `0x11`, then cost level and cost flags, each 16 bits little-endian).
#[must_use]
pub fn cost_element(cost: Cost) -> [u8; 10] {
    // level 2, "Fixed": metered, and counted against a limit; the flags tell how near it is
    let flags = match cost {
        Cost::Metered => 0,
        Cost::NearLimit => APPROACHING_LIMIT,
        Cost::OverLimit => OVER_LIMIT,
    };
    let [a, b, c, d, e, f] = HEAD;
    [a, b, c, d, e, f, FIXED, 0, flags, 0]
}

/// What such an element says; `None` if it is another one, or says that the network is not metered.
#[must_use]
pub fn read_cost_element(element: &[u8]) -> Option<Cost> {
    let &[level, _, flags, _] = element.strip_prefix(&HEAD)? else { return None };
    if level != FIXED && level != VARIABLE {
        None
    } else if flags & OVER_LIMIT != 0 {
        Some(Cost::OverLimit)
    } else if flags & APPROACHING_LIMIT != 0 {
        Some(Cost::NearLimit)
    } else {
        Some(Cost::Metered)
    }
}

const HEAD: [u8; 6] = [0xdd, 8, 0x00, 0x50, 0xf2, 0x11];
const FIXED: u8 = 0x02;
const VARIABLE: u8 = 0x04;
const OVER_LIMIT: u8 = 0x01;
const APPROACHING_LIMIT: u8 = 0x08;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cost_comes_back() {
        for cost in [Cost::Metered, Cost::NearLimit, Cost::OverLimit] {
            assert_eq!(read_cost_element(&cost_element(cost)), Some(cost));
        }
        assert_eq!(cost_element(Cost::NearLimit), [0xdd, 8, 0, 0x50, 0xf2, 0x11, 2, 0, 8, 0]);
    }

    #[test]
    fn others_are_not_read() {
        let unrestricted = [0xdd, 8, 0, 0x50, 0xf2, 0x11, 1, 0, 0, 0];
        let wmm = [0xdd, 7, 0, 0x50, 0xf2, 2, 0, 1, 0];
        let cut = [0xdd, 8, 0, 0x50, 0xf2, 0x11, 2];
        for element in [&unrestricted[..], &wmm, &cut, &[]] {
            assert_eq!(read_cost_element(element), None);
        }
    }
}
