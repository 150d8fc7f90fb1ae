-- Metadata of signed artefacts: the files that a client of TUF asks for, by role and version. Version 0 is the newest one: that of `timestamp` makes a
-- publication count, and who publishes moves it by compare-and-set, so that hubs on one database share one repository.
CREATE TABLE artefact_metadata (
    role TEXT NOT NULL,
    version BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (role, version)
);
