-- Wi-Fi: keys of people, and what tells a device on the air from one on a wire.

-- person: NULL is everybody's, in a network where the key does not say who it is. A key that is gone keeps its
-- row, so that its number is never given again, but not its passphrase. until: NULL is no end.
CREATE TABLE keys (
    id         INTEGER PRIMARY KEY CHECK (id >= 0),
    person     INTEGER REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED,
    passphrase TEXT,
    since      INTEGER NOT NULL,
    until      INTEGER,
    gone       INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1)),
    CHECK ((passphrase IS NULL) = gone)
) STRICT;

-- How many of somebody's devices may be on the air at once. NULL: as many as come.
ALTER TABLE people ADD COLUMN device_limit INTEGER;
ALTER TABLE devices ADD COLUMN wireless INTEGER NOT NULL DEFAULT 0 CHECK (wireless IN (0, 1));
