-- Where a result goes is the engine's business: one column that only whoever answers engines reads, JSON as bytes.
ALTER TABLE payloads ADD COLUMN reply_address BLOB NOT NULL DEFAULT X'';
UPDATE payloads SET reply_address = CAST(json_object('routing_key', CAST(routing_key AS TEXT),
    'reply_to', CAST(reply_to AS TEXT), 'correlation_id', CAST(correlation_id AS TEXT)) AS BLOB);
ALTER TABLE payloads DROP COLUMN routing_key;
ALTER TABLE payloads DROP COLUMN reply_to;
ALTER TABLE payloads DROP COLUMN correlation_id;
