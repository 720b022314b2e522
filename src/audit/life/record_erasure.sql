INSERT INTO tenant_guard.audit_erasure
  (erased_by, session_role, table_schema, table_name, table_key, named_by, columns, reason, events, erased, kept)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
