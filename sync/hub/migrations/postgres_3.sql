-- What was taken out of an event: the head of the chain after it, which its payload gives no more.
ALTER TABLE events ADD COLUMN erased_head BYTEA;
-- How many events the hub itself has taken a person out of, and its own receipt of that.
ALTER TABLE erasures ADD COLUMN events BIGINT NOT NULL DEFAULT 0;
ALTER TABLE erasures ADD COLUMN hub_receipt BYTEA;
