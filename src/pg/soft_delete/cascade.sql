-- How to find the rows that the foreign key $1 (a constraint's OID) would delete with the row that they
-- refer to, where their table is marked instead of emptied: the statement compares by the operators
-- that the foreign key itself uses, and takes the key as $1, $2, ... No row where the table lacks the
-- feature. A partitioned table has one foreign key for all; an inheriting one none of its parent's.
SELECT pg_catalog.json_build_object(
  'owner', c.relowner::pg_catalog.int8,
  'columns', k.confkey,
  'sql', pg_catalog.format('SELECT c.tableoid, c.ctid FROM %s%I.%I c WHERE %s AND NOT c.is_deleted FOR UPDATE',
    CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END, n.nspname, c.relname,
    (SELECT pg_catalog.string_agg(pg_catalog.format('$%s OPERATOR(%I.%s) c.%I', u.ord, opn.nspname, op.oprname, a.attname), ' AND ' ORDER BY u.ord)
     FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.conpfeqop)) WITH ORDINALITY u(num, operator, ord)
     JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num
     JOIN pg_catalog.pg_operator op ON op.oid = u.operator
     JOIN pg_catalog.pg_namespace opn ON opn.oid = op.oprnamespace)))::pg_catalog.text
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.oid = $1
  AND EXISTS (SELECT FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
              JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace
              WHERE t.tgrelid = c.oid AND pn.nspname = 'tenant_guard' AND p.proname = 'soft_delete' AND t.tgenabled IN ('O', 'A'))
