-- The tables that mark deleted rows: those of $1 (oid[]), or, where that is NULL, all that the caller
-- has the owner's rights on. A partitioned table stands for its partitions; of tables that inherit,
-- each stands for itself.
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
  'oid', c.oid::pg_catalog.int8, 'schema', n.nspname, 'name', c.relname, 'kind', c.relkind, 'owner', c.relowner::pg_catalog.int8,
  'refers', coalesce((SELECT pg_catalog.json_agg(DISTINCT k.confrelid::pg_catalog.int8) FROM pg_catalog.pg_constraint k
                      WHERE k.conrelid = c.oid AND k.contype = 'f'), '[]')) ORDER BY n.nspname, c.relname)::pg_catalog.text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
JOIN pg_catalog.pg_namespace g ON g.oid = p.pronamespace
WHERE g.nspname = 'tenant_guard' AND p.proname = 'soft_delete'
  AND CASE WHEN $1 IS NULL THEN t.tgparentid = 0 AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
           ELSE c.oid = $1[1] OR (c.oid = ANY ($1) AND t.tgparentid = 0) END
