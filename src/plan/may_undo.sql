-- Whether the caller may see every step of change $1: row-level security shows a role the steps
-- whose objects it owns, and the change itself says how many there are.
SELECT c.steps = (SELECT count(*) FROM tenant_guard.change_step s WHERE s.change_id = c.id)
FROM tenant_guard.change c
WHERE c.id = $1
