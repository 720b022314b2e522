-- What says how the rows of table $1 are shown, besides the classes: its columns, the primary key and the foreign keys.
-- A table that inherits has the columns of the tables above it and none of their keys, but ids stay ids: so the keys of
-- the tables above count too, by the names of their columns.
WITH RECURSIVE line(root, oid) AS (
  SELECT r.oid, r.oid
  FROM (SELECT $1::pg_catalog.oid UNION SELECT k.confrelid FROM pg_catalog.pg_constraint k, above WHERE k.conrelid = above.oid AND k.contype = 'f') r(oid)
  UNION
  SELECT line.root, i.inhparent FROM line JOIN pg_catalog.pg_inherits i ON i.inhrelid = line.oid
),
above(oid) AS (
  SELECT $1::pg_catalog.oid
  UNION
  SELECT i.inhparent FROM above JOIN pg_catalog.pg_inherits i ON i.inhrelid = above.oid
),
-- Each table's key: whether a column of it can be an id, or is a time, a truth value or one of a list of words.
key AS (
  SELECT line.root, a.attname, t.typcategory NOT IN ('D', 'B', 'E') AS is_id,
         EXISTS (SELECT FROM pg_catalog.pg_constraint f
                 WHERE f.conrelid = k.conrelid AND f.contype = 'f' AND a.attnum = ANY (f.conkey)) AS refers,
         pg_catalog.cardinality(k.conkey) = 1 AS alone
  FROM line
  JOIN pg_catalog.pg_constraint k ON k.conrelid = line.oid AND k.contype = 'p'
  JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
)
SELECT pg_catalog.json_build_object(
  'columns', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'number', a.attnum, 'name', a.attname,
      'is_uuid', coalesce(pg_catalog.format_type(t.oid, NULL) = 'uuid', false)) ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a
    CROSS JOIN LATERAL (
      -- The type under any domains.
      WITH RECURSIVE under(oid, base) AS (
        SELECT t.oid, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
        UNION ALL
        SELECT t.oid, t.typbasetype FROM under JOIN pg_catalog.pg_type t ON t.oid = under.base
      )
      SELECT under.oid FROM under WHERE under.base = 0
    ) t
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped), '[]'),
  'key', coalesce((
    SELECT pg_catalog.json_agg(DISTINCT pg_catalog.jsonb_build_object('name', k.attname, 'is_id', k.is_id, 'refers', k.refers, 'alone', k.alone))
    FROM key k WHERE k.root = $1), '[]'),
  'foreign_keys', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'table', k.confrelid::pg_catalog.int8, 'schema', n.nspname, 'name', c.relname,
      'public_id', (SELECT a.attnum FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attname = 'public_id' AND NOT a.attisdropped
                      AND 'pg_catalog.uuid'::pg_catalog.regtype IN (
                        WITH RECURSIVE under(oid, base) AS (
                          SELECT t.oid, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
                          UNION ALL
                          SELECT t.oid, t.typbasetype FROM under JOIN pg_catalog.pg_type t ON t.oid = under.base
                        )
                        SELECT under.oid FROM under)),
      'pairs', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                  'column', a.attname, 'referenced', r.attname, 'number', r.attnum,
                  'operator', pg_catalog.json_build_array(opn.nspname, op.oprname),
                  'is_key', EXISTS (SELECT FROM key WHERE key.root = c.oid AND key.attname = r.attname
                                      AND key.is_id AND (key.alone OR NOT key.refers))) ORDER BY u.ord)
                FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey), pg_catalog.unnest(k.conpfeqop))
                     WITH ORDINALITY u(con, conf, op, ord)
                JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.con
                JOIN pg_catalog.pg_attribute r ON r.attrelid = k.confrelid AND r.attnum = u.conf
                JOIN pg_catalog.pg_operator op ON op.oid = u.op
                JOIN pg_catalog.pg_namespace opn ON opn.oid = op.oprnamespace))
      ORDER BY pg_catalog.cardinality(k.conkey), k.conrelid = $1 DESC, k.conname, k.oid)
    FROM above
    JOIN pg_catalog.pg_constraint k ON k.conrelid = above.oid AND k.contype = 'f'
    JOIN pg_catalog.pg_class c ON c.oid = k.confrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    -- A foreign key to a partitioned table has one more for each of the partitions.
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint p WHERE p.oid = k.conparentid AND p.conrelid = k.conrelid)), '[]')
)::pg_catalog.text
