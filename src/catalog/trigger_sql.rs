//! The state of a trigger, pg_trigger.tgenabled, as SQL.

use crate::pg::ident::quote;

/// `ALTER TABLE ... ENABLE ALWAYS TRIGGER ...` and its like.
#[must_use]
pub fn set_state(qualified_table: &str, trigger: &str, state: &str) -> String {
    let word = match state {
        "A" => "ENABLE ALWAYS",
        "R" => "ENABLE REPLICA",
        "D" => "DISABLE",
        _ => "ENABLE",
    };
    format!("ALTER TABLE {qualified_table} {word} TRIGGER {}", quote(trigger))
}
