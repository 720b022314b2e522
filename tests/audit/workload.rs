//! Random statements on the tables of a run.

use crate::dice::Dice;
use crate::tables::{quote, random, Column, Key, Table};
use crate::values::KINDS;
use postgres::Client;

/// Rows have keys up to this, so that sessions meet.
const KEYS: usize = 24;

/// What a transaction did to the shape of a table, to be told once it has committed.
pub struct Altered {
    table: usize,
    shape: crate::tables::Shape,
    turn: Option<(i64, String)>,
}

impl Altered {
    pub fn tell(self, tables: &[Table]) {
        let table = &tables[self.table];
        *table.shape.lock().expect("no panic in the lock") = self.shape;
        table.turns.lock().expect("no panic in the lock").extend(self.turn);
    }
}

/// One statement that changes rows.
pub fn statement(dice: &mut Dice, table: &Table) -> String {
    let shape = table.shape();
    let name = match table.leaves.as_slice() {
        [] => shape.qualified(),
        leaves if dice.percent(30) => dice.one(leaves).clone(),
        _ => shape.qualified(),
    };
    let (key, n) = (table.key, dice.below(KEYS).to_string());
    let some = match dice.below(4) {
        0 => "true".to_owned(),
        1 => format!("\"Count\" % 2 = {}", dice.below(2)),
        _ => key.condition(&n),
    };
    match dice.below(13) {
        0 | 1 => {
            let (names, values) = shape.row(dice, key, &n);
            format!("INSERT INTO {name} ({names}) VALUES ({values})")
        }
        2 | 3 => {
            let (names, values) = shape.row(dice, key, "g");
            let from = dice.below(KEYS);
            let conflict = if key == Key::None { "" } else { "ON CONFLICT DO NOTHING" };
            format!(
                "INSERT INTO {name} ({names}) SELECT {values} FROM generate_series({from}, {}) g {conflict}",
                from + dice.below(12)
            )
        }
        4 if key != Key::None => {
            let (names, values) = shape.row(dice, key, "g");
            format!(
                "INSERT INTO {name} AS t ({names}) SELECT {values} FROM generate_series(1, {}) g
                 ON CONFLICT ({}) DO UPDATE SET \"Count\" = t.\"Count\" + 1 WHERE t.\"Count\" % 2 = 0",
                KEYS,
                key.list()
            )
        }
        5 if key != Key::None => {
            let (names, values) = shape.row(dice, key, "g");
            let on: Vec<String> = key
                .columns()
                .iter()
                .map(|(column, _)| format!("t.{0} = s.{0}", quote(column)))
                .collect();
            let listed: Vec<String> = names.split(", ").map(|name| format!("s.{name}")).collect();
            format!(
                "MERGE INTO {name} t USING (SELECT {values} FROM generate_series(1, {}) g) s ({names}) ON {}
                 WHEN MATCHED AND t.\"Count\" % 3 = 0 THEN DELETE
                 WHEN MATCHED THEN UPDATE SET \"Count\" = t.\"Count\" + s.\"Count\"
                 WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({})",
                dice.below(KEYS),
                on.join(" AND "),
                listed.join(", ")
            )
        }
        6 | 7 => format!("UPDATE {name} SET {} WHERE {some}", shape.set(dice)),
        8 => format!("UPDATE {name} SET {} WHERE {}", shape.set(dice), key.condition(&n)),
        9 => {
            // Another key: of one row, or of all.
            let (list, other) = (key.list(), key.of(&(dice.below(KEYS) + 1).to_string()));
            if dice.percent(70) || matches!(key, Key::Uuid | Key::Text | Key::Both) {
                format!("UPDATE {name} SET ({list}) = ROW({other}) WHERE {}", key.condition(&n))
            } else {
                format!("UPDATE {name} SET {list} = {list} + {}", KEYS + dice.below(9))
            }
        }
        10 => format!("UPDATE {name} SET \"Count\" = \"Count\" WHERE {some}"),
        11 => format!("DELETE FROM {name} WHERE {}", key.condition(&n)),
        _ => format!("DELETE FROM {name} WHERE {some}"),
    }
}

/// COPY of some rows that a query gives, through a file of the server's.
pub fn copy(dice: &mut Dice, client: &mut Client, table: &Table) -> Result<(), postgres::Error> {
    let shape = table.shape();
    let (names, values) = shape.row(dice, table.key, "g");
    let first = 100 + dice.below(10_000);
    let file = client.query_one(
        "SELECT current_setting('data_directory') || '/copy' || pg_backend_pid()",
        &[],
    )?;
    let file: String = file.get(0);
    client.batch_execute(&format!(
        "COPY (SELECT {values} FROM generate_series({first}, {}) g) TO '{file}'; COPY {} ({names}) FROM '{file}'",
        first + 9,
        shape.qualified()
    ))
}

/// DDL within a transaction: nobody else changes the table until its end.
pub fn alter(
    dice: &mut Dice,
    client: &mut Client,
    tables: &[Table],
    which: usize,
    number: usize,
) -> Result<Option<Altered>, postgres::Error> {
    let table = &tables[which];
    client.batch_execute(&format!(
        "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
        table.shape().qualified()
    ))?;
    // As it is under the lock.
    let mut shape = table.shape();
    let name = shape.qualified();
    let row = client
        .query_one("SELECT (last_value + 1) * 1000 FROM tenant_guard.audit_event_id_seq", &[])?;
    let from: i64 = row.get(0);
    let literal = |name: &str| format!("'{}'", name.replace('\'', "''"));
    let (sql, turn) = match dice.below(4) {
        0 if table.leaves.is_empty() => {
            let kind = dice.one(KINDS);
            let column = Column { name: format!("New {number}"), kind };
            // No default is a query.
            let default = match random(dice, &column) {
                query if query.contains("SELECT") => format!("NULL::{}", kind.name),
                value => value,
            };
            let sql = format!(
                "ALTER TABLE {name} ADD COLUMN {} {} DEFAULT {default}",
                quote(&column.name),
                kind.name
            );
            let turn =
                format!("r || jsonb_build_object({}, to_jsonb({default}))", literal(&column.name));
            shape.columns.push(column);
            (sql, Some(turn))
        }
        1 if shape.columns.len() > 2 => {
            let gone = shape.columns.remove(1 + dice.below(shape.columns.len() - 1));
            (
                format!("ALTER TABLE {name} DROP COLUMN {}", quote(&gone.name)),
                Some(format!("r - {}", literal(&gone.name))),
            )
        }
        2 if shape.columns.len() > 1 => {
            let at = 1 + dice.below(shape.columns.len() - 1);
            let (was, is) = (shape.columns[at].name.clone(), format!("renamed {number}"));
            shape.columns[at].name.clone_from(&is);
            (
                format!("ALTER TABLE {name} RENAME COLUMN {} TO {}", quote(&was), quote(&is)),
                Some(format!(
                    "(r - {0}) || jsonb_build_object({1}, r -> {0})",
                    literal(&was),
                    literal(&is)
                )),
            )
        }
        _ => {
            shape.name = format!("Renamed {number}");
            (format!("ALTER TABLE {name} RENAME TO {}", quote(&shape.name)), None)
        }
    };
    client.batch_execute(&sql)?;
    Ok(Some(Altered { table: which, shape, turn: turn.map(|turn| (from, turn)) }))
}
