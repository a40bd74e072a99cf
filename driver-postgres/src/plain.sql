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
    IF ((w_kind IS NULL AND w_value IS NOT NULL OR w_kind = 1 AND w_value IS NULL)
        AND b_now BETWEEN -377705116800000000 AND 253402300799999999
        AND (b_occurred_at BETWEEN -377705116800000000 AND 253402300799999999) IS NOT FALSE
        AND NOT starts_with(w_namespace || '/', '__annals/')) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'annals: no value, or one with a deletion, or an impossible time, or `__annals` is named'
            USING ERRCODE = 'AN003';
    END IF;
    v_setting := set_config('lock_timeout', a_wait_ms::text, true) || CASE
        WHEN NOT a_synced THEN set_config('synchronous_commit', 'off', true)
        WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true)
    END;
    UPDATE "annals".annals_log AS l SET last = l.last + 1, recorded_at = greatest(l.recorded_at, b_now)
    WHERE l.log = a_log RETURNING l.last, l.recorded_at INTO v_last, v_moment;
    INSERT INTO "annals".annals_entry (log, position, key, kind, actor, reason, value)
    SELECT a_log, v_last, k.id, w_kind, w_actor, w_reason, w_value FROM "annals".annals_key AS k
    WHERE k.log = a_log AND k.namespace = w_namespace AND k.field = w_field AND v_last IS NOT NULL
    RETURNING key INTO v_key;
    IF (v_key IS NOT NULL AND a_seen >= v_last - 1) IS NOT TRUE THEN
        IF v_last IS NULL THEN
            RAISE EXCEPTION 'annals: there is no such log' USING ERRCODE = 'AN001';
        END IF;
        IF EXISTS (
            SELECT FROM "annals".annals_commit AS c
            WHERE c.log = a_log AND c.last > a_seen AND c.last < v_last AND c.id = b_id AND NOT c.given
        ) THEN
            RAISE EXCEPTION 'annals: this commit is there already' USING ERRCODE = 'AN002';
        END IF;
        IF v_key IS NULL THEN
            INSERT INTO "annals".annals_key (log, id, namespace, field)
            SELECT a_log, coalesce(max(k.id)::bigint, a_log % 2147483648 - 2147483648) + 1, w_namespace, w_field
            FROM "annals".annals_key AS k WHERE k.log = a_log RETURNING id INTO v_key;
            INSERT INTO "annals".annals_entry (log, position, key, kind, actor, reason, value)
            VALUES (a_log, v_last, v_key, w_kind, w_actor, w_reason, w_value);
        END IF;
    END IF;
    INSERT INTO "annals".annals_commit
        (log, last, length, recorded_at, occurred_at, id, given, actor, reason, location, tags)
    VALUES (a_log, v_last, 1, v_moment, b_occurred_at, b_id, false, b_actor, b_reason, b_location, b_tags);
    RETURN ARRAY[v_last, v_moment];
END
$$;

CREATE OR REPLACE FUNCTION "annals".annals_refuse(why text) RETURNS integer
-- Never returns. It stands where a value of a row would be that must not be stored.
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RAISE EXCEPTION 'annals: %', why USING ERRCODE = 'AN003';
END
$$;

CREATE OR REPLACE FUNCTION "annals".annals_append_plain(
    a_log bigint, a_seen bigint, a_synced boolean, a_wait_ms bigint,
    -- The end and the id of a commit that the caller knows, and with it the keys that are named by their ids
    -- here: taken for granted as well. 0 if there are none.
    a_known bigint, a_known_id uuid,
    -- The batches, an element each. Their times do not fall, and each says how many writes there are up to its end.
    b_id uuid[], b_now bigint[], b_occurred_at bigint[],
    b_actor bytea[], b_reason bytea[], b_location bytea[], b_tags bytea[], b_writes integer[],
    -- The other keys, each once.
    k_namespace text[], k_field text[],
    -- The writes, an element each: the key's id, or its number among the other keys. What no batch or write has
    -- may be an empty array.
    w_key integer[], w_other integer[], w_kind smallint[], w_actor bytea[], w_reason bytea[], w_value bytea[]
) RETURNS bigint[]            -- where the log ended before, when that was recorded, and the ids of the other keys
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    v_setting text;
    v_batches integer := cardinality(b_writes);
    v_writes integer := cardinality(w_key);
    v_start bigint;
    v_moment bigint;
    v_is_known boolean;       -- whether the newest commit is the one that the caller knows
    v_greatest integer;       -- the greatest id of a key before this call
    v_reserved integer;       -- an id that must not be named
    v_keys integer[];         -- the ids of the other keys
    v_before bigint;
