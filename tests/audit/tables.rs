//! Random audited tables, as the sessions of a run know them.

use crate::dice::Dice;
use crate::values::{value, Kind, KINDS};
use std::sync::Mutex;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    Int,
    Big,
    Uuid,
    Text,
    Both,
    None,
}

pub const KEYS: [Key; 6] = [Key::Int, Key::Big, Key::Uuid, Key::Text, Key::Both, Key::None];

impl Key {
    pub fn columns(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Key::Int => &[("Id", "integer")],
            Key::Big => &[("Id", "bigint")],
            Key::Uuid => &[("Id", "uuid")],
            Key::Text => &[("Id", "text")],
            // The second one first in the index.
            Key::Both => &[("A", "integer"), ("B \"b\"", "text")],
            Key::None => &[("n", "integer")],
        }
    }

    /// The key's values, for a number that is an expression.
    pub fn of(self, n: &str) -> String {
        match self {
            Key::Int | Key::None => format!("({n})::integer"),
            Key::Big => format!("({n})::bigint"),
            Key::Uuid => {
                format!("('00000000-0000-4000-8000-' || lpad(({n})::text, 12, '0'))::uuid")
            }
            Key::Text => format!("('k' || ({n})::text)"),
            Key::Both => format!("(({n}) / 5)::integer, ('b' || (({n}) % 5)::text)"),
        }
    }

    pub fn list(self) -> String {
        let names: Vec<String> = self.columns().iter().map(|(name, _)| quote(name)).collect();
        names.join(", ")
    }

    pub fn condition(self, n: &str) -> String {
        format!("({}) = ({})", self.list(), self.of(n))
    }
}

pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[derive(Clone)]
pub struct Column {
    pub name: String,
    pub kind: &'static Kind,
}

/// What DDL changes.
#[derive(Clone)]
pub struct Shape {
    pub name: String,
    pub columns: Vec<Column>,
}

pub struct Table {
    pub oid: i64,
    pub key: Key,
    pub leaves: Vec<String>,
    pub may_alter: bool,
    /// Held by the session that alters it.
    pub altering: Mutex<()>,
    pub shape: Mutex<Shape>,
    /// From which event on rows look otherwise, and the expression that makes them so of "r".
    pub turns: Mutex<Vec<(i64, String)>>,
    pub made_with: String,
}

impl Table {
    pub fn shape(&self) -> Shape {
        self.shape.lock().expect("no panic in the lock").clone()
    }
}

impl Shape {
    pub fn qualified(&self) -> String {
        format!("\"My App\".{}", quote(&self.name))
    }

    /// All columns that can be given, and values of a row, for a key's number.
    pub fn row(&self, dice: &mut Dice, key: Key, n: &str) -> (String, String) {
        let (mut names, mut values) = (key.list(), key.of(n));
        for column in &self.columns {
            names.push_str(&format!(", {}", quote(&column.name)));
            values.push_str(&format!(", {}", random(dice, column)));
        }
        (names, values)
    }

    /// Some columns with new values.
    pub fn set(&self, dice: &mut Dice) -> String {
        let mut parts = vec![format!("\"Count\" = \"Count\" + {}", dice.below(3))];
        for column in &self.columns {
            if column.name != "Count" && dice.percent(25) {
                parts.push(format!("{} = {}", quote(&column.name), random(dice, column)));
            }
        }
        parts.join(", ")
    }
}

pub fn random(dice: &mut Dice, column: &Column) -> String {
    if column.name == "Count" {
        return dice.below(1000).to_string();
    }
    value(column.kind, dice.below(column.kind.values.len() + 1))
}

const COUNT: Kind = Kind { name: "integer", values: &["0"] };

