# What happened: the lines of the diary and the alerts, by their kind.

event-uplink = The uplink is { $interface }.
event-uplink-lost = The uplink is gone; nothing is forwarded.
event-grants-lost = The power failed or the machine was restarted: up to { $amount } that were granted count as used.
event-idle = Nobody was there for { $time }: the hotspot stopped.
event-card = The data card is { $card }.
event-card-new = The data card { $card } was never used here: nothing passes until you agree to it.
event-card-agreed = The data card { $card } may be used.
event-key-new = { $name } has a new Wi-Fi key.
event-key-revoked = { $name } has no Wi-Fi key any more.
event-device-new = A new device: { $device }. It waits for you.
event-device-new-of = A new device: { $device }. It is { $name }’s.
event-device-claim = { $device } waits for you, and says to be “{ $claim }”.
event-accounts-full = { $device } stays closed: all accounts are in use.
event-wrong-key =
    { $count ->
        [one] { $device } tried a wrong Wi-Fi passphrase and has to wait for { $time }.
       *[other] { $device } tried a wrong Wi-Fi passphrase { $count } times and has to wait for { $time }.
    }
event-too-many-devices =
    { $count ->
        [one] { $device } joined with { $name }’s key and was sent away: 1 device may be on the air at once.
       *[other] { $device } joined with { $name }’s key and was sent away: { $count } devices may be on the air at once.
    }
event-plan-slow = Everybody is slow: this part of the plan is slow.
event-plan-fast = The plan is fast again.
event-open = { $name } is open again.
event-open-all = Everybody is open again. Before: { $why }.
event-slow = { $name } is slow: the allowance is used up.
event-closed = { $name } is closed: { $why }.
event-closed-all = Everybody is closed: { $why }.
event-ledger-stuck = The ledger cannot be written, and nothing more is granted until it can:
event-only-sites = What is left of the plan is kept for some sites: { $sites }.
event-all-sites = Everything can be reached again.
event-asked = { $name } asks for { $amount }.
event-granted = { $name } gets { $amount } more.
event-denied = { $name } does not get { $amount } more.
event-gift = { $name } gives { $amount } to { $other }.
event-certificate-got = There is a certificate for the pages, good until { $day }.
event-certificate-renewed = The certificate of the pages is renewed, good until { $day }.
event-certificate-ends = The certificate of the pages ends on { $day }, and there is no later one.
event-certificate-failed = There is no new certificate for the pages yet:
event-passkey-new = A passkey was added: “{ $passkey }”.
event-passkey-gone = A passkey was removed: “{ $passkey }”.
event-passkey-copied = The passkey “{ $passkey }” was refused: its counter went back, so there may be a copy of it. Remove it if you do not know why.
event-alert-failed = An alert could not be delivered by { $channel }, and is not tried any more:
event-plan-level = { $percent } % of the plan is used: { $used } of { $all }.
event-allowance-level = { $name } has used { $percent } % of the allowance: { $used } of { $all }.
event-unusual-use = { $name } uses unusually much: { $amount } today.
event-unusual-device = { $device } of { $name } uses unusually much: { $amount } today.
event-plan-rolls-soon = The plan’s period ends on { $day }; { $used } are used.
event-device-waiting = { $device } waits for you to say whose it is.
event-price-step = To go on would cost { $money }. Nothing passes until you agree.

# Why the Wi-Fi is off.
off-died = hostapd ended; it is started again.
off-hung = hostapd does not answer; it is started again.
off-card-gone = The Wi-Fi card is gone.
off-silent = The Wi-Fi card stopped sending; it is started again.
off-uplink-moved = The uplink, on the same card, moved to another channel; the Wi-Fi follows it.
off-uplink-lost = The uplink, on the same card, has lost its network and looks for it on all channels.
off-failed = It could not be started:
off-stopped = It was stopped.

# Why this country, card and channel.
radio-country-configured = Country { $country }: as the configuration says
radio-country-of-uplink = Country { $country }: as the uplink’s network says
radio-country-of-locale = Country { $country }: as the language settings of this machine say
radio-card-is-uplinks = Card { $card }: { $interface } stays the uplink’s as well; the access point has an interface of its own
radio-card-leaves = Card { $card }: it is not the uplink; the network that { $interface } was joined to is left
radio-card-free = Card { $card }: it can be an access point, and nothing else uses it
radio-card-named = Card { $card }: the configuration names it
radio-channel-only-uplinks = Channel { $channel } ({ $band } GHz, { $width } MHz): the uplink is on it, and this card can be on one channel only
radio-channel-uplinks = Channel { $channel } ({ $band } GHz, { $width } MHz): the uplink is on it, so that the card need not hop between two
radio-channel-configured = Channel { $channel } ({ $band } GHz, { $width } MHz): as the configuration says
radio-channel-radar = Channel { $channel } ({ $band } GHz, { $width } MHz): as the configuration says; the card first listens for radar for a minute or more
radio-channel-first = Channel { $channel } ({ $band } GHz, { $width } MHz): the first of this band where an access point is allowed
radio-ports-own = Each device has an interface and a group key of its own
radio-ports-shared = The card’s driver has no interface for each device: devices share one group key, so they are kept apart less well
radio-ports-not-built = This hostapd was built without interfaces for single devices

# How far a device on the air has come.
station-admitted = Connected
station-waiting = Waits: it is being written down whose it is
station-too-many-devices =
    { $count ->
        [one] Not let in: its person may have 1 device on the air at once
       *[other] Not let in: its person may have { $count } devices on the air at once
    }
station-key-gone = Not let in: its key was taken away, or has ended
station-unknown = Not let in

# Why a device is kept out for a while.
denied-wrong-key = too many wrong passphrases
denied-too-many-devices = too many devices of its person
denied-unknown = kept out
