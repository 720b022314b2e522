//! What mends tables: themselves, and whatever hangs on them. Pure.

use super::diff::{Both, Change, Difference, Fix, Pair, Phase};
use super::hanging;
use super::objects::closed;
use crate::catalog::{
    policy_sql, trigger_sql, Constraint, Index, Part, PartKind, Policy, References, Table, Trigger,
};
use crate::pg::ident::{literal, qualified, quote};
use crate::plan::{Kind, Object, Step};
use crate::tenant::create::{create_table, inherit};
use std::collections::{BTreeMap, BTreeSet};

const AS_IN_TEMPLATE: &str = "as in the template";
const NONE_THERE: &str = "the template has none of that name";

fn in_table(pair: &Pair, kind: Kind, table: &str, name: &str) -> Object {
    Object::in_table(kind, pair.slug(), table, name)
}

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
fn replica_identity(pair: &Pair, table: &Table) -> String {
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

pub fn of_row_security(pair: &Pair, both: Both) -> Fix {
    let Some(part) = both.expected else { return Fix::default() };
    let Some(wanted) = pair.wanted(&part.table) else { return Fix::default() };
    let had = pair.had(&part.table);
    let mut fix = Fix::default();
    for (on, was, yes, no) in [
        (wanted.row_security, had.is_some_and(|t| t.row_security), "ENABLE", "DISABLE"),
        (wanted.force_row_security, had.is_some_and(|t| t.force_row_security), "FORCE", "NO FORCE"),
    ] {
        if on != was {
            let (word, back) = if on { (yes, no) } else { (no, yes) };
            let set = |word: &str| {
                format!("ALTER TABLE ONLY {} {word} ROW LEVEL SECURITY", pair.name(&part.table))
            };
            fix.push(
                Phase::RowSecurity,
                Step::new(
                    in_table(pair, Kind::RowSecurity, &part.table, ""),
                    format!("{} row level security of {}", word.to_lowercase(), part.table),
                    AS_IN_TEMPLATE,
                    set(word),
                    set(back),
                ),
            );
        }
    }
    fix
}

/// Dropped where it is there, made where it is wanted.
pub struct Remade<'s> {
    pub object: Object,
    pub what: String,
    pub why: &'s str,
    pub drop: String,
    /// As it is now, and as it is to be.
    pub old: Option<String>,
    pub new: Option<String>,
}

impl Remade<'_> {
    #[must_use]
    pub fn fix(self, down: Phase, up: Phase) -> Fix {
        let mut fix = Fix { destructive: self.new.is_none(), ..Fix::default() };
        if let Some(old) = self.old {
            let action = format!("drop {}", self.what);
            let why = if self.new.is_some() { self.why } else { NONE_THERE };
            fix.push(down, Step::new(self.object.clone(), action, why, self.drop.clone(), old));
        }
        if let Some(new) = self.new {
            let action = format!("create {}", self.what);
            fix.push(up, Step::new(self.object, action, AS_IN_TEMPLATE, new, self.drop));
        }
        fix
    }
}

pub fn of_policy(pair: &Pair, both: Both) -> Fix {
    let Some(part) = both.expected.or(both.actual) else { return Fix::default() };
    let (wanted, had) = (pair.wanted(&part.table), pair.had(&part.table));
    remade_policy(
        pair,
        &part.table,
        wanted.and_then(|t| t.policy(&part.name)),
        had.and_then(|t| t.policy(&part.name)),
    )
}

fn remade_policy(pair: &Pair, table: &str, wanted: Option<&Policy>, had: Option<&Policy>) -> Fix {
    let Some(any) = wanted.or(had) else { return Fix::default() };
    let moved = Table { schema: pair.slug().into(), name: table.into(), ..Table::default() };
    Remade {
        object: in_table(pair, Kind::Policy, table, &any.name),
        what: format!("policy {} of {table}", any.name),
        why: "made anew as in the template",
        drop: policy_sql::drop(&moved, any),
        old: had.map(|policy| policy_sql::create(&moved, policy)),
        new: wanted.map(|policy| policy_sql::create(&moved, policy)),
    }
    .fix(Phase::Release, Phase::Policies)
}

