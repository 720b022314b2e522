//! How tables are protected, as registered: the steps of a plan that write it, and what reads it.

use super::options::Options;
use crate::catalog::Table;
use crate::error::{Error, Result};
use crate::pg::ident::literal;
use crate::pg::types::RegClass;
use crate::pg::{query, relation, user};
use crate::plan::{Kind, Object, Plan, Step};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::JsonB;
use std::collections::HashMap;

/// The step that registers the options, where they are not registered yet.
pub fn step(
    plan: &mut Plan,
    table: &Table,
    options: &Options,
    current: Option<&Options>,
) -> Result<()> {
    if current == Some(options) {
        return Ok(());
    }
    plan.push(Step::new(
        Object::table(Kind::Protection, &table.schema, &table.name),
        "register the protection",
        "drift is told from it, and new partitions are protected by it",
        call(table, Some(options))?,
        call(table, current)?,
    ));
    Ok(())
}

pub fn removal(plan: &mut Plan, table: &Table, current: Option<&Options>) -> Result<()> {
    if current.is_none() {
        return Ok(());
    }
    plan.push(Step::new(
        Object::table(Kind::Protection, &table.schema, &table.name),
        "remove the registered protection",
        "the table is no longer to be protected",
        call(table, None)?,
        call(table, current)?,
    ));
    Ok(())
}

fn call(table: &Table, options: Option<&Options>) -> Result<String> {
    let options = match options {
        Some(options) => literal(&serde_json::to_string(options)?),
        None => "NULL".into(),
    };
    let name = literal(&table.qualified());
    Ok(format!("SELECT tenant_guard.register_protection({name}, {options})"))
}

/// Writes how a table is protected, as a plan of protect_table decided; NULL removes it. The caller
/// must own the table. Protects nothing by itself. Raises 42501, 42P01, 42809, 22023.
///
/// Example: `SELECT tenant_guard.register_protection('crm.contacts', '{"tenant_column": "organization_id"}');`
#[pg_extern(volatile, parallel_unsafe)]
fn register_protection(table: Option<RegClass>, options: Option<JsonB>) -> Result<(), ErrorReport> {
    let null = Error::NullArgument { function: "register_protection", argument: "table" };
    let table = crate::catalog::table(table.ok_or(null)?).map_err(ErrorReport::from)?;
    let options = options.map(|json| {
        serde_json::from_value::<Options>(json.0).map_err(|error| Error::WrongOption {
            option: "options",
            why: error.to_string(),
            hint: "Call protect_table, which writes them.".into(),
        })
    });
    Ok(write(&table, options.transpose()?.as_ref())?)
}

fn write(table: &Table, options: Option<&Options>) -> Result<()> {
    let by = user::current();
    let json = options.map(serde_json::to_string).transpose()?;
    user::as_extension_owner(|| {
        query::run(
            include_str!("unregister.sql"),
            &[table.schema.as_str().into(), table.name.as_str().into(), oid(table).into()],
        )?;
        let Some(json) = json else { return Ok(()) };
        query::run(
            "INSERT INTO tenant_guard.protection (table_schema, table_name, table_oid, table_owner, origin, options, protected_by)
             VALUES ($1, $2, $3, $4, $5, $6::pg_catalog.jsonb, $7)",
            &[
                table.schema.as_str().into(),
                table.name.as_str().into(),
                oid(table).into(),
                table.owner.as_str().into(),
                relation::origin().into(),
                json.into(),
                by.into(),
            ],
        )
    })
}

fn oid(table: &Table) -> pgrx::pg_sys::Oid {
    pgrx::pg_sys::Oid::from(table.oid)
}

/// How the table itself is registered.
pub fn registered(table: u32) -> Result<Option<Options>> {
    Ok(nearest(table)?.filter(|r| r.table == table).map(|r| r.options))
}

/// A registration that reaches a table: its own, or that of a table above it.
#[derive(serde::Deserialize)]
pub struct Registered {
    pub table: u32,
    pub options: Options,
}

/// The registration of the table, or else of the nearest one above it.
pub fn nearest(table: u32) -> Result<Option<Registered>> {
    at_least(table, 0)
}

/// The registration of the nearest table above it.
pub fn above(table: u32) -> Result<Option<Registered>> {
    at_least(table, 1)
}

fn at_least(table: u32, distance: i32) -> Result<Option<Registered>> {
    user::as_extension_owner(|| {
        let _read = query::catalog_read(query::PINNED);
        let table = pgrx::pg_sys::Oid::from(table);
        query::model_here(include_str!("nearest.sql"), &[table.into(), distance.into()])
    })
}

/// Every registration of a schema's tables.
pub fn of_schema(schema: &str) -> Result<Vec<Registered>> {
    user::as_extension_owner(|| {
        let _read = query::catalog_read(query::PINNED);
        Ok(query::model_here(include_str!("registered.sql"), &[schema.into()])?.unwrap_or_default())
    })
}

/// Every registration of a table of the caller's, by table.
pub fn of_the_caller() -> Result<HashMap<u32, Options>> {
    let _read = query::catalog_read(query::PINNED);
    let all: Option<Vec<Registered>> = query::model_here(include_str!("of_the_caller.sql"), &[])?;
    Ok(all.unwrap_or_default().into_iter().map(|r| (r.table, r.options)).collect())
}
