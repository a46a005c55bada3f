CREATE TABLE data_source_categories (
    id         INTEGER PRIMARY KEY,
    uuid       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL UNIQUE,
    status     TEXT NOT NULL,
    is_system  INTEGER NOT NULL DEFAULT 0,   -- made by this software
    version    INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- The last number that was given: those of categories that are gone are not given again, since records may still name them.
INSERT INTO revisions (name, value) VALUES ('data_source_categories', 0);
