-- Who made a job over REST: it may look at it and cancel it.
ALTER TABLE jobs ADD COLUMN made_by TEXT;

-- Jobs that were made over REST and are not known to be on a queue: they are published again.
CREATE TABLE queued_jobs (
    job_id    TEXT PRIMARY KEY,
    queue     TEXT NOT NULL,
    body      BLOB NOT NULL,
    queued_at INTEGER NOT NULL
) STRICT;
