//! What keeps the conventions: triggers, and the policy that hides deleted rows. Pure.

use super::options::Transitions;
use crate::catalog::{policy_sql, Policy, Table, Trigger};
use crate::pg::ident::literal;
use crate::plan::{drop_trigger, Kind, Object, Plan, Step};

pub const CONVENTIONS: &str = "tenant_guard_conventions";
pub const SOFT_DELETE: &str = "tenant_guard_soft_delete";
pub const SOFT_DELETE_CASCADE: &str = "tenant_guard_soft_delete_cascade";
pub const NOT_DELETED: &str = "tenant_guard_not_deleted";

/// As the server deparses it, so that a policy that is there compares equal. The helper reads a setting, and is
/// asked for deleted rows alone.
const HIDES: &str = "((NOT is_deleted) OR tenant_guard.shows_deleted())";

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
            ([only], _) if only == "timestamps" => "BEFORE UPDATE",
            (_, "p") => "BEFORE INSERT OR DELETE OR UPDATE",
            _ => "BEFORE INSERT OR UPDATE",
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
        when: "",
        arguments,
        why: "what is kept for every row is kept whoever writes it",
    });
    trigger(plan, table, CONVENTIONS, wanted.as_ref());
}

pub fn soft_delete_triggers(plan: &mut Plan, table: &Table, wanted: bool) {
    let mark = wanted.then(|| Wanted {
        name: SOFT_DELETE,
        function: "soft_delete",
        events: if table.kind == "p" { "BEFORE DELETE OR UPDATE" } else { "BEFORE DELETE" },
        when: "",
        arguments: vec![],
        why: "a DELETE marks the row as deleted and keeps it",
    });
    trigger(plan, table, SOFT_DELETE, mark.as_ref());
    let cascade = wanted.then(|| Wanted {
        name: SOFT_DELETE_CASCADE,
        function: "soft_delete_cascade",
        events: "AFTER UPDATE OF is_deleted",
        when: " WHEN (new.is_deleted AND NOT old.is_deleted)",
        arguments: vec![],
        why: "what refers to it with ON DELETE CASCADE is marked with it",
    });
    trigger(plan, table, SOFT_DELETE_CASCADE, cascade.as_ref());
}

struct Wanted {
    name: &'static str,
    function: &'static str,
    /// With the timing before them.
    events: &'static str,
    /// As the server deparses it.
    when: &'static str,
    arguments: Vec<String>,
    why: &'static str,
}

impl Wanted {
    fn create(&self, table: &Table) -> String {
        let arguments: Vec<String> = self.arguments.iter().map(|a| literal(a)).collect();
        format!(
            "CREATE TRIGGER {} {} ON {}\n  FOR EACH ROW{} EXECUTE FUNCTION tenant_guard.{}({})",
            self.name,
            self.events,
            table.qualified(),
            self.when,
            self.function,
            arguments.join(", ")
        )
    }

    fn is(&self, trigger: &Trigger) -> bool {
        is_of(trigger, self.function)
            && trigger.arguments() == self.arguments
            && trigger.definition.contains(&format!(" {} ON ", self.events))
            && trigger.definition.contains(&format!(" FOR EACH ROW{} EXECUTE ", self.when))
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

fn not_deleted() -> Policy {
    Policy {
        name: NOT_DELETED.into(),
        command: "ALL".into(),
        permissive: false,
        roles: vec![],
        using: Some(HIDES.into()),
        // Nobody writes the mark: DELETE and restore_row do.
        check: Some("(NOT is_deleted)".into()),
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