pub fn of_trigger(pair: &Pair, both: Both) -> Fix {
    let Some(part) = both.expected.or(both.actual) else { return Fix::default() };
    let (wanted, had) = (pair.wanted_any(&part.table), pair.had_any(&part.table));
    remade_trigger(
        pair,
        &part.table,
        wanted.and_then(|t| t.trigger(&part.name)),
        had.and_then(|t| t.trigger(&part.name)),
    )
}

fn remade_trigger(
    pair: &Pair,
    table: &str,
    wanted: Option<&Trigger>,
    had: Option<&Trigger>,
) -> Fix {
    let Some(any) = wanted.or(had) else { return Fix::default() };
    let name = pair.name(table);
    let object = || in_table(pair, Kind::Trigger, table, &any.name);
    let state = |state: &str| trigger_sql::set_state(&name, &any.name, state);
    let set = |to: &str, back: &str| {
        let action = format!("set the state of trigger {} of {table}", any.name);
        Step::new(object(), action, AS_IN_TEMPLATE, state(to), state(back))
    };
    if let (Some(wanted), Some(had)) = (wanted, had) {
        if wanted.definition == had.definition {
            return Fix::step(Phase::Triggers, set(&wanted.enabled, &had.enabled));
        }
    }
    let mut fix = Fix::default();
    if let Some(had) = had.filter(|t| t.enabled != "O") {
        fix.push(Phase::Release, set("O", &had.enabled)); // for undo to put back with the trigger
    }
    let remade = Remade {
        object: object(),
        what: format!("trigger {} of {table}", any.name),
        why: "made anew as in the template",
        drop: format!("DROP TRIGGER {} ON {name}", quote(&any.name)),
        old: had.map(|t| t.definition.clone()),
        new: wanted.map(|t| t.definition.clone()),
    }
    .fix(Phase::Release, Phase::Triggers);
    fix.destructive = remade.destructive;
    fix.steps.extend(remade.steps);
    if let Some(wanted) = wanted.filter(|t| t.enabled != "O") {
        fix.push(Phase::Triggers, set(&wanted.enabled, "O"));
    }
    fix
}

pub fn of_constraint(pair: &Pair, both: Both) -> Fix {
    let Some(part) = both.expected.or(both.actual) else { return Fix::default() };
    let find = |table: Option<&'_ Table>| -> Option<Constraint> {
        table?.constraints.iter().find(|k| k.name == part.name).cloned()
    };
    let (wanted, had) = (find(pair.wanted(&part.table)), find(pair.had(&part.table)));
    let Some(any) = wanted.as_ref().or(had.as_ref()) else { return Fix::default() };
    let key = matches!(any.kind.as_str(), "p" | "u" | "x");
    let comes_down = |k: &Constraint| (k.inherited && !key) || (k.kind == "c" && !k.is_local);
    // What comes down from a table above is mended there.
    if comes_down(any) {
        return Fix { destructive: wanted.is_none(), ..Fix::default() };
    }
    // CREATE TABLE has said it.
    if pair.had(&part.table).is_none() && any.kind == "c" && !any.definition.ends_with(" NOT VALID")
    {
        return Fix::default();
    }
    // Under another name it is there already: no second primary key can be made beside it.
    match (&wanted, &had) {
        (Some(new), None) => {
            if let Some(old) = renamed(pair.had(&part.table), pair.wanted(&part.table), new) {
                let rename = |from: &str, to: &str| {
                    let name = pair.name(&part.table);
                    format!("ALTER TABLE {name} RENAME CONSTRAINT {} TO {}", quote(from), quote(to))
                };
                let step = Step::new(
                    in_table(pair, Kind::Constraint, &part.table, &new.name),
                    format!("rename constraint {} of {}", old.name, part.table),
                    AS_IN_TEMPLATE,
                    rename(&old.name, &new.name),
                    rename(&new.name, &old.name),
                );
                return Fix::step(Phase::Keys, step);
            }
        }
        (None, Some(old))
            if renamed(pair.wanted(&part.table), pair.had(&part.table), old).is_some() =>
        {
            return Fix::default();
        }
        _ => {}
    }
    if let (Some(wanted), Some(had)) = (&wanted, &had) {
        if had.definition == format!("{} NOT VALID", wanted.definition) {
            let object = in_table(pair, Kind::Constraint, &part.table, &part.name);
            let sql = format!(
                "ALTER TABLE {} VALIDATE CONSTRAINT {}",
                pair.name(&part.table),
                quote(&part.name)
            );
            let action = format!("validate constraint {} of {}", part.name, part.table);
            return Fix::step(Phase::Keys, Step::irreversible(object, action, AS_IN_TEMPLATE, sql));
        }
    }
    remade_constraint(pair, &part.table, wanted.as_ref(), had.as_ref())
}