BEGIN
    v_setting := set_config('lock_timeout', a_wait_ms::text, true) || CASE
        WHEN NOT a_synced THEN set_config('synchronous_commit', 'off', true)
        WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true)
    END;
    UPDATE "annals".annals_log AS l SET last = l.last + v_writes, recorded_at = greatest(l.recorded_at, b_now[v_batches])
    WHERE l.log = a_log RETURNING l.last - v_writes INTO v_start;
    -- The lock came first: what is read now, nobody can change any more.
    SELECT c.recorded_at, c.last = a_known AND c.id = a_known_id, (
        SELECT k.id FROM "annals".annals_key AS k WHERE k.log = a_log ORDER BY k.id DESC LIMIT 1
    ), (
        SELECT k.id FROM "annals".annals_key AS k
        WHERE k.log = a_log AND k.namespace >= '__annals' AND k.namespace < '__annals0'
            AND starts_with(k.namespace || '/', '__annals/') AND k.id = ANY (w_key) LIMIT 1
    ) INTO v_moment, v_is_known, v_greatest, v_reserved
    FROM "annals".annals_commit AS c WHERE c.log = a_log AND c.last = v_start;
    -- What nearly always holds is asked at once.
    IF (
        b_writes[v_batches] = v_writes AND v_reserved IS NULL AND a_seen >= v_start AND (a_known = 0 OR v_is_known)
        AND cardinality(w_kind) = 0 AND cardinality(w_value) = v_writes AND array_position(w_value, NULL) IS NULL
    ) IS NOT TRUE THEN
        IF v_start IS NULL THEN
            RAISE EXCEPTION 'annals: there is no such log' USING ERRCODE = 'AN001';
        END IF;
        IF (b_writes[v_batches] = v_writes) IS NOT TRUE THEN
            RAISE EXCEPTION 'annals: the batches have other writes than they say' USING ERRCODE = 'AN003';
        END IF;
        IF v_reserved IS NOT NULL THEN
            RAISE EXCEPTION 'annals: `__annals` is kept for the log itself' USING ERRCODE = 'AN003';
        END IF;
        -- Some arrays are taken apart, others looked into: both have to begin with 1.
        IF (1 = ALL (w_kind)) IS FALSE OR cardinality(w_kind) NOT IN (0, v_writes)
            OR 1 <> coalesce(array_lower(w_kind, 1), 1) OR 1 <> coalesce(array_lower(w_value, 1), 1)
            OR (CASE cardinality(w_value)
                WHEN 0 THEN cardinality(array_positions(w_kind, 1::smallint)) = v_writes
                ELSE array_positions(w_kind, 1::smallint) = array_positions(w_value, NULL)
                    AND cardinality(w_value) = v_writes
            END) IS NOT TRUE
        THEN
            RAISE EXCEPTION 'annals: a write sets no value, or deletes and sets one' USING ERRCODE = 'AN003';
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
    END IF;

    IF cardinality(k_field) > 0 THEN
        IF EXISTS (SELECT FROM unnest(k_namespace) AS x (name) WHERE starts_with(x.name || '/', '__annals/')) THEN
            RAISE EXCEPTION 'annals: `__annals` is kept for the log itself' USING ERRCODE = 'AN003';
        END IF;
        IF (
            SELECT count(DISTINCT x.other) FROM unnest(w_key, w_other) AS x (key, other)
            WHERE x.key IS NULL AND x.other BETWEEN 1 AND cardinality(k_field)
        ) <> cardinality(k_field) THEN
            RAISE EXCEPTION 'annals: a key is named that no write has' USING ERRCODE = 'AN003';
        END IF;
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
    -- What can be wrong with a row is looked at while it is made: it costs less than to do so before.
    INSERT INTO "annals".annals_entry (log, position, key, kind, actor, reason, value)
    SELECT a_log, v_start + x.number, CASE
            WHEN x.key IS NULL AND v_keys[w_other[x.number]] IS NOT NULL THEN v_keys[w_other[x.number]]
            WHEN x.key > a_log % 2147483648 - 2147483648 AND x.key <= v_greatest THEN x.key
            ELSE "annals".annals_refuse('a key is named that is not there')
        END, w_kind[x.number], w_actor[x.number], w_reason[x.number], x.value
    FROM unnest(w_key, w_value) WITH ORDINALITY AS x (key, value, number);

    INSERT INTO "annals".annals_commit
        (log, last, length, recorded_at, occurred_at, id, given, actor, reason, location, tags)
    SELECT a_log, v_start + b_writes[i], CASE
            WHEN b_writes[i] > coalesce(b_writes[i - 1], 0) THEN b_writes[i] - coalesce(b_writes[i - 1], 0)
            ELSE "annals".annals_refuse('a batch has no writes, or others than it says')
        END, CASE
            WHEN b_now[i] <= 253402300799999999 AND b_now[i] >= coalesce(b_now[i - 1], -377705116800000000)
                AND (b_occurred_at[i] BETWEEN -377705116800000000 AND 253402300799999999) IS NOT FALSE
            THEN greatest(v_moment, b_now[i])
            ELSE "annals".annals_refuse('times fall, or are impossible')
        END, b_occurred_at[i], b_id[i], false, b_actor[i], b_reason[i], b_location[i], b_tags[i]
    FROM generate_series(1, v_batches) AS i;

    RETURN ARRAY[v_start, v_moment] || v_keys::bigint[];
END
$$;

REVOKE ALL ON FUNCTION "annals".annals_append_one, "annals".annals_append_plain, "annals".annals_refuse FROM PUBLIC;
