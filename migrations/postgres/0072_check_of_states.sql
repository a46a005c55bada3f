-- Of SQLite only: here, the check costs nothing to speak of.
SELECT 1;
