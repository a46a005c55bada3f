-- Accounts that people connected at third parties, with their tokens, sealed; written before what came with them is used.
CREATE TABLE accounts (
    connector    TEXT PRIMARY KEY,         -- uuid
    connection   INTEGER NOT NULL,          -- grows: tokens of an earlier connection are not used
    settings     TEXT NOT NULL,            -- hash of the OAuth settings that the tokens are for
    scope        TEXT,                     -- what they are good for, where that was said
    connected_at INTEGER NOT NULL,
    sealed       BLOB NOT NULL,
    good_until   INTEGER NOT NULL           -- of the access token
) STRICT, WITHOUT ROWID;

-- Browsers that were sent to a third party and have to come back with the state that they were given.
CREATE TABLE account_requests (
    state               TEXT PRIMARY KEY,  -- hex SHA-256
    connector           TEXT NOT NULL,     -- uuid
    credentials_version INTEGER NOT NULL,   -- other credentials: no longer good
    actor               TEXT NOT NULL,     -- who asked
    actor_until         INTEGER,            -- when their token ends, where it cannot be looked up
    return_url          TEXT,
    sealed              BLOB NOT NULL,    -- verifier and redirect URI
    created_at          INTEGER NOT NULL,
    used_at             INTEGER             -- a state is good once
) STRICT, WITHOUT ROWID;
CREATE INDEX account_requests_by_age ON account_requests (created_at);
