-- What was taken out of an event: the head of the chain after it, which its payload gives no more.
ALTER TABLE events ADD COLUMN erased_head BLOB;
-- How many events the hub itself has taken a person out of, and its own receipt of that.
ALTER TABLE erasures ADD COLUMN events INTEGER NOT NULL DEFAULT 0;
ALTER TABLE erasures ADD COLUMN hub_receipt BLOB;
