-- Where a result goes is the engine's business: one column that only whoever answers engines reads, JSON as bytes.
ALTER TABLE payloads ADD COLUMN reply_address BYTEA;

-- A JSON string of UTF-8 bytes. Not by way of TEXT, which cannot hold the NUL that a correlation id may have.
CREATE FUNCTION json_string(utf8 BYTEA) RETURNS BYTEA LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT '"'::BYTEA || COALESCE(string_agg(CASE
            WHEN byte < 32 THEN convert_to('\u' || lpad(to_hex(byte), 4, '0'), 'UTF8')
            WHEN byte IN (34, 92) THEN '\x5c'::BYTEA || set_byte('\x00'::BYTEA, 0, byte)
            ELSE set_byte('\x00'::BYTEA, 0, byte)
        END, ''::BYTEA ORDER BY at), ''::BYTEA) || '"'::BYTEA
    FROM (SELECT at, get_byte(utf8, at) AS byte FROM generate_series(0, length(utf8) - 1) AS at) AS bytes
$$;

UPDATE payloads SET reply_address = '{"routing_key":'::BYTEA || json_string(routing_key)
    || COALESCE(',"reply_to":'::BYTEA || json_string(reply_to), ''::BYTEA)
    || COALESCE(',"correlation_id":'::BYTEA || json_string(correlation_id), ''::BYTEA)
    || '}'::BYTEA;

DROP FUNCTION json_string;
ALTER TABLE payloads ALTER COLUMN reply_address SET NOT NULL;
ALTER TABLE payloads DROP COLUMN routing_key, DROP COLUMN reply_to, DROP COLUMN correlation_id;
