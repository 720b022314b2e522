//! The journal: what was applied, by whom, and how to take it back. Written only from here, as the
//! extension's owner; read by the roles that own the touched objects.

use super::{Object, Plan, Step};
use crate::error::{Error, Result};
use crate::pg::{query, relation, user};
use pgrx::datum::DatumWithOid;
use serde::Deserialize;

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
    user::as_extension_owner(|| {
        let change = query::returning::<i64>(
            "INSERT INTO tenant_guard.change (operation, target, applied_by, session_role, undoes, steps)
             VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
            &[
                plan.operation.as_str().into(),
                plan.target.as_str().into(),
                applied_by.into(),
                session_role.into(),
                undoes.into(),
                (plan.steps.len() as i32).into(),
            ],
        )?
        .ok_or_else(|| Error::Internal { what: "the journal gave no id".into() })?;
        for (step, number) in plan.steps.iter().zip(1_i32..) {
            record_step(change, number, step, applied_by)?;
        }
        Ok(change)
    })
}

/// Which object a step touched, where there is one left that somebody owns.
#[derive(Default, Deserialize)]
struct Identity {
    oid: Option<u32>,
    owner: Option<String>,
}

fn record_step(change: i64, number: i32, step: &Step, applied_by: &str) -> Result<()> {
    let object = &step.object;
    let kind = object.kind_name();
    let place: [DatumWithOid; 4] = [
        kind.as_str().into(),
        object.schema.as_str().into(),
        object.table.as_str().into(),
        object.name.as_str().into(),
    ];
    let identity: Identity = {
        let _read = query::catalog_read(query::PINNED);
        query::model_here(include_str!("identity.sql"), &place)?.unwrap_or_default()
    };
    let args: [DatumWithOid; 15] = [
        change.into(),
        number.into(),
        step.action.as_str().into(),
        step.why.as_str().into(),
        kind.as_str().into(),
        object.schema.as_str().into(),
        object.table.as_str().into(),
        object.name.as_str().into(),
        step.sql.as_str().into(),
        step.undo.as_deref().into(),
        object.state()?.into(),
        applied_by.into(),
        identity.oid.map(pgrx::pg_sys::Oid::from).into(),
        identity.owner.into(),
        relation::origin().into(),
    ];
    query::run(
        "INSERT INTO tenant_guard.change_step (change_id, step, action, why, object_kind, object_schema,
           object_table, object_name, sql, undo, state_after, applied_by, object_oid, object_owner, origin)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        &args,
    )
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
