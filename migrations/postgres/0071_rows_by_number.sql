-- Of SQLite only: here, rows are found through indexes anyway.
SELECT 1;
