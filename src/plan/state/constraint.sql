-- $1 schema, $2 table, $3 constraint
SELECT pg_catalog.pg_get_constraintdef(k.oid)
FROM pg_catalog.pg_constraint k
WHERE k.conrelid = (SELECT c.oid FROM pg_catalog.pg_class c
               WHERE c.relname = $2 AND c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1))
  AND k.contypid = 0 AND k.conname = $3
