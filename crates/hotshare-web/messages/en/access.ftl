# The pages for logging in to the dashboard.
access-log-in = Log in
access-as = As
access-owner = Owner
access-viewer = Viewer, who changes nothing
access-password = Password
access-forgotten = Forgotten it? A one-time link lets you in. On the machine itself, type:
access-no-password = There is no password. A one-time link lets you in. On the machine itself, type:
access-wrong = This is not the password.
access-wrong-wait = This is not the password. The next try is possible in { $secs ->
    [one] 1 second
   *[other] { $secs } seconds
  }.
access-too-early = There were several wrong passwords. Try again in { $secs ->
    [one] 1 second
   *[other] { $secs } seconds
  }.
access-busy = Too much is going on. Try again in a moment.

access-welcome = Welcome
access-choose = Choose the password for the dashboard. This link works once.
access-choose-or-not = This link works once. You can choose a new password, or leave both places empty and change nothing.
access-new-password = New password
access-repeated = The same once more
access-rules = 8 to 63 plain letters, digits, spaces and signs; best are four words or more that do not belong together.
access-only-look = With this link you can look at everything, and change nothing.
access-come-in = Go to the dashboard
access-not-the-same = The two passwords are not the same.
access-weak-length = A password has 8 to 63 characters.
access-weak-character = A password is made of plain ASCII letters, digits, spaces and signs, and has no space at its ends.
access-weak-guessable = This password is too easy to guess. Write four words or more that do not belong together.
access-weak-missing = Choose a password or add a passkey: there is nothing yet that lets you in.
access-link-gone = This link does not work any more
access-link-gone-why = Each link works once, and for an hour. On the machine itself, “hotshare access link” makes a new one.

access-refused = This is not possible
access-not-from-here = The owner does not let the dashboard be reached from this device.
access-not-own-page = This form was not sent by a page of the dashboard, so nothing was changed.
access-old-form = This form is from an earlier visit, so nothing was changed. Load the page again.
access-only-owner = You can look at everything; only the owner can change something.
access-back = To the dashboard

passkey-log-in = Log in with a passkey
passkey-instead = Or let this device, or a security key, be the key: no password can be guessed or read then.
passkey-name = Name of the passkey, such as “phone”
passkey-make = Add a passkey
passkey-lacks = This browser knows no passkeys.
passkey-not = There is no passkey: it was called off, or took too long.
passkey-there = This device has a passkey for here already.
passkey-wrong = This passkey does not let anybody in.
passkey-wrong-wait = This passkey does not let anybody in. The next try is possible in { $secs ->
    [one] 1 second
   *[other] { $secs } seconds
  }.
passkey-stale = That took too long, or was used already. Try again.
passkey-bad-name = A name has 1 to 40 letters, digits, spaces, dots, dashes or underscores.
passkey-name-taken = Another passkey has this name.
passkey-too-many = There are too many passkeys. Remove one that is not used.
passkey-unclear = What the browser sent cannot be read.
passkey-not-here = Passkeys work at localhost on the machine itself, and at the hotspot's name with TLS.
