-- Where further copies of a job want its result, a JSON list; null for a job that came once.
ALTER TABLE jobs ADD COLUMN copies BLOB;

-- Dead letters age out.
CREATE INDEX dead_letters_arrived ON dead_letters (arrived_at);
