-- $1 schema, $2 table, $3 trigger
SELECT pg_catalog.format('%s enabled %s %s', pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled,
         pg_catalog.obj_description(t.oid, 'pg_trigger'))
FROM pg_catalog.pg_trigger t
WHERE t.tgrelid = (SELECT c.oid FROM pg_catalog.pg_class c
               WHERE c.relname = $2 AND c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1))
  AND t.tgname = $3
