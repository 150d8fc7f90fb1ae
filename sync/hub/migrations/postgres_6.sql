-- Boxes that enrol. Of a claim's code only hashes are kept; `serial` is empty where any box of the store may use it. Found by its
-- locator before anybody has said a store.
CREATE TABLE claims (
    locator TEXT NOT NULL PRIMARY KEY,
    digest BYTEA NOT NULL,
    introduction_key BYTEA NOT NULL,
    store TEXT NOT NULL,
    serial TEXT NOT NULL,
    made_at_ms BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    made_role TEXT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    state TEXT NOT NULL,
    state_at_ms BIGINT NOT NULL DEFAULT 0,
    used_serial TEXT NOT NULL DEFAULT '',
    used_key BYTEA NOT NULL DEFAULT ''
);
CREATE INDEX claims_by_store ON claims (store, locator);

-- Where a node stands, from its claim to its ban, and what brought it there. The two numbers are of certificates; empty: none.
CREATE TABLE enrolments (
    store TEXT NOT NULL,
    node TEXT NOT NULL,
    chain TEXT NOT NULL,
    state TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    through TEXT NOT NULL,
    actor TEXT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    claimed_key BYTEA NOT NULL,
    receipt_key BYTEA NOT NULL,
    claim TEXT NOT NULL,
    address TEXT NOT NULL,
    asked_at_ms BIGINT NOT NULL,
    current_number BYTEA NOT NULL DEFAULT '',
    next_number BYTEA NOT NULL DEFAULT '',
    PRIMARY KEY (store, node)
);
CREATE INDEX enrolments_by_state ON enrolments (state, store, node);

-- What was issued, whole, so that an answer that was lost can be given again. `holder` is a serial or a device. Rows go some time after the certificate has ended.
CREATE TABLE certificates (
    number BYTEA NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    store TEXT NOT NULL,
    holder TEXT NOT NULL,
    key BYTEA NOT NULL,
    not_before_ms BIGINT NOT NULL,
    not_after_ms BIGINT NOT NULL,
    issued_at_ms BIGINT NOT NULL,
    der BYTEA NOT NULL
);
CREATE INDEX certificates_by_holder ON certificates (store, kind, holder, issued_at_ms);
CREATE INDEX certificates_by_end ON certificates (not_after_ms);

-- Who may not come in any more, as one list in CBOR: one row, locked by whoever changes it.
CREATE TABLE revocation_list (
    one INTEGER NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL,
    list BYTEA NOT NULL
);
INSERT INTO revocation_list (one, number, list) VALUES (1, 0, '');

-- Since when a node is in its state, so that connections that are open are looked at again.
ALTER TABLE nodes ADD COLUMN state_at_ms BIGINT NOT NULL DEFAULT 0;
CREATE INDEX nodes_by_state ON nodes (state_at_ms);
