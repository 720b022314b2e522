//! Filling a summary: all that the query yields for an organization in place of what it had.

use super::planner::{Definition, REFRESHED_AT};
use super::registry::Owned;
use crate::error::{Error, Result};
use crate::pg::ident::quote;
use crate::pg::statement::ResultColumn;
use crate::pg::{query, relation, statement, user};
use pgrx::datum::DatumWithOid;

/// Returns the number of rows written.
pub fn refresh(oid: u32, organization: Option<&str>) -> Result<i64> {
    Owned::table(oid)?.definition()?;
    // Two refreshes of one summary: the second waits. Readers of it do not.
    relation::lock_name("tenant_summary", &oid.to_string());
    let table = Owned::table(oid)?;
    let mut definition = table.definition()?;

    let settings = query::plainly();
    // Where a policy would hide rows of a source, the query is refused and the summary not too short.
    settings.set(c"row_security", "off");
    // The owner's rights and no more, for the query is the owner's, whoever calls. FORCE on the owner's
    // own tables is lifted: a summary is of all organizations.
    user::as_table_owner(table.is.owner, || {
        let columns = statement::columns(&definition.query)?;
        let kind = definition.check(&columns)?;
        let of = |column: &&ResultColumn| column.name == definition.tenant_column;
        let bound: Vec<DatumWithOid> = match organization {
            None => vec![],
            Some(id) => vec![kind.bind(id).ok_or_else(|| Error::NotAnId {
                id: id.to_string(),
                column: definition.tenant_column.clone(),
                r#type: columns.iter().find(of).map(|c| c.r#type.clone()).unwrap_or_default(),
            })?],
        };
        // Not TRUNCATE, which would make readers wait, and show later snapshots nothing.
        query::run_here(&deleting(&table, &definition, organization.is_some()), &bound)?;
        let inserting = inserting(&table, &definition, &columns, organization.is_some());
        Ok(query::returning::<i64>(&inserting, &bound)?.unwrap_or(0))
    })
}

fn deleting(table: &Owned, definition: &Definition, one: bool) -> String {
    format!("DELETE FROM {} AS s{}", table.qualified(), only("s", definition, one))
}

/// The condition stands outside of the query, and reaches into it as into a view: down to the index of a
/// source, where the query groups by the tenant column or merely yields it.
fn inserting(
    table: &Owned,
    definition: &Definition,
    columns: &[ResultColumn],
    one: bool,
) -> String {
    let names: Vec<String> = columns.iter().map(|c| quote(&c.name)).collect();
    let values: Vec<String> = names.iter().map(|name| format!("q.{name}")).collect();
    // The line break ends a comment that the query may end with.
    format!(
        "WITH written AS (
           INSERT INTO {} ({}, {REFRESHED_AT})
           SELECT {}, (SELECT pg_catalog.clock_timestamp()) FROM ({}\n) AS q{}
           RETURNING 1
         ) SELECT count(*) FROM written",
        table.qualified(),
        names.join(", "),
        values.join(", "),
        definition.query,
        only("q", definition, one)
    )
}

fn only(alias: &str, definition: &Definition, one: bool) -> String {
    if one {
        format!(" WHERE {alias}.{} = $1", quote(&definition.tenant_column))
    } else {
        String::new()
    }
}
