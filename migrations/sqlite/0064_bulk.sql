-- What is done to many jobs at once: how far each run is, so that others see it, stop it, and know when its process has died.
CREATE TABLE bulk (
    id         TEXT PRIMARY KEY,
    action     TEXT NOT NULL,
    count      INTEGER NOT NULL,
    done       INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    state      TEXT NOT NULL,
    errors     TEXT NOT NULL,
    made_by    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
