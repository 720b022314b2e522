-- What a session holds that the end of a transaction does not take from it: cursors, prepared statements, temporary objects,
-- advisory locks; each with what tells it from others, and with the statement that ends it. A cursor of this transaction
-- goes too: what it reads could not be dropped.
SELECT 'cursor ' || c.name AS key, pg_catalog.format('CLOSE %I', c.name) AS sql, 1 AS rank
FROM pg_catalog.pg_cursors c
UNION ALL
SELECT 'prepared ' || p.name || ' ' || p.prepare_time, pg_catalog.format('DEALLOCATE %I', p.name), 1
FROM pg_catalog.pg_prepared_statements p WHERE p.from_sql
UNION ALL
SELECT pg_catalog.format('temporary %s %s', d.classid, d.objid),
       pg_catalog.format('DROP %s IF EXISTS %s CASCADE', i.type, i.identity), 2
FROM pg_catalog.pg_depend d CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, 0) i
WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = pg_catalog.pg_my_temp_schema()
  AND d.deptype = 'n'
UNION ALL
-- Those of the transaction are among them: pg_locks does not tell.
SELECT pg_catalog.format('lock %s %s %s %s', k.classid, k.objid, k.objsubid, k.mode),
       pg_catalog.format('SELECT pg_catalog.pg_advisory_unlock%s(%s)', CASE k.mode WHEN 'ShareLock' THEN '_shared' END,
         CASE k.objsubid WHEN 1 THEN ((k.classid::pg_catalog.int8 << 32) | k.objid::pg_catalog.int8)::pg_catalog.text
         ELSE pg_catalog.format('%s, %s', k.classid::pg_catalog.int8::pg_catalog.bit(32)::pg_catalog.int4,
                                k.objid::pg_catalog.int8::pg_catalog.bit(32)::pg_catalog.int4) END), 3
FROM pg_catalog.pg_locks k
WHERE k.locktype = 'advisory' AND k.granted AND k.pid = pg_catalog.pg_backend_pid()
  AND k.database = (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database())
ORDER BY rank
