-- What the figures of the ledger look for: jobs whose wait is over and whose copy has not come back.
CREATE INDEX jobs_waiting ON jobs (due_at) WHERE state = 'waiting';
