-- What became of ordered settings at the devices of a node, one row for each slot that says them: how many devices stand how, and, as JSON, what the node told
-- device by device. What a node does not tell any more is not kept.
CREATE TABLE device_results (
    store TEXT NOT NULL,
    node TEXT NOT NULL,
    slot TEXT NOT NULL,
    hash BYTEA NOT NULL,
    at_ms BIGINT NOT NULL,
    applied BIGINT NOT NULL,
    pending BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    unreachable BIGINT NOT NULL,
    went_back BIGINT NOT NULL,
    other BIGINT NOT NULL,
    said TEXT NOT NULL,
    PRIMARY KEY (store, node, slot)
);
CREATE INDEX device_results_slot ON device_results (slot, hash, store, node);
