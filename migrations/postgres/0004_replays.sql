-- A job can be run again: its message is kept as long as its result is.
ALTER TABLE payloads ADD COLUMN job BYTEA;
ALTER TABLE payloads ADD COLUMN queue TEXT;

-- What runs again is a job of its own, linked to the first; its result is sent only when that was asked for.
ALTER TABLE jobs ADD COLUMN replay_of TEXT;
ALTER TABLE jobs ADD COLUMN replay BIGINT;
ALTER TABLE jobs ADD COLUMN replay_send BIGINT NOT NULL DEFAULT 0;
CREATE INDEX jobs_replays ON jobs (replay_of) WHERE replay_of IS NOT NULL;
