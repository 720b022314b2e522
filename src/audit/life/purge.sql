-- The trees that may go: older than asked for, of the organizations asked for, nobody's hold on them, and kept as long as
-- was promised.
SELECT t.block, t.organization, pg_catalog.sum(t.events)::bigint, pg_catalog.min(t.first_id), pg_catalog.max(t.last_id)
FROM tenant_guard.audit_tree t
LEFT JOIN tenant_guard.audit_retention r ON r.organization = t.organization
WHERE t.purged_in IS NULL AND ($2 IS NULL OR t.organization = $2)
  AND NOT EXISTS (SELECT FROM tenant_guard.audit_hold h
                  WHERE h.released_at IS NULL AND (h.organization IS NULL OR h.organization = t.organization))
GROUP BY t.block, t.organization, r.keep
HAVING pg_catalog.max(t.last_at) < $1 AND (r.keep IS NULL OR pg_catalog.max(t.last_at) < pg_catalog.now() - r.keep)
ORDER BY t.organization NULLS FIRST, t.block
