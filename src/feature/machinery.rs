//! What keeps the conventions: triggers, the policy that hides deleted rows, indexes. Pure.

use super::names;
use super::options::Transitions;
use crate::catalog::{policy_sql, trigger_sql, Constraint, Named, Policy, Table, Trigger};
use crate::pg::ident::{literal, qualified, quote};
use crate::plan::{Finding, Kind, Object, Plan, Severity, Step};

pub const CONVENTIONS: &str = "tenant_guard_conventions";
pub const SOFT_DELETE: &str = "tenant_guard_soft_delete";
pub const NOT_DELETED: &str = "tenant_guard_not_deleted";

/// As the server deparses it, so that a policy that is there compares equal. The helper stands in a
/// sub-select: it runs once a statement.
const HIDES: &str = "((NOT is_deleted) OR ( SELECT tenant_guard.shows_deleted() AS shows_deleted))";
/// Starts the comment on an index that took a constraint's place; the rest is the constraint.
const WAS: &str = "tenant_guard: in place of ";

/// What the trigger is told to keep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    pub timestamps: bool,
    pub actors: bool,
    pub version: bool,
    /// The statuses' transitions, where they are not free.
    pub status: Option<Option<Transitions>>,
}

impl Kept {
    /// What the table's trigger keeps now.
    #[must_use]
    pub fn of(table: &Table) -> Self {
        let mut kept = Kept::default();
        let ours = table.trigger(CONVENTIONS).filter(|t| is_of(t, "keep_conventions"));
        for argument in ours.map(Trigger::arguments).unwrap_or_default() {
            match argument.split_once(':').unwrap_or((&argument, "")) {
                ("timestamps", _) => kept.timestamps = true,
                ("actors", _) => kept.actors = true,
                ("version", _) => kept.version = true,
                ("status", json) => kept.status = Some(serde_json::from_str(json).ok()),
                _ => {}
            }
        }
        kept
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        for (kept, name) in
            [(self.timestamps, "timestamps"), (self.actors, "actors"), (self.version, "version")]
        {
            if kept {
                arguments.push(name.to_string());
            }
        }
        match &self.status {
            Some(Some(transitions)) => {
                let json = serde_json::to_string(transitions).unwrap_or_default();
                arguments.push(format!("status:{json}"));
            }
            Some(None) => arguments.push("status".into()),
            None => {}
        }
        arguments
    }

    /// Moving a row between partitions deletes and inserts it: the trigger has to see that it is no new
    /// row. Timestamps alone are of no concern to an INSERT.
    fn events(&self, table: &Table) -> &'static str {
        match (self.arguments().as_slice(), table.kind.as_str()) {
            ([only], _) if only == "timestamps" => "UPDATE",
            (_, "p") => "INSERT OR DELETE OR UPDATE",
            _ => "INSERT OR UPDATE",
        }
    }
}

fn is_of(trigger: &Trigger, function: &str) -> bool {
    trigger.function.schema == "tenant_guard" && trigger.function.name == function
}

/// The trigger that keeps what is to be kept, or none where that is nothing.
pub fn conventions(plan: &mut Plan, table: &Table, kept: &Kept) {
    let arguments = kept.arguments();
    let wanted = (!arguments.is_empty()).then(|| Wanted {
        name: CONVENTIONS,
        function: "keep_conventions",
        events: kept.events(table),
        arguments,
        why: "what is kept for every row is kept whoever writes it",
    });
    trigger(plan, table, CONVENTIONS, wanted.as_ref());
}

pub fn soft_delete_trigger(plan: &mut Plan, table: &Table, wanted: bool) {
    let wanted = wanted.then(|| Wanted {
        name: SOFT_DELETE,
        function: "soft_delete",
        events: if table.kind == "p" { "DELETE OR UPDATE" } else { "DELETE" },
        arguments: vec![],
        why: "a DELETE marks the row as deleted and keeps it",
    });
    trigger(plan, table, SOFT_DELETE, wanted.as_ref());
}

struct Wanted {
    name: &'static str,
    function: &'static str,
    events: &'static str,
    arguments: Vec<String>,
    why: &'static str,
}

