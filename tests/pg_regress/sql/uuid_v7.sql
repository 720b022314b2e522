-- uuid_v7: what it is, that it grows, and that it tells the time.
SELECT substr(id::text, 15, 1) AS version, get_byte(uuid_send(id), 8) >> 6 AS variant, count(*)
FROM (SELECT tenant_guard.uuid_v7() AS id FROM generate_series(1, 1000)) made GROUP BY 1, 2;

-- Each is greater than the one before it, also within a millisecond: 100,000 take less than 100,000 of them.
SELECT count(*) AS made, count(*) FILTER (WHERE id <= before) AS "not greater", count(DISTINCT id) AS different,
       count(DISTINCT substr(id::text, 1, 13)) < 100000 AS "several in a millisecond"
FROM (SELECT n, id, lag(id) OVER (ORDER BY n) AS before
      FROM (SELECT n, tenant_guard.uuid_v7() AS id FROM generate_series(1, 100000) n) made) pairs;

SELECT abs(extract(epoch FROM clock_timestamp()) * 1000
           - ('x' || replace(substr(tenant_guard.uuid_v7()::text, 1, 13), '-', ''))::bit(48)::bigint) < 2000 AS "of now";

-- As a default, by an ordinary role, and never planned as a constant.
SET ROLE app_owner;
CREATE SCHEMA ids;
CREATE TABLE ids."Lead" (id bigint GENERATED ALWAYS AS IDENTITY, public_id uuid NOT NULL UNIQUE DEFAULT tenant_guard.uuid_v7());
INSERT INTO ids."Lead" DEFAULT VALUES; INSERT INTO ids."Lead" DEFAULT VALUES;
INSERT INTO ids."Lead" (public_id) SELECT tenant_guard.uuid_v7() FROM generate_series(1, 50);
SELECT count(DISTINCT public_id) AS different, array_agg(id ORDER BY id) = array_agg(id ORDER BY public_id) AS "in order" FROM ids."Lead";
DROP SCHEMA ids CASCADE;
RESET ROLE;