/// The constraint of a table that is the same as `constraint` of the other but for its name: neither has one of the
/// other's name, and there is no second one like it.
fn renamed<'t>(
    among: Option<&'t Table>,
    other: Option<&Table>,
    constraint: &Constraint,
) -> Option<&'t Constraint> {
    let (among, other) = (among?, other?);
    let alone = |of: &Table, beside: &Table| {
        let like = |k: &&Constraint| {
            (&k.kind, &k.definition, k.inherited, k.is_local)
                == (&constraint.kind, &constraint.definition, false, true)
                && !beside.constraints.iter().any(|b| b.name == k.name)
        };
        of.constraints.iter().filter(like).count() == 1
    };
    if !alone(among, other) || !alone(other, among) {
        return None;
    }
    among.constraints.iter().find(|k| {
        (&k.kind, &k.definition) == (&constraint.kind, &constraint.definition)
            && !other.constraints.iter().any(|b| b.name == k.name)
    })
}

fn remade_constraint(
    pair: &Pair,
    table: &str,
    wanted: Option<&Constraint>,
    had: Option<&Constraint>,
) -> Fix {
    let Some(any) = wanted.or(had) else { return Fix::default() };
    let partitioned =
        pair.wanted(table).or(pair.had(table)).is_some_and(|t| t.partition_key.is_some());
    let only = match any.kind.as_str() {
        "c" => "",
        "f" if partitioned => "",
        _ => "ONLY ",
    };
    let (name, constraint) = (pair.name(table), quote(&any.name));
    let (down, up) = match any.kind.as_str() {
        "f" => (Phase::Release, Phase::ForeignKeys),
        _ => (Phase::Unkey, Phase::Keys),
    };
    let add = |k: &Constraint| {
        format!("ALTER TABLE {only}{name} ADD CONSTRAINT {constraint} {}", k.definition)
    };
    let mut fix = Remade {
        object: in_table(pair, Kind::Constraint, table, &any.name),
        what: format!("constraint {} of {table}", any.name),
        why: "made anew as in the template",
        // Without ONLY: that of a partitioned table is on its partitions too.
        drop: format!("ALTER TABLE {name} DROP CONSTRAINT {constraint}"),
        old: had.filter(|k| !k.inherited).map(add),
        new: wanted.map(add),
    }
    .fix(down, up);
    if any.inherited {
        fix.goes_with_its_parent(up);
    }
    fix
}

