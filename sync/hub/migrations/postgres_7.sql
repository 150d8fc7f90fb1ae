-- What people call a store by: one object of JSON for each.
CREATE TABLE store_labels (
    store TEXT NOT NULL PRIMARY KEY,
    labels TEXT NOT NULL,
    version BIGINT NOT NULL,
    at_ms BIGINT NOT NULL
);

-- What people say of the fleet, each as the document that it was written as: groups, filters, overrides. `part` is the serial of an override for one box.
CREATE TABLE fleet_words (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    part TEXT NOT NULL,
    document TEXT NOT NULL,
    version BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, name, part)
);

-- A rollout: its state as JSON, moved by compare-and-set on `counter`; `seen` is the same for pages.
CREATE TABLE rollouts (
    rollout TEXT NOT NULL PRIMARY KEY,
    place BIGINT NOT NULL UNIQUE,
    phase TEXT NOT NULL,
    author_name TEXT NOT NULL,
    state TEXT NOT NULL,
    seen TEXT NOT NULL,
    preflight TEXT NOT NULL DEFAULT '',
    counter BIGINT NOT NULL,
    made_at_ms BIGINT NOT NULL,
    planned_at_ms BIGINT NOT NULL DEFAULT 0,
    moved_at_ms BIGINT NOT NULL
);

-- What happened to a rollout, in order; rows are only added.
CREATE TABLE rollout_events (
    rollout TEXT NOT NULL,
    number BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (rollout, number)
);

-- What a node said of itself last, as it came, and what is asked of it often. `is_news` until the rules have heard it.
CREATE TABLE node_reports (
    store TEXT NOT NULL,
    node TEXT NOT NULL,
    number BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    is_news BOOLEAN NOT NULL,
    version TEXT NOT NULL,
    facts TEXT NOT NULL,
    is_settled BOOLEAN NOT NULL,
    drift BIGINT NOT NULL,
    reason TEXT NOT NULL,
    says BYTEA NOT NULL,
    PRIMARY KEY (store, node)
);
CREATE INDEX node_reports_news ON node_reports (store, node) WHERE is_news;

-- The nodes as the rules know them: since when, and the stamp of the state that each was given last. Stamps are kept when a node goes: versions only grow.
CREATE TABLE fleet_nodes (
    store TEXT NOT NULL,
    node TEXT NOT NULL,
    is_member BOOLEAN NOT NULL,
    since_ms BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 0,
    hash BYTEA NOT NULL DEFAULT '',
    PRIMARY KEY (store, node)
);

-- Which order each store was given last: what it was made of, as a hash, and its generation.
CREATE TABLE fleet_orders (
    store TEXT NOT NULL PRIMARY KEY,
    print BYTEA NOT NULL,
    generation BIGINT NOT NULL
);

-- Grows with every change that people make to the fleet; locked by whoever makes one.
CREATE TABLE fleet_changes (
    one INTEGER NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL
);
INSERT INTO fleet_changes (one, number) VALUES (1, 0);

-- Which hub lets the rules work, and until when. Its term is looked at by everything that the rules write.
CREATE TABLE fleet_lease (
    one INTEGER NOT NULL PRIMARY KEY,
    hub TEXT NOT NULL,
    term BIGINT NOT NULL,
    until_ms BIGINT NOT NULL
);
INSERT INTO fleet_lease (one, hub, term, until_ms) VALUES (1, '', 0, 0);
