-- Shorter ways from one content to another; each is a content itself. The same for all stores.
CREATE TABLE deltas (
    hash BYTEA NOT NULL,
    base BYTEA NOT NULL,
    delta BYTEA NOT NULL,
    bytes BIGINT NOT NULL,
    tree BYTEA,
    PRIMARY KEY (hash, base)
);
CREATE INDEX desired_by_time ON desired (at_ms, store);
