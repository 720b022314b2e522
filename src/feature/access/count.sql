-- Adds what access_take.sql counted, $1, to the rows of the table; rows that are gone by now are left out.
-- The most recent access wins: another flush, of events noted later, may have been faster.
WITH counted AS (
  UPDATE {table} AS t
  SET last_accessed = greatest(t.last_accessed, c.at), access_count = coalesce(t.access_count, 0) + c.n
  FROM pg_catalog.json_to_recordset($1::pg_catalog.json) AS c(public_id pg_catalog.uuid, n pg_catalog.int8, at pg_catalog.timestamptz)
  WHERE t.public_id = c.public_id
  RETURNING c.n
)
SELECT coalesce(sum(n), 0)::pg_catalog.int8 FROM counted
