-- No index names a column that an ordinary job changes, so that its updates are heap-only: neither its state, nor when an
-- attempt is due, null unless it waits for one, nor when its answer is sent again, null unless nobody took it.
ALTER TABLE jobs ADD COLUMN send_at BIGINT;
DROP INDEX jobs_due;
DROP INDEX jobs_waiting;
UPDATE jobs SET send_at = CASE state WHEN 'answered' THEN due_at END, due_at = NULL
    WHERE state IN ('answered', 'published') AND due_at IS NOT NULL;
CREATE INDEX jobs_due ON jobs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_unsent ON jobs (send_at) WHERE send_at IS NOT NULL;

-- Room on a page for the two more versions that an ordinary row has in its first minute.
ALTER TABLE jobs SET (fillfactor = 50);

-- Jobs that were answered together, and when it is looked whether each of their answers was taken.
CREATE TABLE outbox (
    id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    jobs   TEXT[] NOT NULL,
    due_at BIGINT NOT NULL
);

CREATE INDEX outbox_due ON outbox (due_at);
