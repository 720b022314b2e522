//! The records of moves. Whoever calls has EXECUTE on what is administrative.

use super::layout::Layout;
use crate::error::{Error, Result};
use crate::pg::{query, user};
use pgrx::datum::DatumWithOid;
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
pub struct Job {
    pub slug: String,
    pub destination: String,
    pub trust_owners: bool,
    pub state: String,
    pub closed: bool,
    pub switched: bool,
    pub fingerprint: Option<String>,
    pub privileges: Option<String>,
    pub error: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Step {
    pub step: i32,
    pub kind: String,
    pub table: Option<String>,
    pub sql: Option<String>,
}

pub fn look(slug: &str) -> Result<Option<Job>> {
    user::as_extension_owner(|| {
        query::model(
            "SELECT pg_catalog.to_json(m)::pg_catalog.text FROM tenant_guard.tenant_move m WHERE m.slug = $1",
            &[slug.into()],
        )
    })
}

pub fn find(slug: &str) -> Result<Job> {
    look(slug)?.ok_or_else(|| Error::NoSuchMove { slug: slug.into() })
}

/// The first step that is not done.
pub fn next(slug: &str) -> Result<Option<Step>> {
    user::as_extension_owner(|| {
        query::model(
            "SELECT pg_catalog.to_json(s)::pg_catalog.text FROM tenant_guard.tenant_move_step s
             WHERE s.slug = $1 AND NOT s.done ORDER BY s.step LIMIT 1",
            &[slug.into()],
        )
    })
}

pub fn is_under_way(slug: &str) -> Result<bool> {
    let done = user::as_extension_owner(|| {
        query::value::<bool>(
            "SELECT true FROM tenant_guard.tenant_move_step s WHERE s.slug = $1 AND s.done LIMIT 1",
            &[slug.into()],
        )
    })?;
    Ok(done.is_some())
}

pub fn begin(slug: &str, destination: &str, trust_owners: bool) -> Result<()> {
    let caller = user::current();
    write("DELETE FROM tenant_guard.tenant_move WHERE slug = $1", &[slug.into()])?;
    write(
        "INSERT INTO tenant_guard.tenant_move (slug, destination, trust_owners, created_by) VALUES ($1, $2, $3, $4)",
        &[slug.into(), destination.into(), trust_owners.into(), caller.as_str().into()],
    )
}

pub fn lay_out(slug: &str, layout: &Layout) -> Result<()> {
    write("DELETE FROM tenant_guard.tenant_move_step WHERE slug = $1", &[slug.into()])?;
    write(
        "UPDATE tenant_guard.tenant_move SET fingerprint = $2, privileges = $3 WHERE slug = $1",
        &[slug.into(), layout.fingerprint.as_str().into(), layout.privileges.as_str().into()],
    )?;
    for (number, step) in layout.steps.iter().enumerate() {
        write(
            "INSERT INTO tenant_guard.tenant_move_step (slug, step, kind, \"table\", sql) VALUES ($1, $2, $3, $4, $5)",
            &[
                slug.into(),
                (number as i32 + 1).into(),
                step.kind.into(),
                step.table.as_deref().into(),
                step.sql.as_deref().into(),
            ],
        )?;
    }
    Ok(())
}

pub fn done(slug: &str, step: &Step, rows: Option<i64>) -> Result<()> {
    write(
        "UPDATE tenant_guard.tenant_move_step SET done = true, rows = $3, finished_at = pg_catalog.clock_timestamp()
         WHERE slug = $1 AND step = $2",
        &[slug.into(), step.step.into(), rows.into()],
    )
}

/// Steps from the first of that kind on are to be done again.
pub fn again_from(slug: &str, kind: &str) -> Result<()> {
    write(
        "UPDATE tenant_guard.tenant_move_step s SET done = false, rows = NULL, finished_at = NULL
         WHERE s.slug = $1 AND s.step >= (SELECT min(f.step) FROM tenant_guard.tenant_move_step f WHERE f.slug = $1 AND f.kind = $2)",
        &[slug.into(), kind.into()],
    )
}

pub fn set_state(slug: &str, state: &str, error: Option<&str>) -> Result<()> {
    write(
        "UPDATE tenant_guard.tenant_move SET state = $2, error = $3,
           finished_at = CASE WHEN $2 IN ('moved', 'cancelled') THEN pg_catalog.clock_timestamp() END WHERE slug = $1",
        &[slug.into(), state.into(), error.into()],
    )
}

pub fn set_closed(slug: &str, closed: bool) -> Result<()> {
    write(
        "UPDATE tenant_guard.tenant_move SET closed = $2 WHERE slug = $1",
        &[slug.into(), closed.into()],
    )
}

pub fn set_switched(slug: &str) -> Result<()> {
    write("UPDATE tenant_guard.tenant_move SET switched = true WHERE slug = $1", &[slug.into()])
}

fn write(sql: &str, args: &[DatumWithOid]) -> Result<()> {
    user::as_extension_owner(|| query::run(sql, args))
}
