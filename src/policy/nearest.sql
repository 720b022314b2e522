-- What is registered for the table $1, or else for the nearest table above it.
WITH RECURSIVE above(oid, distance) AS (
  SELECT $1::pg_catalog.oid, 0
  UNION ALL
  SELECT i.inhparent, above.distance + 1
  FROM above JOIN pg_catalog.pg_inherits i ON i.inhrelid = above.oid
)
SELECT pg_catalog.json_build_object('table', above.oid::pg_catalog.int8, 'options', p.options)::pg_catalog.text
FROM above
JOIN tenant_guard.protection p
  ON tenant_guard.audited_table(p.table_oid, p.origin, p.table_schema, p.table_name, p.table_owner) = above.oid
ORDER BY above.distance, above.oid
LIMIT 1
