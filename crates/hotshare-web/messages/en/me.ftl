# “My data”: what a device finds at the gateway's address.

me-title = My data
me-reload = Load this page again
me-as-of = As of { $at }.
me-busy = The hotspot is busy. Load this page again in a moment.

# Who is asking
me-you = You are { $name }.
me-stranger = This device is not known here.
me-stranger-why = The hotspot did not give it its address. Let the device get its address by itself (DHCP, “automatic”).
me-waits = This device waits.
me-waits-why = Nobody has said yet whose it is. Show this to the owner of the hotspot:
me-blocked = This device is blocked.
me-blocked-why = The owner of the hotspot has blocked it:

# Who are you?
me-who = Who are you?
me-who-label = Your name
me-who-help = The owner of the hotspot is shown what you write, with the number above, and decides.
me-who-send = Tell the owner
me-who-said = You said that you are { $claim }. The owner has not answered yet.
me-who-again = Say it in another way

# What is left
me-left = What you have left
me-left-of = of { $all }
me-left-until = It ends at { $when }.
me-left-renews = It renews at { $when }.
me-left-none = No limit of your own
me-left-fair = A fair share of everything
me-left-percent = { $percent } % left
me-used = Used so far: { $used }
me-key-until = Your Wi-Fi key holds until { $when }.
me-time-until = Your time here ends at { $when }.

# Why it is slow or closed
me-why = Why it does not work now
me-why-slow-title = Why it is slow
me-slow = You go on, slowly: { $rate }.
me-again-at = It opens again at { $when }.
me-fast-at = It is fast again at { $when }.
me-ask-owner = Ask the owner of the hotspot.
me-why-paused = The owner of the hotspot has paused you.
me-why-allowance-used = Your allowance is used up.
me-why-ended = The time that was given to you is over.
me-why-bed-time = It is bed time: you are closed at this hour.
me-why-kept-for-others = What is left of the data plan is kept for others.
me-why-asks-for-money = More data would cost money, and the owner has not agreed to it yet.
me-why-new-card = The data card is new, and the owner has not agreed to use it yet.
me-why-plan-slow = This part of the data plan is slow.
me-why-card-unknown = The hotspot does not know yet which SIM is in its modem. Wait a minute.
me-why-only-sites = What is left of the data plan is kept for some sites; nothing else can be reached.
me-why-plan-used = Everybody's data plan is used up.
me-why-plan-over = The data plan has not begun or is over.
me-why-no-uplink = The hotspot has no connection to the internet at the moment.
me-why-ledger-stuck = The hotspot cannot write down what is used, so it lets nothing through. Tell its owner.
me-why-unknown = You are closed.

# The plan that everybody shares
me-plan = Everybody's data plan
me-plan-left = { $left } are left for everybody.
me-plan-open = It has no limit.
me-plan-renews = It renews at { $when }.

# How long it lasts
me-outlook-little = It is too early to say how long it will last.
me-outlook-lasts = It should last until { $day }.
me-outlook-lasts-open = It should last.
me-outlook-out = It will probably be used up on { $day }.
me-outlook-out-between = It will probably be used up between { $first } and { $last }.
me-outlook-perhaps = It may be used up from { $day } on.
me-outlook-safe = So that it lasts: another { $rest } today.

# Devices
me-devices = What your devices used
me-device = Device
me-today = Today
me-month = This month
me-this-device = this device
me-device-nameless = A device without a name
me-all-devices = All together
me-usage-busy = What was used cannot be shown at the moment.

# Asking and giving
me-ask = Ask for more
me-ask-label = How much more?
me-ask-send = Ask the owner
me-ask-waits = You asked for { $amount } more. The owner has not answered yet.
me-give = Give some of yours away
me-give-to = To whom?
me-give-mb = How many MB? You have { $most } MB.
me-give-send = Give

# After a form
me-done-given = It is given.
me-no-form = This form is taken from its own page only. Load the page again.
me-no-amount = That is not an amount that can be sent here.
me-no-enough = You have not so much left.
me-no-person = That person cannot be given anything.
me-no-name = Write a name of letters or digits.
me-no-often = That was too often in a short time. Try again in a minute.
me-no-other = It could not be done. Load the page again, and ask the owner if it stays so.
