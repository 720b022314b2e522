-- One change with its steps, as JSON for the executor.
SELECT pg_catalog.json_build_object(
         'applied_by', c.applied_by,
         'operation', c.operation,
         'target', c.target,
         'undone_by', c.undone_by,
         'steps', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                            'step', s.step, 'action', s.action, 'why', s.why, 'kind', s.object_kind,
                            'schema', s.object_schema, 'table', s.object_table, 'name', s.object_name,
                            'sql', s.sql, 'undo', s.undo, 'state_after', s.state_after) ORDER BY s.step)
                   FROM tenant_guard.change_step s WHERE s.change_id = c.id)
       )::pg_catalog.text
FROM tenant_guard.change c
WHERE c.id = $1
