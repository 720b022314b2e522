-- The databases that wrote events, this one last, with their layouts. Ids go on growing in a restored copy, so of
-- this database's own events none is before the last one of another's.
SELECT l.origin, pg_catalog.array_agg(l.id),
       CASE l.origin WHEN $1 THEN
         (SELECT pg_catalog.max(b.last_id) + 1 FROM tenant_guard.audit_block b WHERE b.origin <> $1 AND b.kind = 'E')
       END
FROM tenant_guard.audit_layout l
GROUP BY l.origin
ORDER BY l.origin = $1, pg_catalog.min(l.id)
