//! The way back: the recorded inverses, last step first, unless somebody altered an object since.

use super::execute::{apply, rows};
use super::journal::{self, Change, Recorded};
use super::{object, Kind, Object, Plan, Rows, Step};
use crate::error::{Error, Result};
use crate::pg::relation::{self, Lock};
use crate::pg::user;
use crate::security::{self, Event, Kind as EventKind};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::collections::HashSet;

/// Takes an applied change back, all of its steps in one transaction, and journals that as a
/// change of its own, which can be undone in turn. The caller must own every object it touched.
/// Refuses with 55000, naming the object, when somebody altered one since; `force => true` undoes
/// all the same, leaving out what is already gone. Returns the steps; in a dry run nothing changes.
/// Raises 42704 for no such change, 42501 for one that touched what is not yours, 55000 for one
/// already undone or with no way back.
///
/// Example: `SELECT * FROM tenant_guard.undo(7);`
#[pg_extern(volatile, parallel_unsafe)]
fn undo(
    change_id: Option<i64>,
    force: default!(Option<bool>, "false"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, crate::pg::types::PlannedStep>, ErrorReport> {
    let change =
        change_id.ok_or(Error::NullArgument { function: "undo", argument: "change_id" })?;
    Ok(undo_change(change, force.unwrap_or(false), dry_run.unwrap_or(false))?)
}

fn undo_change(id: i64, force: bool, dry_run: bool) -> Result<Rows> {
    let change = journal::load(id, !dry_run)?;
    if let Some(by) = change.undone_by {
        let (last, depth) = journal::last_undo(id)?;
        return Err(Error::AlreadyUndone { change: id, by, last, made_again: depth % 2 == 0 });
    }
    if !dry_run {
        lock(&change)?;
    }
    let gone = altered(id, &change, force)?;
    let applied_by = change.applied_by.clone();
    let plan = inverse(id, change.operation, change.target, change.steps, &gone)?;
    if dry_run {
        return Ok(rows(plan.steps, None));
    }
    // What is replayed was written by whoever applied the change: it runs with that role's rights
    // and no more, however much more the caller has, and what it makes again is that role's again.
    let by = match user::lesser(&applied_by) {
        Some(role) => {
            user::as_role(role, || apply(&plan))?;
            journal::record(&plan, Some(id), &applied_by)?
        }
        None => {
            apply(&plan)?;
            journal::record(&plan, Some(id), &user::current())?
        }
    };
    journal::mark_undone(id, by)?;
    security::record(&Event {
        kind: EventKind::ChangeUndone,
        subject: Some(format!("{} {}", plan.operation, plan.target)),
        details: Some(serde_json::json!({ "change": id, "undone_by": by, "force": force })),
        ..Event::default()
    });
    Ok(rows(plan.steps, Some(by)))
}

/// Locks every relation that the change touched, before their states are compared: what another
/// session does meanwhile waits, or is seen. In one order, so that two undos do not wait for each other.
fn lock(change: &Change) -> Result<()> {
    let mut relations = Vec::new();
    for step in &change.steps {
        let name = if step.table.is_empty() { &step.name } else { &step.table };
        relations.extend(relation::named(&step.schema, name));
    }
    relations.sort_unstable();
    relations.dedup();
    relations.into_iter().try_for_each(|oid| relation::lock(oid, Lock::Exclusive))
}

/// Compares every object with the state the change left it in. Returns the steps whose object is
/// gone, which only `force` lets pass.
fn altered(id: i64, change: &Change, force: bool) -> Result<Vec<i32>> {
    let mut gone = Vec::new();
    let objects: Vec<Object> = change.steps.iter().map(Recorded::object).collect::<Result<_>>()?;
    let references: Vec<&Object> = objects.iter().collect();
    let parts: Vec<bool> =
        change.steps.iter().map(|s| journal::is_part(s.undo.as_deref())).collect();
    let told = object::told_by_tables(&references, &parts);
    let states = user::as_extension_owner(|| object::states(&references, &told))?;
    for ((recorded, object), now) in change.steps.iter().zip(&objects).zip(states) {
        if now == recorded.state_after {
            continue;
        }
        if !force {
            return Err(Error::AlteredSince { change: id, object: object.describe() });
        }
        if now.is_none() && object.kind != Kind::Path {
            gone.push(recorded.step);
        }
    }
    // What a table told is gone with it.
    let lost: HashSet<(&str, &str)> = change
        .steps
        .iter()
        .zip(&objects)
        .filter(|(step, object)| object.kind == Kind::Table && gone.contains(&step.step))
        .map(|(_, object)| (object.schema.as_str(), object.table.as_str()))
        .collect();
    let parts = change.steps.iter().zip(&objects).zip(told).filter(|((_, object), told)| {
        *told && lost.contains(&(object.schema.as_str(), object.table.as_str()))
    });
    gone.extend(parts.map(|((step, _), _)| step.step));
    Ok(gone)
}

fn inverse(
    id: i64,
    operation: String,
    target: String,
    steps: Vec<Recorded>,
    gone: &[i32],
) -> Result<Plan> {
    let operation = match operation.strip_prefix("undo of ") {
        Some(original) => format!("redo of {original}"),
        None => format!("undo of {}", operation.trim_start_matches("redo of ")),
    };
    let mut plan = Plan::new(&operation, target);
    for recorded in steps.into_iter().rev() {
        if gone.contains(&recorded.step) {
            continue;
        }
        let object = recorded.object()?;
        let Some(sql) = recorded.undo else {
            return Err(Error::Irreversible {
                change: id,
                step: recorded.step,
                action: recorded.action,
            });
        };
        let action = match recorded.action.strip_prefix("undo: ") {
            Some(original) => original.to_string(),
            None => format!("undo: {}", recorded.action),
        };
        plan.push(Step::new(object, action, recorded.why, sql, recorded.sql));
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(step: i32, undo: Option<&str>) -> Recorded {
        Recorded {
            step,
            action: format!("action {step}"),
            why: "why".into(),
            kind: "policy".into(),
            schema: "s".into(),
            table: "t".into(),
            name: "p".into(),
            sql: format!("DO {step}"),
            undo: undo.map(str::to_string),
            state_after: None,
        }
    }

    #[test]
    fn steps_are_taken_back_last_first_and_the_undo_of_the_undo_is_the_change_again() {
        let steps = vec![recorded(1, Some("UNDO 1")), recorded(2, Some("UNDO 2"))];
        let plan = inverse(7, "protect_table".into(), "s.t".into(), steps, &[]).unwrap();
        let sql: Vec<_> = plan.steps.iter().map(|s| s.sql.as_str()).collect();
        let undo: Vec<_> = plan.steps.iter().map(|s| s.undo.as_deref().unwrap()).collect();
        assert_eq!((sql, undo), (vec!["UNDO 2", "UNDO 1"], vec!["DO 2", "DO 1"]));
        assert_eq!(plan.operation, "undo of protect_table");
    }

    #[test]
    fn a_step_without_a_way_back_refuses_the_whole_undo() {
        let steps = vec![recorded(1, Some("UNDO 1")), recorded(2, None)];
        let refused = inverse(7, "x".into(), "y".into(), steps, &[]);
        assert!(matches!(refused, Err(Error::Irreversible { change: 7, step: 2, .. })));
    }

    #[test]
    fn what_is_gone_is_left_out() {
        let steps = vec![recorded(1, Some("UNDO 1")), recorded(2, Some("UNDO 2"))];
        let plan = inverse(7, "x".into(), "y".into(), steps, &[2]).unwrap();
        assert_eq!(plan.steps.len(), 1);
    }
}
