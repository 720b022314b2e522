-- What tenant_guard has registered of the tables of schema $1, and of the schema: told again of a clone.
-- By what depends on it: no index finds tables by their schema, and there may be those of a thousand tenants.
WITH relation AS MATERIALIZED (
  SELECT c.oid, c.relname, c.relkind FROM pg_catalog.pg_class c
  WHERE c.oid = ANY (ARRAY(SELECT m.objid
                           FROM pg_catalog.pg_namespace n
                           JOIN pg_catalog.pg_depend m ON m.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND m.refobjid = n.oid
                            AND m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                           WHERE n.nspname = $1))
)
SELECT pg_catalog.json_agg(r ORDER BY r.kind DESC, r."table", r."column")::pg_catalog.text
FROM (
  SELECT 'protection' AS kind, c.relname AS "table", NULL::pg_catalog.name AS "column", p.options::pg_catalog.text AS value,
         NULL AS options, NULL::pg_catalog.name[] AS key
  FROM relation c
  CROSS JOIN LATERAL tenant_guard.protection_of(c.oid) p
  WHERE c.relkind IN ('r', 'p')
  UNION ALL
  SELECT 'class', c.relname, h.column_name, h.class, NULL, NULL
  FROM relation c
  JOIN tenant_guard.column_class_here h ON h.relation = c.oid
  UNION ALL
  SELECT 'summary', c.relname, s.tenant_column, s.query, NULL, s.key
  FROM tenant_guard.tenant_summary s
  JOIN relation c ON c.oid = s.table_oid
  WHERE s.origin = tenant_guard.origin()
  UNION ALL
  SELECT 'enforcement', NULL, NULL, e.mode, e.options::pg_catalog.text, NULL
  FROM tenant_guard.enforcement e JOIN pg_catalog.pg_namespace n ON n.oid = e.schema_oid
  WHERE n.nspname = $1 AND e.origin = tenant_guard.origin()
) r
