//! Renders a plan, or applies it: all of it or, should a step fail, none.

use super::{journal, Finding, Plan, Rows, Severity, Step};
use crate::error::{Error, Result};
use crate::pg::types::PlannedStep;
use crate::pg::{planned, query, user};
use crate::security::{self, Event, Kind};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi::SpiTupleTable;
use std::cell::Cell;

/// Operations that an auditor wants to see beside what was tried.
const WEAKENING: &[&str] = &["unprotect_table", "disable_audit"];

/// Everything that changes a database ends here. In a dry run nothing is touched and the rows have
/// no change id; otherwise the steps run with the caller's rights, in the caller's transaction,
/// and are journaled with the state they left.
pub fn run(plan: Plan, dry_run: bool) -> Result<Rows> {
    plan.findings.iter().for_each(report);
    if dry_run || plan.steps.is_empty() {
        return Ok(rows(plan.steps, None));
    }
    apply(&plan)?;
    let change = journal::record(&plan, None, &user::current())?;
    if WEAKENING.contains(&plan.operation.as_str()) {
        security::record(&Event {
            kind: Kind::ProtectionRemoved,
            subject: Some(format!("{} {}", plan.operation, plan.target)),
            details: Some(serde_json::json!({ "change": change })),
            ..Event::default()
        });
    }
    Ok(rows(plan.steps, Some(change)))
}

thread_local! {
    static APPLYING: Cell<u32> = const { Cell::new(0) };
    static ANEW: Cell<bool> = const { Cell::new(false) };
}

/// Whether the statement that runs is a step of a plan.
pub fn applying() -> bool {
    APPLYING.get() > 0
}

/// Whether it is a step of a plan that alters only what it makes.
pub fn making_anew() -> bool {
    applying() && ANEW.get()
}

struct Applying {
    outer: bool,
}

impl Applying {
    fn begin(anew: bool) -> Self {
        APPLYING.set(APPLYING.get() + 1);
        Applying { outer: ANEW.replace(anew) }
    }
}

impl Drop for Applying {
    fn drop(&mut self) {
        APPLYING.set(APPLYING.get() - 1);
        ANEW.set(self.outer);
    }
}

/// Runs the steps with names pinned: what a statement means cannot depend on the caller's path.
pub(super) fn apply(plan: &Plan) -> Result<()> {
    if let Some(step) = plan.steps.iter().find(|s| s.needs_no_transaction) {
        return Err(Error::OutsideTransaction {
            operation: plan.operation.clone(),
            sql: format!("{};", step.sql),
        });
    }
    let _scope = query::replay();
    let _applying = Applying::begin(plan.anew);
    for step in plan.steps.iter().filter(|s| !s.sql.is_empty()) {
        query::run_here(&step.sql, &[])?;
    }
    for check in &plan.checks {
        let args: Vec<DatumWithOid> = check.args.iter().map(|a| a.as_str().into()).collect();
        let offender = |row: &mut SpiTupleTable| Ok(row.get::<String>(1)?);
        let offenders = planned::rows(query::PINNED, check.sql, &args, offender)?;
        let offenders: Vec<String> = offenders.into_iter().flatten().collect();
        if !offenders.is_empty() {
            return Err((check.refuse)(&check.args, offenders));
        }
    }
    Ok(())
}

pub(super) fn rows(steps: Vec<Step>, change_id: Option<i64>) -> Rows {
    Rows::new(steps.into_iter().zip(1..).map(move |(step, number)| PlannedStep {
        change_id,
        step: number,
        action: step.action.clone(),
        sql: render(&step),
        undo: step.undo.map(statement),
    }))
}

/// The statement under its reason, ready for a migration.
fn render(step: &Step) -> String {
    // A name may hold a line break; in a comment the rest of it would become a statement.
    let comment = |text: &str| format!("-- {}\n", text.replace(['\n', '\r'], " "));
    let lock = step.lock.as_ref().map(|lock| comment(&format!("lock: {lock}")));
    let (why, lock) = (comment(&step.why), lock.unwrap_or_default());
    if step.object.kind == super::Kind::NotCarried {
        return format!("{why}-- nothing to run;");
    }
    format!("{why}{lock}{}", statement(step.sql.clone()))
}

fn statement(sql: String) -> String {
    if sql.is_empty() {
        "-- nothing to do, it goes with its table;".into()
    } else {
        sql + ";"
    }
}

fn report(finding: &Finding) {
    let mut detail = finding.detail.clone();
    if let Some(fix) = &finding.fix {
        detail = format!("{detail}\nThe fix:\n{}", fix.script());
    }
    let level = match finding.severity {
        Severity::Notice => PgLogLevel::NOTICE,
        Severity::Warning => PgLogLevel::WARNING,
    };
    let code = PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION;
    pgrx::pg_sys::panic::ErrorReport::new(code, finding.message.clone(), pgrx::function_name!())
        .set_detail(detail)
        .set_hint(finding.hint.clone())
        .report(level);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Kind, Object};

    #[test]
    fn a_reason_cannot_smuggle_a_statement_past_its_comment() {
        let object = Object::table(Kind::RowSecurity, "s", "t");
        let step = Step::new(object, "a", "because\nDROP TABLE t", "SELECT 1", "SELECT 2");
        assert_eq!(render(&step), "-- because DROP TABLE t\nSELECT 1;");
    }
}
