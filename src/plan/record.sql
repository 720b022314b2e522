-- The steps of change $1, applied by $2, of origin $3: $4 is a JSON array of them.
INSERT INTO tenant_guard.change_step (change_id, step, action, why, object_kind, object_schema, object_table, object_name,
  sql, undo, state_after, applied_by, object_oid, object_owner, origin)
SELECT $1, s.step, s.action, s.why, s.kind, s.schema, s."table", s.name, s.sql, s.undo, s.state_after, $2, s.oid, s.owner, $3
FROM pg_catalog.json_to_recordset($4::pg_catalog.json) s(step int, action text, why text, kind text, schema text,
  "table" text, name text, sql text, undo text, state_after text, oid oid, owner name)
