-- Whether a message that has died was published again before is asked of each letter.
CREATE INDEX dead_letters_replayed ON dead_letters (message_id) WHERE replayed_at IS NOT NULL;
