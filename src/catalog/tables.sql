-- Everything the planners want to know of the tables $1 (oid[]), one JSON document for all; where $2 (a
-- constant) is false, what makes the tables what they are, and not what lies around them: all that a clone needs.
-- Names that the search_path shows come out unqualified in deparsed text, all others qualified:
-- the caller chooses the path, and with it whether the text is position-independent.
-- Tables, columns, constraints, indexes, policies and triggers are told as arrays, in the order of the fields of the
-- model's Table, Column and so on: to write out each one's names would take longer than to find what they name.
SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
  /* oid */ c.oid::pg_catalog.int8,
  /* schema */ n.nspname,
  /* name */ c.relname,
  /* kind */ c.relkind,
  /* persistence */ c.relpersistence,
  /* owner */ pg_catalog.pg_get_userbyid(c.relowner),
  /* owned */ pg_catalog.pg_has_role(c.relowner, 'USAGE'),
  /* system */ c.relpersistence = 't' OR n.nspname IN ('pg_catalog', 'information_schema', 'pg_toast', 'tenant_guard')
            OR EXISTS (SELECT FROM pg_catalog.pg_depend d
                       WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'),
  -- Privileges of others than the owner, on the table or on one of its columns, with what it takes to grant
  -- them again; PUBLIC is public.
  /* privileges */ coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'grantee', CASE a.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text END,
      'privilege', a.privilege_type, 'column', a.attname, 'grantable', a.is_grantable,
      'by_owner', a.grantor = c.relowner) ORDER BY a.grantee, a.attnum, a.privilege_type)
    FROM (SELECT x.*, NULL::pg_catalog.name AS attname, 0 AS attnum FROM pg_catalog.aclexplode(c.relacl) x
          UNION ALL
          SELECT x.*, att.attname, att.attnum
          FROM pg_catalog.pg_attribute att CROSS JOIN LATERAL pg_catalog.aclexplode(att.attacl) x
          WHERE att.attrelid = c.oid AND NOT att.attisdropped AND att.attacl IS NOT NULL) a
    WHERE a.grantee <> c.relowner), '[]'),
  /* row_security */ c.relrowsecurity,
  /* force_row_security */ c.relforcerowsecurity,
  /* is_partition */ c.relispartition,
  /* partition_key */ pg_catalog.pg_get_partkeydef(c.oid),
  /* partition_columns */ CASE WHEN $2 THEN coalesce((
    SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid = a.attnum
      AND d.refclassid = d.classid AND d.refobjid = c.oid AND d.refobjsubid = 0 AND d.deptype = 'i'
    WHERE a.attrelid = c.oid AND c.relkind = 'p'), '[]') ELSE '[]' END,
  /* partition_bound */ pg_catalog.pg_get_expr(c.relpartbound, c.oid),
  /* parents */ coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', pn.nspname, 'name', pc.relname) ORDER BY i.inhseqno)
    FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class pc ON pc.oid = i.inhparent
    JOIN pg_catalog.pg_namespace pn ON pn.oid = pc.relnamespace
    WHERE i.inhrelid = c.oid), '[]'),
  -- Tables right above it without the floor of protect_table: a query on one of them shows its rows.
  /* open_parents */ CASE WHEN $2 THEN coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', pn.nspname, 'name', pc.relname) ORDER BY i.inhseqno)
    FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class pc ON pc.oid = i.inhparent
    JOIN pg_catalog.pg_namespace pn ON pn.oid = pc.relnamespace
    WHERE i.inhrelid = c.oid AND NOT (pc.relrowsecurity AND EXISTS (
      SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = pc.oid AND p.polname = 'tenant_guard_tenant'))), '[]') ELSE '[]' END,
  /* access_method */ (SELECT am.amname FROM pg_catalog.pg_am am WHERE am.oid = c.relam AND am.amname <> 'heap'),
  /* tablespace */ CASE WHEN c.reltablespace <> 0 THEN (SELECT t.spcname FROM pg_catalog.pg_tablespace t WHERE t.oid = c.reltablespace) END,
  -- Whether there may be a row in it: asked of the storage, since a policy could hide the rows.
  /* may_have_rows */ CASE WHEN $2 THEN EXISTS (SELECT FROM pg_catalog.pg_partition_tree(c.oid) p WHERE pg_catalog.pg_relation_size(p.relid) > 0)
                   OR (c.relkind = 'r' AND pg_catalog.pg_relation_size(c.oid) > 0) ELSE false END,
  /* options */ coalesce(pg_catalog.to_json(c.reloptions), '[]'),
  /* toast_options */ coalesce((SELECT pg_catalog.to_json(t.reloptions) FROM pg_catalog.pg_class t WHERE t.oid = c.reltoastrelid), '[]'),
  /* of_type */ CASE WHEN c.reloftype <> 0 THEN pg_catalog.format_type(c.reloftype, NULL) END,
  -- Of a view, materialized or not.
  /* definition */ CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END,
  /* populated */ c.relispopulated,
  /* replica_identity */ c.relreplident,
  /* comment */ (SELECT told.description FROM pg_catalog.pg_description told WHERE told.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND told.objoid = c.oid AND told.objsubid = 0),

  /* columns */ coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      /* name */ a.attname,
      /* quoted */ pg_catalog.quote_ident(a.attname),
      /* type */ pg_catalog.format_type(a.atttypid, a.atttypmod),
      /* base_type */ CASE WHEN $2 THEN (
        WITH RECURSIVE base(oid, typtype, typbasetype) AS (
          SELECT t.oid, t.typtype, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
          UNION ALL
          SELECT t.oid, t.typtype, t.typbasetype FROM base JOIN pg_catalog.pg_type t ON t.oid = base.typbasetype WHERE base.typtype = 'd'
        ) SELECT pg_catalog.format_type(oid, NULL) FROM base WHERE typtype <> 'd') ELSE '' END,
      /* domain */ ty.typtype = 'd',
      -- Whether the type, or that of its elements, is of the table's own schema.
      /* own_type */ c.relnamespace = ty.typnamespace
                  OR (ty.typelem <> 0 AND c.relnamespace = (SELECT e.typnamespace FROM pg_catalog.pg_type e WHERE e.oid = ty.typelem)),
      /* collation */ CASE WHEN a.attcollation <> ty.typcollation THEN (
                    SELECT CASE WHEN cn.nspname <> 'pg_catalog' AND pg_catalog.pg_collation_is_visible(co.oid) THEN pg_catalog.quote_ident(co.collname)
                                ELSE pg_catalog.format('%I.%I', cn.nspname, co.collname) END
                    FROM pg_catalog.pg_collation co
                    JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
                    WHERE co.oid = a.attcollation) END,
      /* fuzzy */ CASE WHEN $2 THEN EXISTS (SELECT FROM pg_catalog.pg_collation co WHERE co.oid = a.attcollation AND NOT co.collisdeterministic) ELSE false END,
      /* not_null */ a.attnotnull,
      -- From version 18 on.
      /* not_null_constraint */ CASE WHEN a.attnotnull AND (SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4) >= 180000 THEN (
                              SELECT pg_catalog.json_build_object('name', k.conname, 'is_local', k.conislocal, 'no_inherit', k.connoinherit)
                              FROM pg_catalog.pg_constraint k
                              WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]) END,
      /* default */ CASE WHEN a.atthasdef THEN (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d
                                             WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END,
      /* generated */ a.attgenerated,
      /* identity */ a.attidentity,
      /* is_local */ a.attislocal,
      /* storage */ CASE WHEN a.attstorage <> ty.typstorage THEN
                   CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END,
      /* compression */ CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
      /* statistics */ nullif(a.attstattarget, -1),
      -- A server may keep stamps of its own among the options: only those that SET takes.
      /* options */ CASE WHEN a.attoptions IS NULL OR a.attoptions::pg_catalog.text NOT LIKE '%n\_distinct%' THEN '[]' ELSE coalesce((
                   SELECT pg_catalog.json_agg(o) FROM pg_catalog.unnest(a.attoptions) o WHERE o LIKE 'n\_distinct%'), '[]') END,
      /* comment */ CASE WHEN commented.columns THEN (
                   SELECT told.description FROM pg_catalog.pg_description told
                   WHERE told.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND told.objoid = a.attrelid AND told.objsubid = a.attnum) END) ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_type ty ON ty.oid = a.atttypid
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]'),

  -- Not-null constraints have names of their own from version 18 on; the columns tell them already.
  /* constraints */ coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      /* oid */ k.oid::pg_catalog.int8,
      /* name */ k.conname,
      /* kind */ k.contype,
      /* definition */ pg_catalog.pg_get_constraintdef(k.oid),
      /* is_local */ k.conislocal,
      /* inherited */ k.conparentid <> 0,
      /* columns */ coalesce((SELECT pg_catalog.json_agg((SELECT a.attname FROM pg_catalog.pg_attribute a
                                                       WHERE a.attrelid = k.conrelid AND a.attnum = u.num) ORDER BY u.ord)
                           FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY u(num, ord) WHERE u.num <> 0), '[]'),
      /* deferrable */ k.condeferrable,
      /* validated */ k.convalidated,
      /* references */ CASE WHEN k.contype = 'f' THEN (
        SELECT pg_catalog.json_build_object(
          'oid', rc.oid::pg_catalog.int8, 'schema', rn.nspname, 'name', rc.relname,
          'columns', (SELECT pg_catalog.json_agg((SELECT a.attname FROM pg_catalog.pg_attribute a
                                                  WHERE a.attrelid = k.confrelid AND a.attnum = u.num) ORDER BY u.ord)
                      FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY u(num, ord)),
          'on_delete', k.confdeltype, 'on_update', k.confupdtype,
          'forced', rc.relforcerowsecurity,
          'from_columns', CASE WHEN $2 THEN (SELECT pg_catalog.json_agg(a.attname ORDER BY u.ord)
                           FROM pg_catalog.unnest(coalesce(nullif(k.confdelsetcols, '{}'), k.conkey)) WITH ORDINALITY u(num, ord)
                           JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num) ELSE '[]' END,
          'all_columns', CASE WHEN $2 THEN (SELECT pg_catalog.json_agg(a.attname)
                          FROM pg_catalog.pg_attribute a WHERE a.attrelid = rc.oid AND a.attnum > 0 AND NOT a.attisdropped) ELSE '[]' END,
          'keys', CASE WHEN $2 THEN coalesce((SELECT pg_catalog.json_agg((SELECT pg_catalog.json_agg(a.attname)
                            FROM pg_catalog.pg_attribute a WHERE a.attrelid = rc.oid AND a.attnum = ANY (u.conkey)))
                            FROM pg_catalog.pg_constraint u
                            WHERE u.conrelid = rc.oid AND u.contype IN ('p', 'u') AND NOT u.condeferrable), '[]') ELSE '[]' END)
        FROM pg_catalog.pg_class rc JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
        WHERE rc.oid = k.confrelid) END,
      /* comment */ (SELECT told.description FROM pg_catalog.pg_description told WHERE told.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND told.objoid = k.oid AND told.objsubid = 0)) ORDER BY k.conname)
    FROM pg_catalog.pg_constraint k
    WHERE k.conrelid = c.oid AND k.contype IN ('c', 'f', 'p', 'u', 'x')), '[]'),

  -- Foreign keys of other tables, and of itself, that point here; not those that partitions inherit.
  /* referenced_by */ CASE WHEN $2 THEN coalesce((
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
      AND k.confrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0), '[]') ELSE '[]' END,

  -- Views and materialized views whose rules read it.
  /* views */ CASE WHEN $2 THEN coalesce((
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
      AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass), '[]') ELSE '[]' END,

  /* publications */ CASE WHEN $2 THEN coalesce((
    SELECT pg_catalog.json_agg(p.pubname ORDER BY p.pubname)
    FROM pg_catalog.pg_publication p
    WHERE p.puballtables
       OR EXISTS (SELECT FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid)
       OR EXISTS (SELECT FROM pg_catalog.pg_publication_namespace s WHERE s.pnpubid = p.oid AND s.pnnspid = c.relnamespace)), '[]') ELSE '[]' END,

  -- Sequences that its columns own or take their defaults from.
  /* sequences */ CASE WHEN $2 THEN coalesce((
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
    JOIN pg_catalog.pg_namespace sn ON sn.oid = sc.relnamespace), '[]') ELSE '[]' END,

  /* indexes */ coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      /* name */ ic.relname,
      /* definition */ pg_catalog.pg_get_indexdef(i.indexrelid, 0, true),
      /* method */ am.amname,
      /* constraint */ k.conname,
      /* valid */ i.indisvalid,
      /* partitioned */ ic.relkind = 'I',
      /* options */ coalesce(pg_catalog.to_json(ic.reloptions), '[]'),
      /* tablespace */ CASE WHEN ic.reltablespace <> 0 THEN (SELECT t.spcname FROM pg_catalog.pg_tablespace t WHERE t.oid = ic.reltablespace) END,
      -- By the number of the column, which is an expression.
      /* statistics */ CASE WHEN i.indexprs IS NULL THEN '[]' ELSE coalesce((
                      SELECT pg_catalog.json_agg(pg_catalog.json_build_array(ia.attnum, ia.attstattarget) ORDER BY ia.attnum)
                      FROM pg_catalog.pg_attribute ia WHERE ia.attrelid = ic.oid AND ia.attstattarget >= 0), '[]') END,
      /* partial */ i.indpred IS NOT NULL,
      /* unique */ i.indisunique,
      /* clustered */ i.indisclustered,
      /* replica_identity */ i.indisreplident,
      /* columns */ (SELECT pg_catalog.json_agg((SELECT a.attname FROM pg_catalog.pg_attribute a
                                              WHERE a.attrelid = i.indrelid AND a.attnum = u.num AND u.num <> 0) ORDER BY u.ord)
                  FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY u(num, ord)
                  WHERE u.ord <= i.indnkeyatts),
      /* parent */ CASE WHEN ic.relispartition THEN (
                 SELECT pg_catalog.json_build_object('schema', pn.nspname, 'name', pc.relname)
                 FROM pg_catalog.pg_inherits h
                 JOIN pg_catalog.pg_class pc ON pc.oid = h.inhparent
                 JOIN pg_catalog.pg_namespace pn ON pn.oid = pc.relnamespace
                 WHERE h.inhrelid = i.indexrelid) END,
      /* comment */ (SELECT told.description FROM pg_catalog.pg_description told WHERE told.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND told.objoid = i.indexrelid AND told.objsubid = 0)) ORDER BY ic.relname)
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
    JOIN pg_catalog.pg_am am ON am.oid = ic.relam
    LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x')
    WHERE i.indrelid = c.oid), '[]'),

  /* policies */ coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      /* name */ p.polname,
      /* command */ CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
      /* permissive */ p.polpermissive,
      /* roles */ coalesce((SELECT pg_catalog.json_agg(r.rolname ORDER BY r.rolname) FROM pg_catalog.pg_roles r WHERE r.oid = ANY (p.polroles)), '[]'),
      /* using */ pg_catalog.pg_get_expr(p.polqual, p.polrelid),
      /* check */ pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),
      /* comment */ (SELECT told.description FROM pg_catalog.pg_description told WHERE told.classoid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND told.objoid = p.oid AND told.objsubid = 0)) ORDER BY p.polname)
    FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid), '[]'),

  /* triggers */ coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      /* name */ t.tgname,
      /* definition */ pg_catalog.pg_get_triggerdef(t.oid, true),
      /* enabled */ t.tgenabled,
      /* inherited */ t.tgparentid <> 0,
      /* row_with_transition */ t.tgtype & 1 = 1 AND (t.tgoldtable IS NOT NULL OR t.tgnewtable IS NOT NULL),
      /* conditional */ t.tgqual IS NOT NULL OR t.tgattr <> '',
      /* function */ (SELECT pg_catalog.json_build_object('schema', fn.nspname, 'name', f.proname)
                   FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
                   WHERE f.oid = t.tgfoid),
      /* executable */ pg_catalog.has_function_privilege(t.tgfoid, 'EXECUTE'),
      /* arguments_hex */ pg_catalog.encode(t.tgargs, 'hex'),
      /* comment */ (SELECT told.description FROM pg_catalog.pg_description told WHERE told.classoid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND told.objoid = t.oid AND told.objsubid = 0)) ORDER BY t.tgname)
    FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal), '[]'),

  /* rules */ coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', w.rulename,
      'definition', pg_catalog.pg_get_ruledef(w.oid, true),
      'enabled', w.ev_enabled) ORDER BY w.rulename)
    FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid AND w.rulename <> '_RETURN'), '[]'),

  /* extended_statistics */ coalesce((
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
CROSS JOIN LATERAL (
  SELECT EXISTS (SELECT FROM pg_catalog.pg_description told
                 WHERE told.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND told.objoid = c.oid AND told.objsubid > 0) AS columns
  OFFSET 0) commented
WHERE c.oid = ANY ($1)
