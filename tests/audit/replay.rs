//! The log read by code of its own: rows are counted, as jsonb; an event adds what it left and takes what it found.

use crate::tables::Table;
use postgres::Client;
use std::collections::BTreeMap;
use tenant_guard_tests::sql::rows;

type Rows = BTreeMap<String, i64>;

fn add(rows: &mut Rows, row: &str, by: i64) {
    let count = rows.entry(row.to_owned()).or_default();
    *count += by;
    if *count == 0 {
        rows.remove(row);
    }
}

fn difference(log: &Rows, table: &Rows) -> Vec<String> {
    let short = |row: &str| row.chars().take(600).collect::<String>();
    let only = |a: &Rows, b: &Rows, who: &str| -> Vec<String> {
        a.iter()
            .filter(|(row, n)| b.get(*row) != Some(n))
            .map(|(row, n)| format!("    {who} {n} times: {}", short(row)))
            .collect()
    };
    let mut all = only(log, table, "by the log");
    all.extend(only(table, log, "in the table"));
    all
}

fn now(client: &mut Client, table: &Table) -> Rows {
    let mut found = Rows::new();
    let sql = format!("SELECT to_jsonb(t)::text FROM {} t", table.shape().qualified());
    for row in rows(client, &sql) {
        add(&mut found, row[0].as_deref().expect("a row"), 1);
    }
    found
}

/// What differs, in words; nothing where the log adds up to the table.
pub fn check_replay(client: &mut Client, table: &Table) -> Vec<String> {
    let mut log = Rows::new();
    let mut turns = table.turns.lock().expect("no panic in the lock").clone();
    turns.sort_by_key(|(from, _)| *from);
    let mut turns = turns.into_iter().peekable();
    let events = client
        .query(
            "SELECT id, record::text, old_record::text, operation FROM tenant_guard.audit_log
              WHERE table_key = tenant_guard.audit_table_key($1::oid::regclass) ORDER BY id",
            &[&(table.oid as u32)],
        )
        .expect("the log can be read");
    for event in &events {
        let id: i64 = event.get(0);
        while turns.peek().is_some_and(|(from, _)| *from <= id) {
            turn(client, &mut log, &turns.next().expect("a turn").1);
        }
        if let Some(row) = event.get::<_, Option<String>>(2) {
            add(&mut log, &row, -1);
        }
        if let Some(row) = event.get::<_, Option<String>>(1) {
            add(&mut log, &row, 1);
        }
    }
    turns.for_each(|(_, how)| turn(client, &mut log, &how));
    let differs = difference(&log, &now(client, table));
    if differs.is_empty() {
        return Vec::new();
    }
    let head = format!("{} replayed from {} events:", table.shape().qualified(), events.len());
    [vec![head], differs, told_of(client, table, &log)].concat()
}

/// All that the log tells of the first rows that differ, for whoever has to find out why.
fn told_of(client: &mut Client, table: &Table, log: &Rows) -> Vec<String> {
    let here = now(client, table);
    let Some((row, _)) = log.iter().find(|(row, n)| here.get(*row) != Some(n)) else {
        return Vec::new();
    };
    let told = client.query(
        "SELECT concat_ws(' ', id, operation, transaction_id, db_role, statement, 'WAS', old_record, 'IS', record)
           FROM tenant_guard.audit_log
          WHERE table_key = tenant_guard.audit_table_key($1::oid::regclass)
            AND (key = (SELECT l.key FROM tenant_guard.audit_log l WHERE l.key IS NOT NULL AND $2::text::jsonb @> l.key LIMIT 1))
          ORDER BY id",
        &[&(table.oid as u32), &row],
    );
    told.expect("the log can be read")
        .iter()
        .map(|told| format!("      {}", told.get::<_, String>(0)))
        .collect()
}

/// The rows after DDL.
fn turn(client: &mut Client, log: &mut Rows, how: &str) {
    let (keys, counts): (Vec<String>, Vec<i64>) = std::mem::take(log).into_iter().unzip();
    let sql = format!(
        "SELECT (SELECT ({how})::text FROM (SELECT k.row::jsonb) AS one (r))
           FROM unnest($1::text[]) WITH ORDINALITY AS k (row, n) ORDER BY k.n"
    );
    let turned = client.query(&sql, &[&keys]).unwrap_or_else(|error| panic!("{sql}\n{error:?}"));
    for (row, by) in turned.iter().zip(counts) {
        add(log, row.get(0), by);
    }
}

