-- The events that name the subject, in the row before or after: all of the table's are looked at.
SELECT e.id, e.layout, e.operation, e.image
FROM tenant_guard.audit_event e
WHERE e.layout = ANY ($1)
  AND (tenant_guard.audit_record(e.tableoid, e.ctid) @> $2
    OR tenant_guard.audit_old_record(e.tableoid, e.ctid) @> $2)
