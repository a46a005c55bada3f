-- Jobs that were answered together, and when it is looked whether each of their results was published.
CREATE TABLE outbox (
    id     INTEGER PRIMARY KEY,
    jobs   TEXT NOT NULL,                -- a JSON array of ids
    due_at INTEGER NOT NULL
) STRICT;

CREATE INDEX outbox_due ON outbox (due_at);

-- The jobs of the outbox, one a row, by one name on both databases.
CREATE VIEW outbox_jobs AS SELECT job.value AS job_id, outbox.due_at FROM outbox, json_each(outbox.jobs) AS job;
