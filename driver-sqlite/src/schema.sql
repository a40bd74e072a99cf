CREATE TABLE annals_key (
    -- A namespace and a field, written once; entries name them by id. Never removed. Each pair stands
    -- here once: who adds one looks first in annals_name and in the rows that it does not hold yet.
    id        INTEGER PRIMARY KEY, -- 1, 2, 3, … without a gap
    namespace TEXT NOT NULL,
    field     TEXT NOT NULL
) STRICT;

CREATE TABLE annals_name (
    -- The index of annals_key by name, filled in arrears by passes.
    namespace TEXT NOT NULL,
    field     TEXT NOT NULL,
    id        INTEGER NOT NULL, -- annals_key.id
    PRIMARY KEY (namespace, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE annals_name_index (
    -- How far annals_name goes: one row.
    indexed_until  INTEGER NOT NULL, -- the names of all keys up to this id stand in annals_name
    pass_through   INTEGER NOT NULL, -- the running pass takes those up to this one; none runs if it is the same
    pass_namespace TEXT NOT NULL,    -- the pass has taken the names up to this one, in their order
    pass_field     TEXT NOT NULL
) STRICT;

INSERT INTO annals_name_index VALUES (0, 0, '', '');

CREATE TABLE annals_entry (
    -- One change to one key. The value stands last, so that the rest is read without it.
    position INTEGER PRIMARY KEY, -- 1, 2, 3, … without a gap
    key      INTEGER NOT NULL,    -- annals_key.id
    kind     INTEGER NOT NULL,    -- 0 set, 1 deleted, 2 erased
    actor    TEXT,                -- who and why, where that differs from the commit's
    reason   TEXT,
    value    BLOB                 -- 0: the encoded bytes, 1: NULL, 2: the end of the commit that
                                  -- erased it, 8 bytes, big-endian
) STRICT;

CREATE TABLE annals_posting (
    -- Where up to 128 entries of one key stand: the index by key, filled in arrears by passes.
    key    INTEGER NOT NULL, -- annals_key.id
    first  INTEGER NOT NULL, -- the least of their positions
    last   INTEGER NOT NULL, -- the greatest; the same as first if there is but one
    middle BLOB NOT NULL,    -- those in between, each as the distance from the one before (LEB128)
    PRIMARY KEY (key, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE annals_index (
    -- How far annals_posting goes: one row. The entries after indexed_until are the tail.
    indexed_until INTEGER NOT NULL, -- every entry up to this position stands in a posting
    pass_through  INTEGER NOT NULL, -- the running pass takes those up to this one; none runs if it is the same
    pass_key      INTEGER NOT NULL, -- the pass has taken those of keys up to this id
    pages         INTEGER NOT NULL  -- the size of the file when the last pass began
) STRICT;

INSERT INTO annals_index VALUES (0, 0, 0, 0);

CREATE TABLE annals_commit (
    -- One atomic group of entries. An entry's commit is the first one with last >= position.
    last        INTEGER PRIMARY KEY, -- the position of its last entry
    length      INTEGER NOT NULL,    -- the number of its entries
    id          BLOB NOT NULL,       -- a UUID of 16 bytes
    given       INTEGER NOT NULL,    -- 1 if the caller gave the id, else 0
    recorded_at INTEGER NOT NULL,    -- microseconds since 1970 UTC; never falls
    occurred_at INTEGER,             -- the same, in the caller's world
    actor       TEXT,
    reason      TEXT,
    location    TEXT,
    tags        BLOB                 -- an encoded map
) STRICT;

-- No two commits have the same id, where callers gave it.
CREATE UNIQUE INDEX annals_commit_given ON annals_commit (id) WHERE given = 1;

CREATE VIEW annals_value (position, value) AS
-- The stored bytes as SQL, where they are a null, boolean, integer, float or text; else NULL.
-- An unsigned integer above 2^63 - 1 becomes a text of its digits, NaN becomes NULL.
WITH RECURSIVE
    nibble (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM nibble WHERE n < 16),
    -- The first byte as two hexadecimal digits, and how many bytes follow it.
    stored (position, bytes, tag, rest) AS (
        SELECT position, value, hex(substr(value, 1, 1)), length(value) - 1 FROM annals_entry
    ),
    -- The bytes after the first, at most 8, as one big-endian integer of 64 bits.
    number (position, bytes, tag, rest, bits) AS (
        SELECT position, bytes, tag, rest,
            CASE WHEN rest BETWEEN 1 AND 8 AND tag BETWEEN 'CB' AND 'D3' THEN (
                SELECT sum((instr('0123456789ABCDEF', substr(hex(bytes), -n, 1)) - 1) << (4 * (n - 1)))
                FROM nibble WHERE n <= 2 * rest
            ) END
        FROM stored
    )
SELECT position, CASE
    WHEN rest = 0 THEN CASE
        WHEN tag BETWEEN '00' AND '7F' OR tag >= 'E0' THEN
            (instr('0123456789ABCDEF', substr(tag, 1, 1)) - 1) * 16
            + instr('0123456789ABCDEF', substr(tag, 2, 1)) - 1 - (tag >= 'E0') * 256
        WHEN tag = 'A0' THEN ''
        WHEN tag = 'C2' THEN 0
        WHEN tag = 'C3' THEN 1
        END
    -- Text: its length, in the first byte or in 1, 2 or 4 bytes after it, then UTF-8.
    WHEN tag BETWEEN 'A1' AND 'BF' THEN CAST(substr(bytes, 2) AS TEXT)
    WHEN tag = 'D9' THEN CAST(substr(bytes, 3) AS TEXT)
    WHEN tag = 'DA' THEN CAST(substr(bytes, 4) AS TEXT)
    WHEN tag = 'DB' THEN CAST(substr(bytes, 6) AS TEXT)
    -- Unsigned integers.
    WHEN tag = 'CC' AND rest = 1 OR tag = 'CD' AND rest = 2 OR tag = 'CE' AND rest = 4 THEN bits
    WHEN tag = 'CF' AND rest = 8 THEN CASE
        WHEN bits >= 0 THEN bits
        -- 2^63 = 9223372036 * 10^9 + 854775808.
        ELSE (9223372036 + (bits & 0x7FFFFFFFFFFFFFFF) / 1000000000
              + (854775808 + (bits & 0x7FFFFFFFFFFFFFFF) % 1000000000) / 1000000000)
          || printf('%09d', (854775808 + (bits & 0x7FFFFFFFFFFFFFFF) % 1000000000) % 1000000000)
        END
    -- Signed integers: shifting to the top and back spreads the sign.
    WHEN tag = 'D0' AND rest = 1 THEN (bits << 56) >> 56
    WHEN tag = 'D1' AND rest = 2 THEN (bits << 48) >> 48
    WHEN tag = 'D2' AND rest = 4 THEN (bits << 32) >> 32
    WHEN tag = 'D3' AND rest = 8 THEN bits
    -- Floats of 64 bits: sign, exponent of 11 bits, fraction of 52.
    WHEN tag = 'CB' AND rest = 8 THEN (CASE WHEN bits < 0 THEN -1.0 ELSE 1.0 END) * CASE (bits >> 52) & 2047
        WHEN 2047 THEN CASE bits & 0xFFFFFFFFFFFFF WHEN 0 THEN 9e999 END
        ELSE (
            -- The fraction times 2^exponent, in steps by powers of two: each of them is exact.
            WITH RECURSIVE scaled (x, exponent) AS (
                SELECT ((bits & 0xFFFFFFFFFFFFF) | ((((bits >> 52) & 2047) > 0) << 52)) * 1.0,
                    max((bits >> 52) & 2047, 1) - 1075
                UNION ALL
                SELECT CASE WHEN exponent < 0 THEN x / (1 << min(-exponent, 32)) ELSE x * (1 << min(exponent, 32)) END,
                    CASE WHEN exponent < 0 THEN min(exponent + 32, 0) ELSE max(exponent - 32, 0) END
                FROM scaled WHERE exponent <> 0
            )
            SELECT x FROM scaled WHERE exponent = 0
        )
        END
    END
FROM number;

CREATE VIEW annals_commits (
    first, last, entries, id, given, recorded_at, recorded_at_us, occurred_at, occurred_at_us,
    actor, reason, location, tags
) AS
-- One row a commit. Times are text in UTC, from the year 0 on, and microseconds since 1970.
SELECT last - length + 1, last, length,
    lower(hex(substr(id, 1, 4)) || '-' || hex(substr(id, 5, 2)) || '-' || hex(substr(id, 7, 2)) || '-'
        || hex(substr(id, 9, 2)) || '-' || hex(substr(id, 11, 6))),
    given,
    CASE WHEN recorded_at >= -62167219200000000 THEN
        strftime('%Y-%m-%dT%H:%M:%S', (recorded_at - (recorded_at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || printf('.%06dZ', (recorded_at % 1000000 + 1000000) % 1000000)
    END,
    recorded_at,
    CASE WHEN occurred_at >= -62167219200000000 THEN
        strftime('%Y-%m-%dT%H:%M:%S', (occurred_at - (occurred_at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || printf('.%06dZ', (occurred_at % 1000000 + 1000000) % 1000000)
    END,
    occurred_at,
    actor, reason, location, tags
FROM annals_commit;

CREATE VIEW annals_history (
    position, namespace, field, kind, value, bytes, commit_position, recorded_at, recorded_at_us,
    occurred_at, occurred_at_us, actor, reason
) AS
-- One row an entry: every change there ever was, with its commit. In order of position: to choose
-- some of one key reads them all.
SELECT e.position, k.namespace, k.field,
    CASE e.kind WHEN 0 THEN 'set' WHEN 1 THEN 'deleted' WHEN 2 THEN 'erased' END,
    CASE e.kind WHEN 0 THEN v.value END, CASE e.kind WHEN 0 THEN e.value END, c.last,
    c.recorded_at, c.recorded_at_us, c.occurred_at, c.occurred_at_us,
    coalesce(e.actor, c.actor), coalesce(e.reason, c.reason)
FROM annals_entry AS e
JOIN annals_key AS k ON k.id = e.key
JOIN annals_value AS v ON v.position = e.position
JOIN annals_commits AS c ON c.last = (SELECT min(last) FROM annals_commit WHERE last >= e.position);

CREATE VIEW annals_current (
    namespace, field, position, kind, value, bytes, commit_position, recorded_at, recorded_at_us,
    occurred_at, occurred_at_us, actor, reason
) AS
-- One row a key whose newest entry is not a deletion. Costs the keys and the tail, not the history.
WITH tail (key, position) AS MATERIALIZED (
    SELECT key, max(position) FROM annals_entry
    WHERE position > (SELECT indexed_until FROM annals_index) GROUP BY key
)
SELECT k.namespace, k.field, h.position, h.kind, h.value, h.bytes, h.commit_position,
    h.recorded_at, h.recorded_at_us, h.occurred_at, h.occurred_at_us, h.actor, h.reason
FROM annals_key AS k
LEFT JOIN tail AS t ON t.key = k.id
JOIN annals_history AS h ON h.position = coalesce(
    t.position,
    (SELECT last FROM annals_posting WHERE key = k.id ORDER BY first DESC LIMIT 1)
)
WHERE h.kind <> 'deleted';
