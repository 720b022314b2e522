-- $3 role
SELECT pg_catalog.format('super %s inherit %s createrole %s createdb %s login %s bypassrls %s',
         r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolbypassrls)
FROM pg_catalog.pg_roles r
WHERE r.rolname = $3 AND $1 IS NOT NULL AND $2 IS NOT NULL
