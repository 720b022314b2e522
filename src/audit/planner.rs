//! From the catalog to the plan of `enable_audit` and `disable_audit`. Pure.

use super::options::{Options, Policy};
use crate::catalog::{trigger_sql, Table, Trigger};
use crate::error::{Error, Result};
use crate::pg::ident::literal;
use crate::plan::{drop_trigger, Finding, Kind, Object, Plan, Severity, Step};

pub const TRIGGERS: [&str; 5] = [ROW, INSERT, UPDATE, DELETE, TRUNCATE];
const ROW: &str = "tenant_guard_audit_row";
const INSERT: &str = "tenant_guard_audit_insert";
const UPDATE: &str = "tenant_guard_audit_update";
const DELETE: &str = "tenant_guard_audit_delete";
const TRUNCATE: &str = "tenant_guard_audit_truncate";
const DEFAULT_TENANT_COLUMN: &str = "organization_id";

pub fn enable(family: &[Table], mut options: Options) -> Result<Plan> {
    let root = &family[0];
    if root.schema == "tenant_guard" {
        return Err(Error::SystemTable { table: root.qualified() });
    }
    let mut plan = Plan::new("enable_audit", root.qualified());
    options.tenant = match options.tenant {
        Some(column) => Some(column),
        None => root.column(DEFAULT_TENANT_COLUMN).map(|c| c.name.clone()),
    };
    if let Some(column) = &options.tenant {
        root.require_column(column)?;
    }
    check_policies(root, &options)?;
    let argument = options.argument();
    let row_by_row = inherits(family) || generates(family);
    for table in family {
        findings(&mut plan, table, &options);
        for trigger in statement_triggers(&argument, row_by_row) {
            wanted(&mut plan, table, &trigger);
        }
        // Those of the other way would log each row once more.
        for name in if row_by_row { &[INSERT, UPDATE, DELETE][..] } else { &[][..] } {
            if let Some(trigger) = table.trigger(name).filter(|t| !t.inherited) {
                drop_trigger(
                    &mut plan,
                    table,
                    trigger,
                    "rows of such tables are logged one by one",
                );
            }
        }
    }
    // Last, and the top of the family last of all: a table that has it counts as audited with all below it.
    for table in family.iter().rev() {
        // PostgreSQL gives a partition its parent's row triggers, but not those for statements.
        if !table.is_partition || table.oid == root.oid {
            wanted(&mut plan, table, &row_trigger(&argument, row_by_row));
        }
    }
    Ok(plan)
}

#[must_use]
pub fn disable(family: &[Table]) -> Plan {
    let mut plan = Plan::new("disable_audit", family[0].qualified());
    for table in family {
        for name in TRIGGERS {
            if let Some(trigger) = table.trigger(name).filter(|t| !t.inherited) {
                drop_trigger(&mut plan, table, trigger, "the table is no longer to be audited");
            }
        }
    }
    plan
}

/// Whether tables inherit other than as partitions: a statement's transition tables have the parent's columns only.
fn inherits(family: &[Table]) -> bool {
    let root = &family[0];
    (!root.is_partition && !root.parents.is_empty()) || family[1..].iter().any(|t| !t.is_partition)
}

/// Whether PostgreSQL shows an INSERT's rows, where partitions take them, before their columns are generated.
fn generates(family: &[Table]) -> bool {
    let root = &family[0];
    root.kind == "p" && family.iter().flat_map(|t| &t.columns).any(|c| c.generated == "s")
}

/// The columns of the primary key, or of the index that is the replica identity.
fn key_of(table: &Table) -> Vec<&String> {
    let primary = table.constraints.iter().filter(|c| c.kind == "p").flat_map(|c| &c.columns);
    let mut key: Vec<&String> = primary.collect();
    if key.is_empty() {
        let identity = table.indexes.iter().filter(|index| index.replica_identity);
        key.extend(identity.flat_map(|index| index.columns.iter().flatten()));
    }
    key
}

/// Tells of columns that are classified pii or secret, and logged as they are all the same.
pub fn tell_personal(plan: &mut Plan, table: &Table, personal: &[String]) {
    let key = key_of(table);
    let quoted = |name: &String| table.column(name).map(|c| c.quoted.as_str());
    let told: Vec<&str> = personal.iter().filter(|c| key.contains(c)).filter_map(quoted).collect();
    if told.is_empty() {
        return;
    }
    plan.findings.push(Finding {
        severity: Severity::Warning,
        message: format!("columns of {} are logged as they are: {}", table.qualified(), told.join(", ")),
        detail: "They are classified pii or secret, and are of the key, which says which row an event is about.".into(),
        hint: "Let the table have a key that says nothing of a person.".into(),
        fix: None,
    });
}

