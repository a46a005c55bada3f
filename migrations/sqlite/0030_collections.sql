-- Collections of JSON records. Ids of collections, records and imports are never given again.
CREATE TABLE collections (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL UNIQUE,
    definition TEXT NOT NULL,             -- JSON: texts, screens, signals, columns, schema
    slots      TEXT NOT NULL,             -- JSON: the numbers of indexed columns in collection_index, by field
    next_slot  INTEGER NOT NULL DEFAULT 1,
    revision   INTEGER NOT NULL DEFAULT 1, -- counts the changes of what is above
    connector  TEXT NOT NULL,             -- the uuid of the connector that was made with it
    next_id    INTEGER NOT NULL DEFAULT 1, -- of the next record
    floor      INTEGER NOT NULL DEFAULT 1, -- records with smaller ids were there before it was emptied
    records    INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- A record that an open import made is not seen yet (import_id, no patches); one that it changes has the patches to be merged.
CREATE TABLE collection_records (
    collection_id INTEGER NOT NULL,
    id            INTEGER NOT NULL,
    data          TEXT NOT NULL,
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    created_by    TEXT NOT NULL,
    updated_by    TEXT NOT NULL,
    import_id     INTEGER,
    patches       TEXT,
    PRIMARY KEY (collection_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX collection_records_patched ON collection_records (import_id) WHERE patches IS NOT NULL;

-- The values of indexed columns. kind: 1 false, 2 true, 3 number, 4 text; import_id: of an import that is not finished, else 0.
CREATE TABLE collection_index (
    collection_id INTEGER NOT NULL,
    slot          INTEGER NOT NULL,
    kind          INTEGER NOT NULL,
    number        REAL,
    text          TEXT COLLATE BINARY,
    record_id     INTEGER NOT NULL,
    import_id     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX collection_index_numbers ON collection_index (collection_id, slot, number, record_id) WHERE kind = 3;
CREATE INDEX collection_index_texts ON collection_index (collection_id, slot, text, record_id) WHERE kind = 4;
CREATE INDEX collection_index_false ON collection_index (collection_id, slot, record_id) WHERE kind = 1;
CREATE INDEX collection_index_true ON collection_index (collection_id, slot, record_id) WHERE kind = 2;
CREATE INDEX collection_index_records ON collection_index (collection_id, record_id);

-- What no two records of a collection may hold.
CREATE TABLE collection_unique (
    collection_id INTEGER NOT NULL,
    slot          INTEGER NOT NULL,
    value         TEXT NOT NULL COLLATE BINARY,
    record_id     INTEGER NOT NULL,
    import_id     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (collection_id, slot, value)
) STRICT, WITHOUT ROWID;

CREATE INDEX collection_unique_records ON collection_unique (collection_id, record_id);

-- Imports that are not finished. state: 0 open, nothing of it is seen; 1 all of it is seen; 2 nothing of it will ever be.
CREATE TABLE collection_imports (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    target      INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    actor       TEXT NOT NULL,
    alive_until INTEGER NOT NULL,       -- an open one that is past it was abandoned
    first_id    INTEGER NOT NULL,       -- of the records that it made, whose events are told up to told_id
    next_id     INTEGER NOT NULL,
    told_id     INTEGER NOT NULL,
    at          INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX collection_imports_one ON collection_imports (target) WHERE state < 2;

-- Records whose rows go in the background: those below an id, of a collection that was emptied or removed.
CREATE TABLE collection_remains (
    id    INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    PRIMARY KEY (id, floor)
) STRICT, WITHOUT ROWID;

-- What callers with an Idempotency-Key were answered.
CREATE TABLE collection_answers (
    caller      TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    answer      TEXT NOT NULL,
    answered_at INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX collection_answers_age ON collection_answers (answered_at);

-- Events, until RabbitMQ has them.
CREATE TABLE collection_events (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL,
    record_id     INTEGER NOT NULL,
    event_id      TEXT NOT NULL,
    routing_key   TEXT NOT NULL,
    body          TEXT NOT NULL
) STRICT;

-- The names of those who write records, where they have one.
CREATE TABLE collection_actors (
    id   TEXT PRIMARY KEY,
    name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Which process has a task that one at a time does.
CREATE TABLE collection_tasks (
    name       TEXT PRIMARY KEY,
    holder     TEXT NOT NULL,
    held_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
