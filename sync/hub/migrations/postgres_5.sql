-- People, what they may do, and what was done. The same for all stores: few rows, on every machine.
-- `folded` is the name as it is compared; `subject` who the person is at the identity provider.
CREATE TABLE people (
    person TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,
    subject TEXT UNIQUE,
    state TEXT NOT NULL,
    version BIGINT NOT NULL,
    password TEXT NOT NULL DEFAULT '',
    password_at_ms BIGINT NOT NULL DEFAULT 0,
    setup_hash BYTEA,
    setup_until_ms BIGINT NOT NULL DEFAULT 0,
    created_at_ms BIGINT NOT NULL,
    changed_at_ms BIGINT NOT NULL,
    signed_in_at_ms BIGINT NOT NULL DEFAULT 0
);

-- `scope`: empty, `region:eu`, or `label:KEY=VALUE`.
CREATE TABLE person_roles (
    person TEXT NOT NULL,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    PRIMARY KEY (person, role, scope)
);

-- What a browser shows is kept as its hash; `session` names it to people.
CREATE TABLE sessions (
    hash BYTEA NOT NULL PRIMARY KEY,
    session TEXT NOT NULL UNIQUE,
    person TEXT NOT NULL,
    way TEXT NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    begun_at_ms BIGINT NOT NULL,
    seen_at_ms BIGINT NOT NULL,
    ends_at_ms BIGINT NOT NULL
);
CREATE INDEX sessions_by_person ON sessions (person, begun_at_ms);

-- `permissions`: their names with commas between them.
CREATE TABLE api_tokens (
    token TEXT NOT NULL PRIMARY KEY,
    hash BYTEA NOT NULL,
    person TEXT NOT NULL,
    name TEXT NOT NULL,
    permissions TEXT NOT NULL,
    made_at_ms BIGINT NOT NULL,
    ends_at_ms BIGINT NOT NULL,
    used_at_ms BIGINT NOT NULL DEFAULT 0,
    revoked_at_ms BIGINT
);
CREATE INDEX api_tokens_by_person ON api_tokens (person, made_at_ms);

-- Passwords that were wrong, by account and by address. Few thousand rows at most.
CREATE TABLE attempts (
    subject TEXT NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_at_ms BIGINT NOT NULL,
    blocked_until_ms BIGINT NOT NULL
);

-- What one person asks for and another has to agree to: exactly this request, once.
CREATE TABLE approvals (
    approval TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    summary TEXT NOT NULL,
    hash BYTEA NOT NULL,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_name TEXT NOT NULL,
    asked_at_ms BIGINT NOT NULL,
    ends_at_ms BIGINT NOT NULL,
    decided_by TEXT NOT NULL DEFAULT '',
    decided_name TEXT NOT NULL DEFAULT '',
    decided_at_ms BIGINT NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    executed_at_ms BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX approvals_by_time ON approvals (asked_at_ms, approval);

-- What was done, by whom. Rows are only added: `head` is the hash of the row and of the head before it.
CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    hub TEXT NOT NULL,
    actor TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    way TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    was TEXT NOT NULL,
    became TEXT NOT NULL,
    head BYTEA NOT NULL
);
CREATE INDEX audit_by_actor ON audit (actor, seq);
CREATE INDEX audit_by_action ON audit (action, seq);

-- Where the chain ends: one row, locked by whoever adds to it.
CREATE TABLE audit_head (
    one INTEGER NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    head BYTEA NOT NULL
);
INSERT INTO audit_head (one, seq, head) VALUES (1, 0, decode(repeat('00', 32), 'hex'));

-- Answers to requests that may be sent again. `key` is a hash of what the caller chose; the answer is sealed with it.
CREATE TABLE idempotency (
    actor TEXT NOT NULL,
    key BYTEA NOT NULL,
    request BYTEA NOT NULL,
    at_ms BIGINT NOT NULL,
    status INTEGER NOT NULL DEFAULT 0,
    answer BYTEA,
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_by_time ON idempotency (at_ms);
