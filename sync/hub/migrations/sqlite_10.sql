-- What became of ordered settings at the devices of a node, one row for each slot that says them: how many devices stand how, and, as JSON, what the node told
-- device by device. What a node does not tell any more is not kept.
CREATE TABLE device_results (
    store TEXT NOT NULL,
    node TEXT NOT NULL,
    slot TEXT NOT NULL,
    hash BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    applied INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    unreachable INTEGER NOT NULL,
    went_back INTEGER NOT NULL,
    other INTEGER NOT NULL,
    said TEXT NOT NULL,
    PRIMARY KEY (store, node, slot)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_results_slot ON device_results (slot, hash, store, node);
