-- The commonest appends: batches without conditions, whose ids were not given, so that there is nothing to
-- judge. What they take for granted is that none of their ids is there already, from an attempt whose
-- connection was lost; else they raise AN002, have changed nothing, and annals_append has the answer.

CREATE OR REPLACE FUNCTION "annals".annals_append_one(
    a_log bigint, a_seen bigint, a_synced boolean, a_wait_ms bigint,
    -- The batch and its one write, as annals_append takes them.
    b_id uuid, b_now bigint, b_occurred_at bigint, b_actor bytea, b_reason bytea, b_location bytea, b_tags bytea,
    w_namespace text, w_field text, w_kind smallint, w_actor bytea, w_reason bytea, w_value bytea
) RETURNS bigint[]            -- where the log ends now, and when that was recorded
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off      -- for a plan that is kept may be one of tables that were small once
AS $$
#variable_conflict use_column
DECLARE
    v_setting text;
    v_last bigint;
    v_moment bigint;
    v_key integer;
BEGIN
    IF (w_kind IS NULL AND w_value IS NOT NULL OR w_kind = 1 AND w_value IS NULL) IS NOT TRUE
        OR (b_now BETWEEN -377705116800000000 AND 253402300799999999) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'annals: the write sets no value, or deletes and sets one, or the time is impossible'
            USING ERRCODE = 'AN003';
    END IF;
    IF starts_with(w_namespace || '/', '__annals/') THEN
        RAISE EXCEPTION 'annals: `__annals` is kept for the log itself' USING ERRCODE = 'AN003';
    END IF;
    v_setting := set_config('lock_timeout', a_wait_ms::text, true);
    IF NOT a_synced THEN
        v_setting := set_config('synchronous_commit', 'off', true);
    ELSIF current_setting('synchronous_commit') = 'off' THEN
        v_setting := set_config('synchronous_commit', 'on', true);
    END IF;
    WITH l AS (
        UPDATE "annals".annals_log AS l SET last = l.last + 1, recorded_at = greatest(l.recorded_at, b_now)
        WHERE l.log = a_log RETURNING l.last, l.recorded_at
    ), c AS (
        INSERT INTO "annals".annals_commit
            (log, last, length, recorded_at, occurred_at, id, given, actor, reason, location, tags)
        SELECT a_log, l.last, 1, l.recorded_at, b_occurred_at, b_id, false, b_actor, b_reason, b_location, b_tags
        FROM l
    ), e AS (
        INSERT INTO "annals".annals_entry (log, position, key, kind, actor, reason, value)
        SELECT a_log, l.last, k.id, w_kind, w_actor, w_reason, w_value FROM l CROSS JOIN "annals".annals_key AS k
        WHERE k.log = a_log AND k.namespace = w_namespace AND k.field = w_field RETURNING key
    )
    SELECT l.last, l.recorded_at, e.key INTO v_last, v_moment, v_key FROM l LEFT JOIN e ON true;
    IF v_last IS NULL THEN
        RAISE EXCEPTION 'annals: there is no such log' USING ERRCODE = 'AN001';
    END IF;
    IF a_seen < v_last - 1 AND EXISTS (
        SELECT FROM "annals".annals_commit AS c
        WHERE c.log = a_log AND c.last > a_seen AND c.last < v_last AND c.id = b_id AND NOT c.given
    ) THEN
        RAISE EXCEPTION 'annals: this commit is there already' USING ERRCODE = 'AN002';
    END IF;
    IF v_key IS NULL THEN
        -- A new key, or one that was added while the statement above waited for its turn and did not see it.
        SELECT k.id INTO v_key FROM "annals".annals_key AS k
        WHERE k.log = a_log AND k.namespace = w_namespace AND k.field = w_field;
        IF v_key IS NULL THEN
            INSERT INTO "annals".annals_key (log, id, namespace, field)
            SELECT a_log, coalesce(max(k.id)::bigint, a_log % 2147483648 - 2147483648) + 1, w_namespace, w_field
            FROM "annals".annals_key AS k WHERE k.log = a_log RETURNING id INTO v_key;
        END IF;
        INSERT INTO "annals".annals_entry (log, position, key, kind, actor, reason, value)
        VALUES (a_log, v_last, v_key, w_kind, w_actor, w_reason, w_value);
    END IF;
    RETURN ARRAY[v_last, v_moment];