pub fn of_index(pair: &Pair, both: Both) -> Fix {
    let Some(part) = both.expected.or(both.actual) else { return Fix::default() };
    let find = |table: Option<&'_ Table>| -> Option<Index> {
        table?.indexes.iter().find(|i| i.name == part.name).cloned()
    };
    let (wanted, had) = (find(pair.wanted_any(&part.table)), find(pair.had_any(&part.table)));
    let Some(any) = wanted.as_ref().or(had.as_ref()) else { return Fix::default() };
    let object = || Object::in_schema(Kind::Index, pair.slug(), &part.name);
    let mut fix = Fix::default();
    // One that was never finished, as CREATE INDEX CONCURRENTLY leaves it, is as good as none.
    let anew = wanted.as_ref().map(|i| &i.definition) != had.as_ref().map(|i| &i.definition)
        || had.as_ref().is_some_and(|i| !i.is_sound());
    if anew && any.constraint.is_none() {
        fix = Remade {
            object: object(),
            what: format!("index {}", any.name),
            why: "made anew as in the template",
            drop: format!("DROP INDEX {}", pair.name(&any.name)),
            // A partition's goes with the one that it is a part of.
            old: had.as_ref().filter(|i| i.parent.is_none()).map(|i| i.definition.clone()),
            new: wanted.as_ref().map(|i| i.definition.clone()),
        }
        .fix(Phase::Unkey, Phase::Indexes);
        if wanted.as_ref().is_some_and(|i| i.parent.is_some()) {
            fix.goes_with_its_parent(Phase::Indexes);
        }
    }
    let Some(wanted) = wanted else {
        return Fix { destructive: true, ..fix };
    };
    let before = had.as_ref().filter(|_| !anew);
    if let Some(parent) = &wanted.parent {
        if before.is_none_or(|i| i.parent.as_ref().map(|p| &p.name) != Some(&parent.name)) {
            let sql = format!(
                "ALTER INDEX {} ATTACH PARTITION {}",
                pair.name(&parent.name),
                pair.name(&wanted.name)
            );
            let action = format!("attach index {}", wanted.name);
            let why = "the partition's part of the index";
            fix.push(Phase::AttachIndexes, Step::part_of_table(object(), action, why, sql));
        }
    }
    let table = pair.name(&part.table);
    let had = pair.had_any(&part.table);
    let mut set = |sql: String, undo: String| {
        let action = format!("set up table {}", part.table);
        fix.push(Phase::Settings, Step::new(object(), action, AS_IN_TEMPLATE, sql, undo));
    };
    if wanted.clustered != before.is_some_and(|i| i.clustered) {
        let cluster = |index: Option<&Index>| match index {
            Some(index) => format!("ALTER TABLE {table} CLUSTER ON {}", quote(&index.name)),
            None => format!("ALTER TABLE {table} SET WITHOUT CLUSTER"),
        };
        let old = had.and_then(|t| t.indexes.iter().find(|i| i.clustered));
        // One that goes takes it along, and is clustered on no more when it comes back.
        let back = old.filter(|i| !anew || i.name != wanted.name);
        set(cluster(Some(&wanted).filter(|i| i.clustered)), cluster(back));
    }
    if wanted.replica_identity && !before.is_some_and(|i| i.replica_identity) {
        let sql = format!(
            "ALTER TABLE ONLY {table} REPLICA IDENTITY USING INDEX {}",
            quote(&wanted.name)
        );
        set(sql, had.map(|t| replica_identity(pair, t)).unwrap_or_default());
    }
    if !wanted.replica_identity && before.is_some_and(|i| i.replica_identity) {
        if let (Some(new), Some(old)) = (pair.wanted(&part.table), pair.had(&part.table)) {
            set(replica_identity(pair, new), replica_identity(pair, old));
        }
    }
    fix
}

pub fn of_comment(pair: &Pair, both: Both) -> Fix {
    let Some(part) = both.expected.or(both.actual) else { return Fix::default() };
    // The name says what it is on; a schema's own name is not the template's.
    let target = match part.name.as_str() {
        "SCHEMA" => format!("SCHEMA {}", quote(pair.slug())),
        other => other.to_string(),
    };
    let comment = |part: Option<&Part>| {
        let text = part.map_or("NULL".into(), |p| literal(&p.definition));
        format!("COMMENT ON {target} IS {text}")
    };
    let object = match part.table.as_str() {
        "" => Object::schema(Kind::Schema, pair.slug()),
        table => Object::table(Kind::Table, pair.slug(), table),
    };
    let step = Step::new(
        object,
        format!("comment on {}", target.to_lowercase()),
        AS_IN_TEMPLATE,
        comment(both.expected),
        comment(both.actual),
    );
    Fix { destructive: both.expected.is_none(), ..Fix::step(Phase::Settings, step) }
}

