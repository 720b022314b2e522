-- The foreign keys that lead away from a table ($1), and on from where they point, up to tables that have
-- the column $2: what a path from the table to its tenant is searched in. Depth is bounded, cycles end it.
WITH RECURSIVE reached(oid, depth) AS (
  SELECT $1::pg_catalog.oid, 0
  UNION
  SELECT k.confrelid, reached.depth + 1
  FROM reached JOIN pg_catalog.pg_constraint k ON k.conrelid = reached.oid AND k.contype = 'f'
  WHERE reached.depth < 8
    AND (reached.depth = 0 OR NOT EXISTS (
      SELECT FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = reached.oid AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped))
)
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
  'constraint', k.conname, 'from', k.conrelid::pg_catalog.int8, 'to', k.confrelid::pg_catalog.int8,
  'schema', n.nspname, 'name', c.relname,
  'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY u.ord)
              FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY u(num, ord)
              JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num),
  'referenced', (SELECT pg_catalog.json_agg(a.attname ORDER BY u.ord)
                 FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY u(num, ord)
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num),
  'operators', (SELECT pg_catalog.json_agg(
                  CASE WHEN opn.nspname = 'pg_catalog' THEN o.oprname::pg_catalog.text
                       ELSE pg_catalog.format('OPERATOR(%I.%s)', opn.nspname, o.oprname) END ORDER BY u.ord)
                FROM pg_catalog.unnest(k.conpfeqop) WITH ORDINALITY u(op, ord)
                JOIN pg_catalog.pg_operator o ON o.oid = u.op
                JOIN pg_catalog.pg_namespace opn ON opn.oid = o.oprnamespace),
  'on_delete', k.confdeltype, 'on_update', k.confupdtype,
  'protected', c.relrowsecurity AND EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant_guard_tenant'),
  'readable', pg_catalog.has_table_privilege(k.confrelid, 'SELECT'),
  'tenant', (SELECT pg_catalog.json_build_object(
               'name', a.attname, 'quoted', pg_catalog.quote_ident(a.attname), 'not_null', a.attnotnull,
               'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
               'base_type', (
                 WITH RECURSIVE base(oid, typtype, typbasetype) AS (
                   SELECT t.oid, t.typtype, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
                   UNION ALL
                   SELECT t.oid, t.typtype, t.typbasetype FROM base JOIN pg_catalog.pg_type t ON t.oid = base.typbasetype WHERE base.typtype = 'd'
                 ) SELECT pg_catalog.format_type(oid, NULL) FROM base WHERE typtype <> 'd'),
               'fuzzy', EXISTS (SELECT FROM pg_catalog.pg_collation co WHERE co.oid = a.attcollation AND NOT co.collisdeterministic),
               'domain', ty.typtype = 'd')
             FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type ty ON ty.oid = a.atttypid
             WHERE a.attrelid = k.confrelid AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped))
  ORDER BY k.conrelid, k.conname), '[]')::pg_catalog.text
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.confrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conrelid IN (SELECT oid FROM reached)
  -- A key that points at a partitioned table has one row more for each of its partitions.
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint up
                  WHERE up.oid = k.conparentid AND up.conrelid = k.conrelid)
