//! The context as one row, for policies.

use super::active::{self, Active};
use crate::id::Id;
use crate::pg::record::{self, Columns, Record, Row, Value};
use crate::pg::transaction::Moment;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pg_sys::{self, FunctionCallInfo};
use pgrx::prelude::*;

const COLUMNS: Columns = &[
    (c"org_id", pg_sys::UUIDOID),
    (c"org_id_text", pg_sys::TEXTOID),
    (c"org_id_bigint", pg_sys::INT8OID),
    (c"project_id", pg_sys::UUIDOID),
    (c"project_id_text", pg_sys::TEXTOID),
    (c"project_id_bigint", pg_sys::INT8OID),
];

/// The active organization and project in each type, as org_id, org_id_text, project_id and so on return
/// them; NULL without an identity. For the conditions of policies: it is asked once for each query that it
/// stands in, as `(SELECT org_id())` would be, and costs a query less; and as a row it is no value that the
/// planner could look at, so that a kept plan is made for no organization in particular. Outside of a query, as in
/// an expression of PL/pgSQL, it is asked each time. Raises only what a registered `active` condition raises.
///
/// Example: `CREATE POLICY own ON notes USING (organization_id = (tenant_guard.context()).org_id);`
#[pg_extern(
    stable,
    parallel_safe,
    sql = r#"
CREATE FUNCTION tenant_guard."context"(
  OUT org_id uuid, OUT org_id_text text, OUT org_id_bigint bigint,
  OUT project_id uuid, OUT project_id_text text, OUT project_id_bigint bigint
) RETURNS record
STABLE PARALLEL SAFE
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn context(fcinfo: FunctionCallInfo) -> Result<Record, ErrorReport> {
    Ok(record::once(fcinfo, |found| {
        if let Some(active) = active::active(Moment::Now)? {
            found(active.row.get_or_init(|| row(&active)));
        }
        Ok(())
    })?)
}

fn row(active: &Active) -> Row {
    let mut values = Vec::with_capacity(COLUMNS.len());
    for id in [active.organization.as_ref(), active.project.as_ref()] {
        let [uuid, text, bigint] = spellings(id);
        values.extend([uuid, text, bigint]);
    }
    Row::of(COLUMNS, values)
}

fn spellings(id: Option<&Id>) -> [Value<'_>; 3] {
    let Some(id) = id else { return [Value::Null, Value::Null, Value::Null] };
    [
        id.uuid.map_or(Value::Null, Value::Uuid),
        Value::Text(&id.text),
        id.bigint.map_or(Value::Null, Value::Bigint),
    ]
}
