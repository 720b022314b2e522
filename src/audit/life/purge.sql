-- The trees that may go: from before the moment asked for ($1), of the organizations asked for, nobody's hold on them, kept as long as was
-- promised; and of each organization none that is younger than one that stays.
SELECT o.block, o.organization, o.events, o.first_id, o.last_id
FROM (
  SELECT t.block, t.organization, pg_catalog.sum(t.events)::bigint AS events, pg_catalog.min(t.first_id) AS first_id,
         pg_catalog.max(t.last_id) AS last_id,
         pg_catalog.bool_and(pg_catalog.max(t.last_at) < least($1, pg_catalog.now() - r.keep))
           OVER (PARTITION BY t.organization ORDER BY t.block) AS goes
  FROM tenant_guard.audit_tree t
  LEFT JOIN tenant_guard.audit_retention r ON r.organization = t.organization
  WHERE t.purged_in IS NULL AND ($2 IS NULL OR t.organization = $2)
    AND NOT EXISTS (SELECT FROM tenant_guard.audit_hold h
                    WHERE h.released_at IS NULL AND (h.organization IS NULL OR h.organization = t.organization))
  GROUP BY t.block, t.organization, r.keep
) o
WHERE o.goes
ORDER BY o.block, o.organization NULLS FIRST
