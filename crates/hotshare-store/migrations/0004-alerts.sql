-- Alerts: what was told, and how far each is on its way.

-- The outbox; the newest are kept. kind: a word. about: a person's name or a device's address. used and amount (the
-- limit): all 64 bits.
CREATE TABLE alerts (
    id      INTEGER PRIMARY KEY CHECK (id > 0),
    at      INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    about   TEXT,
    percent INTEGER,
    used    INTEGER,
    amount  INTEGER,
    title   TEXT NOT NULL,
    text    TEXT NOT NULL
) STRICT;

-- state: 0 pending, 1 delivered, 2 failed for good. settled: when that was. error: why the last attempt failed.
CREATE TABLE deliveries (
    alert    INTEGER NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    channel  TEXT NOT NULL CHECK (channel IN ('desktop', 'webhook', 'mail', 'mqtt')),
    state    INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_try INTEGER NOT NULL,
    settled  INTEGER,
    error    TEXT,
    PRIMARY KEY (alert, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_pending ON deliveries (channel, alert) WHERE state = 0;

-- What was told in which period, so that it is told once. subject: -1 is the plan, else a person's id; a device's
-- address is in mac (0: none). period as in entries. The last four periods of a subject are kept.
CREATE TABLE told (
    kind    TEXT NOT NULL,
    subject INTEGER NOT NULL,
    mac     INTEGER NOT NULL,
    period  INTEGER NOT NULL,
    level   INTEGER NOT NULL,
    used    INTEGER NOT NULL,
    alert   INTEGER NOT NULL,
    PRIMARY KEY (kind, subject, mac, period)
) STRICT, WITHOUT ROWID;

-- The highest number ever given to an alert.
ALTER TABLE kept ADD COLUMN last_alert INTEGER NOT NULL DEFAULT 0;
