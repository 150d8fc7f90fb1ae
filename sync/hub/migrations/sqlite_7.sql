-- What people call a store by: one object of JSON for each.
CREATE TABLE store_labels (
    store TEXT NOT NULL PRIMARY KEY,
    labels TEXT NOT NULL,
    version INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What people say of the fleet, each as the document that it was written as: groups, filters, overrides. `part` is the serial of an override for one box.
CREATE TABLE fleet_words (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    part TEXT NOT NULL,
    document TEXT NOT NULL,
    version INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, name, part)
) STRICT, WITHOUT ROWID;

-- A rollout: its state as JSON, moved by compare-and-set on `counter`; `seen` is the same for pages.
CREATE TABLE rollouts (
    rollout TEXT NOT NULL PRIMARY KEY,
    place INTEGER NOT NULL UNIQUE,
    phase TEXT NOT NULL,
    author_name TEXT NOT NULL,
    state TEXT NOT NULL,
    seen TEXT NOT NULL,
    preflight TEXT NOT NULL DEFAULT '',
    counter INTEGER NOT NULL,
    made_at_ms INTEGER NOT NULL,
    planned_at_ms INTEGER NOT NULL DEFAULT 0,
    moved_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What happened to a rollout, in order; rows are only added.
CREATE TABLE rollout_events (
    rollout TEXT NOT NULL,
    number INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (rollout, number)
) STRICT, WITHOUT ROWID;

-- What a node said of itself last, as it came, and what is asked of it often. `is_news` until the rules have heard it.
CREATE TABLE node_reports (
    store TEXT NOT NULL,
    node TEXT NOT NULL,
    number INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    is_news INTEGER NOT NULL,
    version TEXT NOT NULL,
    facts TEXT NOT NULL,
    is_settled INTEGER NOT NULL,
    drift INTEGER NOT NULL,
    reason TEXT NOT NULL,
    says BLOB NOT NULL,
    PRIMARY KEY (store, node)
) STRICT, WITHOUT ROWID;
CREATE INDEX node_reports_news ON node_reports (store, node) WHERE is_news = 1;

-- The nodes as the rules know them: since when, and the stamp of the state that each was given last. Stamps are kept when a node goes: versions only grow.
CREATE TABLE fleet_nodes (
    store TEXT NOT NULL,
    node TEXT NOT NULL,
    is_member INTEGER NOT NULL,
    since_ms INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 0,
    hash BLOB NOT NULL DEFAULT x'',
    PRIMARY KEY (store, node)
) STRICT, WITHOUT ROWID;

-- Which order each store was given last: what it was made of, as a hash, and its generation.
CREATE TABLE fleet_orders (
    store TEXT NOT NULL PRIMARY KEY,
    print BLOB NOT NULL,
    generation INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Grows with every change that people make to the fleet; locked by whoever makes one.
CREATE TABLE fleet_changes (
    one INTEGER NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO fleet_changes (one, number) VALUES (1, 0);

-- Which hub lets the rules work, and until when. Its term is looked at by everything that the rules write.
CREATE TABLE fleet_lease (
    one INTEGER NOT NULL PRIMARY KEY,
    hub TEXT NOT NULL,
    term INTEGER NOT NULL,
    until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO fleet_lease (one, hub, term, until_ms) VALUES (1, '', 0, 0);
