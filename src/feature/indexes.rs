//! The indexes of the conventions, and what becomes of unique constraints where rows are only marked as
//! deleted. Pure.

use super::names;
use crate::catalog::{Constraint, Named, Table};
use crate::pg::ident::{literal, qualified, quote};
use crate::plan::{Finding, Kind, Object, Plan, Severity, Step};

/// Starts the comment on an index that took a constraint's place; the rest is the constraint.
const WAS: &str = "tenant_guard: in place of ";

/// An index that leads with the columns, unless one that serves is there.
pub fn index(
    plan: &mut Plan,
    table: &Table,
    columns: &[String],
    why: &str,
    taken: &mut Vec<Named>,
) {
    // One that this very plan makes partial serves no longer.
    let goes = |constraint: &Option<String>| {
        plan.steps.iter().any(|s| {
            s.object.kind == Kind::Constraint
                && (&s.object.schema, &s.object.table) == (&table.schema, &table.name)
                && Some(&s.object.name) == constraint.as_ref()
        })
    };
    let serves = table.indexes.iter().any(|i| {
        i.valid
            && !i.partial
            && !goes(&i.constraint)
            && i.method == "btree"
            && i.columns.len() >= columns.len()
            && columns.iter().zip(&i.columns).all(|(a, b)| b.as_ref() == Some(a))
    });
    if serves {
        return;
    }
    let name = names::free_relation(&table.schema, &names::index(table, columns), taken);
    taken.push(Named { schema: table.schema.clone(), name: name.clone() });
    let list: Vec<String> = columns.iter().map(|c| quote(c)).collect();
    plan.push(Step::new(
        Object::in_schema(Kind::Index, &table.schema, &name),
        format!("create index {name}"),
        why,
        format!("CREATE INDEX {} ON {} ({})", quote(&name), table.qualified(), list.join(", ")),
        format!("DROP INDEX {}", qualified(&table.schema, &name)),
    ));
}

/// Drops the index that the feature made, recognised by its name and columns.
pub fn drop_index(plan: &mut Plan, table: &Table, columns: &[String]) {
    let base = names::index(table, columns);
    let ours = table.indexes.iter().filter(|i| {
        i.name.starts_with(&base)
            && i.name[base.len()..].trim_start_matches('_').chars().all(|c| c.is_ascii_digit())
            && i.constraint.is_none()
            && i.parent.is_none()
            && !i.partial
            && !i.clustered
            && !i.replica_identity
            && i.columns.len() == columns.len()
            && columns.iter().zip(&i.columns).all(|(a, b)| b.as_ref() == Some(a))
    });
    for index in ours {
        remove_index(
            plan,
            table,
            &index.name,
            &index.definition,
            index.comment.as_deref(),
            "the feature made it",
        );
    }
}

/// Drops what would go with the columns unseen, so that undo can put it back.
pub fn drop_indexes_of(plan: &mut Plan, table: &Table, columns: &[&str]) {
    for index in table.indexes.iter().filter(|i| i.constraint.is_none() && i.parent.is_none()) {
        let uses = index.columns.iter().flatten().any(|c| columns.contains(&c.as_str()));
        let object = Object::in_schema(Kind::Index, &table.schema, &index.name);
        if uses && !plan.steps.iter().any(|s| s.object == object) {
            remove_index(
                plan,
                table,
                &index.name,
                &index.definition,
                index.comment.as_deref(),
                "it goes with its column",
            );
        }
    }
}

fn remove_index(
    plan: &mut Plan,
    table: &Table,
    name: &str,
    definition: &str,
    comment: Option<&str>,
    why: &str,
) {
    let object = || Object::in_schema(Kind::Index, &table.schema, name);
    let full = qualified(&table.schema, name);
    if let Some(comment) = comment {
        plan.push(Step::new(
            object(),
            format!("remove the comment on index {name}"),
            "so that undo can put it back with the index",
            format!("COMMENT ON INDEX {full} IS NULL"),
            format!("COMMENT ON INDEX {full} IS {}", literal(comment)),
        ));
    }
    plan.push(Step::new(
        object(),
        format!("drop index {name}"),
        why,
        format!("DROP INDEX {full}"),
        recursing(definition),
    ));
}

/// pg_get_indexdef writes ON ONLY for a partitioned table's, which would leave its partitions out.
fn recursing(definition: &str) -> String {
    definition.replacen(" ON ONLY ", " ON ", 1)
}

