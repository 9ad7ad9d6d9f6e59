-- Passkeys let the owner in, beside the password. Nothing here is secret: of each there is its public key.

-- digest: of credential. host: the name of the host that it is good at (the RP ID). credential: its id, as its device
-- chose it. user: what its device was told of whose it is. key, state: as what judges answers wrote them; state holds the
-- counter of its signatures. used: NULL: never.
CREATE TABLE passkeys (
    digest     BLOB    PRIMARY KEY CHECK (length(digest) = 32),
    name       TEXT    NOT NULL UNIQUE,
    host       TEXT    NOT NULL,
    credential BLOB    NOT NULL,
    user       BLOB    NOT NULL CHECK (length(user) = 16),
    key        BLOB    NOT NULL,
    state      BLOB    NOT NULL CHECK (length(state) = 7),
    since      INTEGER NOT NULL,
    used       INTEGER
) STRICT, WITHOUT ROWID;

-- The passkey that a session was begun by: it ends with that one. NULL: by a password or a link.
ALTER TABLE sessions ADD COLUMN passkey BLOB CHECK (length(passkey) = 32);
