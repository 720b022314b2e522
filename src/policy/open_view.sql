-- Whether the view $1 reads, as its owner, a table that is protected or has the column $2.
SELECT EXISTS (
  SELECT FROM pg_catalog.pg_rewrite w
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
   AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  JOIN pg_catalog.pg_class t ON t.oid = d.refobjid AND t.relkind IN ('r', 'p')
  WHERE w.ev_class = v.oid
    AND (EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = t.oid AND p.polname = 'tenant_guard_tenant')
         OR EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.oid AND a.attname = $2 AND NOT a.attisdropped)))
FROM pg_catalog.pg_class v
WHERE v.oid = $1
  AND NOT (v.relkind = 'v' AND coalesce((SELECT o.option_value::pg_catalog.bool FROM pg_catalog.pg_options_to_table(v.reloptions) o
                                          WHERE o.option_name = 'security_invoker'), false))