/// Unique constraints hold among rows that are not deleted: a deleted row does not stand in the way of
/// a new one. Those that something else relies on are left.
pub fn partial_unique(plan: &mut Plan, table: &Table, public_id: &str) {
    for constraint in &table.constraints {
        // A random id never comes twice, and what has the primary key in it cannot.
        let key = table.constraints.iter().find(|k| k.kind == "p");
        let whole = key.is_some_and(|k| k.columns.iter().all(|c| constraint.columns.contains(c)));
        if constraint.kind != "u"
            || constraint.inherited
            || whole
            || constraint.columns == [public_id]
        {
            continue;
        }
        match left_alone(table, constraint) {
            Some(why) => plan.findings.push(Finding {
                severity: Severity::Notice,
                message: format!(
                    "constraint {} of {} counts deleted rows too",
                    quote(&constraint.name),
                    table.qualified()
                ),
                detail: why.into(),
                hint: "A value of a deleted row is free again when the row is purged.".into(),
                fix: None,
            }),
            None => to_index(plan, table, constraint),
        }
    }
}

fn left_alone(table: &Table, constraint: &Constraint) -> Option<&'static str> {
    let index = table.indexes.iter().find(|i| i.constraint.as_ref() == Some(&constraint.name));
    let referenced = table.referenced_by.iter().any(|r| {
        r.referenced.len() == constraint.columns.len()
            && r.referenced.iter().all(|c| constraint.columns.contains(c))
    });
    match index {
        _ if referenced => {
            Some("A foreign key refers to its columns, which takes a constraint on all rows.")
        }
        _ if constraint.deferrable => Some("It is deferrable, and an index cannot be."),
        Some(i) if i.replica_identity || i.clustered => {
            Some("Its index is the table's replica identity, or the table is clustered on it.")
        }
        Some(i) if i.valid => None,
        _ => Some("Its index is not valid."),
    }
}

fn to_index(plan: &mut Plan, table: &Table, constraint: &Constraint) {
    let Some(index) =
        table.indexes.iter().find(|i| i.constraint.as_ref() == Some(&constraint.name))
    else {
        return;
    };
    remove_constraint(
        plan,
        table,
        constraint,
        "a unique index on the rows that are not deleted takes its place",
    );
    let object = || Object::in_schema(Kind::Index, &table.schema, &constraint.name);
    let full = qualified(&table.schema, &constraint.name);
    plan.push(Step::new(
        object(),
        format!("create index {}", constraint.name),
        "a deleted row does not stand in the way of a new one",
        format!("{} WHERE (NOT is_deleted)", recursing(&index.definition)),
        format!("DROP INDEX {full}"),
    ));
    plan.push(Step::new(
        object(),
        format!("comment on index {}", constraint.name),
        "drop_feature makes it the constraint again that it was",
        format!(
            "COMMENT ON INDEX {full} IS {}",
            literal(&format!("{WAS}{}", constraint.definition))
        ),
        format!("COMMENT ON INDEX {full} IS NULL"),
    ));
    plan.findings.push(Finding {
        severity: Severity::Notice,
        message: format!("constraint {} of {} becomes a unique index on the rows that are not deleted", quote(&constraint.name), table.qualified()),
        detail: "INSERT ... ON CONFLICT finds such an index only by its condition.".into(),
        hint: "Write ON CONFLICT (...) WHERE NOT is_deleted; ON CONFLICT ON CONSTRAINT works no longer.".into(),
        fix: None,
    });
}

pub fn remove_constraint(plan: &mut Plan, table: &Table, constraint: &Constraint, why: &str) {
    let object =
        || Object::in_table(Kind::Constraint, &table.schema, &table.name, &constraint.name);
    let name = quote(&constraint.name);
    if let Some(comment) = &constraint.comment {
        let on = format!("COMMENT ON CONSTRAINT {name} ON {} IS", table.qualified());
        plan.push(Step::new(
            object(),
            format!("remove the comment on constraint {}", constraint.name),
            "so that undo can put it back with the constraint",
            format!("{on} NULL"),
            format!("{on} {}", literal(comment)),
        ));
    }
    plan.push(Step::new(
        object(),
        format!("drop constraint {}", constraint.name),
        why,
        format!("ALTER TABLE {} DROP CONSTRAINT {name}", table.qualified()),
        format!(
            "ALTER TABLE {} ADD CONSTRAINT {name} {}",
            table.qualified(),
            constraint.definition
        ),
    ));
}

/// The way back of `partial_unique`.
pub fn whole_unique(plan: &mut Plan, table: &Table) {
    for index in &table.indexes {
        let was = index.comment.as_deref().and_then(|c| c.strip_prefix(WAS));
        let (Some(was), true) = (was, index.partial && index.parent.is_none()) else { continue };
        remove_index(
            plan,
            table,
            &index.name,
            &index.definition,
            index.comment.as_deref(),
            "it is to be the constraint again that it was",
        );
        let name = quote(&index.name);
        plan.push(Step::new(
            Object::in_table(Kind::Constraint, &table.schema, &table.name, &index.name),
            format!("add constraint {}", index.name),
            "unique among all rows again, deleted ones included",
            format!("ALTER TABLE {} ADD CONSTRAINT {name} {was}", table.qualified()),
            format!("ALTER TABLE {} DROP CONSTRAINT {name}", table.qualified()),
        ));
    }
}
