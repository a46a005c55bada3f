-- Counts the changes of a connector's credentials alone: a token outlives an edit of its endpoints.
ALTER TABLE connectors ADD COLUMN credentials_version INTEGER NOT NULL DEFAULT 1;

-- Refresh tokens that change with every use, sealed; written down before what came with them is used.
CREATE TABLE refresh_tokens (
    connector  TEXT PRIMARY KEY,         -- uuid
    version    INTEGER NOT NULL,         -- of the credentials they came from
    sealed     BLOB,                     -- null: not used yet
    good_until INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What {{secret:NAME}} stands for, sealed.
CREATE TABLE secrets (
    name       TEXT PRIMARY KEY,
    sealed     BLOB NOT NULL,
    hosts      TEXT NOT NULL,            -- where it may be sent, separated by commas; empty means anywhere
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
