-- A rehearsal of a rollout: what it tries, until when, and what came of it. `ended_ms` is 0 while nodes are asked; `found` is what all of them said, as one, from
-- then on. `round` tells one rehearsal from the one before.
CREATE TABLE rehearsals (
    rollout TEXT NOT NULL PRIMARY KEY,
    round INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    ended_ms INTEGER NOT NULL,
    why TEXT NOT NULL,
    candidates TEXT NOT NULL,
    nodes INTEGER NOT NULL,
    found TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The nodes that are asked, and what each said; nothing until it has. Gone when the rehearsal has ended.
CREATE TABLE rehearsal_nodes (
    rollout TEXT NOT NULL,
    store TEXT NOT NULL,
    node TEXT NOT NULL,
    said TEXT NOT NULL,
    PRIMARY KEY (rollout, store, node)
) STRICT, WITHOUT ROWID;
