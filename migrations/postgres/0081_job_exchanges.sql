-- The version of the process that a job named, else the deployed one that it ran as.
ALTER TABLE jobs ADD COLUMN version TEXT;

-- The last request and its answer, masked, as JSON; kept for jobs that failed, and for those of connectors in debug mode.
ALTER TABLE payloads ADD COLUMN exchange BYTEA;
