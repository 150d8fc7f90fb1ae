-- Shorter ways from one content to another; each is a content itself.
CREATE TABLE deltas (
    hash BLOB NOT NULL,
    base BLOB NOT NULL,
    delta BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    tree BLOB,
    PRIMARY KEY (hash, base)
) STRICT, WITHOUT ROWID;
CREATE INDEX desired_by_time ON desired (at_ms, store);
