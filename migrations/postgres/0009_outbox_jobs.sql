-- The jobs of the outbox, one a row, by one name on both databases. The condition lets an index be used where sequential scans
-- are off: with one of them in a plan, all its alternatives look equally dear to the planner.
CREATE VIEW outbox_jobs AS SELECT UNNEST(jobs) AS job_id, due_at FROM outbox WHERE due_at >= 0;
