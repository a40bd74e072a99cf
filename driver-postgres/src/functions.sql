CREATE OR REPLACE FUNCTION "annals".annals_is_namespace(name text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.octet_length(name) <= 900 AND name COLLATE "C" ~ '^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$'
        AND name COLLATE "C" !~ '(^|/)[.][.]?(/|$)'
$$;

CREATE OR REPLACE FUNCTION "annals".annals_is_field(name text) RETURNS boolean
-- Which other characters are letters, the server does not know as Unicode does: all of them are taken.
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT name COLLATE "C" ~ '^[A-Za-z_\u0080-\U0010FFFF][A-Za-z0-9_\u0080-\U0010FFFF]*$'
$$;

CREATE OR REPLACE FUNCTION "annals".annals_append(
    a_log bigint,
    a_seen bigint,            -- no commit up to here has an id of these batches, unless it was given
    a_synced boolean,
    a_wait_ms bigint,         -- how long to wait for others who append
    -- The batches, an element each.
    b_id uuid[], b_given boolean[], b_now bigint[], b_occurred_at bigint[],
    b_actor bytea[], b_reason bytea[], b_location bytea[], b_tags bytea[],
    b_writes integer[], b_conditions integer[],
    -- Their conditions, an element each: 0 key unchanged, 1 key absent, 2 namespace unchanged, 3 log unchanged.
    c_kind smallint[], c_namespace text[], c_field text[], c_since bigint[],
    -- Their writes, an element each.
    w_namespace text[], w_field text[], w_kind smallint[], w_actor bytea[], w_reason bytea[], w_value bytea[]
) RETURNS TABLE (
    -- Row 0: where the log ended before and when that was recorded. Then a row for each batch that was
    -- not appended: the number of the condition that does not hold and the keys concerned, or 0, and
    -- in either case the commit that was first.
    batch integer, condition integer, namespaces text[], fields text[],
    last bigint, length bigint, id uuid, given boolean, recorded_at bigint, occurred_at bigint,
    actor bytea, reason bytea, location bytea, tags bytea
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- Plans are kept: to plan takes longer than to append. They must not be those of tables that were small once.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    v_batches integer := cardinality(b_id);
    v_writes bigint := cardinality(w_kind);
    v_setting text;
    v_start bigint;           -- where the log ended before this call
    v_last bigint;            -- where it ends by now
    v_moment bigint;          -- when that was recorded
    v_batch integer := 1;     -- the batch in turn
    v_condition integer := 0; -- how many conditions the batches before it have
    v_write integer := 0;     -- how many writes they have
    v_upto integer;           -- the last batch that is stored together with the one in turn
    v_stored integer;         -- how many writes these have
    v_look boolean := false;  -- whether ids are looked for that were not given
    v_keys integer[];         -- the keys of the writes that are stored
    v_found bigint;           -- the entry that breaks a condition, or the commit that is there already
    v_broken integer;         -- the number of that condition
BEGIN
    -- Who may append need not be a program of ours: what would damage the log is refused.
    IF (
        SELECT bool_and((
                x.writes > 0 AND x.conditions >= 0 AND x.now BETWEEN -377705116800000000 AND 253402300799999999
            ) IS TRUE AND (x.occurred_at BETWEEN -377705116800000000 AND 253402300799999999) IS NOT FALSE)
            AND sum(x.writes) = v_writes AND sum(x.conditions) = cardinality(c_kind)
        FROM unnest(b_id, b_now, b_occurred_at, b_writes, b_conditions) AS x (id, now, occurred_at, writes, conditions)
    ) IS NOT TRUE THEN
        RAISE EXCEPTION 'annals: the batches have other writes or conditions than they say, or impossible times'
            USING ERRCODE = 'AN003';
    END IF;
    -- Some arrays are taken apart, others looked into: both have to begin with 1.
    IF (1 = ALL (w_kind)) IS FALSE OR 1 <> coalesce(array_lower(w_kind, 1), 1) OR 1 <> coalesce(array_lower(w_value, 1), 1)
        OR cardinality(w_value) <> v_writes
        OR (array_positions(w_kind, 1::smallint) = array_positions(w_value, NULL)) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'annals: a write sets no value, or deletes and sets one' USING ERRCODE = 'AN003';
    END IF;
    IF EXISTS (SELECT FROM unnest(w_namespace) AS x (name) WHERE starts_with(x.name || '/', '__annals/')) AND NOT EXISTS (
        -- annals_erase has this lock, which whoever only reads the table cannot have.
        SELECT FROM pg_locks AS l WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.mode = 'RowShareLock'
            AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
            AND l.relation = '"annals".annals_format'::regclass
    ) THEN
        RAISE EXCEPTION 'annals: `__annals` is kept for the log itself' USING ERRCODE = 'AN003';
    END IF;

    -- Assignments need no plan, where PERFORM would.
    v_setting := set_config('lock_timeout', a_wait_ms::text, true);
    IF NOT a_synced THEN
        v_setting := set_config('synchronous_commit', 'off', true);
    ELSIF current_setting('synchronous_commit') = 'off' THEN
        v_setting := set_config('synchronous_commit', 'on', true);
    END IF;

    -- The lock comes first. What is read in the statements after it, nobody can change any more.
    UPDATE "annals".annals_log AS l SET last = l.last + v_writes WHERE l.log = a_log
    RETURNING l.last - v_writes, l.recorded_at INTO v_start, v_moment;
    IF v_start IS NULL THEN
        RAISE EXCEPTION 'annals: there is no such log' USING ERRCODE = 'AN001';
    END IF;
    v_last := v_start;
    IF a_seen < v_start THEN
        v_look := EXISTS (
            SELECT FROM "annals".annals_commit AS c
            WHERE c.log = a_log AND c.last > a_seen AND c.last <= v_start AND c.id = ANY (b_id) AND NOT c.given
        );
    END IF;
    batch := 0;
    last := v_start;
    recorded_at := v_moment;
    RETURN NEXT;

    WHILE v_batch <= v_batches LOOP
        v_found := NULL;
        v_broken := 0;
        IF b_given[v_batch] THEN
            SELECT c.last INTO v_found FROM "annals".annals_commit AS c
            WHERE c.log = a_log AND c.id = b_id[v_batch] AND c.given;
        ELSIF v_look THEN
            SELECT c.last INTO v_found FROM "annals".annals_commit AS c
            WHERE c.log = a_log AND c.last > a_seen AND c.last <= v_start AND c.id = b_id[v_batch] AND NOT c.given;
        END IF;
        IF v_found IS NULL AND b_conditions[v_batch] > 0 THEN
            SELECT x.number, x.position INTO v_broken, v_found FROM (
                SELECT x.number, CASE x.kind
                    WHEN 0 THEN (
                        SELECT e.position FROM "annals".annals_key AS k CROSS JOIN LATERAL (
                            SELECT e.position FROM "annals".annals_entry AS e
                            WHERE e.log = a_log AND (e.key, e.position) > (k.id, x.since) AND (e.key, e.position) <= (k.id, 9223372036854775807)
                            ORDER BY e.key, e.position LIMIT 1
                        ) AS e
                        WHERE k.log = a_log AND k.namespace = x.namespace AND k.field = x.field
                    )
                    WHEN 1 THEN (
                        SELECT e.position FROM "annals".annals_key AS k CROSS JOIN LATERAL (
                            SELECT e.position, e.kind FROM "annals".annals_entry AS e
                            WHERE e.log = a_log AND (e.key, e.position) >= (k.id, 0) AND (e.key, e.position) <= (k.id, 9223372036854775807)
                            ORDER BY e.key DESC, e.position DESC LIMIT 1
                        ) AS e
                        WHERE k.log = a_log AND k.namespace = x.namespace AND k.field = x.field AND e.kind IS DISTINCT FROM 1
                    )
                    WHEN 2 THEN (
                        SELECT min(e.position) FROM "annals".annals_key AS k CROSS JOIN LATERAL (
                            SELECT e.position FROM "annals".annals_entry AS e
                            WHERE e.log = a_log AND (e.key, e.position) > (k.id, x.since) AND (e.key, e.position) <= (k.id, 9223372036854775807)
                            ORDER BY e.key, e.position LIMIT 1
                        ) AS e
                        WHERE k.log = a_log AND k.namespace = x.namespace
                    )
                    WHEN 3 THEN CASE WHEN v_last > x.since THEN x.since + 1 END
                END AS position
                FROM unnest(
                    c_kind[v_condition + 1 : v_condition + b_conditions[v_batch]],
                    c_namespace[v_condition + 1 : v_condition + b_conditions[v_batch]],
                    c_field[v_condition + 1 : v_condition + b_conditions[v_batch]],
                    c_since[v_condition + 1 : v_condition + b_conditions[v_batch]]
                ) WITH ORDINALITY AS x (kind, namespace, field, since, number)
            ) AS x WHERE x.position IS NOT NULL ORDER BY x.number LIMIT 1;
        END IF;

        IF v_found IS NOT NULL THEN
            RETURN QUERY
            SELECT v_batch, v_broken, n.namespaces, n.fields,
                c.last, c.length, c.id, c.given, c.recorded_at, c.occurred_at, c.actor, c.reason, c.location, c.tags
            FROM (
                SELECT * FROM "annals".annals_commit AS c
                WHERE c.log = a_log AND c.last >= v_found ORDER BY c.last LIMIT 1
            ) AS c CROSS JOIN LATERAL (
                SELECT array_agg(n.namespace ORDER BY n.position) AS namespaces,
                    array_agg(n.field ORDER BY n.position) AS fields
                FROM (
                    SELECT k.namespace, k.field, e.position FROM "annals".annals_entry AS e
                    JOIN "annals".annals_key AS k ON k.log = a_log AND k.id = e.key
                    WHERE e.log = a_log AND e.position > c.last - c.length AND e.position <= c.last AND v_broken > 0 AND
                        CASE c_kind[v_condition + v_broken]
                            WHEN 3 THEN true
                            WHEN 2 THEN k.namespace = c_namespace[v_condition + v_broken]
                            ELSE k.namespace = c_namespace[v_condition + v_broken] AND k.field = c_field[v_condition + v_broken]
                        END
                    ORDER BY e.position LIMIT 100
                ) AS n
            ) AS n;
            v_condition := v_condition + b_conditions[v_batch];
            v_write := v_write + b_writes[v_batch];
            v_batch := v_batch + 1;
            CONTINUE;
        END IF;

        -- The batches behind this one that need no judging are stored together with it.
        v_upto := v_batch;
        v_stored := b_writes[v_batch];
        v_condition := v_condition + b_conditions[v_batch];
        WHILE v_upto < v_batches AND NOT v_look AND NOT b_given[v_upto + 1] AND b_conditions[v_upto + 1] = 0 LOOP
            v_upto := v_upto + 1;
            v_stored := v_stored + b_writes[v_upto];
        END LOOP;

        SELECT array_agg((
            SELECT k.id FROM "annals".annals_key AS k
            WHERE k.log = a_log AND k.namespace = x.namespace AND k.field = x.field
        ) ORDER BY x.number) INTO v_keys
        FROM unnest(
            w_namespace[v_write + 1 : v_write + v_stored], w_field[v_write + 1 : v_write + v_stored]
        ) WITH ORDINALITY AS x (namespace, field, number);
        IF array_position(v_keys, NULL) IS NOT NULL THEN
            INSERT INTO "annals".annals_key (log, id, namespace, field)
            SELECT a_log, (SELECT coalesce(max(k.id)::bigint, a_log % 2147483648 - 2147483648) FROM "annals".annals_key AS k WHERE k.log = a_log)
                + row_number() OVER (ORDER BY min(x.number)), x.namespace, x.field
            FROM unnest(
                v_keys, w_namespace[v_write + 1 : v_write + v_stored], w_field[v_write + 1 : v_write + v_stored]
            ) WITH ORDINALITY AS x (key, namespace, field, number)
            WHERE x.key IS NULL GROUP BY x.namespace, x.field;

            SELECT array_agg(coalesce(x.key, (
                SELECT k.id FROM "annals".annals_key AS k
                WHERE k.log = a_log AND k.namespace = x.namespace AND k.field = x.field
            )) ORDER BY x.number) INTO v_keys
            FROM unnest(
                v_keys, w_namespace[v_write + 1 : v_write + v_stored], w_field[v_write + 1 : v_write + v_stored]
            ) WITH ORDINALITY AS x (key, namespace, field, number);
        END IF;

        INSERT INTO "annals".annals_entry (log, position, key, kind, actor, reason, value)
        SELECT a_log, v_last + x.number, x.key, x.kind, x.actor, x.reason, x.value
        FROM unnest(
            v_keys, w_kind[v_write + 1 : v_write + v_stored], w_actor[v_write + 1 : v_write + v_stored],
            w_reason[v_write + 1 : v_write + v_stored], w_value[v_write + 1 : v_write + v_stored]
        ) WITH ORDINALITY AS x (key, kind, actor, reason, value, number);

        IF v_upto = v_batch THEN
            v_moment := greatest(v_moment, b_now[v_batch]);
            INSERT INTO "annals".annals_commit
                (log, last, length, recorded_at, occurred_at, id, given, actor, reason, location, tags)
            VALUES (a_log, v_last + v_stored, v_stored, v_moment, b_occurred_at[v_batch], b_id[v_batch],
                b_given[v_batch], b_actor[v_batch], b_reason[v_batch], b_location[v_batch], b_tags[v_batch]);
        ELSE
            INSERT INTO "annals".annals_commit
                (log, last, length, recorded_at, occurred_at, id, given, actor, reason, location, tags)
            SELECT a_log, v_last + sum(x.length) OVER (ORDER BY x.number), x.length,
                greatest(v_moment, max(x.now) OVER (ORDER BY x.number)), x.occurred_at,
                x.id, x.given, x.actor, x.reason, x.location, x.tags
            FROM unnest(
                b_writes[v_batch : v_upto], b_now[v_batch : v_upto], b_occurred_at[v_batch : v_upto],
                b_id[v_batch : v_upto], b_given[v_batch : v_upto], b_actor[v_batch : v_upto],
                b_reason[v_batch : v_upto], b_location[v_batch : v_upto], b_tags[v_batch : v_upto]
            ) WITH ORDINALITY AS x (length, now, occurred_at, id, given, actor, reason, location, tags, number);

            SELECT greatest(v_moment, max(x.now)) INTO v_moment FROM unnest(b_now[v_batch : v_upto]) AS x (now);
        END IF;
        v_last := v_last + v_stored;
        v_write := v_write + v_stored;
        v_batch := v_upto + 1;
    END LOOP;

    UPDATE "annals".annals_log AS l SET last = v_last, recorded_at = v_moment WHERE l.log = a_log;
END
$$;

CREATE OR REPLACE FUNCTION "annals".annals_restore(
    a_log bigint,
    a_last bigint,            -- where the log must end, for this to be done
    a_wait_ms bigint,
    b_last bigint[], b_length bigint[], b_recorded_at bigint[], b_occurred_at bigint[], b_id uuid[], b_given boolean[],
    b_actor bytea[], b_reason bytea[], b_location bytea[], b_tags bytea[],
    w_namespace text[], w_field text[], w_kind smallint[], w_actor bytea[], w_reason bytea[], w_value bytea[]
) RETURNS TABLE (
    -- Where the log ended before, and the end of the first commit whose given id was there already. If
    -- the one is not `a_last`, or there is the other, nothing was written.
    last bigint, twice bigint
)
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
    v_last bigint;
    v_twice bigint;
BEGIN
    v_setting := set_config('lock_timeout', a_wait_ms::text, true);
    IF current_setting('synchronous_commit') = 'off' THEN
        v_setting := set_config('synchronous_commit', 'on', true);
    END IF;
    SELECT l.last INTO v_last FROM "annals".annals_log AS l WHERE l.log = a_log FOR UPDATE;
    IF v_last IS NULL THEN
        RAISE EXCEPTION 'annals: there is no such log' USING ERRCODE = 'AN001';
    END IF;
    IF v_last = a_last THEN
        SELECT min(x.last) INTO v_twice FROM unnest(b_last, b_id, b_given) AS x (last, id, given)
        WHERE x.given AND EXISTS (
            SELECT FROM "annals".annals_commit AS c WHERE c.log = a_log AND c.id = x.id AND c.given
        );
    END IF;
    IF v_last = a_last AND v_twice IS NULL THEN
        INSERT INTO "annals".annals_key (log, id, namespace, field)
        SELECT a_log, (SELECT coalesce(max(k.id)::bigint, a_log % 2147483648 - 2147483648) FROM "annals".annals_key AS k WHERE k.log = a_log)
            + row_number() OVER (ORDER BY min(x.number)), x.namespace, x.field
        FROM unnest(w_namespace, w_field) WITH ORDINALITY AS x (namespace, field, number)
        WHERE NOT EXISTS (
            SELECT FROM "annals".annals_key AS k
            WHERE k.log = a_log AND k.namespace = x.namespace AND k.field = x.field
        )
        GROUP BY x.namespace, x.field;

        INSERT INTO "annals".annals_entry (log, position, key, kind, actor, reason, value)
        SELECT a_log, a_last + x.number, (
            SELECT k.id FROM "annals".annals_key AS k
            WHERE k.log = a_log AND k.namespace = x.namespace AND k.field = x.field
        ), x.kind, x.actor, x.reason, x.value
        FROM unnest(w_namespace, w_field, w_kind, w_actor, w_reason, w_value)
            WITH ORDINALITY AS x (namespace, field, kind, actor, reason, value, number);

        INSERT INTO "annals".annals_commit
            (log, last, length, recorded_at, occurred_at, id, given, actor, reason, location, tags)
        SELECT a_log, x.* FROM unnest(
            b_last, b_length, b_recorded_at, b_occurred_at, b_id, b_given, b_actor, b_reason, b_location, b_tags
        ) AS x;

        UPDATE "annals".annals_log AS l
        SET last = a_last + cardinality(w_kind), recorded_at = b_recorded_at[cardinality(b_recorded_at)]
        WHERE l.log = a_log;
    END IF;
    RETURN QUERY SELECT v_last, v_twice;
END
$$;

CREATE OR REPLACE FUNCTION "annals".annals_create_log(a_log bigint, a_name text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF a_log IS DISTINCT FROM
        ('x' || encode(substr(sha256(convert_to(a_name, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint & 9223372036854775807
    THEN
        RAISE EXCEPTION 'annals: this is not the number of a log of this name' USING ERRCODE = 'AN003';
    END IF;
    IF "annals".annals_is_namespace(a_name) IS NOT TRUE THEN
        RAISE EXCEPTION 'annals: this is no name of a log' USING ERRCODE = 'AN003';
    END IF;
    INSERT INTO "annals".annals_log (log, name, last) VALUES (a_log, a_name, 0) ON CONFLICT (log) DO NOTHING;
END
$$;

CREATE OR REPLACE FUNCTION "annals".annals_sync(a_log bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    -- A commit that wrote something ends with all before it on disk.
    UPDATE "annals".annals_log AS l SET last = l.last WHERE l.log = a_log;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'annals: there is no such log' USING ERRCODE = 'AN001';
    END IF;
END
$$;

REVOKE ALL ON FUNCTION
    "annals".annals_append, "annals".annals_restore, "annals".annals_create_log, "annals".annals_sync FROM PUBLIC;
-- A check runs with the rights of whoever adds a row.
GRANT EXECUTE ON FUNCTION "annals".annals_is_namespace, "annals".annals_is_field TO PUBLIC;

CREATE OR REPLACE FUNCTION "annals".annals_erase(
    a_log bigint,
    a_seen bigint,
    a_wait_ms bigint,
    a_positions bigint[],     -- the entries that lose their values, as far as they are set
    -- The commit that says so, as annals_append takes it.
    b_id uuid[], b_given boolean[], b_now bigint[], b_occurred_at bigint[],
    b_actor bytea[], b_reason bytea[], b_location bytea[], b_tags bytea[],
    b_writes integer[], b_conditions integer[],
    c_kind smallint[], c_namespace text[], c_field text[], c_since bigint[],
    w_namespace text[], w_field text[], w_kind smallint[], w_actor bytea[], w_reason bytea[], w_value bytea[]
) RETURNS TABLE (
    -- What annals_append returns.
    batch integer, condition integer, namespaces text[], fields text[],
    last bigint, length bigint, id uuid, given boolean, recorded_at bigint, occurred_at bigint,
    actor bytea, reason bytea, location bytea, tags bytea
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    v_row record;
    v_start bigint;           -- where the log ended before
    v_appended boolean;
BEGIN
    -- Nothing is erased but by the commit that says so, and nothing else is said by this right.
    IF (cardinality(b_id) = 1 AND cardinality(w_kind) = 1 AND w_kind[1] IS NULL
        AND w_namespace = ARRAY['__annals/erasures'] AND w_field = ARRAY['erasure']) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'annals: what is erased needs one commit that sets `__annals/erasures erasure`'
            USING ERRCODE = 'AN003';
    END IF;
    PERFORM FROM "annals".annals_format AS f FOR KEY SHARE; -- by which annals_append knows who calls it
    FOR v_row IN
        SELECT * FROM "annals".annals_append(a_log, a_seen, true, a_wait_ms,
            b_id, b_given, b_now, b_occurred_at, b_actor, b_reason, b_location, b_tags, b_writes, b_conditions,
            c_kind, c_namespace, c_field, c_since, w_namespace, w_field, w_kind, w_actor, w_reason, w_value)
    LOOP
        IF v_row.batch = 0 THEN
            v_start := v_row.last;
        END IF;
        -- A row behind the first one says why there is no new commit: then nothing is erased.
        v_appended := v_row.batch = 0;
        batch := v_row.batch;
        condition := v_row.condition;
        namespaces := v_row.namespaces;
        fields := v_row.fields;
        last := v_row.last;
        length := v_row.length;
        id := v_row.id;
        given := v_row.given;
        recorded_at := v_row.recorded_at;
        occurred_at := v_row.occurred_at;
        actor := v_row.actor;
        reason := v_row.reason;
        location := v_row.location;
        tags := v_row.tags;
        RETURN NEXT;
    END LOOP;
    IF v_appended THEN
        UPDATE "annals".annals_entry AS e SET kind = 2, value = int8send(v_start + cardinality(w_kind))
        WHERE e.log = a_log AND e.position = ANY (a_positions) AND e.position <= v_start AND e.kind IS NULL;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION "annals".annals_scrub(a_wait_ms bigint) RETURNS bigint -- how many bytes that gave back
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_setting text := set_config('lock_timeout', a_wait_ms::text, true);
    v_before bigint := pg_total_relation_size('"annals".annals_entry');
BEGIN
    CLUSTER "annals".annals_entry USING annals_entry_pkey;
    RETURN v_before - pg_total_relation_size('"annals".annals_entry');
END
$$;

REVOKE ALL ON FUNCTION "annals".annals_erase, "annals".annals_scrub FROM PUBLIC;

-- What the server gathers about a column are samples of it, which an erasure would not reach.
ALTER TABLE "annals".annals_entry ALTER COLUMN value SET STATISTICS 0;

-- New keys alone are looked at: that the names of those that are there are names was seen when they came.
ALTER TABLE "annals".annals_key DROP CONSTRAINT IF EXISTS annals_key_is_name;
ALTER TABLE "annals".annals_key ADD CONSTRAINT annals_key_is_name CHECK (
    "annals".annals_is_namespace(namespace) AND "annals".annals_is_field(field)
    AND octet_length(namespace) + octet_length(field) <= 900
) NOT VALID;
