//! What mends tables themselves. Pure.

use super::diff::{Both, Fix, Pair, Phase};
use super::making::closed;
use super::remade::{in_table, AS_IN_TEMPLATE, NONE_THERE};
use crate::catalog::{References, Table};
use crate::pg::ident::{qualified, quote};
use crate::plan::{Kind, Object, Step};
use crate::tenant::create::{create_table, inherit};
use std::collections::BTreeSet;

pub fn of_table(pair: &Pair, both: Both) -> Fix {
    let name = both.expected.or(both.actual).map_or("", |part| &part.name);
    let object = || Object::table(Kind::Table, pair.slug(), name);
    let qualified_name = pair.name(name);
    match (pair.wanted(name), pair.had(name)) {
        (Some(table), None) => {
            let made = Step::new(
                object(),
                format!("create table {name}"),
                "as in the template, without rows",
                create_table(table, pair.slug(), &pair.template.sequences, &[], |_| false),
                format!("DROP TABLE {qualified_name}"),
            );
            let mut fix = Fix::step(Phase::Tables, made);
            for sql in inherit(table, pair.slug()) {
                fix.push(Phase::Tables, set_up(object(), name, sql));
            }
            if let (Some(bound), Some(parent)) = (&table.partition_bound, table.parents.first()) {
                let parent = own(pair, table, &parent.schema, &parent.name);
                let sql =
                    format!("ALTER TABLE ONLY {parent} ATTACH PARTITION {qualified_name} {bound}");
                let action = format!("attach partition {name}");
                fix.push(Phase::Attach, Step::part_of_table(object(), action, AS_IN_TEMPLATE, sql));
            }
            if !table.toast_options.is_empty() {
                let options: Vec<String> =
                    table.toast_options.iter().map(|o| format!("toast.{o}")).collect();
                let sql = format!("ALTER TABLE {qualified_name} SET ({})", options.join(", "));
                fix.push(Phase::Settings, set_up(object(), name, sql));
            }
            for step in closed(pair.tenant, "TABLE", &qualified_name) {
                fix.push(Phase::Settings, step);
            }
            if matches!(table.replica_identity.as_str(), "n" | "f") {
                let sql = replica_identity(pair, table);
                fix.push(Phase::Settings, set_up(object(), name, sql));
            }
            fix
        }
        (None, Some(had)) => {
            let sql = format!("DROP TABLE {}", pair.name(pair.gone("table", name)));
            let why = "the template has none of that name; its rows are lost";
            let action = format!("drop table {name}");
            let mut fix = Fix::step(Phase::Drop, Step::irreversible(object(), action, why, sql));
            // Two that go may point at each other.
            for key in had.constraints.iter().filter(|k| k.kind == "f" && !k.inherited) {
                let goes = |onto: &&References| {
                    onto.schema == had.schema
                        && onto.name != had.name
                        && pair.wanted(&onto.name).is_none()
                };
                if key.references.as_ref().filter(goes).is_some() {
                    let object = in_table(pair, Kind::Constraint, name, &key.name);
                    let sql = format!(
                        "ALTER TABLE {qualified_name} DROP CONSTRAINT {}",
                        quote(&key.name)
                    );
                    let action = format!("drop constraint {} of {name}", key.name);
                    fix.push(Phase::Release, Step::irreversible(object, action, NONE_THERE, sql));
                }
            }
            for taken in &pair.taken {
                let part = taken.table.as_deref() == Some(name);
                if part || taken.word == "table" && taken.name == name {
                    let sql = format!(
                        "ALTER {} {} RENAME TO {}",
                        taken.word.to_uppercase(),
                        pair.name(&taken.name),
                        quote(&taken.gone)
                    );
                    let action = format!("rename {} until it goes", taken.describe());
                    let why = "the template has its name for something else";
                    fix.push(Phase::Release, Step::irreversible(object(), action, why, sql));
                }
            }
            fix.dropping()
        }
        (Some(wanted), Some(had)) => altered(pair, wanted, had),
        (None, None) => Fix::default(),
    }
}

fn set_up(object: Object, table: &str, sql: String) -> Step {
    Step::part_of_table(object, format!("set up table {table}"), AS_IN_TEMPLATE, sql)
}

/// A name beside the table: in the tenant's schema where it is in the template's.
fn own(pair: &Pair, table: &Table, schema: &str, name: &str) -> String {
    if schema == table.schema {
        pair.name(name)
    } else {
        qualified(schema, name)
    }
}

