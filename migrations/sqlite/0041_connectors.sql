-- What connectors are listed by stands in columns of its own, in front of records of any size. This software fills them from
-- the record: `indexed_version` is the version that they tell of.
CREATE TABLE connectors_listed (
    id                  INTEGER PRIMARY KEY,
    uuid                TEXT NOT NULL UNIQUE,
    name                TEXT NOT NULL UNIQUE,
    description         TEXT NOT NULL DEFAULT '',
    type                TEXT NOT NULL DEFAULT '',
    authtype            TEXT NOT NULL DEFAULT '',
    status              TEXT NOT NULL DEFAULT '',
    asset_type          TEXT,
    categories          TEXT NOT NULL DEFAULT '',     -- ids between commas: ,1,4,
    search              TEXT NOT NULL DEFAULT '',     -- in lower case
    credentials_set     TEXT NOT NULL DEFAULT '[]',   -- names, never values
    indexed_version     INTEGER NOT NULL DEFAULT 0,
    version             INTEGER NOT NULL DEFAULT 1,
    credentials_version INTEGER NOT NULL DEFAULT 1,
    created_at          INTEGER NOT NULL DEFAULT 0,
    updated_at          INTEGER NOT NULL,
    updated_by          TEXT,
    record              TEXT NOT NULL,
    credentials         BLOB                          -- sealed
) STRICT;

INSERT INTO connectors_listed (id, uuid, name, version, credentials_version, created_at, updated_at, record, credentials)
    SELECT id, uuid, name, version, credentials_version, updated_at, updated_at, record, credentials FROM connectors;
DROP TABLE connectors;
ALTER TABLE connectors_listed RENAME TO connectors;

CREATE INDEX connectors_uuid ON connectors (LOWER(uuid));
CREATE INDEX connectors_unindexed ON connectors (uuid) WHERE indexed_version <> version;

-- When each connector was called last, to the minute: apart, since calls change no connector.
CREATE TABLE connector_calls (
    uuid         TEXT PRIMARY KEY,
    last_call_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
