-- Where tenants live: registered, assigned, asked for, and every wrong call.
CREATE ROLE router;
GRANT EXECUTE ON FUNCTION tenant_guard.destination_for(uuid), tenant_guard.destination_for_text(text) TO router;
SELECT step, action, sql FROM tenant_guard.register_destination('eu1', 'database', 'host=eu1.example.com dbname=app user=router', secret => 'vault:db/eu1', region => 'eu', capacity => 2, dry_run => true);
SELECT step, action FROM tenant_guard.register_destination('eu1', 'database', 'host=eu1.example.com dbname=app user=router', secret => 'vault:db/eu1', region => 'eu', capacity => 2);
SELECT count(*) AS "nothing to do" FROM tenant_guard.register_destination('eu1', 'database', 'host=eu1.example.com dbname=app user=router', secret => 'vault:db/eu1', region => 'eu', capacity => 2);
SELECT step, action FROM tenant_guard.register_destination('Eu "two"', 'server', 'host=eu2 port=6543 dbname=postgres');
SELECT step, action, undo FROM tenant_guard.assign_destination('wayne', 'eu1');
SELECT step, action FROM tenant_guard.assign_destination('AAAAAAAA-0000-4000-8000-000000000001', 'Eu "two"', database => 'It''s');
SELECT step, action FROM tenant_guard.assign_destination('stark', 'Eu "two"');
SELECT * FROM tenant_guard.destinations ORDER BY name;

SET ROLE router;
SELECT * FROM tenant_guard.destination_for('aaaaaaaa-0000-4000-8000-000000000001');
SELECT name, database, schema FROM tenant_guard.destination_for_text('wayne');
SELECT name, database, schema FROM tenant_guard.destination_for_text('stark');
SELECT name FROM tenant_guard.destination_for_text('nobody');
SELECT name FROM tenant_guard.destination_for(NULL);
SELECT * FROM tenant_guard.destinations;
SELECT * FROM tenant_guard.assign_destination('wayne', 'eu1');
SELECT * FROM tenant_guard.pgbouncer_databases();
RESET ROLE;
SELECT * FROM tenant_guard.pgbouncer_databases() AS line;

-- By the schema of an organization that was not assigned itself.
CREATE SCHEMA dest_acme;
SELECT tenant_guard.register_tenant_schema('dest_acme', 'dest', 'bbbbbbbb-0000-4000-8000-000000000002', 'router', false);
SELECT count(*) AS steps FROM tenant_guard.assign_destination('dest_acme', 'eu1');
SELECT name, database, schema FROM tenant_guard.destination_for('bbbbbbbb-0000-4000-8000-000000000002');

-- It is full; the way back makes room.
SELECT * FROM tenant_guard.assign_destination('hooli', 'eu1');
SELECT step, action FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change));
SELECT name FROM tenant_guard.destination_for_text('dest_acme');
SELECT step, action FROM tenant_guard.assign_destination('hooli', 'eu1');
SELECT * FROM tenant_guard.unregister_destination('eu1');
SELECT count(*) AS steps FROM tenant_guard.assign_destination('hooli', NULL);
SELECT count(*) AS steps FROM tenant_guard.assign_destination('wayne', NULL);
SELECT change_id AS unregistered FROM tenant_guard.unregister_destination('eu1') \gset
SELECT count(*) AS there FROM tenant_guard.destinations WHERE name = 'eu1';
SELECT step, action FROM tenant_guard.undo(:unregistered);
SELECT count(*) AS there FROM tenant_guard.destinations WHERE name = 'eu1';

-- Wrong calls.
SELECT * FROM public.refused($$SELECT * FROM tenant_guard.register_destination(NULL, 'database', 'host=a')$$);
SELECT * FROM tenant_guard.register_destination('', 'database', 'host=a');
SELECT * FROM tenant_guard.register_destination(E'a\nb', 'database', 'host=a');
SELECT * FROM tenant_guard.register_destination('a', 'cluster', 'host=a');
SELECT * FROM public.refused($$SELECT * FROM tenant_guard.register_destination('a', 'database', 'host=a password=secret')$$);
SELECT * FROM public.refused($$SELECT * FROM tenant_guard.register_destination('a', 'database', 'postgresql://u:secret@a/b')$$);
SELECT * FROM tenant_guard.register_destination('a', 'database', '');
SELECT * FROM tenant_guard.register_destination('a', 'database', 'host=a', capacity => -1);
SELECT * FROM tenant_guard.record_destination('a', 'database', 'host=a password=secret', NULL, NULL, NULL);
SELECT * FROM tenant_guard.unregister_destination('nowhere');
SELECT * FROM tenant_guard.assign_destination('wayne', 'nowhere');
SELECT * FROM tenant_guard.assign_destination('', 'eu1');
SELECT * FROM tenant_guard.assign_destination('wayne', 'eu1', database => 'x');
SELECT * FROM tenant_guard.assign_destination('aaaaaaaa-0000-4000-8000-000000000009', 'Eu "two"');
CALL tenant_guard.create_tenant_database('wayne', 'Eu "two"');
CALL tenant_guard.create_tenant_database('Not A Slug', 'Eu "two"');
SELECT * FROM tenant_guard.forget_tenant_database('wayne', 'wayne');
SET ROLE nobody;
CALL tenant_guard.create_tenant_database('wayne', 'Eu "two"');
SELECT * FROM tenant_guard.destination_for('aaaaaaaa-0000-4000-8000-000000000001');
SELECT * FROM tenant_guard.register_destination('a', 'database', 'host=a');
SELECT count(*) FROM tenant_guard.destination;
RESET ROLE;

SELECT tenant_guard.unregister_tenant_schema('dest_acme');
DROP SCHEMA dest_acme;
SELECT count(*) AS steps FROM (VALUES ('AAAAAAAA-0000-4000-8000-000000000001'), ('stark')) AS t (tenant),
  LATERAL tenant_guard.assign_destination(t.tenant, NULL);
SELECT count(*) AS steps FROM (VALUES ('eu1'), ('Eu "two"')) AS d (name), LATERAL tenant_guard.unregister_destination(d.name);
REVOKE ALL ON FUNCTION tenant_guard.destination_for(uuid), tenant_guard.destination_for_text(text) FROM router;
DROP ROLE router;
