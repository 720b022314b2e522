-- $1 schema, $2 view, materialized or not: all that dropping it would lose
SELECT pg_catalog.concat_ws(E'\n',
  pg_catalog.format('%s owner %s options %s grants %s', c.relkind, c.relowner::pg_catalog.regrole, c.reloptions, c.relacl),
  pg_catalog.pg_get_viewdef(c.oid),
  (SELECT pg_catalog.string_agg(pg_catalog.pg_get_indexdef(i.indexrelid), E'\n' ORDER BY i.indexrelid)
   FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid),
  (SELECT pg_catalog.string_agg(pg_catalog.pg_get_triggerdef(t.oid), E'\n' ORDER BY t.tgname)
   FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
  (SELECT pg_catalog.string_agg(pg_catalog.pg_get_ruledef(w.oid), E'\n' ORDER BY w.rulename)
   FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid AND w.rulename <> '_RETURN'),
  pg_catalog.obj_description(c.oid, 'pg_class'))
FROM pg_catalog.pg_class c
WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1) AND c.relname = $2 AND c.relkind IN ('v', 'm') AND $3 IS NOT NULL
