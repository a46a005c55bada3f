-- A job is due when it waits for an attempt, or for an engine to take its answer.
DROP INDEX jobs_due;
DROP INDEX jobs_waiting;
UPDATE jobs SET due_at = NULL WHERE state = 'published' AND due_at IS NOT NULL;
CREATE INDEX jobs_due ON jobs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_returned ON jobs (due_at) WHERE returns > 0;
