-- A pool for each destination that is one database, and for each tenant's database on a server.
SELECT d.name AS pool, d.conninfo, NULL::pg_catalog.text AS database
FROM tenant_guard.destination d WHERE d.kind = 'database'
UNION ALL
SELECT a.tenant, d.conninfo, a.database
FROM tenant_guard.destination_assignment a JOIN tenant_guard.destination d ON d.name = a.destination
WHERE d.kind = 'server'
ORDER BY pool
