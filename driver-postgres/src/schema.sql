CREATE TABLE "annals".annals_format (
    -- One row: the version of what stands in this schema.
    version integer NOT NULL
);

INSERT INTO "annals".annals_format VALUES (3);

CREATE TABLE "annals".annals_log (
    -- One row a log. Its row is locked while commits are added to it: that is their order.
    log  bigint NOT NULL,          -- the first 63 bits of the SHA-256 of its name
    name text COLLATE "C" NOT NULL,
    last bigint NOT NULL,          -- the position of its newest entry; 0 if it has none
    recorded_at bigint,            -- that of its newest commit; NULL if it has none
    PRIMARY KEY (log)
) WITH (fillfactor = 20);          -- room for new versions of a row that changes at every commit

CREATE TABLE "annals".annals_key (
    -- A namespace and a field, written once; entries name them by id. Never removed.
    log       bigint NOT NULL,
    id        integer NOT NULL,    -- 1, 2, 3, … as they come, plus the log's lower 31 bits, minus 2^31
    namespace text COLLATE "C" NOT NULL,
    field     text COLLATE "C" NOT NULL,
    PRIMARY KEY (log, id)
);

CREATE UNIQUE INDEX annals_key_name ON "annals".annals_key (log, namespace, field);

CREATE TABLE "annals".annals_entry (
    -- One change to one key.
    log      bigint NOT NULL,
    position bigint NOT NULL,      -- 1, 2, 3, … without a gap
    key      integer NOT NULL,     -- annals_key.id
    kind     smallint,             -- NULL set, 1 deleted, 2 erased
    actor    bytea,                -- who and why, where that differs from the commit's; UTF-8
    reason   bytea,
    value    bytea,                -- set: the encoded bytes, deleted: NULL, erased: the end of the
                                   -- commit that erased it, 8 bytes, big-endian
    PRIMARY KEY (log, position) WITH (fillfactor = 100) -- it only grows at its end
);

-- Every log begins with another id, so that few keys of two logs have the same: they do no harm here.
CREATE INDEX annals_entry_key ON "annals".annals_entry (key, position);

CREATE TABLE "annals".annals_commit (
    -- One atomic group of entries. An entry's commit is the first one with last >= position.
    log         bigint NOT NULL,
    last        bigint NOT NULL,   -- the position of its last entry
    length      bigint NOT NULL,   -- the number of its entries
    recorded_at bigint NOT NULL,   -- microseconds since 1970 UTC; never falls
    occurred_at bigint,            -- the same, in the caller's world
    id          uuid NOT NULL,
    given       boolean NOT NULL,  -- whether the caller gave the id
    actor       bytea,             -- texts are UTF-8; PostgreSQL's own have no place for a NUL
    reason      bytea,
    location    bytea,
    tags        bytea,             -- an encoded map
    PRIMARY KEY (log, last) WITH (fillfactor = 100)
);

-- No two commits of a log have the same id, where callers gave it.
CREATE UNIQUE INDEX annals_commit_given ON "annals".annals_commit (log, id) WHERE given;
