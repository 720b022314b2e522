//! What mends constraints and indexes. Pure.

use super::diff::{Both, Fix, Pair, Phase};
use super::remade::{in_table, Remade, AS_IN_TEMPLATE};
use super::tables::replica_identity;
use crate::catalog::{Constraint, Index, Table};
use crate::pg::ident::quote;
use crate::plan::{Kind, Object, Step};

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
pub fn renamed<'t>(
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

pub fn remade_constraint(
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
