-- DROP EXTENSION says what it leaves behind before it goes.
CREATE EVENT TRIGGER tenant_guard_before_drop ON ddl_command_start WHEN TAG IN ('DROP EXTENSION')
  EXECUTE FUNCTION tenant_guard.before_drop_extension();
