-- The exact set of objects that the extension owns, what PUBLIC may do with each, and that every
-- function explains itself.
SELECT pg_describe_object(d.classid, d.objid, 0) AS object
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'tenant_guard'
  -- From version 17 on row types and array types are counted as well.
  AND NOT EXISTS (SELECT FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
                  WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid AND (t.typelem <> 0 OR c.relkind <> 'c'))
ORDER BY pg_describe_object(d.classid, d.objid, 0) COLLATE "C";

SELECT p.oid::regprocedure AS function, p.provolatile AS v, p.proparallel AS p, p.proisstrict AS strict, p.prosecdef AS definer,
       has_function_privilege('nobody', p.oid, 'EXECUTE') AS public
FROM pg_proc p WHERE p.pronamespace = 'tenant_guard'::regnamespace ORDER BY p.proname COLLATE "C";

SELECT c.relname, c.relkind, (SELECT string_agg(privilege, ' ') FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) privilege
                              WHERE CASE c.relkind WHEN 'S' THEN false ELSE has_table_privilege('nobody', c.oid, privilege) END) AS public,
       c.relrowsecurity
FROM pg_class c WHERE c.relnamespace = 'tenant_guard'::regnamespace AND c.relkind IN ('r', 'v', 'S') ORDER BY 1;

SELECT p.oid::regprocedure AS "without a comment or an example"
FROM pg_proc p WHERE p.pronamespace = 'tenant_guard'::regnamespace
  AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
  AND coalesce(obj_description(p.oid, 'pg_proc'), '') NOT LIKE '%Example: %';

SELECT has_schema_privilege('nobody', 'tenant_guard', 'CREATE') AS "PUBLIC may create", has_schema_privilege('nobody', 'tenant_guard', 'USAGE') AS "PUBLIC may use";
SELECT extversion, extnamespace::regnamespace, extrelocatable FROM pg_extension WHERE extname = 'tenant_guard';
