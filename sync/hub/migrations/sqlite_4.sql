-- A policy that was published to running hubs, and not only read from a file of one of them.
ALTER TABLE policies ADD COLUMN is_published INTEGER NOT NULL DEFAULT 0;

-- Hubs that may speak for the stores of some regions (names with commas between them).
CREATE TABLE relays (
    relay TEXT NOT NULL PRIMARY KEY,
    regions TEXT NOT NULL,
    state TEXT NOT NULL,
    receipt_key BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What follows is about what this hub relays itself.
-- The key that all hubs on this database sign relayed batches with: one row.
CREATE TABLE relay_keys (
    one INTEGER NOT NULL PRIMARY KEY,
    receipt_key BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Which hub relays a store now. Whoever writes anything below checks the term in the same transaction.
CREATE TABLE relay_leases (
    store TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    term INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    problem TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- The log of a class as the hub above sees it. `ended`: epochs before this one, in CBOR.
CREATE TABLE relay_lanes (
    store TEXT NOT NULL,
    class INTEGER NOT NULL,
    epoch BLOB NOT NULL,
    number INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_head BLOB NOT NULL,
    acked_seq INTEGER NOT NULL,
    acked_head BLOB NOT NULL,
    acked_at_ms INTEGER NOT NULL DEFAULT 0,
    receipt BLOB,
    draft BLOB,
    ended BLOB NOT NULL,
    PRIMARY KEY (store, class)
) STRICT, WITHOUT ROWID;

-- How far each log of the store was gone through.
CREATE TABLE relay_cursors (
    store TEXT NOT NULL,
    class INTEGER NOT NULL,
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (store, class, log)
) STRICT, WITHOUT ROWID;

-- Sealed batches, and which part of which log each came from. Bytes are kept until the hub above has them.
CREATE TABLE relay_batches (
    store TEXT NOT NULL,
    class INTEGER NOT NULL,
    number INTEGER NOT NULL,
    epoch BLOB NOT NULL,
    last_seq INTEGER NOT NULL,
    log INTEGER NOT NULL,
    through_seq INTEGER NOT NULL,
    bytes BLOB,
    PRIMARY KEY (store, class, number)
) STRICT, WITHOUT ROWID;
