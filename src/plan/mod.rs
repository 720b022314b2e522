//! The one mechanism that changes a database: planners make a `Plan`, and the executor here
//! renders, applies, journals and undoes it.

mod drop;
mod execute;
mod journal;
mod undo;

pub use drop::drop_trigger;
pub use execute::{applying, making_anew, run};
pub use object::{Kind, Object};

mod object;

use crate::catalog::Table;
use crate::error::Error;
use crate::pg::types::PlannedStep;
use pgrx::iter::SetOfIterator;

/// Which database this is: a number that a restored copy does not share, so that recorded OIDs are
/// believed only where they were written. Raises nothing.
///
/// Example: `SELECT count(*) FROM tenant_guard.change_step WHERE origin = tenant_guard.origin();`
#[pgrx::pg_extern(stable, parallel_safe)]
fn origin() -> i64 {
    crate::pg::relation::origin()
}

/// What every mutating function returns.
pub type Rows = SetOfIterator<'static, PlannedStep>;

/// An ordered list of steps, and what the planner noticed on the way.
#[derive(Debug, Default, Clone)]
pub struct Plan {
    /// The function that planned it: `protect_table`.
    pub operation: String,
    /// What it is about, as a person would write it: `crm.contacts`.
    pub target: String,
    pub steps: Vec<Step>,
    pub findings: Vec<Finding>,
    pub checks: Vec<Check>,
    /// Whether it alters and drops nothing but what it makes itself: then no name is taken away.
    pub anew: bool,
}

/// One statement, its inverse and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does, in a few words.
    pub action: String,
    /// Why, in one line.
    pub why: String,
    /// One SQL statement without the semicolon, every name qualified or under the plan's own path;
    /// empty in an undo, for what goes with its table.
    pub sql: String,
    /// The statement that takes it back; empty where another step's does; None where nothing can.
    pub undo: Option<String>,
    /// The lock that the statement takes, and on what: `ACCESS EXCLUSIVE on crm.contacts`.
    pub lock: Option<String>,
    /// What it touches: its state afterwards is journaled, and undo refuses when it differs.
    pub object: Object,
    /// CREATE INDEX CONCURRENTLY and its like cannot run inside a transaction, so neither can a
    /// function run them: the executor refuses and says to run the statement by itself.
    pub needs_no_transaction: bool,
}

/// Something a person should know.
#[derive(Debug, Clone)]
pub struct Finding {
    pub severity: Severity,
    pub message: String,
    pub detail: String,
    pub hint: String,
    /// The plan that fixes it, where one exists.
    pub fix: Option<Plan>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Notice,
    Warning,
}

/// A condition on the result, checked before the change is accepted: a query that gives no row
/// when all is well and otherwise the names of the offending objects.
#[derive(Debug, Clone)]
pub struct Check {
    pub sql: &'static str,
    /// Bound as $1, $2, ...
    pub args: Vec<String>,
    /// The error, from the arguments and the offenders.
    pub refuse: fn(&[String], Vec<String>) -> Error,
}

impl Plan {
    #[must_use]
    pub fn new(operation: &str, target: impl Into<String>) -> Self {
        Plan { operation: operation.into(), target: target.into(), ..Plan::default() }
    }

    pub fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// The plan as a script.
    #[must_use]
    pub fn script(&self) -> String {
        self.steps.iter().map(|s| s.sql.clone() + ";\n").collect()
    }
}

impl Step {
    #[must_use]
    pub fn new(
        object: Object,
        action: impl Into<String>,
        why: impl Into<String>,
        sql: impl Into<String>,
        undo: impl Into<String>,
    ) -> Self {
        Step {
            action: action.into(),
            why: why.into(),
            sql: sql.into(),
            undo: Some(undo.into()),
            lock: None,
            object,
            needs_no_transaction: false,
        }
    }

    /// The step, with the lock that its statement takes on a table.
    #[must_use]
    pub fn locking(self, mode: &str, table: &Table) -> Self {
        Step { lock: Some(format!("{mode} on {}", table.qualified())), ..self }
    }

    /// A step whose result goes when the table that it belongs to is dropped by another step's undo.
    #[must_use]
    pub fn part_of_table(
        object: Object,
        action: impl Into<String>,
        why: impl Into<String>,
        sql: impl Into<String>,
    ) -> Self {
        Step::new(object, action, why, sql, "")
    }

    /// A step with no way back.
    #[must_use]
    pub fn irreversible(
        object: Object,
        action: impl Into<String>,
        why: impl Into<String>,
        sql: impl Into<String>,
    ) -> Self {
        Step { undo: None, ..Step::new(object, action, why, sql, "") }
    }
}
