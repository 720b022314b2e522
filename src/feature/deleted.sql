-- What restore_row has to know of the table $1 (its OID), whoever's it is: its key, whether it marks
-- deleted rows, and the foreign keys ON DELETE CASCADE of tables that do so too. A partition's clone of
-- its table's foreign key is left out: the partitioned table's own covers it. So are tables of other owners:
-- whoever restores a row here did not ask to run their triggers.
SELECT pg_catalog.json_build_object(
  'schema', n.nspname,
  'name', c.relname,
  'soft_delete', EXISTS (SELECT FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
                         WHERE t.tgrelid = c.oid AND p.proname = 'soft_delete' AND p.pronamespace = g.oid),
  'key', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod)) ORDER BY u.ord)
    FROM pg_catalog.pg_constraint k
    CROSS JOIN LATERAL pg_catalog.unnest(k.conkey) WITH ORDINALITY u(num, ord)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num
    WHERE k.conrelid = c.oid AND k.contype = 'p'), '[]'),
  'children', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', k.conrelid::pg_catalog.int8,
      'columns', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                    'name', a.attname, 'referenced', fa.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod)) ORDER BY u.ord)
                  FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) WITH ORDINALITY u(num, fnum, ord)
                  JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num
                  JOIN pg_catalog.pg_attribute fa ON fa.attrelid = k.confrelid AND fa.attnum = u.fnum)) ORDER BY k.oid)
    FROM pg_catalog.pg_constraint k
    WHERE k.confrelid = c.oid AND k.contype = 'f' AND k.confdeltype = 'c' AND k.conparentid = 0
      AND (SELECT fc.relowner FROM pg_catalog.pg_class fc WHERE fc.oid = k.conrelid) = c.relowner
      AND EXISTS (SELECT FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
                  WHERE t.tgrelid = k.conrelid AND p.proname = 'soft_delete' AND p.pronamespace = g.oid)), '[]'))::pg_catalog.text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_namespace g ON g.nspname = 'tenant_guard'
WHERE c.oid = $1
