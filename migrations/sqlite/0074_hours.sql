-- The same counts by hours, for spans that begin and end with one: a week of minutes is too much to add up for each look at it.
CREATE TABLE hours (
    hour      INTEGER NOT NULL,
    key       TEXT NOT NULL,
    process   TEXT NOT NULL,
    version   TEXT NOT NULL,
    element   TEXT NOT NULL,
    connector TEXT NOT NULL,
    resource  TEXT NOT NULL,
    outcome   TEXT NOT NULL,
    duration  INTEGER NOT NULL,
    jobs      INTEGER NOT NULL,
    PRIMARY KEY (hour, key)
) STRICT, WITHOUT ROWID;

-- Of what has been counted before, as far back as is looked.
INSERT INTO hours
    SELECT minute - minute % 3600000, key, process, version, element, connector, resource, outcome, duration, SUM(jobs)
    FROM minutes WHERE minute >= (SELECT MAX(minute) FROM minutes) - 691200000
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;
