-- $3 role, with its members and settings, which dropping it would lose
SELECT pg_catalog.format('super %s inherit %s createrole %s createdb %s login %s bypassrls %s members %s in %s settings %s',
         r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolbypassrls,
         -- The one who made the role is its member from version 16 on, by the making of it.
         ARRAY(SELECT m.member::pg_catalog.regrole::pg_catalog.text FROM pg_catalog.pg_auth_members m WHERE m.roleid = r.oid ORDER BY 1)::pg_catalog.text,
         ARRAY(SELECT m.roleid::pg_catalog.regrole::pg_catalog.text FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid ORDER BY 1)::pg_catalog.text,
         ARRAY(SELECT s.setconfig::pg_catalog.text FROM pg_catalog.pg_db_role_setting s WHERE s.setrole = r.oid ORDER BY 1)::pg_catalog.text)
FROM pg_catalog.pg_roles r
WHERE r.rolname = $3 AND $1 IS NOT NULL AND $2 IS NOT NULL
