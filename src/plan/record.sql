-- The steps of change $1, applied by $2, of origin $3: $4 is a JSON array of them. Beside each stands which
-- object it touched, by OID and its owner's name; a policy, trigger, column or constraint is its table's.
-- The schema comes first: of a thousand tenants each has objects of these names.
INSERT INTO tenant_guard.change_step (change_id, step, action, why, object_kind, object_schema, object_table, object_name,
  sql, undo, state_after, applied_by, object_oid, object_owner, origin)
SELECT $1, s.step, s.action, s.why, s.kind, s.schema, s."table", s.name, s.sql, s.undo, s.state_after, $2, f.oid,
       pg_catalog.pg_get_userbyid(f.owner), $3
FROM pg_catalog.json_to_recordset($4::pg_catalog.json) s(step int, action text, why text, kind text, schema text,
  "table" text, name text, sql text, undo text, state_after text)
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = s.schema
LEFT JOIN LATERAL (
  SELECT n.oid, n.nspowner AS owner
  WHERE n.oid IS NOT NULL
    AND s.kind IN ('schema', 'schema_grants', 'tenant_schema', 'path', 'enforcement', 'routine', 'schema_object',
                   'privileges', 'not_carried', 'data')
  UNION ALL
  SELECT t.oid, t.typowner
  FROM pg_catalog.pg_type t
  WHERE s.kind = 'type' AND t.typnamespace = n.oid AND t.typname = s.name
  UNION ALL
  SELECT c.oid, c.relowner
  FROM pg_catalog.pg_class c
  WHERE s.kind NOT IN ('schema', 'schema_grants', 'tenant_schema', 'path', 'enforcement', 'routine', 'schema_object',
                       'privileges', 'not_carried', 'data', 'type', 'membership', 'role',
                       'claim_source', 'role_permissions', 'destination', 'destination_assignment')
    AND c.relnamespace = n.oid AND c.relname = CASE s."table" WHEN '' THEN s.name ELSE s."table" END
) f ON true
