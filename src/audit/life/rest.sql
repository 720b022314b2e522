-- What nothing is left of: where events of large statements were, when transactions committed (sealed with their blocks,
-- so of whole blocks only), and who acted. A session names what it wrote of that last again, and so does what it prepared:
-- only what no session of now can have written goes.
DELETE FROM tenant_guard.audit_bulk b
WHERE NOT EXISTS (SELECT FROM tenant_guard.audit_event e
                  WHERE e.transaction_id = b.transaction_id AND e.organization = b.organization
                    AND e.id BETWEEN b.first_id AND b.last_id);
DELETE FROM tenant_guard.audit_commit c
USING tenant_guard.audit_block b
WHERE b.kind = 'E' AND b.origin = c.origin AND c.transaction_id >= b.xid_from AND c.transaction_id < b.xid_to
  AND EXISTS (SELECT FROM tenant_guard.audit_tree t WHERE t.block = b.number)
  AND NOT EXISTS (SELECT FROM tenant_guard.audit_tree t WHERE t.block = b.number AND t.purged_in IS NULL);
DELETE FROM tenant_guard.audit_context c
WHERE c.since < (SELECT pg_catalog.min(a.backend_start) FROM pg_catalog.pg_stat_activity a WHERE a.datname = pg_catalog.current_database())
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_prepared_xacts p WHERE p.database = pg_catalog.current_database())
  AND NOT EXISTS (SELECT FROM tenant_guard.audit_event e WHERE e.context = c.id)
