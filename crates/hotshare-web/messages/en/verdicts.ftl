# Why somebody is closed or slow.
why-paused = Paused by the owner
why-allowance-used = The allowance is used up
why-plan-used = The data plan is used up
why-plan-over = The data plan has not begun, or is over
why-no-uplink = No connection to the internet
why-ledger-stuck = Usage cannot be written down, so nothing passes
why-slow = Slow
why-ended = The time that was given is over
why-bed-time = Bed time
why-kept-for-others = What is left of the plan is kept for others
why-asks-for-money = More would cost money, and the owner has not agreed
why-plan-slow = This part of the plan is slow
why-new-card = The data card is new, and the owner has not agreed to it
why-card-unknown = It is not known yet which SIM is in the modem
why-only-sites = Only some sites can be reached
why-open = Open
why-unknown = Closed
