-- $1 schema, $2 table. The size says whether it ever held a row: asked of the storage, because a
-- policy could hide the rows from the owner, and undo must not drop rows that it cannot see. The rest
-- is all that dropping the table would lose.
SELECT pg_catalog.concat_ws(E'\n',
  pg_catalog.format('%s %s owner %s rows %s options %s replica %s grants %s row security %s %s', c.relkind, c.relpersistence,
    c.relowner::pg_catalog.regrole,
    EXISTS (SELECT FROM pg_catalog.pg_partition_tree(c.oid) p WHERE pg_catalog.pg_relation_size(p.relid) > 0)
      OR (c.relkind = 'r' AND pg_catalog.pg_relation_size(c.oid) > 0),
    c.reloptions, c.relreplident, c.relacl, c.relrowsecurity, c.relforcerowsecurity),
  (SELECT pg_catalog.string_agg(pg_catalog.format('column %I %s %s %s %s %s %s %s %s %s', a.attname,
            pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attstorage, a.attstattarget,
            CASE WHEN a.attoptions::pg_catalog.text LIKE '%n\_distinct%' THEN ARRAY(SELECT o FROM pg_catalog.unnest(a.attoptions) o WHERE o LIKE 'n\_distinct%') ELSE '{}' END, a.attacl,
            CASE WHEN a.atthasdef THEN (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d
                                        WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END,
            CASE WHEN commented.columns THEN (
              SELECT told.description FROM pg_catalog.pg_description told
              WHERE told.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND told.objoid = c.oid AND told.objsubid = a.attnum) END), E'\n' ORDER BY a.attnum)
   FROM pg_catalog.pg_attribute a
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  (SELECT pg_catalog.string_agg(pg_catalog.format('constraint %I %s', k.conname, pg_catalog.pg_get_constraintdef(k.oid)), E'\n' ORDER BY k.conname)
   FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid),
  (SELECT pg_catalog.string_agg(pg_catalog.format('%s valid %s clustered %s identity %s %s',
            -- A constraint above tells what its own index is like, but for the options.
            CASE WHEN i.indisunique AND EXISTS (SELECT FROM pg_catalog.pg_constraint k
                                                WHERE k.conrelid = c.oid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))
                 THEN (SELECT pg_catalog.format('%s %s', ic.relname, ic.reloptions) FROM pg_catalog.pg_class ic WHERE ic.oid = i.indexrelid)
                 ELSE pg_catalog.pg_get_indexdef(i.indexrelid) END,
            i.indisvalid, i.indisclustered, i.indisreplident,
            (SELECT told.description FROM pg_catalog.pg_description told
             WHERE told.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND told.objoid = i.indexrelid AND told.objsubid = 0)),
            E'\n' ORDER BY i.indexrelid)
   FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid),
  (SELECT pg_catalog.string_agg(pg_catalog.pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::pg_catalog.text || coalesce(' ' || (
            SELECT told.description FROM pg_catalog.pg_description told
            WHERE told.classoid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND told.objoid = t.oid AND told.objsubid = 0), ''), E'\n' ORDER BY t.tgname)
   FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
  (SELECT pg_catalog.string_agg(pg_catalog.pg_get_ruledef(w.oid), E'\n' ORDER BY w.rulename)
   FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid),
  (SELECT pg_catalog.string_agg(pg_catalog.format('policy %I %s %s %s %s %s %s', p.polname, p.polcmd, p.polpermissive,
            ARRAY(SELECT r::pg_catalog.regrole FROM pg_catalog.unnest(p.polroles) r ORDER BY 1)::pg_catalog.text,
            pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),
            (SELECT told.description FROM pg_catalog.pg_description told
             WHERE told.classoid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND told.objoid = p.oid AND told.objsubid = 0)), E'\n' ORDER BY p.polname)
   FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid),
  (SELECT pg_catalog.string_agg(pg_catalog.format('in publication %s', r.prpubid), E'\n' ORDER BY r.prpubid)
   FROM pg_catalog.pg_publication_rel r WHERE r.prrelid = c.oid),
  (SELECT told.description FROM pg_catalog.pg_description told WHERE told.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND told.objoid = c.oid AND told.objsubid = 0))
FROM pg_catalog.pg_class c
CROSS JOIN LATERAL (
  SELECT EXISTS (SELECT FROM pg_catalog.pg_description told
                 WHERE told.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND told.objoid = c.oid AND told.objsubid > 0) AS columns
  OFFSET 0) commented
WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1) AND c.relname = $2 AND $3 IS NOT NULL
