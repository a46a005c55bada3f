-- What a job waits for before its call, for people; null for one that waits for its next attempt only.
ALTER TABLE jobs ADD COLUMN waits_for TEXT;
-- Since when it has waited for a host that does not answer.
ALTER TABLE jobs ADD COLUMN silent_since BIGINT;
-- When it was claimed first, where it had waited before that.
ALTER TABLE jobs ADD COLUMN begun_at BIGINT;
