-- What is registered for the table $1, or else for the nearest table above it; not for one nearer than $2 tables.
WITH RECURSIVE above(oid, distance) AS (
  SELECT $1::pg_catalog.oid, 0
  UNION
  SELECT i.inhparent, above.distance + 1
  FROM above JOIN pg_catalog.pg_inherits i ON i.inhrelid = above.oid
)
SELECT pg_catalog.json_build_object('table', above.oid::pg_catalog.int8, 'options', p.options)::pg_catalog.text
FROM above
CROSS JOIN LATERAL tenant_guard.protection_of(above.oid) p
WHERE above.distance >= $2
ORDER BY above.distance, above.oid
LIMIT 1
