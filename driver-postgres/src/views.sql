CREATE OR REPLACE FUNCTION "annals".annals_text(bytes bytea) RETURNS text
-- Texts are stored as UTF-8, since PostgreSQL's own have no place for a NUL: U+2400 is shown for it. NULL for
-- what is no UTF-8, as somebody may have added who does not use a program of this project.
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN pg_catalog.encode(bytes, 'hex') COLLATE "C" ~ ('^([0-7].|(c[2-9a-f]|d.|e0[ab].|e[1-9a-cef][89ab].'
            || '|ed[89].|f0[9ab].[89ab].|f[1-3][89ab].[89ab].|f48.[89ab].)[89ab].)*$')
        THEN pg_catalog.convert_from(CASE position('\x00'::bytea IN bytes)
            WHEN 0 THEN bytes
            ELSE pg_catalog.decode(pg_catalog.replace(
                pg_catalog.regexp_replace(pg_catalog.encode(bytes, 'hex'), '(..)', '\1 ', 'g'), '00 ', 'e29080 '
            ), 'hex')
        END, 'UTF8')
    END
$$;

CREATE OR REPLACE FUNCTION "annals".annals_value(bytes bytea) RETURNS jsonb
-- The stored bytes as JSON, where they are a null, boolean, integer, finite float or text; else NULL.
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN v.rest = 0 THEN CASE
            WHEN v.tag <= 127 THEN pg_catalog.to_jsonb(v.tag)
            WHEN v.tag >= 224 THEN pg_catalog.to_jsonb(v.tag - 256)
            WHEN v.tag = 160 THEN '""'
            WHEN v.tag = 192 THEN 'null'
            WHEN v.tag = 194 THEN 'false'
            WHEN v.tag = 195 THEN 'true'
            END
        -- Text: its length, in the first byte or in 1, 2 or 4 bytes after it, then UTF-8.
        WHEN v.tag BETWEEN 161 AND 191 THEN pg_catalog.to_jsonb("annals".annals_text(pg_catalog.substr(bytes, 2)))
        WHEN v.tag = 217 THEN pg_catalog.to_jsonb("annals".annals_text(pg_catalog.substr(bytes, 3)))
        WHEN v.tag = 218 THEN pg_catalog.to_jsonb("annals".annals_text(pg_catalog.substr(bytes, 4)))
        WHEN v.tag = 219 THEN pg_catalog.to_jsonb("annals".annals_text(pg_catalog.substr(bytes, 6)))
        -- Unsigned integers.
        WHEN v.tag = 204 AND v.rest = 1 OR v.tag = 205 AND v.rest = 2 OR v.tag = 206 AND v.rest = 4
            THEN pg_catalog.to_jsonb(v.bits)
        WHEN v.tag = 207 AND v.rest = 8
            THEN pg_catalog.to_jsonb(v.bits + CASE WHEN v.bits < 0 THEN 18446744073709551616 ELSE 0 END)
        -- Signed integers: shifting to the top and back spreads the sign.
        WHEN v.tag = 208 AND v.rest = 1 THEN pg_catalog.to_jsonb((v.bits << 56) >> 56)
        WHEN v.tag = 209 AND v.rest = 2 THEN pg_catalog.to_jsonb((v.bits << 48) >> 48)
        WHEN v.tag = 210 AND v.rest = 4 THEN pg_catalog.to_jsonb((v.bits << 32) >> 32)
        WHEN v.tag = 211 AND v.rest = 8 THEN pg_catalog.to_jsonb(v.bits)
        -- Floats of 64 bits: sign, exponent of 11 bits, fraction of 52. Each step is exact.
        WHEN v.tag = 203 AND v.rest = 8 AND (v.bits >> 52) & 2047 < 2047 THEN pg_catalog.to_jsonb(
            (CASE WHEN v.bits < 0 THEN -1.0 ELSE 1.0 END)::float8
            * ((v.bits & 4503599627370495) + CASE WHEN (v.bits >> 52) & 2047 > 0 THEN 4503599627370496 ELSE 0 END)::float8
            * pg_catalog.power(2::float8, (GREATEST((v.bits >> 52) & 2047, 1) - 1075)::float8)
        )
    END
    FROM (
        SELECT CASE WHEN pg_catalog.octet_length(bytes) > 0 THEN pg_catalog.get_byte(bytes, 0) END AS tag,
            pg_catalog.octet_length(bytes) - 1 AS rest,
            -- The bytes after the first, at most 8, as one big-endian integer.
            CASE WHEN pg_catalog.octet_length(bytes) BETWEEN 2 AND 9 THEN (
                'x' || pg_catalog.lpad(pg_catalog.encode(pg_catalog.substr(bytes, 2), 'hex'), 16, '0')
            )::bit(64)::bigint END AS bits
    ) AS v
