-- Where a tenant is: $1 an organization's id or a slug, $2 the id where it is one. Of an organization that was not assigned
-- itself, where its schema is.
WITH candidate (tenant, slug, rank) AS (
  SELECT $1, CASE WHEN $2 IS NULL THEN $1 END, 0
  UNION ALL
  SELECT t.slug, t.slug, 1 FROM tenant_guard.tenant_schema t WHERE t.organization = $2::pg_catalog.uuid
)
SELECT d.name, d.kind, d.conninfo, d.secret, d.region, a.database,
       CASE d.kind WHEN 'database' THEN coalesce(c.slug, (
         SELECT min(t.slug) FROM tenant_guard.tenant_schema t WHERE t.organization = $2::pg_catalog.uuid)) END
FROM candidate c
JOIN tenant_guard.destination_assignment a ON a.tenant = c.tenant
JOIN tenant_guard.destination d ON d.name = a.destination
ORDER BY c.rank, a.tenant
LIMIT 1
