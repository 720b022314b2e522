INSERT INTO tenant_guard.audit_layout (table_key, origin, table_oid, table_schema, table_name, table_owner, description, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id
