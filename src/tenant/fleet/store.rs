//! The records of runs. Written as the extension; whose run it is has been checked before.

use super::options::{Filter, Options};
use crate::error::{Error, Result};
use crate::pg::attempt::Told;
use crate::pg::{query, user};
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
pub struct Run {
    pub id: i64,
    pub sql: String,
    pub run_as: String,
    pub tenants: i32,
    pub on_error: String,
    pub canary: i32,
    pub lock_timeout: Option<String>,
    pub retries: i32,
    pub shared: Vec<String>,
    pub trust_owners: bool,
    pub state: String,
}

/// The tenant that is next.
#[derive(Debug, Clone, Deserialize)]
pub struct Tenant {
    pub id: i64,
    pub position: i32,
    pub slug: String,
    pub attempts: i32,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Standing {
    pub done: i64,
    pub failed: i64,
    pub waiting: i64,
    pub running: i64,
    pub canary_failed: bool,
    pub due: Option<f64>,
    pub failure: Option<Failure>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Failure {
    pub slug: String,
    pub sqlstate: String,
    pub error: String,
    pub detail: Option<String>,
}

/// The caller's own run.
pub fn find(id: i64) -> Result<Run> {
    let run: Option<Run> = user::as_extension_owner(|| {
        query::model(
            "SELECT pg_catalog.to_json(r)::pg_catalog.text FROM tenant_guard.tenant_run r WHERE r.id = $1",
            &[id.into()],
        )
    })?;
    let run = run.ok_or(Error::NoSuchRun { run: id })?;
    if run.run_as != user::current() {
        return Err(Error::NotPermitted {
            what: format!("going on with run {id}"),
            detail: format!(
                "It was started by role \"{}\", which chose what is run; you are \"{}\", and it would run with your rights.",
                run.run_as,
                user::current()
            ),
            hint: format!("Call it as that role: SET ROLE {}.", crate::pg::ident::quote(&run.run_as)),
        });
    }
    Ok(run)
}

/// The tenants that the caller sees, with the caller's rights.
pub fn tenants(filter: &Filter) -> Result<Vec<String>> {
    let found = query::rows(
        include_str!("find.sql"),
        &[
            filter.like.as_deref().into(),
            filter.regex.as_deref().into(),
            filter.template.as_deref().into(),
            filter.slugs.clone().into(),
        ],
        |row| Ok(row.get::<String>(1)?),
    )?;
    Ok(found.into_iter().flatten().collect())
}

pub fn unfinished(sql: &str, run_as: &str, slugs: &[String]) -> Result<Option<i64>> {
    user::as_extension_owner(|| {
        query::value(
            include_str!("unfinished.sql"),
            &[sql.into(), run_as.into(), slugs.to_vec().into()],
        )
    })
}

pub fn insert(sql: &str, run_as: &str, slugs: &[String], options: &Options) -> Result<i64> {
    user::as_extension_owner(|| {
        let id: Option<i64> = query::returning(
            "INSERT INTO tenant_guard.tenant_run (sql, run_as, tenants, on_error, canary, lock_timeout, retries, shared, trust_owners)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
            &[
                sql.into(),
                run_as.into(),
                (slugs.len() as i32).into(),
                options.on_error.word().into(),
                options.canary.into(),
                options.lock_timeout.as_deref().into(),
                options.retries.into(),
                options.shared.clone().into(),
                options.trust_owners.into(),
            ],
        )?;
        let id = id.ok_or_else(|| Error::Internal { what: "a run got no number".into() })?;
        query::run(
            "INSERT INTO tenant_guard.tenant_run_result (run_id, position, slug)
             SELECT $1, s.position, s.slug FROM pg_catalog.unnest($2) WITH ORDINALITY AS s (slug, position)",
            &[id.into(), slugs.to_vec().into()],
        )?;
        Ok(id)
    })
}

pub fn claim(run: &Run) -> Result<Option<Tenant>> {
    user::as_extension_owner(|| {
        let found: Option<String> =
            query::returning(include_str!("claim.sql"), &[run.id.into(), run.canary.into()])?;
        Ok(found.as_deref().map(serde_json::from_str).transpose()?)
    })
}

pub fn standing(run: &Run) -> Result<Standing> {
    user::as_extension_owner(|| {
        query::model(include_str!("standing.sql"), &[run.id.into(), run.canary.into()])
    })?
    .ok_or(Error::NoSuchRun { run: run.id })
}

/// Writes what became of one attempt: what was told of a failure, and `again`, the seconds until the next, where there is one.
pub fn finish(
    tenant: &Tenant,
    seconds: f64,
    told: Option<&Told>,
    again: Option<f64>,
) -> Result<()> {
    let state = match (told, again) {
        (None, _) => "done",
        (Some(_), Some(_)) => "waiting",
        (Some(_), None) => "failed",
    };
    user::as_extension_owner(|| {
        query::run(
            "UPDATE tenant_guard.tenant_run_result
             SET state = $2, attempts = attempts + 1, duration = pg_catalog.make_interval(secs => $3),
                 finished_at = CASE WHEN $2 <> 'waiting' THEN pg_catalog.clock_timestamp() END,
                 not_before = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $4),
                 sqlstate = $5, error = $6, detail = $7, hint = $8
             WHERE id = $1",
            &[
                tenant.id.into(),
                state.into(),
                seconds.into(),
                again.into(),
                told.map(|t| t.code.as_str()).into(),
                told.map(|t| t.message.as_str()).into(),
                told.and_then(|t| t.detail.as_deref()).into(),
                told.and_then(|t| t.hint.as_deref()).into(),
            ],
        )
    })
}

/// From one of the states given; the time is kept when it is over.
pub fn set_state(id: i64, from: &[&str], to: &str) -> Result<()> {
    let from: Vec<String> = from.iter().map(|s| (*s).to_string()).collect();
    user::as_extension_owner(|| {
        query::run(
            "UPDATE tenant_guard.tenant_run
             SET state = $2, finished_at = CASE WHEN $2 IN ('finished', 'cancelled') THEN pg_catalog.clock_timestamp() END
             WHERE id = $1 AND state = ANY ($3)",
            &[id.into(), to.into(), from.into()],
        )
    })
}

/// Those that failed are run again, with as many attempts as at first; those put off, at once.
pub fn reset(id: i64, failed: bool) -> Result<()> {
    user::as_extension_owner(|| {
        query::run(
            "UPDATE tenant_guard.tenant_run_result SET state = 'waiting', attempts = 0, not_before = NULL, finished_at = NULL
             WHERE run_id = $1 AND ((state = 'failed' AND $2) OR (state = 'waiting' AND not_before IS NOT NULL))",
            &[id.into(), failed.into()],
        )
    })
}
