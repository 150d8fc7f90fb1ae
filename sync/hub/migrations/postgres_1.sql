-- Every key begins with the store, so that the tables can be spread over machines by it.
CREATE TABLE stores (
    store TEXT NOT NULL PRIMARY KEY,
    region TEXT NOT NULL,
    first_seen_ms BIGINT NOT NULL,
    last_seen_ms BIGINT NOT NULL
);

CREATE TABLE nodes (
    store TEXT NOT NULL,
    node TEXT NOT NULL,
    state TEXT NOT NULL,
    receipt_key BYTEA NOT NULL,
    software TEXT NOT NULL DEFAULT '',
    link TEXT NOT NULL DEFAULT '',
    path TEXT NOT NULL DEFAULT '',
    address TEXT NOT NULL DEFAULT '',
    policy_version BIGINT NOT NULL DEFAULT 0,
    policy_hash BYTEA NOT NULL DEFAULT '',
    generation BIGINT NOT NULL DEFAULT 0,
    is_connected BOOLEAN NOT NULL DEFAULT FALSE,
    hub TEXT NOT NULL DEFAULT '',
    connected_at_ms BIGINT NOT NULL DEFAULT 0,
    last_seen_ms BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (store, node)
);

-- One row for each class of a store: locked by who adds to any log of it.
CREATE TABLE lanes (
    store TEXT NOT NULL,
    class SMALLINT NOT NULL,
    epochs INTEGER NOT NULL,
    PRIMARY KEY (store, class)
);

-- The cursors. Kept for ever: a log that is forgotten would be sent again.
CREATE TABLE logs (
    store TEXT NOT NULL,
    class SMALLINT NOT NULL,
    log INTEGER NOT NULL,
    epoch BYTEA NOT NULL,
    through_seq BIGINT NOT NULL,
    through_head BYTEA NOT NULL,
    mark BYTEA NOT NULL,
    last_hlc BIGINT NOT NULL,
    node_last_seq BIGINT NOT NULL DEFAULT 0,
    is_quarantined BOOLEAN NOT NULL,
    begun_at_ms BIGINT NOT NULL,
    moved_at_ms BIGINT NOT NULL,
    PRIMARY KEY (store, class, log),
    UNIQUE (store, class, epoch)
);

-- One row for each batch that was taken: which part of the log it is, its heads, its receipt as it came.
CREATE TABLE receipts (
    store TEXT NOT NULL,
    class SMALLINT NOT NULL,
    log INTEGER NOT NULL,
    last_seq BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    head_before BYTEA NOT NULL,
    head_after BYTEA NOT NULL,
    batch_first_seq BIGINT NOT NULL,
    batch_before BYTEA NOT NULL,
    policy_version BIGINT NOT NULL,
    policy_hash BYTEA NOT NULL,
    receipt BYTEA NOT NULL,
    received_at_ms BIGINT NOT NULL,
    PRIMARY KEY (store, class, log, last_seq)
);

-- is_again: another epoch holds the same event, so it is not shown.
CREATE TABLE events (
    store TEXT NOT NULL,
    class SMALLINT NOT NULL,
    log INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    hlc BIGINT NOT NULL,
    kind INTEGER NOT NULL,
    twin BIGINT NOT NULL,
    is_again BOOLEAN NOT NULL,
    payload BYTEA NOT NULL,
    PRIMARY KEY (store, class, log, seq)
);
CREATE INDEX events_by_time ON events (store, hlc, class, log, seq, twin);

-- What was offered in another form than what is held. Payloads are not kept: no gate has seen them.
CREATE TABLE quarantines (
    store TEXT NOT NULL,
    class SMALLINT NOT NULL,
    log INTEGER NOT NULL,
    at_ms BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    count INTEGER NOT NULL,
    head_before BYTEA NOT NULL,
    head_after BYTEA NOT NULL,
    policy_version BIGINT NOT NULL,
    policy_hash BYTEA NOT NULL,
    receipt BYTEA NOT NULL,
    PRIMARY KEY (store, class, log)
);

CREATE TABLE erasures (
    store TEXT NOT NULL,
    id BYTEA NOT NULL,
    subject BYTEA NOT NULL,
    requested_at_ms BIGINT NOT NULL,
    done_at_ms BIGINT,
    receipt BYTEA,
    PRIMARY KEY (store, id)
);

CREATE TABLE desired (
    store TEXT NOT NULL PRIMARY KEY,
    generation BIGINT NOT NULL,
    manifest BYTEA NOT NULL,
    at_ms BIGINT NOT NULL
);

CREATE TABLE reports (
    store TEXT NOT NULL,
    node TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    hash BYTEA NOT NULL,
    is_ok BOOLEAN NOT NULL,
    reason TEXT NOT NULL,
    generation BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (store, node, name)
);

-- The same for all stores: few rows, on every machine.
CREATE TABLE policies (
    version BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    name TEXT NOT NULL,
    document BYTEA NOT NULL,
    signature BYTEA NOT NULL,
    accepted_at_ms BIGINT NOT NULL,
    PRIMARY KEY (version, hash)
);

CREATE TABLE chunks (
    hash BYTEA NOT NULL PRIMARY KEY,
    bytes BIGINT NOT NULL,
    name TEXT NOT NULL,
    added_at_ms BIGINT NOT NULL
);
