-- Data cards, each with a plan of its own.

-- A card that is gone keeps its row, so that its number is never given again. network: the Wi-Fi network's name.
CREATE TABLE cards (
    id        INTEGER PRIMARY KEY CHECK (id > 0),
    interface TEXT NOT NULL,
    network   TEXT,
    agreed    INTEGER NOT NULL CHECK (agreed IN (0, 1)),
    since     INTEGER NOT NULL,
    gone      INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1))
) STRICT;

-- The card that is in. 1 is the first: what was kept before there were cards is that one's.
ALTER TABLE kept ADD COLUMN card INTEGER NOT NULL DEFAULT 1;

-- One row for each card: id is the card's. What is used of a plan stands with its parts.
CREATE TABLE plan_new (
    id           INTEGER PRIMARY KEY CHECK (id > 0),
    cap          INTEGER,
    period       TEXT NOT NULL CHECK (period IN ('monthly', 'every-days', 'once')),
    days         INTEGER,
    from_date    TEXT,
    until_date   TEXT,
    zone         TEXT NOT NULL,
    zone_rules   BLOB NOT NULL,
    at_cap       TEXT NOT NULL CHECK (at_cap IN ('stop')),
    currency     TEXT,
    vat          INTEGER,
    vat_included INTEGER,
    fee          INTEGER
) STRICT;
INSERT INTO plan_new SELECT id, cap, period, days, from_date, until_date, zone, zone_rules, at_cap, currency, vat,
    vat_included, fee FROM plan;
DROP TABLE plan;
ALTER TABLE plan_new RENAME TO plan;
ALTER TABLE buckets ADD COLUMN card INTEGER NOT NULL DEFAULT 1;

-- In `spent`, tally is now, for the card with the number n: 1 - 2n billed, -2n delivered; 2^49 + MAC is a device's;
-- else the person's id.
