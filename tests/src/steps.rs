//! What a mutating function of the extension returned.

use postgres::Client;

use crate::sql::try_rows;

#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub change_id: Option<i64>,
    pub step: i64,
    pub action: String,
    pub sql: String,
    pub undo: String,
}

/// `call` without the schema: `protect_table('crm.contacts')`.
pub fn try_call(client: &mut Client, call: &str) -> Result<Vec<Step>, postgres::Error> {
    let sql = format!("SELECT change_id, step, action, sql, undo FROM tenant_guard.{call}");
    let found = try_rows(client, &sql)?;
    let steps = found.into_iter().map(|row| Step {
        change_id: row[0].as_deref().map(|id| id.parse().expect("a number")),
        step: row[1].as_deref().expect("a step").parse().expect("a number"),
        action: row[2].clone().expect("an action"),
        sql: row[3].clone().expect("the SQL of a step"),
        undo: row[4].clone().expect("the way back of a step"),
    });
    Ok(steps.collect())
}

#[track_caller]
pub fn call(client: &mut Client, call: &str) -> Vec<Step> {
    match try_call(client, call) {
        Ok(steps) => steps,
        Err(error) => panic!("{call}\n{error:?}"),
    }
}

/// Runs a call that must change something, and returns the change that the journal knows it by.
#[track_caller]
pub fn apply(client: &mut Client, text: &str) -> i64 {
    change_of(&call(client, text), text)
}

#[track_caller]
pub fn change_of(steps: &[Step], call: &str) -> i64 {
    let Some(first) = steps.first() else {
        panic!("{call}: no steps");
    };
    let Some(id) = first.change_id else {
        panic!("{call}: no change_id");
    };
    assert!(
        steps.iter().all(|step| step.change_id == Some(id)),
        "{call}: one change has one id\n{steps:?}"
    );
    id
}

/// The `sql` column in order: what a person copies out of a dry run.
pub fn script(steps: &[Step]) -> String {
    joined(steps.iter().map(|step| &step.sql))
}

/// The `undo` column backwards.
pub fn undo_script(steps: &[Step]) -> String {
    joined(steps.iter().rev().map(|step| &step.undo))
}

fn joined<'a>(statements: impl Iterator<Item = &'a String>) -> String {
    let mut script = String::new();
    for statement in statements {
        let last = statement.lines().last().unwrap_or_default().trim();
        // A step that needs nothing says so in a comment.
        assert!(
            last.ends_with(';') || last.starts_with("--"),
            "cannot be pasted, no semicolon: {statement}"
        );
        script.push_str(statement);
        script.push('\n');
    }
    script
}
