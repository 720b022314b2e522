-- Takes the noted accesses to table $1 away, counted: one row of JSON for each row of the table.
WITH taken AS (
  DELETE FROM tenant_guard.access_event e WHERE e.table_oid = $1 RETURNING e.public_id, e.at
)
SELECT pg_catalog.json_agg(c)::pg_catalog.text
FROM (SELECT public_id, count(*) AS n, max(at) AS at FROM taken GROUP BY public_id) c
