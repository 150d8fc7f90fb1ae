-- The hubs that serve: each grows its number every few seconds. One whose number stands still is gone, and nobody is connected to it.
CREATE TABLE hub_beats (
    hub TEXT NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