/// A table as it was found.
pub struct Snapshot {
    table: usize,
    at: String,
    /// pg_attribute.attnum and the names of then.
    columns: Vec<(i16, String)>,
    rows: Vec<String>,
}

pub fn count(snapshots: &[Snapshot]) -> usize {
    snapshots.iter().map(|s| s.rows.len()).sum()
}

fn columns(client: &mut Client, table: &Table) -> Result<Vec<(i16, String)>, postgres::Error> {
    let sql = "SELECT attnum, attname::text FROM pg_attribute
                WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
    let found = client.query(sql, &[&(table.oid as u32)])?;
    Ok(found.iter().map(|row| (row.get(0), row.get(1))).collect())
}

impl Snapshot {
    pub fn take(
        client: &mut Client,
        tables: &[Table],
        table: usize,
        at: &str,
    ) -> Result<Self, postgres::Error> {
        let columns = columns(client, &tables[table])?;
        let sql = format!("SELECT to_jsonb(t)::text FROM {} t", tables[table].shape().qualified());
        let rows = client.query(&sql, &[])?.iter().map(|row| row.get(0)).collect();
        Ok(Snapshot { table, at: at.to_owned(), columns, rows })
    }
}

/// The columns of then that are still there, under both names, of what a query gives as "r"; what it does not give
/// is told from null.
fn among(
    client: &mut Client,
    from: &str,
    names: &[String],
    shown: &[String],
    rows: &[String],
) -> Rows {
    let sql = format!(
        "SELECT (SELECT jsonb_object_agg(s.shown, coalesce(x.r -> s.name, '\"missing\"'))
                   FROM unnest($1::text[], $2::text[]) AS s (name, shown))::text
           FROM {from} AS x (r)"
    );
    let mut found = Rows::new();
    let rows = client
        .query(&sql, &[&names, &shown, &rows])
        .unwrap_or_else(|error| panic!("{sql}\n{error:?}"));
    for row in rows {
        add(&mut found, row.get(0), 1);
    }
    found
}

/// Whether the log gives each table as it was found, and some of its rows.
pub fn check_snapshots(
    client: &mut Client,
    tables: &[Table],
    snapshots: &[Snapshot],
) -> Vec<String> {
    let mut problems = Vec::new();
    for snapshot in snapshots {
        let table = &tables[snapshot.table];
        let here = columns(client, table).expect("columns");
        let (mut then, mut is) = (Vec::new(), Vec::new());
        for (number, name) in &snapshot.columns {
            if let Some((_, now)) = here.iter().find(|(other, _)| other == number) {
                then.push(name.clone());
                is.push(now.clone());
            }
        }
        let given = "(SELECT t::jsonb FROM unnest($3::text[]) t)";
        let expected = among(client, given, &then, &then, &snapshot.rows);
        let of = format!("(SELECT f FROM tenant_guard.table_as_of({}::oid::regclass, '{}') f WHERE $3::text[] IS NOT NULL)", table.oid, snapshot.at);
        let found = among(client, &of, &is, &then, &[]);
        let differs = difference(&found, &expected);
        if !differs.is_empty() {
            problems.push(format!(
                "{} as of {} (by the log, and as it was found):",
                table.shape().qualified(),
                snapshot.at
            ));
            problems.extend(differs);
        }
        if table.key == crate::tables::Key::None {
            continue;
        }
        for row in snapshot.rows.iter().take(2) {
            let one = std::slice::from_ref(row);
            let key: Vec<String> = table
                .key
                .columns()
                .iter()
                .map(|(name, _)| format!("'{name}', t::jsonb -> '{name}'"))
                .collect();
            let of = format!(
                "(SELECT tenant_guard.row_as_of({}::oid::regclass, jsonb_build_object({}), '{}') FROM unnest($3::text[]) t)",
                table.oid,
                key.join(", "),
                snapshot.at
            );
            let expected = among(client, given, &then, &then, one);
            let found = among(client, &of, &is, &then, one);
            let differs = difference(&found, &expected);
            if !differs.is_empty() {
                problems.push(format!(
                    "a row of {} as of {}:",
                    table.shape().qualified(),
                    snapshot.at
                ));
                problems.extend(differs);
            }
        }
    }
    problems
}
