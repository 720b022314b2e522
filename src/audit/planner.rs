//! From the catalog to the plan of `enable_audit` and `disable_audit`. Pure.

use crate::catalog::{trigger_sql, Table, Trigger};
use crate::error::Result;
use crate::pg::ident::literal;
use crate::plan::{drop_trigger, Finding, Kind, Object, Plan, Severity, Step};

const ROW: &str = "tenant_guard_audit_row";
const TRUNCATE: &str = "tenant_guard_audit_truncate";
const DEFAULT_TENANT_COLUMN: &str = "organization_id";

pub fn enable(family: &[Table], tenant_column: Option<String>) -> Result<Plan> {
    let mut plan = Plan::new("enable_audit", family[0].qualified());
    let tenant_column = match tenant_column {
        Some(column) => Some(column),
        None => family[0].column(DEFAULT_TENANT_COLUMN).map(|c| c.name.clone()),
    };
    if let Some(column) = &tenant_column {
        family[0].require_column(column)?;
    }
    for table in family {
        findings(&mut plan, table, tenant_column.as_deref());
        // PostgreSQL gives a partition its parent's row triggers, but not those for statements.
        if !table.is_partition || table.oid == family[0].oid {
            wanted(&mut plan, table, &Wanted::row(tenant_column.as_deref()));
        }
        wanted(&mut plan, table, &Wanted::truncate());
    }
    Ok(plan)
}

#[must_use]
pub fn disable(family: &[Table]) -> Plan {
    let mut plan = Plan::new("disable_audit", family[0].qualified());
    for table in family {
        for name in [ROW, TRUNCATE] {
            if let Some(trigger) = table.trigger(name).filter(|t| !t.inherited) {
                drop_trigger(&mut plan, table, trigger, "the table is no longer to be audited");
            }
        }
    }
    plan
}

fn findings(plan: &mut Plan, table: &Table, tenant_column: Option<&str>) {
    let mut warn = |message: String, detail: &str, hint: &str| {
        plan.findings.push(Finding {
            severity: Severity::Warning,
            message,
            detail: detail.into(),
            hint: hint.into(),
            fix: None,
        });
    };
    if tenant_column.is_none() && table.trigger(ROW).is_some_and(|t| !t.arguments().is_empty()) {
        warn(
            format!("the trail of {} will belong to no organization", table.qualified()),
            "It had a tenant column until now, and none was named.",
            "Name it: tenant_column => ...",
        );
    }
    let unstored: Vec<&str> =
        table.columns.iter().filter(|c| c.generated == "v").map(|c| c.quoted.as_str()).collect();
    if !unstored.is_empty() {
        warn(
            format!("columns of {} are logged as NULL: {}", table.qualified(), unstored.join(", ")),
            "They are generated when they are read, so a changed row does not hold them.",
            "Make them STORED where the trail needs them.",
        );
    }
}

struct Wanted {
    name: &'static str,
    function: &'static str,
    events: &'static str,
    level: &'static str,
    arguments: Vec<String>,
    why: &'static str,
}

impl Wanted {
    fn row(tenant_column: Option<&str>) -> Self {
        Wanted {
            name: ROW,
            function: "audit_row",
            events: "INSERT OR UPDATE OR DELETE",
            level: "ROW",
            arguments: tenant_column.map(str::to_string).into_iter().collect(),
            why:
                "every changed row is logged with its organization, its user and what it was before",
        }
    }

    fn truncate() -> Self {
        Wanted {
            name: TRUNCATE,
            function: "audit_truncate",
            events: "TRUNCATE",
            level: "STATEMENT",
            arguments: vec![],
            why: "emptying the table leaves a trace too",
        }
    }

    fn create(&self, table: &Table) -> String {
        let arguments: Vec<String> = self.arguments.iter().map(|a| literal(a)).collect();
        format!(
            "CREATE TRIGGER {} AFTER {} ON {}\n  FOR EACH {} EXECUTE FUNCTION tenant_guard.{}({})",
            self.name,
            self.events,
            table.qualified(),
            self.level,
            self.function,
            arguments.join(", ")
        )
    }

    fn is(&self, trigger: &Trigger) -> bool {
        trigger.function.schema == "tenant_guard"
            && trigger.function.name == self.function
            && trigger.arguments() == self.arguments
    }
}

fn wanted(plan: &mut Plan, table: &Table, wanted: &Wanted) {
    let object = || Object::in_table(Kind::Trigger, &table.schema, &table.name, wanted.name);
    let there = match table.trigger(wanted.name) {
        Some(trigger) if wanted.is(trigger) => Some(trigger),
        Some(trigger) => {
            drop_trigger(plan, table, trigger, "it differs from what was asked for");
            None
        }
        None => None,
    };
    if there.is_none() {
        plan.push(Step::new(
            object(),
            format!("create trigger {}", wanted.name),
            wanted.why,
            wanted.create(table),
            format!("DROP TRIGGER {} ON {}", wanted.name, table.qualified()),
        ));
    }
    if there.map_or("O", |t| t.enabled.as_str()) != "A" {
        plan.push(Step::new(
            object(),
            format!("enable trigger {} always", wanted.name),
            "replicated and replayed changes are logged as well",
            enable_trigger(table, wanted.name, "A"),
            enable_trigger(table, wanted.name, there.map_or("O", |t| &t.enabled)),
        ));
    }
}

fn enable_trigger(table: &Table, name: &str, state: &str) -> String {
    trigger_sql::set_state(&table.qualified(), name, state)
}
