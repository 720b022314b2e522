-- Everything the planners want to know of the tables $1 (oid[]), one JSON document for all.
-- Names that the search_path shows come out unqualified in deparsed text, all others qualified:
-- the caller chooses the path, and with it whether the text is position-independent.
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
  'oid', c.oid::pg_catalog.int8,
  'schema', n.nspname,
  'name', c.relname,
  'kind', c.relkind,
  'persistence', c.relpersistence,
  'owner', pg_catalog.pg_get_userbyid(c.relowner),
  'owned', pg_catalog.pg_has_role(c.relowner, 'USAGE'),
  'system', c.relpersistence = 't' OR n.nspname IN ('pg_catalog', 'information_schema', 'pg_toast', 'tenant_guard')
            OR EXISTS (SELECT FROM pg_catalog.pg_depend d
                       WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'),
  -- Privileges of others than the owner, on the table or on one of its columns, with what it takes to grant
  -- them again; PUBLIC is public.
  'privileges', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'grantee', CASE a.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text END,
      'privilege', a.privilege_type, 'column', a.attname, 'grantable', a.is_grantable,
      'by_owner', a.grantor = c.relowner) ORDER BY a.grantee, a.attnum, a.privilege_type)
    FROM (SELECT x.*, NULL::pg_catalog.name AS attname, 0 AS attnum FROM pg_catalog.aclexplode(c.relacl) x
          UNION ALL
          SELECT x.*, att.attname, att.attnum
          FROM pg_catalog.pg_attribute att CROSS JOIN LATERAL pg_catalog.aclexplode(att.attacl) x
          WHERE att.attrelid = c.oid AND NOT att.attisdropped) a
    WHERE a.grantee <> c.relowner), '[]'),
  'row_security', c.relrowsecurity,
  'force_row_security', c.relforcerowsecurity,
  'is_partition', c.relispartition,
  'partition_key', pg_catalog.pg_get_partkeydef(c.oid),
  'partition_columns', coalesce((
    SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid = a.attnum
      AND d.refclassid = d.classid AND d.refobjid = c.oid AND d.refobjsubid = 0 AND d.deptype = 'i'
    WHERE a.attrelid = c.oid AND c.relkind = 'p'), '[]'),
  'partition_bound', pg_catalog.pg_get_expr(c.relpartbound, c.oid),
  'parents', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', pn.nspname, 'name', pc.relname) ORDER BY i.inhseqno)
    FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class pc ON pc.oid = i.inhparent
    JOIN pg_catalog.pg_namespace pn ON pn.oid = pc.relnamespace
    WHERE i.inhrelid = c.oid), '[]'),
  -- Tables right above it without the floor of protect_table: a query on one of them shows its rows.
  'open_parents', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', pn.nspname, 'name', pc.relname) ORDER BY i.inhseqno)
    FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class pc ON pc.oid = i.inhparent
    JOIN pg_catalog.pg_namespace pn ON pn.oid = pc.relnamespace
    WHERE i.inhrelid = c.oid AND NOT (pc.relrowsecurity AND EXISTS (
      SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = pc.oid AND p.polname = 'tenant_guard_tenant'))), '[]'),
  'access_method', (SELECT am.amname FROM pg_catalog.pg_am am WHERE am.oid = c.relam AND am.amname <> 'heap'),
  'tablespace', (SELECT t.spcname FROM pg_catalog.pg_tablespace t WHERE t.oid = c.reltablespace),
  -- Whether there may be a row in it: asked of the storage, since a policy could hide the rows.
  'may_have_rows', EXISTS (SELECT FROM pg_catalog.pg_partition_tree(c.oid) p WHERE pg_catalog.pg_relation_size(p.relid) > 0)
                   OR (c.relkind = 'r' AND pg_catalog.pg_relation_size(c.oid) > 0),
  'options', coalesce(pg_catalog.to_json(c.reloptions), '[]'),
  'toast_options', coalesce((SELECT pg_catalog.to_json(t.reloptions) FROM pg_catalog.pg_class t WHERE t.oid = c.reltoastrelid), '[]'),
  'of_type', CASE WHEN c.reloftype <> 0 THEN pg_catalog.format_type(c.reloftype, NULL) END,
  -- Of a view, materialized or not.
  'definition', CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END,
  'populated', c.relispopulated,
  'replica_identity', c.relreplident,
  'comment', pg_catalog.obj_description(c.oid, 'pg_class'),

  'columns', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', a.attname,
      'quoted', pg_catalog.quote_ident(a.attname),
      'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
      'base_type', (
        WITH RECURSIVE base(oid, typtype, typbasetype) AS (
          SELECT t.oid, t.typtype, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
          UNION ALL
          SELECT t.oid, t.typtype, t.typbasetype FROM base JOIN pg_catalog.pg_type t ON t.oid = base.typbasetype WHERE base.typtype = 'd'
        ) SELECT pg_catalog.format_type(oid, NULL) FROM base WHERE typtype <> 'd'),
      'domain', ty.typtype = 'd',
      -- Whether the type, or that of its elements, is of the table's own schema.
      'own_type', c.relnamespace IN (ty.typnamespace, coalesce((SELECT e.typnamespace FROM pg_catalog.pg_type e WHERE e.oid = ty.typelem), 0)),
      'collation', (SELECT CASE WHEN cn.nspname <> 'pg_catalog' AND pg_catalog.pg_collation_is_visible(co.oid) THEN pg_catalog.quote_ident(co.collname)
                                ELSE pg_catalog.format('%I.%I', cn.nspname, co.collname) END
                    FROM pg_catalog.pg_collation co
                    JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
                    WHERE co.oid = a.attcollation AND a.attcollation <> ty.typcollation),
      'fuzzy', EXISTS (SELECT FROM pg_catalog.pg_collation co WHERE co.oid = a.attcollation AND NOT co.collisdeterministic),
      'not_null', a.attnotnull,
      'not_null_constraint', (SELECT pg_catalog.json_build_object('name', k.conname, 'is_local', k.conislocal, 'no_inherit', k.connoinherit)
                              FROM pg_catalog.pg_constraint k
                              WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]),
      'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid),
      'generated', a.attgenerated,
      'identity', a.attidentity,
      'is_local', a.attislocal,
      'storage', CASE WHEN a.attstorage <> ty.typstorage THEN
                   CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END,
      'compression', CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
      'statistics', nullif(a.attstattarget, -1),
      -- A server may keep stamps of its own among the options: only those that SET takes.
      'options', coalesce((SELECT pg_catalog.json_agg(o) FROM pg_catalog.unnest(a.attoptions) o WHERE o LIKE 'n\_distinct%'), '[]'),
      'comment', pg_catalog.col_description(a.attrelid, a.attnum)) ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_type ty ON ty.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]'),

  -- Not-null constraints have names of their own from version 18 on; the columns tell them already.
  'constraints', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', k.oid::pg_catalog.int8,
      'name', k.conname,
      'kind', k.contype,
      'definition', pg_catalog.pg_get_constraintdef(k.oid),
      'is_local', k.conislocal,
      'inherited', k.conparentid <> 0,
      'columns', coalesce((SELECT pg_catalog.json_agg(a.attname ORDER BY u.ord)
                           FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY u(num, ord)
                           JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num), '[]'),
      'deferrable', k.condeferrable,
      'validated', k.convalidated,
      'references', CASE WHEN k.contype = 'f' THEN (
        SELECT pg_catalog.json_build_object(
          'oid', rc.oid::pg_catalog.int8, 'schema', rn.nspname, 'name', rc.relname,
          'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY u.ord)
                      FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY u(num, ord)
                      JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num),
          'on_delete', k.confdeltype, 'on_update', k.confupdtype,
          'forced', rc.relforcerowsecurity,
          'from_columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY u.ord)
                           FROM pg_catalog.unnest(coalesce(nullif(k.confdelsetcols, '{}'), k.conkey)) WITH ORDINALITY u(num, ord)
                           JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num),
          'all_columns', (SELECT pg_catalog.json_agg(a.attname)
                          FROM pg_catalog.pg_attribute a WHERE a.attrelid = rc.oid AND a.attnum > 0 AND NOT a.attisdropped),
          'keys', coalesce((SELECT pg_catalog.json_agg((SELECT pg_catalog.json_agg(a.attname)
                            FROM pg_catalog.pg_attribute a WHERE a.attrelid = rc.oid AND a.attnum = ANY (u.conkey)))
                            FROM pg_catalog.pg_constraint u
                            WHERE u.conrelid = rc.oid AND u.contype IN ('p', 'u') AND NOT u.condeferrable), '[]'))
        FROM pg_catalog.pg_class rc JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
        WHERE rc.oid = k.confrelid) END,
      'comment', pg_catalog.obj_description(k.oid, 'pg_constraint')) ORDER BY k.conname)
    FROM pg_catalog.pg_constraint k
    WHERE k.conrelid = c.oid AND k.contype IN ('c', 'f', 'p', 'u', 'x')), '[]'),

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
    JOIN pg_catalog.pg_namespace sn ON sn.oid = sc.relnamespace), '[]'),

  'indexes', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', ic.relname,
      'definition', pg_catalog.pg_get_indexdef(i.indexrelid, 0, true),
      'method', am.amname,
      'constraint', (SELECT k.conname FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x')),
      'valid', i.indisvalid,
      'partitioned', ic.relkind = 'I',
      'options', coalesce(pg_catalog.to_json(ic.reloptions), '[]'),
      'tablespace', (SELECT t.spcname FROM pg_catalog.pg_tablespace t WHERE t.oid = ic.reltablespace),
      -- By the number of the column.
      'statistics', coalesce((SELECT pg_catalog.json_agg(pg_catalog.json_build_array(ia.attnum, ia.attstattarget) ORDER BY ia.attnum)
                              FROM pg_catalog.pg_attribute ia WHERE ia.attrelid = ic.oid AND ia.attstattarget >= 0), '[]'),
      'partial', i.indpred IS NOT NULL,
      'unique', i.indisunique,
      'clustered', i.indisclustered,
      'replica_identity', i.indisreplident,
      'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY u.ord)
                  FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY u(num, ord)
                  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.num AND u.num > 0
                  WHERE u.ord <= i.indnkeyatts),
      'parent', (SELECT pg_catalog.json_build_object('schema', pn.nspname, 'name', pc.relname)
                 FROM pg_catalog.pg_inherits h
                 JOIN pg_catalog.pg_class pc ON pc.oid = h.inhparent
                 JOIN pg_catalog.pg_namespace pn ON pn.oid = pc.relnamespace
                 WHERE h.inhrelid = i.indexrelid),
      'comment', pg_catalog.obj_description(i.indexrelid, 'pg_class')) ORDER BY ic.relname)
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
    JOIN pg_catalog.pg_am am ON am.oid = ic.relam
    WHERE i.indrelid = c.oid), '[]'),

  'policies', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', p.polname,
      'command', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
      'permissive', p.polpermissive,
      'roles', coalesce((SELECT pg_catalog.json_agg(r.rolname ORDER BY r.rolname) FROM pg_catalog.pg_roles r WHERE r.oid = ANY (p.polroles)), '[]'),
      'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid),
      'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),
      'comment', pg_catalog.obj_description(p.oid, 'pg_policy')) ORDER BY p.polname)
    FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid), '[]'),

  'triggers', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', t.tgname,
      'definition', pg_catalog.pg_get_triggerdef(t.oid, true),
      'enabled', t.tgenabled,
      'inherited', t.tgparentid <> 0,
      'row_with_transition', t.tgtype & 1 = 1 AND (t.tgoldtable IS NOT NULL OR t.tgnewtable IS NOT NULL),
      'conditional', t.tgqual IS NOT NULL OR t.tgattr <> '',
      'function', (SELECT pg_catalog.json_build_object('schema', fn.nspname, 'name', f.proname)
                   FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
                   WHERE f.oid = t.tgfoid),
      'executable', pg_catalog.has_function_privilege(t.tgfoid, 'EXECUTE'),
      'arguments_hex', pg_catalog.encode(t.tgargs, 'hex'),
      'comment', pg_catalog.obj_description(t.oid, 'pg_trigger')) ORDER BY t.tgname)
    FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal), '[]'),

  'rules', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', w.rulename,
      'definition', pg_catalog.pg_get_ruledef(w.oid, true),
      'enabled', w.ev_enabled) ORDER BY w.rulename)
    FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid AND w.rulename <> '_RETURN'), '[]'),

  'extended_statistics', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', s.stxname, 'schema', sn.nspname,
      'kinds', pg_catalog.to_json(s.stxkind),
      'columns', pg_catalog.pg_get_statisticsobjdef_columns(s.oid),
      'expressions', s.stxexprs IS NOT NULL,
      'single', pg_catalog.array_length(s.stxkeys::pg_catalog.int2[], 1) IS NULL,
      'target', nullif(s.stxstattarget, -1)) ORDER BY sn.nspname, s.stxname)
    FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace sn ON sn.oid = s.stxnamespace
    WHERE s.stxrelid = c.oid), '[]')
) ORDER BY pg_catalog.array_position($1, c.oid))::pg_catalog.text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY ($1)
