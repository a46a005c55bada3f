-- Times are epoch milliseconds by this database's clock; payloads are bytes, since JSON text may hold what a text column cannot.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

-- What changed how often; whoever changes it has its row locked, so that changes take turns.
CREATE TABLE revisions (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

INSERT INTO revisions (name, value) VALUES ('connectors', 0), ('deployments', 0);

-- One narrow row per job: the state machine of the ledger.
CREATE TABLE jobs (
    id              TEXT PRIMARY KEY,
    job_hash        BLOB,                 -- null: a cancel that overtook its job
    state           TEXT NOT NULL CHECK (state IN ('sending', 'waiting', 'answered', 'published', 'cancelled', 'parked')),
    attempt         INTEGER NOT NULL,
    fence           INTEGER NOT NULL,
    worker_id       TEXT,
    due_at          INTEGER,
    returns         INTEGER NOT NULL DEFAULT 0,
    crashes         INTEGER NOT NULL DEFAULT 0,
    repeat_safe     INTEGER NOT NULL DEFAULT 0,
    idempotency_key TEXT,
    request_hash    BLOB,
    engine          TEXT,
    process         TEXT,
    request         TEXT,
    element         TEXT,
    connector       TEXT,
    resource        TEXT,
    code            TEXT,
    http_status     INTEGER,
    duration_ms     INTEGER,
    history         BLOB,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX jobs_created ON jobs (created_at DESC);
CREATE INDEX jobs_due ON jobs (due_at) WHERE state = 'answered';

-- What was answered, kept until a day after the engine took it. Bytes throughout: what is echoed may hold a NUL.
CREATE TABLE payloads (
    job_id         TEXT PRIMARY KEY,
    result         BLOB NOT NULL,
    routing_key    BLOB NOT NULL,
    reply_to       BLOB,
    correlation_id BLOB,
    stored_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX payloads_stored ON payloads (stored_at);

-- Leases: a worker that has not been seen until now is dead, and its jobs are anybody's.
CREATE TABLE workers (
    id         TEXT PRIMARY KEY,
    host       TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    seen_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE connectors (
    id          INTEGER PRIMARY KEY,
    uuid        TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL UNIQUE,
    record      TEXT NOT NULL,
    credentials BLOB,                     -- sealed
    version     INTEGER NOT NULL DEFAULT 1,
    updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE deployed_tasks (
    process     TEXT NOT NULL,
    version     TEXT NOT NULL,
    element     TEXT NOT NULL,
    sequence    INTEGER NOT NULL,         -- the newest deployment of a process has the largest
    task        TEXT NOT NULL,
    file        TEXT NOT NULL,
    deployed_at INTEGER NOT NULL,
    PRIMARY KEY (process, version, element)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letters (
    id          INTEGER PRIMARY KEY,
    fingerprint BLOB NOT NULL UNIQUE,     -- a letter that is delivered twice is one letter
    message_id  TEXT,
    reason      TEXT NOT NULL,
    detail      TEXT,
    job_id      TEXT,
    attempts    INTEGER,
    exchange    TEXT,
    routing_key TEXT,
    properties  TEXT NOT NULL,
    body        BLOB NOT NULL,
    arrived_at  INTEGER NOT NULL,
    replayed_at INTEGER
) STRICT;
