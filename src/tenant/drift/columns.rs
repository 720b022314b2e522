//! What mends columns. Pure.

use super::diff::{Both, Fix, Pair, Phase};
use super::sequences::Handed;
use crate::catalog::{Column, Table};
use crate::pg::ident::quote;
use crate::plan::{Kind, Object, Step};
use crate::tenant::create::column_definition;
use std::collections::BTreeSet;

/// The columns that both have, with another type or collation.
#[must_use]
pub fn retyped(pair: &Pair) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for wanted in &pair.template.tables {
        let Some(had) = pair.had(&wanted.name) else { continue };
        for column in &wanted.columns {
            if had.column(&column.name).is_some_and(|c| kind_of(c) != kind_of(column)) {
                found.insert((wanted.name.clone(), column.name.clone()));
            }
        }
    }
    found
}

fn kind_of(column: &Column) -> (&str, Option<&str>) {
    (&column.r#type, column.collation.as_deref())
}

/// Whether a table above, in the same schema, has the column: what is done to it there is done here.
fn comes_down(table: &Table, tables: &[Table], column: &str) -> bool {
    table
        .parents
        .iter()
        .filter(|p| p.schema == table.schema)
        .any(|p| tables.iter().any(|t| t.name == p.name && t.column(column).is_some()))
}

pub fn of_column(pair: &Pair, both: Both) -> Fix {
    let Some(part) = both.expected.or(both.actual) else { return Fix::default() };
    let (wanted, had) = (pair.wanted(&part.table), pair.had(&part.table));
    match (wanted, had) {
        (Some(wanted), Some(had)) => match (wanted.column(&part.name), had.column(&part.name)) {
            (Some(column), None) => added(pair, wanted, column),
            (None, Some(column)) => dropped(pair, had, column),
            (Some(new), Some(old)) => altered(pair, wanted, had, new, old),
            (None, None) => Fix::default(),
        },
        // It comes with its table, settings apart.
        (Some(table), None) => {
            let mut fix = Fix::default();
            if let Some(column) = table.column(&part.name) {
                settings(pair, table, column, None, &mut fix);
            }
            fix
        }
        _ => Fix::default(),
    }
}

fn object(pair: &Pair, table: &Table, column: &str) -> Object {
    Object::in_table(Kind::Column, pair.slug(), &table.name, column)
}

fn added(pair: &Pair, table: &Table, column: &Column) -> Fix {
    let mut fix = Fix::default();
    if !comes_down(table, &pair.template.tables, &column.name) {
        let name = pair.name(&table.name);
        let definition =
            column_definition(table, column, pair.slug(), &pair.template.sequences, &|_: &str| {
                false
            });
        fix.push(
            Phase::Columns,
            Step::new(
                object(pair, table, &column.name),
                format!("add column {} to {}", column.name, table.name),
                "as in the template",
                format!("ALTER TABLE {name} ADD COLUMN {definition}"),
                format!("ALTER TABLE {name} DROP COLUMN {}", quote(&column.name)),
            ),
        );
    }
    settings(pair, table, column, None, &mut fix);
    fix
}

fn dropped(pair: &Pair, table: &Table, column: &Column) -> Fix {
    if comes_down(table, &pair.tenant.tables, &column.name) {
        return Fix::default().dropping();
    }
    let sql = format!("ALTER TABLE {} DROP COLUMN {}", pair.name(&table.name), quote(&column.name));
    let action = format!("drop column {} of {}", column.name, table.name);
    let why = "the template has none of that name; its values are lost";
    let step = Step::irreversible(object(pair, table, &column.name), action, why, sql);
    Fix::step(Phase::Drop, step).dropping()
}

fn altered(pair: &Pair, wanted: &Table, had: &Table, new: &Column, old: &Column) -> Fix {
    if new.generated != old.generated && !new.generated.is_empty() {
        return Fix::by_hand(
            "A column that holds values cannot become a generated one: drop it, and sync again.",
        );
    }
    let down = comes_down(wanted, &pair.template.tables, &new.name);
    let name = pair.name(&wanted.name);
    let mut fix = Fix::default();
    let alter = |action: String, undo: Option<String>| {
        let alter =
            |action: &str| format!("ALTER TABLE {name} ALTER COLUMN {} {action}", quote(&new.name));
        let what = format!("alter column {} of {}", new.name, wanted.name);
        let (object, why) = (object(pair, wanted, &new.name), "as in the template");
        let step = match undo {
            Some(undo) => Step::new(object, what, why, alter(&action), alter(&undo)),
            None => Step::irreversible(object, what, why, alter(&action)),
        };
        (Phase::Columns, step)
    };
    let mut steps = Vec::new();
    let retyped = kind_of(new) != kind_of(old);
    let destructive = retyped && !widens(&old.r#type, &new.r#type);
    if retyped && !down {
        let feeds = had.columns.iter().any(|c| {
            !c.generated.is_empty() && c.default.as_ref().is_some_and(|e| e.contains(&old.quoted))
        });
        if feeds {
            return Fix::by_hand(
                "A generated column is made from it: drop that one, and sync again.",
            );
        }
        let set = |c: &Column| {
            let collate = c.collation.as_ref().map(|c| format!(" COLLATE {c}")).unwrap_or_default();
            format!("TYPE {}{collate}", c.r#type)
        };
        // A default of the old type may have no cast to the new one.
        let redefault =
            old.generated.is_empty() && old.default.is_some() && new.default != old.default;
        if redefault {
            steps.push(alter(
                "DROP DEFAULT".into(),
                old.default.as_ref().map(|d| format!("SET DEFAULT {d}")),
            ));
        }
        let undone = !destructive && old.storage.is_none() && old.compression.is_none();
        steps.push(alter(set(new), undone.then(|| set(old))));
    }
    if new.generated.is_empty() && !old.generated.is_empty() {
        steps.push(alter("DROP EXPRESSION".into(), None));
    } else if !new.generated.is_empty() && new.default != old.default {
        if cfg!(any(feature = "pg15", feature = "pg16")) {
            return Fix::by_hand("This version cannot alter what a column is generated from: drop the column, and sync again.");
        }
        let set = |c: &Column| c.default.as_ref().map(|e| format!("SET EXPRESSION AS ({e})"));
        steps.push(alter(set(new).unwrap_or_default(), set(old)));
    }
    if new.identity != old.identity && !wanted.is_partition {
        // Identity columns have no default: one that was there has to go first.
        if old.default.is_some() && !new.identity.is_empty() {
            steps.push(alter("DROP DEFAULT".into(), None));
        }
        let how = |c: &Column| if c.identity == "a" { "ALWAYS" } else { "BY DEFAULT" };
        let made_anew = new.identity.is_empty() || old.identity.is_empty();
        let handed = made_anew.then(|| Handed::new(pair, wanted, new)).flatten();
        let around = |sql: String| {
            let what = format!("keep the sequence of column {} of {}", new.name, wanted.name);
            let why = "no number is to come twice";
            let step = Step::irreversible(object(pair, wanted, &new.name), what, why, sql);
            (Phase::Columns, step)
        };
        let (before, after) = match &handed {
            Some(handed) => (handed.before(pair), handed.after(pair)),
            None => (Vec::new(), Vec::new()),
        };
        steps.extend(before.into_iter().map(around));
        steps.push(match (new.identity.as_str(), old.identity.as_str()) {
            ("", _) => alter("DROP IDENTITY".into(), None),
            (_, "") => {
                let definition = column_definition(
                    wanted,
                    new,
                    pair.slug(),
                    &pair.template.sequences,
                    &|_: &str| false,
                );
                let at = definition.find(" GENERATED ").unwrap_or(definition.len());
                alter(format!("ADD{}", &definition[at..]), Some("DROP IDENTITY".into()))
            }
            _ => alter(
                format!("SET GENERATED {}", how(new)),
                Some(format!("SET GENERATED {}", how(old))),
            ),
        });
        steps.extend(after.into_iter().map(around));
        if let Some(handed) = handed {
            handed.hang(pair, &mut fix);
        }
    }
    if new.generated.is_empty() && new.identity.is_empty() && new.default != old.default {
        let set = |c: &Column| match &c.default {
            Some(default) => format!("SET DEFAULT {default}"),
            None => "DROP DEFAULT".into(),
        };
        let back = old.generated.is_empty() && old.identity.is_empty();
        steps.push(alter(set(new), back.then(|| set(old))));
    }
    // An identity column has to be NOT NULL before it is one, and as long as it is.
    if new.not_null {
        not_null(pair, wanted, new, old, down, &mut fix);
    }
    fix.steps.extend(steps);
    if !new.not_null {
        not_null(pair, wanted, new, old, down, &mut fix);
    }
    fix.destructive = destructive;
    settings(pair, wanted, new, Some(old), &mut fix);
    fix
}

/// From version 18 on what forbids NULL is a constraint with a name.
fn not_null(pair: &Pair, table: &Table, new: &Column, old: &Column, down: bool, fix: &mut Fix) {
    let name = pair.name(&table.name);
    let column = quote(&new.name);
    let constraint = |c: &Column| c.not_null_constraint.as_ref().map(|k| quote(&k.name));
    let set = |c: &Column| match (c.not_null, constraint(c)) {
        (true, Some(constraint)) => {
            let inherit = if c.not_null_constraint.as_ref().is_some_and(|k| k.no_inherit) {
                " NO INHERIT"
            } else {
                ""
            };
            format!("ALTER TABLE {name} ADD CONSTRAINT {constraint} NOT NULL {column}{inherit}")
        }
        (true, None) => format!("ALTER TABLE {name} ALTER COLUMN {column} SET NOT NULL"),
        (false, _) => format!("ALTER TABLE {name} ALTER COLUMN {column} DROP NOT NULL"),
    };
    let statements = match (new.not_null, old.not_null) {
        // What is forbidden above is forbidden here.
        (true, false) if down && new.not_null_constraint.as_ref().is_some_and(|k| !k.is_local) => {
            None
        }
        (true, false) | (false, true) => Some((set(new), set(old))),
        (true, true) => match (constraint(new), constraint(old)) {
            (Some(now), Some(before)) if now != before => {
                let rename = |from: &str, to: &str| {
                    format!("ALTER TABLE {name} RENAME CONSTRAINT {from} TO {to}")
                };
                Some((rename(&before, &now), rename(&now, &before)))
            }
            _ => None,
        },
        (false, false) => None,
    };
    if let Some((sql, undo)) = statements {
        let what = format!("alter column {} of {}", new.name, table.name);
        let step = Step::new(object(pair, table, &new.name), what, "as in the template", sql, undo);
        fix.push(Phase::Columns, step);
    }
}

/// Storage, compression, statistics and options, which no definition of a column says.
fn settings(pair: &Pair, table: &Table, new: &Column, old: Option<&Column>, fix: &mut Fix) {
    let unset = Column::default();
    // With its type a column's storage and compression become the new type's.
    let mut old = old.unwrap_or(&unset).clone();
    if kind_of(new) != kind_of(&old) {
        (old.storage, old.compression) = (None, None);
    }
    let old = &old;
    let mut actions = Vec::new();
    if new.storage != old.storage {
        match (&new.storage, cfg!(feature = "pg15")) {
            (Some(storage), _) => actions.push(format!("SET STORAGE {storage}")),
            (None, false) => actions.push("SET STORAGE DEFAULT".into()),
            (None, true) => {
                fix.not_by_plan = Some("This version has no word for a type's own storage: set the one that the type has.");
            }
        }
    }
    if new.compression != old.compression {
        let method = new.compression.as_deref().unwrap_or("DEFAULT");
        actions.push(format!("SET COMPRESSION {method}"));
    }
    if new.statistics != old.statistics {
        actions.push(format!("SET STATISTICS {}", new.statistics.unwrap_or(-1)));
    }
    if new.options != old.options {
        let names: Vec<&str> = old.options.iter().filter_map(|o| o.split('=').next()).collect();
        if !names.is_empty() {
            actions.push(format!("RESET ({})", names.join(", ")));
        }
        if !new.options.is_empty() {
            actions.push(format!("SET ({})", new.options.join(", ")));
        }
    }
    for action in actions {
        let sql = format!(
            "ALTER TABLE ONLY {} ALTER COLUMN {} {action}",
            pair.name(&table.name),
            quote(&new.name)
        );
        let what = format!("set up column {} of {}", new.name, table.name);
        let step =
            Step::irreversible(object(pair, table, &new.name), what, "as in the template", sql);
        fix.push(Phase::Settings, step);
    }
}

/// Whether every value of the one type is, unchanged, one of the other.
#[must_use]
pub fn widens(from: &str, to: &str) -> bool {
    let (base, length) = modifier(from);
    let (new_base, new_length) = modifier(to);
    if base == new_base {
        return match (length.as_slice(), new_length.as_slice()) {
            (_, []) => true,
            ([], _) => false,
            ([old], [new]) => new >= old,
            // Of a numeric: as many digits after the point, and before it.
            ([precision, scale], [new, new_scale]) => {
                new_scale >= scale && new - new_scale >= precision - scale
            }
            _ => false,
        };
    }
    let integers = ["smallint", "integer", "bigint"];
    let rank = |name: &str| integers.iter().position(|i| *i == name);
    match (base.as_str(), new_base.as_str()) {
        (_, "bigint" | "integer") if rank(&base).is_some() => rank(&new_base) > rank(&base),
        (_, "numeric") => rank(&base).is_some() && new_length.is_empty(),
        ("real", "double precision") | ("character varying", "text") => true,
        ("text", "character varying") => new_length.is_empty(),
        _ => false,
    }
}

/// `numeric(10,2)` as `numeric` and its numbers.
fn modifier(name: &str) -> (String, Vec<i64>) {
    let (Some(open), Some(close)) = (name.find('('), name.find(')')) else {
        return (name.into(), Vec::new());
    };
    let numbers: Option<Vec<i64>> =
        name[open + 1..close].split(',').map(|n| n.trim().parse().ok()).collect();
    match numbers {
        Some(numbers) => (format!("{}{}", &name[..open], &name[close + 1..]), numbers),
        None => (name.into(), Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::widens;

    #[test]
    fn a_type_that_holds_every_value_is_wider() {
        for (from, to) in [
            ("integer", "bigint"),
            ("smallint", "numeric"),
            ("character varying(10)", "character varying(20)"),
            ("character varying(10)", "text"),
            ("numeric(10,2)", "numeric(12,4)"),
            ("numeric(10,2)", "numeric"),
            ("timestamp(3) with time zone", "timestamp(6) with time zone"),
        ] {
            assert!(widens(from, to), "{from} to {to}");
        }
        for (from, to) in [
            ("bigint", "integer"),
            ("bigint", "numeric(5,0)"),
            ("text", "character varying(20)"),
            ("numeric(10,2)", "numeric(10,4)"),
            ("numeric", "numeric(10,2)"),
            ("timestamp with time zone", "date"),
            ("json", "jsonb"),
            ("\"odd(1)\"", "integer"),
        ] {
            assert!(!widens(from, to), "{from} to {to}");
        }
    }
}
