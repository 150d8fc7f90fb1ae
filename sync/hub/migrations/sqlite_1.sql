-- Every key begins with the store, so that the tables can be spread over machines by it.
CREATE TABLE stores (
    store TEXT NOT NULL PRIMARY KEY,
    region TEXT NOT NULL,
    first_seen_ms INTEGER NOT NULL,
    last_seen_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE nodes (
    store TEXT NOT NULL,
    node TEXT NOT NULL,
    state TEXT NOT NULL,
    receipt_key BLOB NOT NULL,
    software TEXT NOT NULL DEFAULT '',
    link TEXT NOT NULL DEFAULT '',
    path TEXT NOT NULL DEFAULT '',
    address TEXT NOT NULL DEFAULT '',
    policy_version INTEGER NOT NULL DEFAULT 0,
    policy_hash BLOB NOT NULL DEFAULT x'',
    generation INTEGER NOT NULL DEFAULT 0,
    is_connected INTEGER NOT NULL DEFAULT 0,
    hub TEXT NOT NULL DEFAULT '',
    connected_at_ms INTEGER NOT NULL DEFAULT 0,
    last_seen_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (store, node)
) STRICT, WITHOUT ROWID;

-- One row for each class of a store: locked by who adds to any log of it.
CREATE TABLE lanes (
    store TEXT NOT NULL,
    class INTEGER NOT NULL,
    epochs INTEGER NOT NULL,
    PRIMARY KEY (store, class)
) STRICT, WITHOUT ROWID;

-- The cursors. Kept for ever: a log that is forgotten would be sent again.
CREATE TABLE logs (
    store TEXT NOT NULL,
    class INTEGER NOT NULL,
    log INTEGER NOT NULL,
    epoch BLOB NOT NULL,
    through_seq INTEGER NOT NULL,
    through_head BLOB NOT NULL,
    mark BLOB NOT NULL,
    last_hlc INTEGER NOT NULL,
    node_last_seq INTEGER NOT NULL DEFAULT 0,
    is_quarantined INTEGER NOT NULL,
    begun_at_ms INTEGER NOT NULL,
    moved_at_ms INTEGER NOT NULL,
    PRIMARY KEY (store, class, log),
    UNIQUE (store, class, epoch)
) STRICT, WITHOUT ROWID;

-- One row for each batch that was taken: which part of the log it is, its heads, its receipt as it came.
CREATE TABLE receipts (
    store TEXT NOT NULL,
    class INTEGER NOT NULL,
    log INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    head_before BLOB NOT NULL,
    head_after BLOB NOT NULL,
    batch_first_seq INTEGER NOT NULL,
    batch_before BLOB NOT NULL,
    policy_version INTEGER NOT NULL,
    policy_hash BLOB NOT NULL,
    receipt BLOB NOT NULL,
    received_at_ms INTEGER NOT NULL,
    PRIMARY KEY (store, class, log, last_seq)
) STRICT, WITHOUT ROWID;

-- is_again: another epoch holds the same event, so it is not shown.
CREATE TABLE events (
    store TEXT NOT NULL,
    class INTEGER NOT NULL,
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    hlc INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    twin INTEGER NOT NULL,
    is_again INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (store, class, log, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX events_by_time ON events (store, hlc, class, log, seq, twin);

-- What was offered in another form than what is held. Payloads are not kept: no gate has seen them.
CREATE TABLE quarantines (
    store TEXT NOT NULL,
    class INTEGER NOT NULL,
    log INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    count INTEGER NOT NULL,
    head_before BLOB NOT NULL,
    head_after BLOB NOT NULL,
    policy_version INTEGER NOT NULL,
    policy_hash BLOB NOT NULL,
    receipt BLOB NOT NULL,
    PRIMARY KEY (store, class, log)
) STRICT, WITHOUT ROWID;

CREATE TABLE erasures (
    store TEXT NOT NULL,
    id BLOB NOT NULL,
    subject BLOB NOT NULL,
    requested_at_ms INTEGER NOT NULL,
    done_at_ms INTEGER,
    receipt BLOB,
    PRIMARY KEY (store, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE desired (
    store TEXT NOT NULL PRIMARY KEY,
    generation INTEGER NOT NULL,
    manifest BLOB NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE reports (
    store TEXT NOT NULL,
    node TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    hash BLOB NOT NULL,
    is_ok INTEGER NOT NULL,
    reason TEXT NOT NULL,
    generation INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (store, node, name)
) STRICT, WITHOUT ROWID;

-- The same for all stores: few rows, on every machine.
CREATE TABLE policies (
    version INTEGER NOT NULL,
    hash BLOB NOT NULL,
    name TEXT NOT NULL,
    document BLOB NOT NULL,
    signature BLOB NOT NULL,
    accepted_at_ms INTEGER NOT NULL,
    PRIMARY KEY (version, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE chunks (
    hash BLOB NOT NULL PRIMARY KEY,
    bytes INTEGER NOT NULL,
    name TEXT NOT NULL,
    added_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