/// The tables whose unique keys go, for good or to come again.
#[must_use]
pub fn rekeyed(pair: &Pair, different: &[Both]) -> BTreeSet<String> {
    let is_key = |part: &Part| {
        pair.had(&part.table).is_some_and(|t| {
            t.constraints
                .iter()
                .any(|k| k.name == part.name && matches!(k.kind.as_str(), "p" | "u"))
                || t.indexes.iter().any(|i| i.name == part.name && i.unique)
        })
    };
    let stays = |part: &Part| {
        let (wanted, had) = (pair.wanted(&part.table), pair.had(&part.table));
        let key = had.and_then(|t| t.constraints.iter().find(|k| k.name == part.name));
        wanted.is_some_and(|t| !t.constraints.iter().any(|k| k.name == part.name))
            && key.is_some_and(|key| renamed(wanted, had, key).is_some())
    };
    different
        .iter()
        .filter_map(|both| both.actual)
        .filter(|part| is_key(part) && !stays(part))
        .map(|p| p.table.clone())
        .collect()
}

/// What is as in the template and yet stands in the way of what is not: foreign keys on a key that is made
/// anew, policies and triggers on a column whose type changes. They go, and come again.
pub fn again(
    pair: &Pair,
    different: &BTreeMap<(PartKind, &str, &str), Both>,
    changes: &mut [Change],
) {
    let mut steps = Vec::new();
    let same =
        |kind: PartKind, table: &str, name: &str| !different.contains_key(&(kind, table, name));
    let calls = |text: &str| pair.remade.iter().any(|f| text.contains(&format!("{}(", quote(f))));
    let mentions = |text: &str| {
        pair.retyped
            .iter()
            .any(|(_, column)| text.contains(column.as_str()) || text.contains(&quote(column)))
            || calls(text)
    };
    for had in &pair.tenant.tables {
        for key in had.constraints.iter().filter(|k| k.kind == "f" && !k.inherited) {
            let onto = key.references.as_ref().filter(|r| r.schema == had.schema);
            if onto.is_some_and(|r| pair.rekeyed.contains(&r.name))
                && same(PartKind::Constraint, &had.name, &key.name)
            {
                steps.extend(remade_constraint(pair, &had.name, Some(key), Some(key)).steps);
            }
        }
        for rule in had.rules.iter().filter(|r| mentions(&r.definition)) {
            if same(PartKind::Rule, &had.name, &rule.name) {
                steps.extend(hanging::rule_again(pair, had, &rule.name).steps);
            }
        }
        for index in had.indexes.iter().filter(|i| i.constraint.is_none() && i.parent.is_none()) {
            if calls(&index.definition) && same(PartKind::Index, &had.name, &index.name) {
                let remade = Remade {
                    object: Object::in_schema(Kind::Index, pair.slug(), &index.name),
                    what: format!("index {}", index.name),
                    why: "made anew, after what it calls",
                    drop: format!("DROP INDEX {}", pair.name(&index.name)),
                    old: Some(index.definition.clone()),
                    new: Some(index.definition.clone()),
                };
                steps.extend(remade.fix(Phase::Unkey, Phase::Indexes).steps);
            }
        }
        for policy in &had.policies {
            let text =
                [&policy.using, &policy.check].into_iter().flatten().any(|text| mentions(text));
            if text && same(PartKind::Policy, &had.name, &policy.name) {
                steps.extend(remade_policy(pair, &had.name, Some(policy), Some(policy)).steps);
            }
        }
        for trigger in had.triggers.iter().filter(|t| !t.inherited) {
            if mentions(&trigger.definition) && same(PartKind::Trigger, &had.name, &trigger.name) {
                let mut fix = Fix::default();
                for half in [(None, Some(trigger)), (Some(trigger), None)] {
                    fix.steps.extend(remade_trigger(pair, &had.name, half.0, half.1).steps);
                }
                steps.extend(fix.steps);
            }
        }
    }
    // They belong to what makes them necessary; all of it is applied together.
    let cause = changes.iter_mut().find(|c| {
        c.difference != Difference::Missing
            && (matches!(c.kind, "column" | "constraint" | "index") && !c.fix.steps.is_empty()
                || c.kind == "function" && c.fix.not_by_plan.is_none())
    });
    if let Some(cause) = cause {
        cause.fix.steps.extend(steps);
        cause.fix.steps.sort_by_key(|(phase, _)| *phase);
    }
}
