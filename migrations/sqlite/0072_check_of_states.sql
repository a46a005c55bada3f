-- The same check of states as comparisons: for a list of more than two values SQLite fills a temporary table whenever a row is
-- written, which took half of what a job costs the database. What is stored does not change, so that the table is not written
-- anew (https://www.sqlite.org/lang_altertable.html, section 7); the index makes every connection read the new definition.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql,
    'state IN (''sending'', ''waiting'', ''answered'', ''published'', ''cancelled'', ''parked'')',
    'state = ''sending'' OR state = ''waiting'' OR state = ''answered'' OR state = ''published'' OR state = ''cancelled'' OR state = ''parked''')
    WHERE type = 'table' AND name = 'jobs';
PRAGMA writable_schema = RESET;
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (due_at);