/// How a table's rows are told apart in replication; an index says it by itself.
pub fn replica_identity(pair: &Pair, table: &Table) -> String {
    let index = table.indexes.iter().find(|i| i.replica_identity);
    let how = match (table.replica_identity.as_str(), index) {
        ("n", _) => "NOTHING".into(),
        ("f", _) => "FULL".into(),
        ("i", Some(index)) => format!("USING INDEX {}", quote(&index.name)),
        _ => "DEFAULT".into(),
    };
    format!("ALTER TABLE ONLY {} REPLICA IDENTITY {how}", pair.name(&table.name))
}

fn altered(pair: &Pair, wanted: &Table, had: &Table) -> Fix {
    let detached = had.partition_bound.is_none() && had.parents.is_empty();
    let attach = wanted.partition_bound.as_ref().filter(|_| detached);
    if wanted.partition_key != had.partition_key
        || (wanted.partition_bound != had.partition_bound && attach.is_none())
    {
        return Fix::by_hand(
            "It is partitioned otherwise, or has other bounds, and rows stand by them.",
        );
    }
    let name = pair.name(&wanted.name);
    let mut fix = Fix {
        // After a crash the rows of an unlogged table are gone.
        destructive: wanted.persistence == "u" && had.persistence != "u",
        ..Fix::default()
    };
    let mut alter = |sql: String, undo: String| {
        let object = Object::table(Kind::Table, pair.slug(), &wanted.name);
        let alter = |action: String| format!("ALTER TABLE {name} {action}");
        let action = format!("alter table {}", wanted.name);
        fix.push(
            Phase::Columns,
            Step::new(object, action, AS_IN_TEMPLATE, alter(sql), alter(undo)),
        );
    };
    if wanted.persistence != had.persistence {
        let set = |t: &Table| if t.persistence == "u" { "SET UNLOGGED" } else { "SET LOGGED" };
        alter(set(wanted).into(), set(had).into());
    }
    if wanted.access_method != had.access_method {
        let set = |t: &Table| {
            format!("SET ACCESS METHOD {}", quote(t.access_method.as_deref().unwrap_or("heap")))
        };
        alter(set(wanted), set(had));
    }
    if wanted.tablespace != had.tablespace {
        let set = |t: &Table| {
            format!("SET TABLESPACE {}", quote(t.tablespace.as_deref().unwrap_or("pg_default")))
        };
        alter(set(wanted), set(had));
    }
    for (new, old, prefix) in
        [(&wanted.options, &had.options, ""), (&wanted.toast_options, &had.toast_options, "toast.")]
    {
        if new != old {
            let words = |options: &[String], take: fn(&str) -> &str| {
                options
                    .iter()
                    .map(|o| format!("{prefix}{}", take(o)))
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let key = |option: &str| option.split('=').next().map_or(0, str::len);
            let reset = |o: &[String]| {
                let names: Vec<String> =
                    o.iter().map(|o| format!("{prefix}{}", &o[..key(o)])).collect();
                format!("RESET ({})", names.join(", "))
            };
            if !old.is_empty() {
                alter(reset(old), format!("SET ({})", words(old, |o| o)));
            }
            if !new.is_empty() {
                alter(format!("SET ({})", words(new, |o| o)), reset(new));
            }
        }
    }
    if wanted.partition_bound.is_none() {
        let parents = |t: &Table| -> BTreeSet<String> {
            t.parents.iter().map(|p| own(pair, t, &p.schema, &p.name)).collect()
        };
        let (new, old) = (parents(wanted), parents(had));
        for parent in old.difference(&new) {
            alter(format!("NO INHERIT {parent}"), format!("INHERIT {parent}"));
        }
        for parent in new.difference(&old) {
            alter(format!("INHERIT {parent}"), format!("NO INHERIT {parent}"));
        }
    }
    if let (Some(bound), Some(parent)) = (attach, wanted.parents.first()) {
        let parent = own(pair, wanted, &parent.schema, &parent.name);
        let object = Object::table(Kind::Table, pair.slug(), &wanted.name);
        let sql = format!("ALTER TABLE ONLY {parent} ATTACH PARTITION {name} {bound}");
        let undo = format!("ALTER TABLE ONLY {parent} DETACH PARTITION {name}");
        let action = format!("attach partition {}", wanted.name);
        fix.push(Phase::Attach, Step::new(object, action, AS_IN_TEMPLATE, sql, undo));
    }
    if wanted.replica_identity != had.replica_identity && wanted.replica_identity != "i" {
        let object = Object::table(Kind::Table, pair.slug(), &wanted.name);
        let (sql, undo) = (replica_identity(pair, wanted), replica_identity(pair, had));
        let action = format!("set up table {}", wanted.name);
        fix.push(Phase::Settings, Step::new(object, action, AS_IN_TEMPLATE, sql, undo));
    }
    fix
}
