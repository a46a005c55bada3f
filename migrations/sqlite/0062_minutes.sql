-- What workers counted, minute by minute: statistics are read from here, never from the ledger. Texts are empty where there is
-- none; `duration` is the class of a duration (store/minutes.rs), -1 where nothing was sent; `key` is a hash of all of these.
CREATE TABLE minutes (
    minute    INTEGER NOT NULL,
    key       TEXT NOT NULL,
    process   TEXT NOT NULL,
    version   TEXT NOT NULL,
    element   TEXT NOT NULL,
    connector TEXT NOT NULL,
    resource  TEXT NOT NULL,
    outcome   TEXT NOT NULL,
    duration  INTEGER NOT NULL,
    jobs      INTEGER NOT NULL,
    PRIMARY KEY (minute, key)
) STRICT, WITHOUT ROWID;