$$;

CREATE OR REPLACE FUNCTION "annals".annals_time(micros bigint) RETURNS timestamptz
-- Days and microseconds apart, which is exact. PostgreSQL's times begin in the year 4714 BC: NULL before it.
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN micros >= -210866803200000000 THEN (
        timestamp '1970-01-01 00:00:00' + micros / 86400000000 * interval '1 day'
            + micros % 86400000000 * interval '1 microsecond'
    ) AT TIME ZONE 'UTC' END
$$;

GRANT EXECUTE ON FUNCTION "annals".annals_text, "annals".annals_value, "annals".annals_time TO PUBLIC;

CREATE OR REPLACE VIEW "annals".annals_commits AS
-- One row a commit.
SELECT l.name AS log, c.last - c.length + 1 AS first, c.last, c.length AS entries, c.id, c.given,
    "annals".annals_time(c.recorded_at) AS recorded_at, c.recorded_at AS recorded_at_us,
    "annals".annals_time(c.occurred_at) AS occurred_at, c.occurred_at AS occurred_at_us,
    "annals".annals_text(c.actor) AS actor, "annals".annals_text(c.reason) AS reason,
    "annals".annals_text(c.location) AS location, c.tags
FROM "annals".annals_log AS l JOIN "annals".annals_commit AS c ON c.log = l.log;

CREATE OR REPLACE VIEW "annals".annals_history AS
-- One row an entry: every change there ever was, with its commit.
SELECT l.name AS log, e.position, k.namespace, k.field,
    CASE e.kind WHEN 1 THEN 'deleted' WHEN 2 THEN 'erased' ELSE 'set' END AS kind,
    CASE e.kind WHEN 1 THEN NULL WHEN 2 THEN NULL ELSE "annals".annals_value(e.value) END AS value,
    CASE e.kind WHEN 1 THEN NULL WHEN 2 THEN NULL ELSE e.value END AS bytes, c.last AS commit_position,
    "annals".annals_time(c.recorded_at) AS recorded_at, c.recorded_at AS recorded_at_us,
    "annals".annals_time(c.occurred_at) AS occurred_at, c.occurred_at AS occurred_at_us,
    "annals".annals_text(coalesce(e.actor, c.actor)) AS actor, "annals".annals_text(coalesce(e.reason, c.reason)) AS reason
FROM "annals".annals_log AS l
JOIN "annals".annals_key AS k ON k.log = l.log
JOIN "annals".annals_entry AS e ON e.log = l.log AND e.key = k.id
CROSS JOIN LATERAL (
    SELECT * FROM "annals".annals_commit AS c WHERE c.log = e.log AND c.last >= e.position ORDER BY c.last LIMIT 1
) AS c;

CREATE OR REPLACE VIEW "annals".annals_current AS
-- One row a key whose newest entry is not a deletion. Costs the keys, not the history.
SELECT l.name AS log, k.namespace, k.field, e.position,
    CASE e.kind WHEN 2 THEN 'erased' ELSE 'set' END AS kind,
    CASE e.kind WHEN 2 THEN NULL ELSE "annals".annals_value(e.value) END AS value,
    CASE e.kind WHEN 2 THEN NULL ELSE e.value END AS bytes, c.last AS commit_position,
    "annals".annals_time(c.recorded_at) AS recorded_at, c.recorded_at AS recorded_at_us,
    "annals".annals_time(c.occurred_at) AS occurred_at, c.occurred_at AS occurred_at_us,
    "annals".annals_text(coalesce(e.actor, c.actor)) AS actor, "annals".annals_text(coalesce(e.reason, c.reason)) AS reason
FROM "annals".annals_log AS l
JOIN "annals".annals_key AS k ON k.log = l.log
CROSS JOIN LATERAL (
    -- By the index of keys, whatever the planner thinks of the positions.
    SELECT * FROM "annals".annals_entry AS e
    WHERE e.log = k.log AND (e.key, e.position) >= (k.id, 0) AND (e.key, e.position) <= (k.id, 9223372036854775807)
    ORDER BY e.key DESC, e.position DESC LIMIT 1
) AS e
CROSS JOIN LATERAL (
    SELECT * FROM "annals".annals_commit AS c WHERE c.log = e.log AND c.last >= e.position ORDER BY c.last LIMIT 1
) AS c
WHERE e.kind IS DISTINCT FROM 1;
