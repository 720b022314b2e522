-- Which object a step touched: $1 kind, $2 schema, $3 table, $4 name -> its OID and its owner's name.
-- A policy, trigger or constraint is its table's.
SELECT pg_catalog.json_build_object('oid', f.oid::pg_catalog.int8, 'owner', pg_catalog.pg_get_userbyid(f.owner))::pg_catalog.text
FROM (
  SELECT n.oid, n.nspowner AS owner
  FROM pg_catalog.pg_namespace n
  WHERE $1 IN ('schema', 'schema_grants', 'tenant_schema', 'path') AND n.nspname = $2
  UNION ALL
  SELECT t.oid, t.typowner
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  WHERE $1 = 'type' AND n.nspname = $2 AND t.typname = $4
  UNION ALL
  SELECT c.oid, c.relowner
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE $1 NOT IN ('schema', 'schema_grants', 'tenant_schema', 'path', 'type', 'membership', 'role',
                       'claim_source', 'role_permissions')
    AND n.nspname = $2 AND c.relname = CASE $3 WHEN '' THEN $4 ELSE $3 END
) f
