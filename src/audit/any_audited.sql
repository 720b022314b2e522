-- Whether any table is audited: found by what depends on the function of the trigger, for triggers have no such index.
SELECT EXISTS (SELECT FROM pg_catalog.pg_depend d
               WHERE d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                 AND d.refobjid = 'tenant_guard.audit_row()'::pg_catalog.regprocedure
                 AND d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass)
