CREATE TABLE {name} (LIKE tenant_guard.audit_event INCLUDING ALL);
CREATE INDEX {index}_row_key ON {name} (row_key);
CREATE INDEX {index}_organization_id ON {name} (organization, id) WHERE NOT bulk;
CREATE INDEX {index}_id ON {name} USING brin (id, transaction_id, occurred_at);
ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {name} FORCE ROW LEVEL SECURITY;
ALTER TABLE tenant_guard.audit_event ATTACH PARTITION {name} FOR VALUES FROM ('{from}') TO ('{to}');
CREATE TRIGGER append_only BEFORE TRUNCATE ON {name} FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.refuse_change();
ALTER TABLE {name} ENABLE ALWAYS TRIGGER append_only;
