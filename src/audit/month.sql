CREATE TABLE {name} (LIKE tenant_guard.audit_event INCLUDING ALL);
CREATE INDEX ON {name} (row_key);
CREATE INDEX ON {name} (organization, id) WHERE NOT bulk;
CREATE INDEX ON {name} USING brin (id, transaction_id, occurred_at);
ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {name} FORCE ROW LEVEL SECURITY;
ALTER TABLE tenant_guard.audit_event ATTACH PARTITION {name} FOR VALUES FROM ('{from}') TO ('{to}');
CREATE TRIGGER append_only BEFORE TRUNCATE ON {name} FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.refuse_change();
ALTER TABLE {name} ENABLE ALWAYS TRIGGER append_only;
