-- DROP EXTENSION says what it leaves behind, to whoever may drop it. Runs last: it sees what the others made.
\set VERBOSITY terse
SET client_min_messages = notice;
DROP EXTENSION tenant_guard;
SET ROLE nobody;
DROP EXTENSION tenant_guard;
RESET ROLE;
