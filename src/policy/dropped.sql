-- The tables, in schemas that enforce watches, that lost a policy just now.
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
  'oid', c.oid::pg_catalog.int8, 'schema', n.nspname, 'name', c.relname, 'kind', c.relkind,
  'tag', 'DROP POLICY', 'mode', e.mode, 'options', e.options, 'open', NULL))::pg_catalog.text
FROM pg_catalog.pg_event_trigger_dropped_objects() d
JOIN pg_catalog.pg_namespace n ON n.nspname = d.address_names[1]
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = d.address_names[2]
JOIN tenant_guard.enforcement e ON e.schema_name = n.nspname
WHERE d.object_type = 'policy' AND d.original
