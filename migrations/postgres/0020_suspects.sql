-- Redelivered messages that are being decoded and planned, before there is a claim: whether the worker before died of one.
CREATE TABLE suspects (
    message  TEXT PRIMARY KEY,           -- its message_id, or what its body hashes to
    worker   TEXT NOT NULL,
    deaths   BIGINT NOT NULL,
    begun_at BIGINT NOT NULL
);
