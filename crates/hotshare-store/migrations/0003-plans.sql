-- Plans of several parts; what comes on top of caps and allowances; rules for people; what they ask for.

-- The ledger again, with more accounts and kinds. account: -1 - ID is a part of a plan (-1: the first), an id is a
-- person; 2^33 + ID is what comes on top of a person's allowance, -2^33 - ID on top of a part's cap. kind: 1 grant,
-- 2 return, 3 overrun, 4 correction (used); 5 top-up, 6 gift, 7 loan, 8 rolled over, 9 bought (on top).
DROP TRIGGER entries_are_never_changed;
DROP TRIGGER entries_are_never_removed;
DROP TRIGGER entries_make_totals;
CREATE TABLE entries_new (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    account INTEGER NOT NULL,
    period  INTEGER NOT NULL,
    kind    INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 9),
    bytes   INTEGER NOT NULL
) STRICT;
INSERT INTO entries_new SELECT id, at, account, period, kind, bytes FROM entries;
DROP TABLE entries;
ALTER TABLE entries_new RENAME TO entries;

CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'ledger entries are never changed: post a correction'); END;

CREATE TRIGGER entries_are_never_removed BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'ledger entries are never removed: post a correction'); END;

CREATE TRIGGER entries_make_totals AFTER INSERT ON entries
BEGIN
    INSERT INTO totals (account, period, bytes) VALUES (NEW.account, NEW.period, NEW.bytes)
    ON CONFLICT (account, period) DO UPDATE SET bytes = bytes + excluded.bytes;
END;

-- Whose the unspent part of a grant is. NULL (from before): the plan's first part, or the person of the slot.
ALTER TABLE slots ADD COLUMN granted_account INTEGER;
UPDATE slots SET granted_account = CASE
    WHEN slot = 1 THEN -1
    ELSE (SELECT id FROM people WHERE people.slot = slots.slot AND NOT gone ORDER BY id DESC LIMIT 1)
END;

-- The parts of the plan, in their order; a part that is gone keeps its row, so that its number is never given again.
-- period NULL: with the plan. hours: NULL is always, else windows as `days from until` (days: bit 0 is Monday; times in
-- minutes since midnight), one a line. rate: bytes a second. Money is in millionths of the currency's unit. people:
-- NULL is everybody, else names, one a line. unused: what is left over is lost, good for the next period, or kept.
CREATE TABLE buckets (
    id         INTEGER PRIMARY KEY CHECK (id >= 0),
    place      INTEGER,
    name       TEXT NOT NULL,
    cap        INTEGER,
    period     TEXT CHECK (period IN ('monthly', 'every-days', 'once')),
    days       INTEGER,
    from_date  TEXT,
    until_date TEXT,
    unused     TEXT NOT NULL CHECK (unused IN ('lost', 'next-period', 'kept')),
    kept_most  INTEGER,
    hours      TEXT,
    rate       INTEGER,
    price      INTEGER,
    unit       INTEGER,
    money_limit INTEGER,
    money_step INTEGER,
    people     TEXT,
    since      INTEGER NOT NULL
) STRICT;
INSERT INTO buckets (id, place, name, cap, unused, since) SELECT 0, 0, 'plan', cap, 'lost', 0 FROM plan;

-- What is said about money. vat: thousandths.
ALTER TABLE plan ADD COLUMN currency TEXT;
ALTER TABLE plan ADD COLUMN vat INTEGER;
ALTER TABLE plan ADD COLUMN vat_included INTEGER;
ALTER TABLE plan ADD COLUMN fee INTEGER;

-- An allowance that is a fair share of the plan. at_end: NULL is stop, else bytes a second. bed_times as hours above.
ALTER TABLE people ADD COLUMN fair INTEGER NOT NULL DEFAULT 0 CHECK (fair IN (0, 1));
ALTER TABLE people ADD COLUMN weight INTEGER NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 100);
ALTER TABLE people ADD COLUMN slow_rate INTEGER;
ALTER TABLE people ADD COLUMN bed_times TEXT;
ALTER TABLE people ADD COLUMN until INTEGER;

-- What a person asks the owner for.
CREATE TABLE wishes (
    person INTEGER PRIMARY KEY,
    bytes  INTEGER NOT NULL,
    at     INTEGER NOT NULL
) STRICT;
