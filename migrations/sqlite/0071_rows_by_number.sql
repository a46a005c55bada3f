-- Rows of jobs and payloads are kept in the order in which they came, and found by id through an index. Kept in the order of
-- their ids, payloads took pages of their own, and jobs whose ids are random were written to as many pages as there were jobs.
CREATE TABLE new_jobs (
    id              TEXT NOT NULL PRIMARY KEY,
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
    updated_at      INTEGER NOT NULL,
    replay_of       TEXT,
    replay          INTEGER,
    replay_send     INTEGER NOT NULL DEFAULT 0,
    send_at         INTEGER,
    copies          BLOB,
    made_by         TEXT,
    waits_for       TEXT,
    silent_since    INTEGER,
    begun_at        INTEGER
) STRICT;

INSERT INTO new_jobs SELECT id, job_hash, state, attempt, fence, worker_id, due_at, returns, crashes, repeat_safe,
    idempotency_key, request_hash, engine, process, request, element, connector, resource, code, http_status, duration_ms,
    history, created_at, updated_at, replay_of, replay, replay_send, send_at, copies, made_by, waits_for, silent_since, begun_at
    FROM jobs ORDER BY created_at;
DROP TABLE jobs;
ALTER TABLE new_jobs RENAME TO jobs;

CREATE INDEX jobs_created ON jobs (created_at);
CREATE INDEX jobs_replays ON jobs (replay_of) WHERE replay_of IS NOT NULL;
CREATE INDEX jobs_due ON jobs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_unsent ON jobs (send_at) WHERE send_at IS NOT NULL;

CREATE TABLE new_payloads (
    job_id        TEXT NOT NULL PRIMARY KEY,
    result        BLOB NOT NULL,
    stored_at     INTEGER NOT NULL,
    job           BLOB,
    queue         TEXT,
    reply_address BLOB NOT NULL DEFAULT X''
) STRICT;

INSERT INTO new_payloads SELECT job_id, result, stored_at, job, queue, reply_address FROM payloads ORDER BY stored_at;
DROP TABLE payloads;
ALTER TABLE new_payloads RENAME TO payloads;

CREATE INDEX payloads_stored ON payloads (stored_at);
