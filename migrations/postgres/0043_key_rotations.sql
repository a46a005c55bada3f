-- How far a rotation of the keys has come, for whoever asked for it.
CREATE TABLE key_rotations (
    id         TEXT PRIMARY KEY,
    count      BIGINT NOT NULL,              -- values that were to be encrypted again
    done       BIGINT NOT NULL DEFAULT 0,
    state      TEXT NOT NULL CHECK (state IN ('running', 'stopped', 'done')),
    error      TEXT,                          -- why it stopped
    updated_at BIGINT NOT NULL
);
