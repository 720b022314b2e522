-- The tables outside schema $1 that foreign keys in it point at, in one order; where $2, those only that the
-- caller may refer to.
SELECT DISTINCT k.confrelid
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace AND n.nspname = $1
JOIN pg_catalog.pg_class r ON r.oid = k.confrelid AND r.relnamespace <> n.oid
WHERE k.contype = 'f' AND (NOT $2 OR pg_catalog.has_table_privilege(r.oid, 'REFERENCES'))
ORDER BY k.confrelid
