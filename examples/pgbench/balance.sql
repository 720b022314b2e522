-- True when the books balance: every transaction changed an account, a teller and its branch by the
-- same amount and left one line of history. A policy that had quietly hidden a row from an UPDATE
-- would show here. Starts from freshly initialized tables; run as a role that sees all branches.
--
--   psql -At -v transactions=<number of transactions pgbench reported> -f balance.sql
SELECT count(*) = :transactions
   AND coalesce(sum(delta), 0) = ALL (ARRAY[
         (SELECT sum(abalance) FROM pgbench_accounts),
         (SELECT sum(tbalance) FROM pgbench_tellers),
         (SELECT sum(bbalance) FROM pgbench_branches)])
   AND NOT EXISTS (
         SELECT FROM pgbench_history h
         JOIN pgbench_accounts a USING (aid)
         JOIN pgbench_tellers t USING (tid)
         WHERE a.bid <> h.bid OR t.bid <> h.bid)
FROM pgbench_history;
