-- Models as they were deployed, byte for byte: what is shown and compared later is what was deployed.
CREATE TABLE deployed_files (
    process TEXT NOT NULL,
    version TEXT NOT NULL,
    body    BLOB NOT NULL,
    PRIMARY KEY (process, version)
) STRICT, WITHOUT ROWID;
