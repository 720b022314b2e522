-- What few tables have: privileges, rules and extended statistics of the tables $1 (oid[]). One JSON document for all;
-- fields as in by_query.rs.
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
  'oid', c.oid::pg_catalog.int8,
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
          WHERE att.attrelid = c.oid AND NOT att.attisdropped AND att.attacl IS NOT NULL) a
    WHERE a.grantee <> c.relowner), '[]'),
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
    WHERE s.stxrelid = c.oid), '[]')))::pg_catalog.text
FROM pg_catalog.pg_class c
WHERE c.oid = ANY ($1)
