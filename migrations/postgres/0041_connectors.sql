-- What connectors are listed by stands in columns of its own, beside records of any size. This software fills them from the
-- record: `indexed_version` is the version that they tell of.
ALTER TABLE connectors
    ADD COLUMN description     TEXT NOT NULL DEFAULT '',
    ADD COLUMN type            TEXT NOT NULL DEFAULT '',
    ADD COLUMN authtype        TEXT NOT NULL DEFAULT '',
    ADD COLUMN status          TEXT NOT NULL DEFAULT '',
    ADD COLUMN asset_type      TEXT,
    ADD COLUMN categories      TEXT NOT NULL DEFAULT '',     -- ids between commas: ,1,4,
    ADD COLUMN search          TEXT NOT NULL DEFAULT '',     -- in lower case
    ADD COLUMN credentials_set TEXT NOT NULL DEFAULT '[]',   -- names, never values
    ADD COLUMN indexed_version BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN created_at      BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN updated_by      TEXT;

UPDATE connectors SET created_at = updated_at;

CREATE INDEX connectors_uuid ON connectors (LOWER(uuid));
CREATE INDEX connectors_unindexed ON connectors (uuid) WHERE indexed_version <> version;

-- When each connector was called last, to the minute: apart, since calls change no connector.
CREATE TABLE connector_calls (
    uuid         TEXT PRIMARY KEY,
    last_call_at BIGINT NOT NULL
);
