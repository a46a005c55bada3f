-- When an attempt is due, and when an answer that nobody took is sent again, are two things.
ALTER TABLE jobs ADD COLUMN send_at INTEGER;
DROP INDEX jobs_due;
DROP INDEX jobs_waiting;
UPDATE jobs SET send_at = CASE state WHEN 'answered' THEN due_at END, due_at = NULL
    WHERE state IN ('answered', 'published') AND due_at IS NOT NULL;
CREATE INDEX jobs_due ON jobs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_unsent ON jobs (send_at) WHERE send_at IS NOT NULL;
