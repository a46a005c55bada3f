-- Connectors whose calls have a rate: when the next one may begin, microseconds of the epoch, for all workers together.
CREATE TABLE rates (
    bucket TEXT PRIMARY KEY,
    next_at BIGINT NOT NULL
);