/// What says whose a row is, and which row it is, is in the log as it is.
fn check_policies(table: &Table, options: &Options) -> Result<()> {
    let key = key_of(table);
    for (column, policy) in &options.columns {
        table.require_column(column)?;
        let why = if options.tenant.as_ref() == Some(column) {
            "It is the tenant column: it says whose trail an event belongs to."
        } else if key.contains(&column) {
            "It is of the key: it says which row an event is about."
        } else {
            continue;
        };
        if *policy != Policy::Include || options.erasable.contains(column) {
            return Err(Error::AuditPolicy {
                table: table.qualified(),
                column: column.clone(),
                why,
            });
        }
    }
    Ok(())
}

fn findings(plan: &mut Plan, table: &Table, options: &Options) {
    let mut warn = |message: String, detail: &str, hint: &str| {
        plan.findings.push(Finding {
            severity: Severity::Warning,
            message,
            detail: detail.into(),
            hint: hint.into(),
            fix: None,
        });
    };
    let had_tenant = |trigger: &Trigger| {
        let had = trigger.arguments().first().and_then(|a| Options::read(a));
        had.is_some_and(|had| had.tenant.is_some())
    };
    if options.tenant.is_none() && table.trigger(ROW).is_some_and(had_tenant) {
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

struct Wanted<'a> {
    name: &'static str,
    function: &'static str,
    /// Timing and event, and what stands behind the table's name.
    when: &'static str,
    rows: &'static str,
    /// pg_trigger.tgenabled.
    state: &'static str,
    argument: &'a str,
    why: &'static str,
}

fn row_trigger(argument: &str, row_by_row: bool) -> Wanted<'_> {
    let (state, why) = match row_by_row {
        true => ("A", "every changed row is logged, with all columns of the table that it is in"),
        false => ("R", "replicated changes come row by row, and fire no statement's triggers"),
    };
    Wanted {
        name: ROW,
        function: "audit_row",
        when: "AFTER INSERT OR UPDATE OR DELETE",
        rows: "FOR EACH ROW",
        state,
        argument,
        why,
    }
}

fn statement_triggers(argument: &str, row_by_row: bool) -> Vec<Wanted<'_>> {
    let changes = [
        (
            INSERT,
            "AFTER INSERT",
            "REFERENCING NEW TABLE AS new_rows\n  FOR EACH STATEMENT",
            "inserted rows are logged, those of a statement together",
        ),
        (
            UPDATE,
            "AFTER UPDATE",
            "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows\n  FOR EACH STATEMENT",
            "updated rows are logged as they were and as they are",
        ),
        (
            DELETE,
            "AFTER DELETE",
            "REFERENCING OLD TABLE AS old_rows\n  FOR EACH STATEMENT",
            "deleted rows are logged as they were",
        ),
    ];
    let statement = |(name, when, rows, why)| Wanted {
        name,
        function: "audit_statement",
        when,
        rows,
        state: "O",
        argument,
        why,
    };
    let changes = changes.into_iter().filter(|_| !row_by_row).map(statement);
    let truncate = Wanted {
        name: TRUNCATE,
        function: "audit_truncate",
        when: "BEFORE TRUNCATE",
        rows: "FOR EACH STATEMENT",
        state: "A",
        argument,
        why: "emptying the table leaves a trace too",
    };
    changes.chain([truncate]).collect()
}

impl Wanted<'_> {
    fn create(&self, table: &Table) -> String {
        format!(
            "CREATE TRIGGER {} {} ON {}\n  {} EXECUTE FUNCTION tenant_guard.{}({})",
            self.name,
            self.when,
            table.qualified(),
            self.rows,
            self.function,
            literal(self.argument)
        )
    }

    fn is(&self, trigger: &Trigger) -> bool {
        trigger.function.schema == "tenant_guard"
            && trigger.function.name == self.function
            && trigger.arguments() == [self.argument]
            && !trigger.conditional
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
    let state = there.map_or("O", |t| t.enabled.as_str());
    if state != wanted.state {
        let (how, why) = match wanted.state {
            "A" => ("always", "replicated and replayed changes are logged as well"),
            "R" => ("for replication", "other changes are logged by statement"),
            _ => ("as usual", "replicated changes are logged row by row"),
        };
        plan.push(Step::new(
            object(),
            format!("enable trigger {} {how}", wanted.name),
            why,
            trigger_sql::set_state(&table.qualified(), wanted.name, wanted.state),
            trigger_sql::set_state(&table.qualified(), wanted.name, state),
        ));
    }
}
