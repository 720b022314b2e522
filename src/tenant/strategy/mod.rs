//! `recommend_strategy`: rows, schemas or databases for tenants, by what is measured here and what is needed.

mod advice;

use crate::error::{Error, Result};
use crate::pg::types::{JsonText, Name};
use crate::pg::{query, relation};
use advice::{Facts, Needs};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Says which way of keeping tenants apart fits: rows of shared tables, a schema each, or a database each; best
/// first, with a score of 0 to 100, a verdict (recommended, possible, unsuited), the reasons and the limits.
/// Measured in this database: tables and relations of a tenant (those of a template schema, of the tenant schemas
/// you see, or else of all schemas), the catalog's size, the largest tenant, max_connections. tenants: how many
/// there will be; NULL for as many tenant schemas as there are. compliance: what has to be, as a JSON object of
/// booleans: physical_isolation, residency, own_backup, customized. Changes nothing.
/// Raises 22023 (compliance, tenants), 3F000.
///
/// Example: `SELECT strategy, score, verdict, reasons FROM tenant_guard.recommend_strategy(tenants => 2000, compliance => '{"own_backup": true}');`
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity)]
fn recommend_strategy(
    tenants: default!(Option<i64>, "NULL"),
    template: default!(Option<Name>, "NULL"),
    compliance: default!(Option<JsonText>, "'{}'"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(strategy, String),
            name!(score, i32),
            name!(verdict, String),
            name!(reasons, Vec<String>),
            name!(limits, Vec<String>),
        ),
    >,
    ErrorReport,
> {
    let needs = Needs::parse(compliance.as_ref().map_or("{}", |c| c.0.as_str()))?;
    if tenants.is_some_and(|tenants| tenants < 1) {
        let value = tenants.unwrap_or_default().to_string();
        return Err(Error::OutOfRange { argument: "tenants", value, range: "1 or more" }.into());
    }
    let facts = facts(template.as_ref().map(|t| t.0.as_str()))?;
    let tenants = tenants.unwrap_or(facts.tenants.max(1));
    let rows = advice::advise(&facts, needs, tenants).into_iter().enumerate().map(|(i, a)| {
        let verdict = match (a.excluded, i) {
            (true, _) => "unsuited",
            (false, 0) => "recommended",
            (false, _) => "possible",
        };
        (a.strategy.to_string(), a.score, verdict.to_string(), a.reasons, a.limits)
    });
    Ok(TableIterator::new(rows.collect::<Vec<_>>()))
}

fn facts(template: Option<&str>) -> Result<Facts> {
    if let Some(schema) = template.filter(|schema| !relation::schema_exists(schema)) {
        return Err(Error::NoSuchSchema { schema: schema.into() });
    }
    query::model(include_str!("facts.sql"), &[template.into()])?
        .ok_or_else(|| Error::Internal { what: "nothing could be measured".into() })
}
