-- Access tokens of the API: only their hashes. A row stays when its token is revoked, so that what it did can be told.
CREATE TABLE tokens (
    id           BIGINT PRIMARY KEY,
    name         TEXT NOT NULL,
    hash         BYTEA NOT NULL UNIQUE,
    scopes       TEXT NOT NULL,
    connectors   TEXT,                   -- the uuids that it is limited to, a JSON list
    created_by   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    last_used_at BIGINT,
    revoked_at   BIGINT
);

INSERT INTO revisions (name, value) VALUES ('tokens', 0);

-- Who changed what, each row with the hash of the one before.
CREATE TABLE audit (
    seq        BIGINT PRIMARY KEY,
    at         BIGINT NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    target     TEXT NOT NULL,
    detail     TEXT NOT NULL,            -- JSON
    request_id TEXT,
    previous   TEXT NOT NULL,
    hash       TEXT NOT NULL
);

-- Number and hash of the newest row, kept apart: a tail that was cut off shows.
CREATE TABLE audit_head (
    id   BIGINT PRIMARY KEY,
    seq  BIGINT NOT NULL,
    hash TEXT NOT NULL
);

INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '');