/// The script that makes a table, and the table but for its OID.
pub fn invent(dice: &mut Dice, number: usize) -> (String, Table) {
    let key = *dice.one(&KEYS);
    let name = format!("{}{number}", dice.one(&["t", "Table ", "tab\"le", "żółć"]));
    let mut columns = vec![Column { name: "Count".to_owned(), kind: &COUNT }];
    for i in 0..2 + dice.below(5) {
        let name = format!("{}{i}", dice.one(&["c", "Col ", "ORDER", "co\"l"]));
        columns.push(Column { name, kind: dice.one(KINDS) });
    }
    let shape = Shape { name, columns };
    let table = shape.qualified();
    let mut parts = vec!["\"Gone\" integer".to_owned()];
    parts.extend(key.columns().iter().map(|(name, kind)| format!("{} {kind}", quote(name))));
    parts.extend(shape.columns.iter().map(|c| format!("{} {}", quote(&c.name), c.kind.name)));
    parts.push("\"Sum\" integer GENERATED ALWAYS AS (\"Count\" * 2) STORED".to_owned());
    let unique = match key {
        Key::None => String::new(),
        Key::Both => ", PRIMARY KEY (\"B \"\"b\"\"\", \"A\")".to_owned(),
        key => format!(", PRIMARY KEY ({})", key.list()),
    };
    let by = quote(key.columns()[0].0);
    let partitioned = dice.percent(30);
    let mut script = format!(
        "CREATE TABLE {table} ({}{unique}){};",
        parts.join(", "),
        if partitioned { format!(" PARTITION BY HASH ({by})") } else { String::new() }
    );
    let mut leaves = Vec::new();
    if partitioned {
        for i in 0..2 {
            let leaf = format!("\"My App\".{}", quote(&format!("{} leaf {i}", shape.name)));
            // Columns in another order, and one that went.
            let mut turned = parts.clone();
            turned.rotate_left(1 + dice.below(parts.len() - 1));
            let set: Vec<String> = match key {
                Key::None => Vec::new(),
                key => key.columns().iter().map(|(name, _)| quote(name)).collect(),
            };
            let set: String = set
                .iter()
                .map(|name| format!("ALTER TABLE {leaf} ALTER {name} SET NOT NULL;"))
                .collect();
            script.push_str(&format!(
                "CREATE TABLE {leaf} (old text, {}); ALTER TABLE {leaf} DROP COLUMN old; {set}
                 ALTER TABLE {table} ATTACH PARTITION {leaf} FOR VALUES WITH (MODULUS 2, REMAINDER {i});",
                turned.join(", "),
            ));
            leaves.push(leaf);
        }
    }
    script.push_str(&format!("ALTER TABLE {table} DROP COLUMN \"Gone\";"));
    // A trigger of the application's that changes rows of the same table: this one or the next.
    if key != Key::None && dice.percent(40) {
        let which = *dice.one(&["NEW", "OLD"]);
        let same: Vec<String> = key
            .columns()
            .iter()
            .map(|(name, _)| format!("t.{0} {1} {which}.{0}", quote(name), dice.one(&["=", "="])))
            .collect();
        script.push_str(&format!(
            "CREATE FUNCTION \"My App\".\"again {number}\"() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
               IF pg_trigger_depth() < 3 THEN
                 UPDATE {table} t SET \"Count\" = t.\"Count\" + 1 WHERE {}; END IF;
               RETURN NULL; END$$;
             CREATE TRIGGER again AFTER UPDATE ON {table} FOR EACH ROW WHEN (NEW.\"Count\" % 3 = 0)
               EXECUTE FUNCTION \"My App\".\"again {number}\"();",
            same.join(" AND ")
        ));
    }
    let skip = if dice.percent(30) { "skip" } else { "log" };
    script.push_str(&format!(
        "SELECT * FROM tenant_guard.enable_audit('{}', truncate => 'rows', unchanged => '{skip}');",
        table.replace('\'', "''")
    ));
    let table = Table {
        oid: 0,
        key,
        leaves,
        may_alter: dice.percent(60),
        shape: Mutex::new(shape),
        altering: Mutex::default(),
        turns: Mutex::default(),
        made_with: script.clone(),
    };
    (script, table)
}

const PARENT: Kind =
    Kind { name: "integer", values: &["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"] };
const NOTE: Kind = Kind { name: "text", values: &["'a'", "'b'", "repeat(md5('x'), 400)"] };

/// Two tables, of which the second one's rows go and turn with the first one's.
pub fn family() -> [(String, Table); 2] {
    let make = |name: &str, kind: &'static Kind, more: &str| {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        let shape = Shape {
            name: name.to_owned(),
            columns: vec![column("Count", &COUNT), column("of", kind)],
        };
        let table = shape.qualified();
        let script = format!(
            "CREATE TABLE {table} (\"Id\" integer PRIMARY KEY, \"Count\" integer, \"of\" {} {more});
             SELECT * FROM tenant_guard.enable_audit('{table}', truncate => 'rows');",
            kind.name
        );
        let table = Table {
            oid: 0,
            key: Key::Int,
            leaves: Vec::new(),
            may_alter: false,
            shape: Mutex::new(shape),
            altering: Mutex::default(),
            turns: Mutex::default(),
            made_with: script.clone(),
        };
        (script, table)
    };
    [
        make("Parent", &NOTE, ""),
        make(
            "Child",
            &PARENT,
            "REFERENCES \"My App\".\"Parent\" ON DELETE CASCADE ON UPDATE CASCADE",
        ),
    ]
}
