-- Access tokens of the API: only their hashes. A row stays when its token is revoked, so that what it did can be told.
CREATE TABLE tokens (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    scopes       TEXT NOT NULL,
    connectors   TEXT,                   -- the uuids that it is limited to, a JSON list
    created_by   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;

INSERT INTO revisions (name, value) VALUES ('tokens', 0);

-- Who changed what, each row with the hash of the one before.
CREATE TABLE audit (
    seq        INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    target     TEXT NOT NULL,
    detail     TEXT NOT NULL,            -- JSON
    request_id TEXT,
    previous   TEXT NOT NULL,
    hash       TEXT NOT NULL
) STRICT;

-- Number and hash of the newest row, kept apart: a tail that was cut off shows.
CREATE TABLE audit_head (
    id   INTEGER PRIMARY KEY,
    seq  INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;

INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '');
