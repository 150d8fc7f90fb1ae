-- Boxes that enrol. Of a claim's code only hashes are kept; `serial` is empty where any box of the store may use it. Found by its
-- locator before anybody has said a store.
CREATE TABLE claims (
    locator TEXT NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL,
    introduction_key BLOB NOT NULL,
    store TEXT NOT NULL,
    serial TEXT NOT NULL,
    made_at_ms INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    made_role TEXT NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    state_at_ms INTEGER NOT NULL DEFAULT 0,
    used_serial TEXT NOT NULL DEFAULT '',
    used_key BLOB NOT NULL DEFAULT x''
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_by_store ON claims (store, locator);

-- Where a node stands, from its claim to its ban, and what brought it there. The two numbers are of certificates; empty: none.
CREATE TABLE enrolments (
    store TEXT NOT NULL,
    node TEXT NOT NULL,
    chain TEXT NOT NULL,
    state TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    through TEXT NOT NULL,
    actor TEXT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    claimed_key BLOB NOT NULL,
    receipt_key BLOB NOT NULL,
    claim TEXT NOT NULL,
    address TEXT NOT NULL,
    asked_at_ms INTEGER NOT NULL,
    current_number BLOB NOT NULL DEFAULT x'',
    next_number BLOB NOT NULL DEFAULT x'',
    PRIMARY KEY (store, node)
) STRICT, WITHOUT ROWID;
CREATE INDEX enrolments_by_state ON enrolments (state, store, node);

-- What was issued, whole, so that an answer that was lost can be given again. `holder` is a serial or a device. Rows go some time after the certificate has ended.
CREATE TABLE certificates (
    number BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    store TEXT NOT NULL,
    holder TEXT NOT NULL,
    key BLOB NOT NULL,
    not_before_ms INTEGER NOT NULL,
    not_after_ms INTEGER NOT NULL,
    issued_at_ms INTEGER NOT NULL,
    der BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX certificates_by_holder ON certificates (store, kind, holder, issued_at_ms);
CREATE INDEX certificates_by_end ON certificates (not_after_ms);

-- Who may not come in any more, as one list in CBOR: one row, locked by whoever changes it.
CREATE TABLE revocation_list (
    one INTEGER NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL,
    list BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO revocation_list (one, number, list) VALUES (1, 0, x'');

-- Since when a node is in its state, so that connections that are open are looked at again.
ALTER TABLE nodes ADD COLUMN state_at_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX nodes_by_state ON nodes (state_at_ms);
