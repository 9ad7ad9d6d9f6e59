-- The first schema. Times are Unix seconds, amounts are layer-3 bytes, a MAC is a 48-bit number
-- (printf('%012x', mac)), a day is the number of days since 1970-01-01 in the plan's zone.

PRAGMA application_id = 1215263859; -- “Hots”

-- The ledger. account: -1 is the plan, else the person's id. period: the day on which the account's period
-- began; -2147483648 for an allowance that never renews. kind: 1 grant, 2 return, 3 overrun, 4 correction.
-- Positive bytes are used, negative ones given back.
CREATE TABLE entries (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    account INTEGER NOT NULL CHECK (account >= -1),
    period  INTEGER NOT NULL,
    kind    INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 4),
    bytes   INTEGER NOT NULL
) STRICT;

CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'ledger entries are never changed: post a correction'); END;

CREATE TRIGGER entries_are_never_removed BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'ledger entries are never removed: post a correction'); END;

-- The sums of the entries. Only the trigger writes here.
CREATE TABLE totals (
    account INTEGER NOT NULL,
    period  INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    PRIMARY KEY (account, period)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER entries_make_totals AFTER INSERT ON entries
BEGIN
    INSERT INTO totals (account, period, bytes) VALUES (NEW.account, NEW.period, NEW.bytes)
    ON CONFLICT (account, period) DO UPDATE SET bytes = bytes + excluded.bytes;
END;

-- What the kernel's accounts were given, and the reading up to which they were settled, in one generation of
-- maps. Counters use all 64 bits: read them as unsigned.
CREATE TABLE slots (
    slot           INTEGER PRIMARY KEY,
    granted        INTEGER,
    granted_period INTEGER,
    settled        INTEGER NOT NULL DEFAULT 0 CHECK (settled IN (0, 1)),
    read_granted   INTEGER NOT NULL DEFAULT 0,
    read_spent     INTEGER NOT NULL DEFAULT 0,
    up             INTEGER NOT NULL DEFAULT 0,
    down           INTEGER NOT NULL DEFAULT 0,
    refused_up     INTEGER NOT NULL DEFAULT 0,
    refused_down   INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Single values. One row.
CREATE TABLE kept (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    clock      INTEGER,
    generation INTEGER
) STRICT;
INSERT INTO kept (id) VALUES (1);

-- What was bought. One row. cap: NULL is none; all 64 bits. The zone's rules (RFC 9636) are kept with its
-- name, so that the periods can be worked out on a machine that has no time zone data.
CREATE TABLE plan (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    cap        INTEGER,
    period     TEXT NOT NULL CHECK (period IN ('monthly', 'every-days', 'once')),
    days       INTEGER,
    from_date  TEXT,
    until_date TEXT,
    zone       TEXT NOT NULL,
    zone_rules BLOB NOT NULL,
    at_cap     TEXT NOT NULL CHECK (at_cap IN ('stop'))
) STRICT;

-- Rows of people who are gone stay, because entries and usage speak of them. every: NULL is unlimited.
CREATE TABLE people (
    id        INTEGER PRIMARY KEY CHECK (id >= 0),
    name      TEXT NOT NULL,
    allowance INTEGER,
    every     TEXT CHECK (every IN ('day', 'week', 'month', 'total')),
    paused    INTEGER NOT NULL CHECK (paused IN (0, 1)),
    slot      INTEGER NOT NULL,
    since     INTEGER NOT NULL,
    gone      INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1))
) STRICT;

CREATE TABLE devices (
    mac        INTEGER PRIMARY KEY,
    person     INTEGER REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED,
    blocked    INTEGER NOT NULL CHECK (blocked IN (0, 1)),
    slot       INTEGER,
    host_name  TEXT,
    first_seen INTEGER NOT NULL
) STRICT;
CREATE INDEX devices_by_person ON devices (person);

CREATE TABLE leases (
    mac       INTEGER PRIMARY KEY,
    ip        TEXT NOT NULL,
    client_id BLOB,
    host_name TEXT,
    expires   INTEGER NOT NULL
) STRICT;

-- Usage by device, and the person it belonged to then; mac 0 and person -1 is the plan (billed). Minutes are
-- summed into hours, hours into days. Hours and days begin where the plan's zone begins them.
CREATE TABLE usage_minutes (
    begins       INTEGER NOT NULL,
    mac          INTEGER NOT NULL,
    person       INTEGER NOT NULL,
    up           INTEGER NOT NULL,
    down         INTEGER NOT NULL,
    refused_up   INTEGER NOT NULL,
    refused_down INTEGER NOT NULL,
    PRIMARY KEY (begins, mac, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_hours (
    begins       INTEGER NOT NULL,
    mac          INTEGER NOT NULL,
    person       INTEGER NOT NULL,
    up           INTEGER NOT NULL,
    down         INTEGER NOT NULL,
    refused_up   INTEGER NOT NULL,
    refused_down INTEGER NOT NULL,
    PRIMARY KEY (begins, mac, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_days (
    begins       INTEGER NOT NULL,
    mac          INTEGER NOT NULL,
    person       INTEGER NOT NULL,
    up           INTEGER NOT NULL,
    down         INTEGER NOT NULL,
    refused_up   INTEGER NOT NULL,
    refused_down INTEGER NOT NULL,
    PRIMARY KEY (begins, mac, person)
) STRICT, WITHOUT ROWID;

-- Sums by civil day. tally: -1 billed, -2 delivered, else the person's id.
CREATE TABLE spent (
    tally        INTEGER NOT NULL,
    day          INTEGER NOT NULL,
    up           INTEGER NOT NULL,
    down         INTEGER NOT NULL,
    refused_up   INTEGER NOT NULL,
    refused_down INTEGER NOT NULL,
    PRIMARY KEY (tally, day)
) STRICT, WITHOUT ROWID;

-- The owner's diary. The newest 10,000 lines are kept.
CREATE TABLE diary (
    id   INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX diary_by_time ON diary (at);
