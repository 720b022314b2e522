//! The journal: what was applied, by whom, and how to take it back. Written only from here, as the
//! extension's owner; read by the roles that own the touched objects.

use super::{object, Kind, Object, Plan, Step};
use crate::error::{Error, Result};
use crate::pg::{kept, query, relation, user};
use serde::{Deserialize, Serialize};

/// One applied change as the journal has it.
#[derive(Debug, Deserialize)]
pub struct Change {
    pub applied_by: String,
    pub operation: String,
    pub target: String,
    pub undone_by: Option<i64>,
    pub steps: Vec<Recorded>,
}

#[derive(Debug, Deserialize)]
pub struct Recorded {
    pub step: i32,
    pub action: String,
    pub why: String,
    pub kind: String,
    pub schema: String,
    pub table: String,
    pub name: String,
    pub sql: String,
    pub undo: Option<String>,
    pub state_after: Option<String>,
}

impl Recorded {
    pub fn object(&self) -> Result<Object> {
        Ok(Object::in_table(Object::kind_from(&self.kind)?, &self.schema, &self.table, &self.name))
    }
}

/// Writes a plan that `applied_by` applied and the state in which it left each object; returns the
/// change's id.
pub fn record(plan: &Plan, undoes: Option<i64>, applied_by: &str) -> Result<i64> {
    let session_role = user::session();
    // What goes with another step, and is done by it, is told in the plan alone.
    let done = |step: &Step| {
        !step.sql.is_empty()
            || !is_part(step.undo.as_deref())
            || step.object.kind == Kind::NotCarried
    };
    let steps: Vec<(&Step, i32)> =
        plan.steps.iter().zip(1..).filter(|(step, _)| done(step)).collect();
    user::as_extension_owner(|| {
        let found = kept::changed(
            "INSERT INTO tenant_guard.change (operation, target, applied_by, session_role, undoes, steps)
             VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
            &[
                plan.operation.as_str().into(),
                plan.target.as_str().into(),
                applied_by.into(),
                session_role.into(),
                undoes.into(),
                (steps.len() as i32).into(),
            ],
            |row| Ok(row.get::<i64>(1)?),
        )?;
        let change = found
            .into_iter()
            .flatten()
            .next()
            .ok_or_else(|| Error::Internal { what: "the journal gave no id".into() })?;
        let objects: Vec<&Object> = steps.iter().map(|(step, _)| &step.object).collect();
        let parts: Vec<bool> = steps.iter().map(|(s, _)| is_part(s.undo.as_deref())).collect();
        let states = object::states(&objects, &object::told_by_tables(&objects, &parts))?;
        let entries: Vec<Entry> = steps
            .iter()
            .zip(states)
            .map(|((step, number), state_after)| Entry::of(step, *number, state_after))
            .collect::<Result<_>>()?;
        kept::run(
            include_str!("record.sql"),
            &[
                change.into(),
                applied_by.into(),
                relation::origin().into(),
                serde_json::to_string(&entries)?.into(),
            ],
        )?;
        Ok(change)
    })
}

/// Whether a step with that undo goes with its table.
#[must_use]
pub fn is_part(undo: Option<&str>) -> bool {
    undo == Some("")
}

/// A step as record.sql takes it.
#[derive(Serialize)]
struct Entry<'a> {
    step: i32,
    action: &'a str,
    why: &'a str,
    kind: String,
    schema: &'a str,
    table: &'a str,
    name: &'a str,
    sql: &'a str,
    undo: Option<&'a str>,
    state_after: Option<String>,
    /// Which object it touched, or the one that it is in, and whose that is.
    oid: Option<u32>,
    owner: Option<String>,
}

impl<'a> Entry<'a> {
    fn of(step: &'a Step, number: i32, state_after: Option<String>) -> Result<Self> {
        let owned = step.object.owned()?;
        Ok(Entry {
            step: number,
            action: &step.action,
            why: &step.why,
            kind: step.object.kind_name(),
            schema: &step.object.schema,
            table: &step.object.table,
            name: &step.object.name,
            sql: &step.sql,
            undo: step.undo.as_deref(),
            state_after,
            oid: owned.as_ref().map(|owned| owned.oid.to_u32()),
            owner: owned.map(|owned| owned.owner),
        })
    }
}

/// The change; locked against a second undo where it is to be undone. The caller must own everything it touched.
pub fn load(change: i64, to_undo: bool) -> Result<Change> {
    let loaded: Option<Change> = user::as_extension_owner(|| {
        if to_undo {
            let lock = "SELECT FROM tenant_guard.change WHERE id = $1 FOR UPDATE";
            query::run(lock, &[change.into()])?;
        }
        query::model(include_str!("change.sql"), &[change.into()])
    })?;
    let loaded = loaded.ok_or(Error::NoSuchChange { change })?;
    let mine = query::value::<bool>(include_str!("may_undo.sql"), &[change.into()])?;
    if mine == Some(true) {
        return Ok(loaded);
    }
    Err(Error::NotPermitted {
        what: format!("undoing change {change}"),
        detail: "It touched objects that you do not own.".into(),
        hint: "Have their owner undo it, or a member of the owning role.".into(),
    })
}

/// Marks `change` as taken back by `by`.
pub fn mark_undone(change: i64, by: i64) -> Result<()> {
    user::as_extension_owner(|| {
        query::run(
            "UPDATE tenant_guard.change SET undone_by = $2 WHERE id = $1",
            &[change.into(), by.into()],
        )
    })
}

/// The end of the chain of undos that begins with `change`: the last one, which is in force, and
/// how many there are. An even number made the change again.
pub fn last_undo(change: i64) -> Result<(i64, i64)> {
    #[derive(Deserialize)]
    struct Last {
        id: i64,
        depth: i64,
    }
    let last: Option<Last> =
        user::as_extension_owner(|| query::model(include_str!("last_undo.sql"), &[change.into()]))?;
    Ok(last.map_or((change, 0), |last| (last.id, last.depth)))
}