END
$$;

CREATE OR REPLACE FUNCTION "annals".annals_append_plain(
    a_log bigint, a_seen bigint, a_synced boolean, a_wait_ms bigint,
    -- The end and the id of a commit that the caller knows, and with it the keys that are named by their ids
    -- here: taken for granted as well. 0 if there are none.
    a_known bigint, a_known_id uuid,
    -- The batches, an element each.
    b_id uuid[], b_now bigint[], b_occurred_at bigint[],
    b_actor bytea[], b_reason bytea[], b_location bytea[], b_tags bytea[], b_writes integer[],
    -- The other keys, each once.
    k_namespace text[], k_field text[],
    -- The writes, an element each: the key's id, or its number among the other keys. What no write has may
    -- be an empty array.
    w_key integer[], w_other integer[], w_kind smallint[], w_actor bytea[], w_reason bytea[], w_value bytea[]
) RETURNS bigint[]            -- where the log ended before, when that was recorded, and the ids of the other keys
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    v_setting text;
    v_start bigint;
    v_moment bigint;
    v_keys integer[];         -- the ids of the other keys
    v_before bigint;          -- the greatest id before this call
    v_fits boolean;          -- whether what is said of the batches fits their writes
    v_newest bigint;          -- the latest of their times
    v_least integer;          -- the least id that is named, and the greatest
    v_greatest integer;
