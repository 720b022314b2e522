-- The enum of an OID ($1), with its labels in order.
-- No row for what is no enum.
SELECT pg_catalog.json_build_object(
  'schema', n.nspname, 'name', t.typname, 'there', true,
  'labels', (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
             FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid))::pg_catalog.text
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.oid = $1 AND t.typtype = 'e'
