-- What a recommendation goes by, measured in this database. $1: a schema that tenants are like; NULL for the tenant
-- schemas that are there, or, without any, for all of the application's. Sizes are those of the last VACUUM or ANALYZE:
-- to measure would be to wait for whoever has a lock on a table.
WITH tenant AS (
  SELECT n.oid FROM tenant_guard.tenant_schema t JOIN pg_catalog.pg_namespace n ON n.nspname = t.slug
),
like_this AS (
  SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1
  UNION ALL
  SELECT t.oid FROM tenant t WHERE $1 IS NULL
  UNION ALL
  SELECT n.oid FROM pg_catalog.pg_namespace n
  WHERE $1 IS NULL AND NOT EXISTS (SELECT FROM tenant)
    AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'tenant_guard')
),
relation AS (
  SELECT c.relnamespace AS schema, c.relkind, c.reltoastrelid <> 0 AS toasted, greatest(c.relpages, 0)::pg_catalog.int8 AS pages
  FROM pg_catalog.pg_class c
),
schema_of_one AS (
  SELECT s.oid,
         count(*) FILTER (WHERE r.relkind IN ('r', 'p')) AS tables,
         count(*) FILTER (WHERE r.relkind IN ('r', 'p', 'm', 'i', 'I')) AS opened,
         -- A TOAST table and its index stand in another schema.
         count(r.relkind) + 2 * count(*) FILTER (WHERE r.toasted) AS relations
  FROM like_this s LEFT JOIN relation r ON r.schema = s.oid
  GROUP BY s.oid
),
size_of_one AS (
  SELECT t.oid, coalesce(sum(r.pages), 0) AS pages FROM tenant t LEFT JOIN relation r ON r.schema = t.oid GROUP BY t.oid
)
SELECT pg_catalog.json_build_object(
  'tenants', (SELECT count(*) FROM tenant),
  'tables', (SELECT coalesce(CASE WHEN $1 IS NULL AND NOT EXISTS (SELECT FROM tenant) THEN sum(o.tables) ELSE avg(o.tables) END, 0)::pg_catalog.float8 FROM schema_of_one o),
  'opened', (SELECT coalesce(CASE WHEN $1 IS NULL AND NOT EXISTS (SELECT FROM tenant) THEN sum(o.opened) ELSE avg(o.opened) END, 0)::pg_catalog.float8 FROM schema_of_one o),
  'relations', (SELECT coalesce(CASE WHEN $1 IS NULL AND NOT EXISTS (SELECT FROM tenant) THEN sum(o.relations) ELSE avg(o.relations) END, 0)::pg_catalog.float8 FROM schema_of_one o),
  'largest_share', (SELECT CASE WHEN sum(s.pages) > 0 THEN (max(s.pages) / sum(s.pages))::pg_catalog.float8 ELSE 0 END FROM size_of_one s),
  'largest_bytes', (SELECT coalesce(max(s.pages), 0) * pg_catalog.current_setting('block_size')::pg_catalog.int8 FROM size_of_one s)::pg_catalog.float8,
  'all_relations', (SELECT count(*) FROM relation),
  'catalog_bytes', (SELECT sum(pg_catalog.pg_total_relation_size(c.oid))::pg_catalog.int8 FROM pg_catalog.pg_class c
                    WHERE c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace AND c.relkind = 'r'
                      AND c.relname IN ('pg_class', 'pg_attribute', 'pg_index', 'pg_constraint', 'pg_depend', 'pg_type', 'pg_attrdef', 'pg_statistic')),
  'max_connections', pg_catalog.current_setting('max_connections')::pg_catalog.int4,
  'databases', (SELECT count(*) FROM pg_catalog.pg_database d WHERE NOT d.datistemplate))::pg_catalog.text
