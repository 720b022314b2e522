-- All layouts of a table, those that it had before a restore and those of one of its name and owner included.
SELECT a.id FROM tenant_guard.audit_layout a
WHERE a.table_key IN (SELECT l.table_key FROM tenant_guard.audited_tables() t JOIN tenant_guard.audit_layout l ON l.id = t.layout
                      WHERE t.table_oid = $1)
