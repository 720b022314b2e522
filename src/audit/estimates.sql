-- Of each layout how many events the log holds and how many bytes they take with their indexes, as ANALYZE found.
SELECT v.layout, sum(v.share * c.reltuples)::bigint, sum(v.share * pg_total_relation_size(c.oid))::bigint
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid AND c.reltuples > 0
JOIN pg_stats s ON s.schemaname = 'tenant_guard' AND s.tablename = c.relname AND s.attname = 'layout'
CROSS JOIN LATERAL unnest(s.most_common_vals::text::integer[], s.most_common_freqs) v(layout, share)
WHERE i.inhparent = 'tenant_guard.audit_event'::regclass
GROUP BY v.layout
