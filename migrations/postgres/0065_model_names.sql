-- The name of the process in the file, for lists; null for what was deployed before it was kept.
ALTER TABLE deployed_files ADD COLUMN name TEXT;
