-- The log's partitions; and those that hold something, from which day until before which.
SELECT count(*)::integer, coalesce(sum(pg_total_relation_size(i.inhrelid)), 0)::bigint, coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint,
       min(split_part(pg_get_expr(c.relpartbound, c.oid), $q$'$q$, 2)::date) FILTER (WHERE pg_relation_size(i.inhrelid) > 0),
       max(split_part(pg_get_expr(c.relpartbound, c.oid), $q$'$q$, 4)::date) FILTER (WHERE pg_relation_size(i.inhrelid) > 0),
       (SELECT max(b.sealed_at) FROM tenant_guard.audit_block b WHERE b.kind = 'E')
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'tenant_guard.audit_event'::regclass
