-- Who may come to the owner's dashboard. No secret is here: of sessions, links and tokens a hash of 32 bytes is kept
-- (they are drawn, nobody can guess them), of passwords what argon2id makes of them.

-- role: 'owner' or 'viewer'. hash: a PHC string.
CREATE TABLE passwords (
    role TEXT PRIMARY KEY,
    hash TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- at_machine: begun by the machine's own door, and good there only.
CREATE TABLE sessions (
    digest     BLOB    PRIMARY KEY CHECK (length(digest) = 32),
    role       TEXT    NOT NULL,
    at_machine INTEGER NOT NULL,
    begun      INTEGER NOT NULL,
    used       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE links (
    digest BLOB    PRIMARY KEY CHECK (length(digest) = 32),
    role   TEXT    NOT NULL,
    made   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- scope: 'read', 'write' or 'metrics'.
CREATE TABLE tokens (
    digest BLOB    PRIMARY KEY CHECK (length(digest) = 32),
    name   TEXT    NOT NULL UNIQUE,
    scope  TEXT    NOT NULL,
    since  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- People whose devices are an owner's. Somebody else of the same name later is not.
CREATE TABLE owners (
    person INTEGER PRIMARY KEY REFERENCES people (id)
) STRICT;

-- Devices on which an owner's link was used.
CREATE TABLE owner_devices (
    mac   INTEGER PRIMARY KEY,
    since INTEGER NOT NULL
) STRICT;
