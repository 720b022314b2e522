SELECT pg_catalog.count(pg_catalog.brin_summarize_new_values(x.indexrelid))
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class p ON p.oid = i.inhrelid
JOIN pg_catalog.pg_index x ON x.indrelid = p.oid
JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
JOIN pg_catalog.pg_am a ON a.oid = c.relam
WHERE i.inhparent = 'tenant_guard.audit_event'::regclass AND a.amname = 'brin' AND NOT i.inhdetachpending
  AND substring(pg_catalog.pg_get_expr(p.relpartbound, p.oid) FROM 'FROM \(''([0-9-]+)')::date - date '2000-01-01' >= $1
