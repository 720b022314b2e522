-- The tables outside schema $1 that foreign keys in it point at, in one order; where $2, those only that the
-- caller may refer to. By what depends on the schema: no index finds keys by it, and there may be those of a thousand
-- tenants.
SELECT DISTINCT k.confrelid
FROM pg_catalog.pg_namespace n
JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid
 AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
JOIN pg_catalog.pg_constraint k ON k.conrelid = d.objid
JOIN pg_catalog.pg_class r ON r.oid = k.confrelid AND r.relnamespace <> n.oid
WHERE n.nspname = $1 AND k.contype = 'f' AND (NOT $2 OR pg_catalog.has_table_privilege(r.oid, 'REFERENCES'))
ORDER BY k.confrelid
