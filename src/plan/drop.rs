//! The steps that drop an object so that undo brings back all of it.

use super::{Kind, Object, Plan, Step};
use crate::catalog::{trigger_sql, Table, Trigger};
use crate::pg::ident::{literal, quote};

/// Undone last step first: the trigger is made again before its state and its comment are put back.
pub fn drop_trigger(plan: &mut Plan, table: &Table, trigger: &Trigger, why: &str) {
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
