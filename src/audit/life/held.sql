-- What would go, and is held or kept longer: for the notice.
SELECT pg_catalog.count(DISTINCT t.organization)
FROM tenant_guard.audit_tree t
LEFT JOIN tenant_guard.audit_retention r ON r.organization = t.organization
WHERE t.purged_in IS NULL AND ($2 IS NULL OR t.organization = $2) AND t.last_at < $1
  AND (t.last_at >= pg_catalog.now() - r.keep
    OR EXISTS (SELECT FROM tenant_guard.audit_hold h
               WHERE h.released_at IS NULL AND (h.organization IS NULL OR h.organization = t.organization)))
