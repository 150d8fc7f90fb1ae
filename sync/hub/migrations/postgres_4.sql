-- A policy that was published to running hubs, and not only read from a file of one of them.
ALTER TABLE policies ADD COLUMN is_published BOOLEAN NOT NULL DEFAULT FALSE;

-- Hubs that may speak for the stores of some regions (names with commas between them).
CREATE TABLE relays (
    relay TEXT NOT NULL PRIMARY KEY,
    regions TEXT NOT NULL,
    state TEXT NOT NULL,
    receipt_key BYTEA NOT NULL
);

-- What follows is about what this hub relays itself.
-- The key that all hubs on this database sign relayed batches with: one row.
CREATE TABLE relay_keys (
    one INTEGER NOT NULL PRIMARY KEY,
    receipt_key BYTEA NOT NULL
);

-- Which hub relays a store now. Whoever writes anything below checks the term in the same transaction.
CREATE TABLE relay_leases (
    store TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    term BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    problem TEXT NOT NULL DEFAULT ''
);

-- The log of a class as the hub above sees it. `ended`: epochs before this one, in CBOR.
CREATE TABLE relay_lanes (
    store TEXT NOT NULL,
    class SMALLINT NOT NULL,
    epoch BYTEA NOT NULL,
    number BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    last_head BYTEA NOT NULL,
    acked_seq BIGINT NOT NULL,
    acked_head BYTEA NOT NULL,
    acked_at_ms BIGINT NOT NULL DEFAULT 0,
    receipt BYTEA,
    draft BYTEA,
    ended BYTEA NOT NULL,
    PRIMARY KEY (store, class)
);

-- How far each log of the store was gone through.
CREATE TABLE relay_cursors (
    store TEXT NOT NULL,
    class SMALLINT NOT NULL,
    log INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (store, class, log)
);

-- Sealed batches, and which part of which log each came from. Bytes are kept until the hub above has them.
CREATE TABLE relay_batches (
    store TEXT NOT NULL,
    class SMALLINT NOT NULL,
    number BIGINT NOT NULL,
    epoch BYTEA NOT NULL,
    last_seq BIGINT NOT NULL,
    log INTEGER NOT NULL,
    through_seq BIGINT NOT NULL,
    bytes BYTEA,
    PRIMARY KEY (store, class, number)
);
