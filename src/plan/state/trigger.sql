-- $1 schema, $2 table, $3 trigger
SELECT pg_catalog.format('%s enabled %s %s', pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled,
         pg_catalog.obj_description(t.oid, 'pg_trigger'))
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND t.tgname = $3
