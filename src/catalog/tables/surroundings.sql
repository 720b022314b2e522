-- What lies around the tables $1 (oid[]): what reads them, what points at them, what they share and whether they may
-- have rows. One JSON document for all; fields as in by_query.rs.
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
  'oid', c.oid::pg_catalog.int8,
  -- The columns of the partition key, also within expressions.
  'partition_columns', coalesce((
    SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid = a.attnum
      AND d.refclassid = d.classid AND d.refobjid = c.oid AND d.refobjsubid = 0 AND d.deptype = 'i'
    WHERE a.attrelid = c.oid AND c.relkind = 'p'), '[]'),
  -- Tables right above it without the floor of protect_table: a query on one of them shows its rows.
  'open_parents', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', pn.nspname, 'name', pc.relname) ORDER BY i.inhseqno)
    FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class pc ON pc.oid = i.inhparent
    JOIN pg_catalog.pg_namespace pn ON pn.oid = pc.relnamespace
    WHERE i.inhrelid = c.oid AND NOT (pc.relrowsecurity AND EXISTS (
      SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = pc.oid AND p.polname = 'tenant_guard_tenant'))), '[]'),
  -- Whether there may be a row in it: asked of the storage, since a policy could hide the rows.
  'may_have_rows', EXISTS (SELECT FROM pg_catalog.pg_partition_tree(c.oid) p WHERE pg_catalog.pg_relation_size(p.relid) > 0)
                   OR (c.relkind = 'r' AND pg_catalog.pg_relation_size(c.oid) > 0),
  -- Foreign keys of other tables, and of itself, that point here; not those that partitions inherit.
  'referenced_by', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', fc.oid::pg_catalog.int8, 'schema', fn.nspname, 'name', fc.relname, 'constraint', k.conname,
      'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY u.ord)
                  FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY u(num, ord)
                  JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num),
      'referenced', (SELECT pg_catalog.json_agg(a.attname ORDER BY u.ord)
                     FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY u(num, ord)
                     JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num),
      'on_delete', k.confdeltype, 'on_update', k.confupdtype) ORDER BY fn.nspname, fc.relname, k.conname)
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class fc ON fc.oid = k.conrelid
    JOIN pg_catalog.pg_namespace fn ON fn.oid = fc.relnamespace
    -- By what depends on the table: no index finds a key by what it points at.
    WHERE k.oid IN (SELECT d.objid FROM pg_catalog.pg_depend d
                    WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = c.oid
                      AND d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass)
      AND k.confrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0), '[]'),
  -- Views and materialized views whose rules read it.
  'views', coalesce((
    SELECT pg_catalog.json_agg(DISTINCT pg_catalog.jsonb_build_object(
      'schema', vn.nspname, 'name', v.relname, 'kind', v.relkind,
      'owned', pg_catalog.pg_has_role(v.relowner, 'USAGE'),
      'security_invoker', coalesce((SELECT o.option_value::pg_catalog.bool FROM pg_catalog.pg_options_to_table(v.reloptions) o
                                    WHERE o.option_name = 'security_invoker'), false)))
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid
    JOIN pg_catalog.pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
    JOIN pg_catalog.pg_namespace vn ON vn.oid = v.relnamespace
    WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = c.oid
      AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass), '[]'),
  'publications', coalesce((
    SELECT pg_catalog.json_agg(p.pubname ORDER BY p.pubname)
    FROM pg_catalog.pg_publication p
    WHERE p.puballtables
       OR EXISTS (SELECT FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid)
       OR EXISTS (SELECT FROM pg_catalog.pg_publication_namespace s WHERE s.pnpubid = p.oid AND s.pnnspid = c.relnamespace)), '[]'),
  -- Sequences that its columns own or take their defaults from.
  'sequences', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'schema', sn.nspname, 'name', sc.relname, 'identity', u.identity,
      'owned', pg_catalog.pg_has_role(sc.relowner, 'USAGE'),
      'privileges', coalesce((
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
          'grantee', CASE x.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(x.grantee)::pg_catalog.text END,
          'privilege', x.privilege_type, 'grantable', x.is_grantable, 'by_owner', x.grantor = sc.relowner)
          ORDER BY x.grantee, x.privilege_type)
        FROM pg_catalog.aclexplode(sc.relacl) x WHERE x.grantee <> sc.relowner), '[]')) ORDER BY sn.nspname, sc.relname)
    FROM (SELECT d.objid, bool_or(d.deptype = 'i') AS identity
          FROM (SELECT d.objid, d.deptype FROM pg_catalog.pg_depend d
                WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                  AND d.refobjid = c.oid AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
                UNION ALL
                SELECT d.refobjid, d.deptype
                FROM pg_catalog.pg_attrdef ad
                -- OFFSET: or the defaults of a thousand tenants might be read for those of one table.
                CROSS JOIN LATERAL (
                  SELECT d.refobjid, d.deptype FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = ad.oid
                    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass OFFSET 0) d
                WHERE ad.adrelid = c.oid) d
          GROUP BY d.objid) u
    -- OFFSET: or all sequences there are might be looked through for those of one table.
    CROSS JOIN LATERAL (SELECT s.* FROM pg_catalog.pg_class s WHERE s.oid = u.objid AND s.relkind = 'S' OFFSET 0) sc
    JOIN pg_catalog.pg_namespace sn ON sn.oid = sc.relnamespace), '[]')))::pg_catalog.text
FROM pg_catalog.pg_class c
WHERE c.oid = ANY ($1)
