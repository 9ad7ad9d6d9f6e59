//! Why the kernel meter dropped a packet, or passed it on without the mark that lets it be forwarded.

use std::fmt;

/// One counter in the kernel each. The words are promised: they appear in `doctor` and in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Too short to be what it claims.
    Malformed,
    /// A tagged frame on the LAN.
    Vlan,
    /// IPv6 from the LAN is not forwarded yet.
    Ipv6,
    /// Neither IPv4 nor ARP.
    Ethertype,
    /// The sender's hardware address is a group's, or zero.
    BadSourceMac,
    /// ARP that claims to be the gateway, or another device.
    SpoofedArp,
    /// A known device used an address that it was not given.
    SpoofedAddress,
    /// Meant for another device, bounced through the gateway.
    StationToStation,
    /// Passed on unmarked: nobody knows the device.
    UnknownDevice,
    /// Passed on unmarked: the device has no address from us yet.
    NoLease,
    /// Passed on unmarked: device, person or plan is closed or its grant expired.
    ClosedAtLan,
    /// Marked when it came in, closed when it was to leave.
    ClosedUp,
    /// A download for whom is closed.
    ClosedDown,
    /// Faster than the plan, near its end, allows.
    GlideUp,
    GlideDown,
    /// The person's grant did not cover it.
    PersonSpentUp,
    PersonSpentDown,
    /// The plan's grant did not cover it.
    PlanSpentUp,
    PlanSpentDown,
    /// The box's own traffic, when the plan had nothing left at all.
    PlanSpentOwn,
    /// A download for a device that nobody knows.
    UnknownReceiver,
    /// Faster than the person's rate.
    PersonRateUp,
    PersonRateDown,
    /// All people together were faster than the plan's rate.
    PlanRateUp,
    PlanRateDown,
}

impl Reason {
    /// In the order of the kernel's map, whose index 0 is unused.
    pub const ALL: [Reason; 25] = [
        Reason::Malformed,
        Reason::Vlan,
        Reason::Ipv6,
        Reason::Ethertype,
        Reason::BadSourceMac,
        Reason::SpoofedArp,
        Reason::SpoofedAddress,
        Reason::StationToStation,
        Reason::UnknownDevice,
        Reason::NoLease,
        Reason::ClosedAtLan,
        Reason::ClosedUp,
        Reason::ClosedDown,
        Reason::GlideUp,
        Reason::GlideDown,
        Reason::PersonSpentUp,
        Reason::PersonSpentDown,
        Reason::PlanSpentUp,
        Reason::PlanSpentDown,
        Reason::PlanSpentOwn,
        Reason::UnknownReceiver,
        Reason::PersonRateUp,
        Reason::PersonRateDown,
        Reason::PlanRateUp,
        Reason::PlanRateDown,
    ];

    /// A stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Reason::Malformed => "malformed",
            Reason::Vlan => "vlan",
            Reason::Ipv6 => "ipv6",
            Reason::Ethertype => "ethertype",
            Reason::BadSourceMac => "bad-source-mac",
            Reason::SpoofedArp => "spoofed-arp",
            Reason::SpoofedAddress => "spoofed-address",
            Reason::StationToStation => "station-to-station",
            Reason::UnknownDevice => "unknown-device",
            Reason::NoLease => "no-lease",
            Reason::ClosedAtLan => "closed-at-lan",
            Reason::ClosedUp => "closed-up",
            Reason::ClosedDown => "closed-down",
            Reason::GlideUp => "glide-up",
            Reason::GlideDown => "glide-down",
            Reason::PersonSpentUp => "person-spent-up",
            Reason::PersonSpentDown => "person-spent-down",
            Reason::PlanSpentUp => "plan-spent-up",
            Reason::PlanSpentDown => "plan-spent-down",
            Reason::PlanSpentOwn => "plan-spent-own",
            Reason::UnknownReceiver => "unknown-receiver",
            Reason::PersonRateUp => "person-rate-up",
            Reason::PersonRateDown => "person-rate-down",
            Reason::PlanRateUp => "plan-rate-up",
            Reason::PlanRateDown => "plan-rate-down",
        }
    }

    /// Whether the packet was dropped here; otherwise it went on unmarked, for nft to refuse politely.
    #[must_use]
    pub const fn dropped(self) -> bool {
        !matches!(self, Reason::UnknownDevice | Reason::NoLease | Reason::ClosedAtLan)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