impl Wanted {
    fn create(&self, table: &Table) -> String {
        let arguments: Vec<String> = self.arguments.iter().map(|a| literal(a)).collect();
        format!(
            "CREATE TRIGGER {} BEFORE {} ON {}\n  FOR EACH ROW EXECUTE FUNCTION tenant_guard.{}({})",
            self.name,
            self.events,
            table.qualified(),
            self.function,
            arguments.join(", ")
        )
    }

    fn is(&self, trigger: &Trigger) -> bool {
        is_of(trigger, self.function)
            && trigger.arguments() == self.arguments
            && trigger.definition.contains(&format!(" BEFORE {} ON ", self.events))
    }
}

fn trigger(plan: &mut Plan, table: &Table, name: &str, wanted: Option<&Wanted>) {
    match (table.trigger(name).filter(|t| !t.inherited), wanted) {
        (Some(there), Some(wanted)) if wanted.is(there) => return,
        (Some(there), Some(_)) => {
            drop_trigger(plan, table, there, "it differs from what is wanted")
        }
        (Some(there), None) => drop_trigger(plan, table, there, "nothing is left for it to do"),
        (None, _) => {}
    }
    if let Some(wanted) = wanted {
        plan.push(Step::new(
            Object::in_table(Kind::Trigger, &table.schema, &table.name, name),
            format!("create trigger {name}"),
            wanted.why,
            wanted.create(table),
            format!("DROP TRIGGER {name} ON {}", table.qualified()),
        ));
    }
}

fn drop_trigger(plan: &mut Plan, table: &Table, trigger: &Trigger, why: &str) {
    let object = || Object::in_table(Kind::Trigger, &table.schema, &table.name, &trigger.name);
    if let Some(comment) = &trigger.comment {
        let on = format!("COMMENT ON TRIGGER {} ON {} IS", quote(&trigger.name), table.qualified());
        plan.push(Step::new(
            object(),
            format!("remove the comment on trigger {}", trigger.name),
            "so that undo can put it back with the trigger",
            format!("{on} NULL"),
            format!("{on} {}", literal(comment)),
        ));
    }
    if trigger.enabled != "O" {
        plan.push(Step::new(
            object(),
            format!("enable trigger {} as usual", trigger.name),
            "so that undo can put its state back with it",
            trigger_sql::set_state(&table.qualified(), &trigger.name, "O"),
            trigger_sql::set_state(&table.qualified(), &trigger.name, &trigger.enabled),
        ));
    }
    plan.push(Step::new(
        object(),
        format!("drop trigger {}", trigger.name),
        why,
        format!("DROP TRIGGER {} ON {}", quote(&trigger.name), table.qualified()),
        trigger.definition.clone(),
    ));
}

fn not_deleted() -> Policy {
    Policy {
        name: NOT_DELETED.into(),
        command: "ALL".into(),
        permissive: false,
        roles: vec![],
        using: Some(HIDES.into()),
        check: None,
        comment: None,
    }
}

/// The policy that hides deleted rows; it acts once row-level security is enabled.
pub fn policy(plan: &mut Plan, table: &Table, wanted: bool) {
    let object = || Object::in_table(Kind::Policy, &table.schema, &table.name, NOT_DELETED);
    let ours = not_deleted();
    if let Some(there) = table.policy(NOT_DELETED) {
        if wanted && *there == (Policy { comment: there.comment.clone(), ..ours.clone() }) {
            return;
        }
        if let Some(comment) = policy_sql::comment(table, there) {
            plan.push(Step::new(
                object(),
                format!("remove the comment on policy {NOT_DELETED}"),
                "so that undo can put it back with the policy",
                format!("COMMENT ON POLICY {NOT_DELETED} ON {} IS NULL", table.qualified()),
                comment,
            ));
        }
        plan.push(Step::new(
            object(),
            format!("drop policy {NOT_DELETED}"),
            if wanted {
                "it differs from what is wanted"
            } else {
                "deleted rows are no longer to be hidden"
            },
            policy_sql::drop(table, there),
            policy_sql::create(table, there),
        ));
    }
    if wanted {
        plan.push(Step::new(
            object(),
            format!("create policy {NOT_DELETED}"),
            "deleted rows are hidden where row-level security is enabled",
            policy_sql::create(table, &ours),
            policy_sql::drop(table, &ours),
        ));
    }
}

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