BEGIN
    SELECT bool_and((x.writes > 0 AND x.now BETWEEN -377705116800000000 AND 253402300799999999) IS TRUE)
        AND sum(x.writes) = cardinality(w_key), max(x.now)
    INTO v_fits, v_newest FROM unnest(b_id, b_now, b_writes) AS x (id, now, writes);
    IF v_fits IS NOT TRUE THEN
        RAISE EXCEPTION 'annals: the batches have other writes than they say, or impossible times'
            USING ERRCODE = 'AN003';
    END IF;
    IF (1 = ALL (w_kind)) IS FALSE OR (CASE cardinality(w_value)
        WHEN 0 THEN cardinality(array_positions(w_kind, 1::smallint)) = cardinality(w_key)
        ELSE array_positions(w_kind, 1::smallint) = array_positions(w_value, NULL)
            AND cardinality(w_value) = cardinality(w_key)
    END) IS NOT TRUE THEN
        RAISE EXCEPTION 'annals: a write sets no value, or deletes and sets one' USING ERRCODE = 'AN003';
    END IF;
    IF EXISTS (SELECT FROM unnest(k_namespace) AS x (name) WHERE starts_with(x.name || '/', '__annals/')) THEN
        RAISE EXCEPTION 'annals: `__annals` is kept for the log itself' USING ERRCODE = 'AN003';
    END IF;
    v_setting := set_config('lock_timeout', a_wait_ms::text, true);
    IF NOT a_synced THEN
        v_setting := set_config('synchronous_commit', 'off', true);
    ELSIF current_setting('synchronous_commit') = 'off' THEN
        v_setting := set_config('synchronous_commit', 'on', true);
    END IF;
    UPDATE "annals".annals_log AS l SET last = l.last + cardinality(w_key) WHERE l.log = a_log
    RETURNING l.last - cardinality(w_key), l.recorded_at INTO v_start, v_moment;
    IF v_start IS NULL THEN
        RAISE EXCEPTION 'annals: there is no such log' USING ERRCODE = 'AN001';
    END IF;
    IF a_seen < v_start AND EXISTS (
        SELECT FROM "annals".annals_commit AS c
        WHERE c.log = a_log AND c.last > a_seen AND c.last <= v_start AND c.id = ANY (b_id) AND NOT c.given
    ) THEN
        RAISE EXCEPTION 'annals: one of these commits is there already' USING ERRCODE = 'AN002';
    END IF;
    IF a_known > 0 AND NOT EXISTS (
        SELECT FROM "annals".annals_commit AS c WHERE c.log = a_log AND c.last = a_known AND c.id = a_known_id
    ) THEN
        RAISE EXCEPTION 'annals: the log is not the one that was known' USING ERRCODE = 'AN002';
    END IF;
    SELECT min(x.key), max(x.key) INTO v_least, v_greatest FROM unnest(w_key) AS x (key);
    IF v_least IS NOT NULL AND (
        SELECT v_least > a_log % 2147483648 - 2147483648 AND v_greatest <= max(k.id) FROM "annals".annals_key AS k
        WHERE k.log = a_log
    ) IS NOT TRUE THEN
        RAISE EXCEPTION 'annals: a key is named that is not there' USING ERRCODE = 'AN002';
    END IF;
    IF EXISTS (
        SELECT FROM "annals".annals_key AS k
        WHERE k.log = a_log AND k.namespace >= '__annals/' AND k.namespace < '__annals0' AND k.id = ANY (w_key)
    ) THEN
        RAISE EXCEPTION 'annals: `__annals` is kept for the log itself' USING ERRCODE = 'AN003';
    END IF;

    IF cardinality(k_field) > 0 THEN
        SELECT array_agg((
            SELECT k.id FROM "annals".annals_key AS k
            WHERE k.log = a_log AND k.namespace = x.namespace AND k.field = x.field
        ) ORDER BY x.number) INTO v_keys
        FROM unnest(k_namespace, k_field) WITH ORDINALITY AS x (namespace, field, number);
        IF array_position(v_keys, NULL) IS NOT NULL THEN
            SELECT coalesce(max(k.id)::bigint, a_log % 2147483648 - 2147483648) INTO v_before FROM "annals".annals_key AS k WHERE k.log = a_log;
            INSERT INTO "annals".annals_key (log, id, namespace, field)
            SELECT a_log, v_before + row_number() OVER (ORDER BY x.number), x.namespace, x.field
            FROM unnest(v_keys, k_namespace, k_field) WITH ORDINALITY AS x (key, namespace, field, number)
            WHERE x.key IS NULL;
            SELECT array_agg(coalesce(x.key, v_before + x.nth) ORDER BY x.number) INTO v_keys FROM (
                SELECT x.key, x.number, count(*) FILTER (WHERE x.key IS NULL) OVER (ORDER BY x.number) AS nth
                FROM unnest(v_keys) WITH ORDINALITY AS x (key, number)
            ) AS x;
        END IF;
    END IF;
    INSERT INTO "annals".annals_entry (log, position, key, kind, actor, reason, value)
    SELECT a_log, v_start + x.number, coalesce(x.key, v_keys[x.other]),
        x.kind, x.actor, x.reason, x.value
    FROM unnest(w_key, w_other, w_kind, w_actor, w_reason, w_value)
        WITH ORDINALITY AS x (key, other, kind, actor, reason, value, number);

    INSERT INTO "annals".annals_commit
        (log, last, length, recorded_at, occurred_at, id, given, actor, reason, location, tags)
    SELECT a_log, v_start + sum(x.length) OVER (ORDER BY x.number), x.length,
        greatest(v_moment, max(x.now) OVER (ORDER BY x.number)), x.occurred_at,
        x.id, false, x.actor, x.reason, x.location, x.tags
    FROM unnest(b_writes, b_now, b_occurred_at, b_id, b_actor, b_reason, b_location, b_tags)
        WITH ORDINALITY AS x (length, now, occurred_at, id, actor, reason, location, tags, number);

    UPDATE "annals".annals_log AS l SET recorded_at = greatest(v_moment, v_newest) WHERE l.log = a_log;
    RETURN ARRAY[v_start, v_moment] || v_keys::bigint[];
END
$$;

REVOKE ALL ON FUNCTION "annals".annals_append_one, "annals".annals_append_plain FROM PUBLIC;
