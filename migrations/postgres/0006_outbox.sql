-- No index names a column that an ordinary job changes, so that its updates are heap-only: neither its state, nor when it is
-- due, which is null unless it waits for an attempt, or for an engine that did not take its answer.
DROP INDEX jobs_due;
DROP INDEX jobs_waiting;
UPDATE jobs SET due_at = NULL WHERE state = 'published' AND due_at IS NOT NULL;
-- Room for the two more versions that an ordinary row has in its first minute.
ALTER TABLE jobs SET (fillfactor = 50);
CREATE INDEX jobs_due ON jobs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_returned ON jobs (due_at) WHERE returns > 0;

-- Jobs that were answered together, and when it is looked whether each of their answers was taken.
CREATE TABLE outbox (
    id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    jobs   TEXT[] NOT NULL,
    due_at BIGINT NOT NULL
);

CREATE INDEX outbox_due ON outbox (due_at);

-- Ids are compared as bytes: nobody reads them in the order of an alphabet, and comparing them by its rules is dear.
ALTER TABLE jobs ALTER COLUMN id TYPE TEXT COLLATE "C";
ALTER TABLE payloads ALTER COLUMN job_id TYPE TEXT COLLATE "C";
