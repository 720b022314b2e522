//! What enforce watches for: an event trigger looks at what a command made; what is not in order is
//! protected at once, or looked at again when the transaction commits.

use super::enforce::{self, Enforcement};
use super::findings;
use super::options::{Call, Existing, IndexMode, Options};
use super::registry;
use super::subject::{standing, Standing, Subject};
use super::timeline;
use crate::catalog::{self, View};
use crate::error::{Error, Result};
use crate::pg::trigger::Firing;
use crate::pg::types::RegClass;
use crate::pg::{command, event, ident, kept, log, query, relation, user};
use crate::{plan, settings};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde::Deserialize;

/// Looks at what a command made in the schemas that enforce watches, and at what hangs under a protected
/// table; and records what opens a protected or audited table as security events. Event trigger. Raises what protecting it raises.
///
/// Example: `SELECT evtname FROM pg_event_trigger WHERE evtfoid = 'tenant_guard.watch'::regproc;`
#[pg_extern(sql = r#"
CREATE FUNCTION tenant_guard."watch"() RETURNS event_trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
pub fn watch(fcinfo: pg_sys::FunctionCallInfo) {
    let Some(event) = event::kind(fcinfo) else { return };
    // Before what is registered of a dropped table is forgotten.
    if event != "ddl_command_start" && !event::in_extension_script() {
        if let Err(error) = timeline::record(fcinfo, &event, event::restoring()) {
            ErrorReport::from(error).report(PgLogLevel::ERROR);
        }
        if matches!(command::tag(fcinfo).as_str(), "GRANT" | "DROP TRIGGER") {
            return;
        }
    }
    // Of all plans only those that rename a schema, or give it away, alter what is registered of others.
    let ours = event::in_extension_script()
        || (event != "sql_drop" && plan::applying() && command::tag(fcinfo) != "ALTER SCHEMA");
    if !ours {
        if let Err(error) = follow(&event, &command::tag(fcinfo)) {
            ErrorReport::from(error).report(PgLogLevel::ERROR);
        }
    }
    // What a plan of ours does is in order, or says so itself.
    if event == "ddl_command_start"
        || !settings::enforcement()
        || plan::applying()
        || event::in_extension_script()
    {
        return;
    }
    let look = if event::restoring() { restored } else { look };
    let looked = touched(&event).and_then(|found| found.iter().try_for_each(look));
    if let Err(error) = looked {
        ErrorReport::from(error).report(PgLogLevel::ERROR);
    }
}

/// A table that is new among what a restore makes is told of, in case nothing follows.
fn restored(touched: &Touched) -> Result<()> {
    if touched.tag != "CREATE TABLE" {
        return Ok(());
    }
    let open = touched.open.as_ref().is_some_and(|open| !open.is_empty());
    let options = touched.options.as_ref();
    let problem = match options {
        Some(options) => problem(touched.oid, &touched.kind, options)?,
        None => None,
    };
    if let Some(problem) = problem.or(open.then_some(Problem::Table)) {
        warn(&touched.qualified(), &touched.schema, problem);
    }
    Ok(())
}

/// What is registered goes by OID here, and by name in a restored copy: so the names are kept as they are, and
/// what is dropped is registered no longer. Where nothing is registered there is nothing to plan.
fn follow(event: &str, tag: &str) -> Result<()> {
    let of_schemas = matches!(tag, "CREATE SCHEMA" | "ALTER SCHEMA");
    let statements: &[(&str, bool, &str)] = match event {
        "sql_drop" => &[("protection", true, include_str!("forget.sql"))],
        "ddl_command_start" => &[
            ("protection", true, include_str!("adopt.sql")),
            ("enforcement", true, include_str!("adopt_schema.sql")),
            ("tenant_schema", true, include_str!("adopt_tenant.sql")),
            ("template_version", true, include_str!("adopt_template.sql")),
        ],
        _ => &[
            ("protection", tag.starts_with("ALTER "), include_str!("follow.sql")),
            ("enforcement", of_schemas, include_str!("follow_schema.sql")),
            ("template_version", of_schemas, include_str!("follow_template.sql")),
            ("tenant_schema", of_schemas, include_str!("follow_tenant.sql")),
        ],
    };
    let mut due =
        statements.iter().filter(|(of, due, _)| *due && !relation::own_is_empty(of)).peekable();
    if due.peek().is_none() {
        return Ok(());
    }
    user::as_extension_owner(|| due.try_for_each(|(_, _, sql)| kept::run(sql, &[])))
}

#[derive(Debug, Deserialize)]
struct Touched {
    oid: u32,
    schema: String,
    name: String,
    /// pg_class.relkind.
    kind: String,
    /// The command's.
    tag: String,
    mode: Option<String>,
    options: Option<Options>,
    /// What hangs under a protected table and is not protected itself.
    open: Option<Vec<u32>>,
}

impl Touched {
    fn enforcement(&self) -> Option<Enforcement> {
        Some(Enforcement { mode: self.mode.clone()?, options: self.options.clone()? })
    }

    fn qualified(&self) -> String {
        ident::qualified(&self.schema, &self.name)
    }
}

fn touched(event: &str) -> Result<Vec<Touched>> {
    let sql = match event {
        "sql_drop" => include_str!("dropped.sql"),
        _ => include_str!("watched.sql"),
    };
    if ["enforcement", "protection"].into_iter().all(relation::own_is_empty) {
        return Ok(Vec::new());
    }
    user::as_extension_owner(|| {
        let _read = query::catalog_read(query::PINNED);
        Ok(kept::model_here(sql, &[])?.unwrap_or_default())
    })
}

const AT_ONCE: Call = Call { existing: Existing::Keep, index: IndexMode::Build };

fn look(touched: &Touched) -> Result<()> {
    for oid in touched.open.iter().flatten() {
        protect_below(RegClass(*oid))?;
    }
    let Some(enforcement) = touched.enforcement() else { return Ok(()) };
    let protect = enforcement.mode == "protect";
    let Some(problem) = problem(touched.oid, &touched.kind, &enforcement.options)? else {
        return Ok(());
    };
    match (protect, problem) {
        (true, Problem::Table) => protect_now(touched, enforcement.options),
        (true, Problem::Weakened) => mend(touched),
        (true, Problem::View) => invoke(touched),
        (true, problem @ (Problem::MaterializedView | Problem::ForeignTable)) => {
            warn(&touched.qualified(), &touched.schema, problem);
            Ok(())
        }
        (false, _) => later(touched.oid),
    }
}

/// A partition, or what inherits, gets what the table above it has.
fn protect_below(table: RegClass) -> Result<()> {
    let Some(above) = registry::above(table.0)? else { return Ok(()) };
    let call = Call { existing: Existing::Refuse, index: IndexMode::Build };
    let root = catalog::any_table(above.table)?;
    let planned = |dry_run| {
        let subject = Subject { above: root.clone(), ..Subject::read(table, dry_run)? };
        let mut plan = subject.protect(above.options.clone(), call)?;
        registry::removal(&mut plan, &subject.family[0], subject.registered.as_ref())?;
        Ok::<_, Error>((subject.family[0].qualified(), plan))
    };
    // Locked only where there is something to do.
    if planned(true)?.1.steps.is_empty() {
        return Ok(());
    }
    let (name, plan) = planned(false)?;
    plan::run(plan, false)?;
    log::notice(&format!("{name} is protected as the table above it is"));
    Ok(())
}

/// A protected table gets back what somebody changed.
fn mend(touched: &Touched) -> Result<()> {
    match standing(touched.oid)? {
        Standing::Weakened(options) if registry::registered(touched.oid)?.is_some() => {
            protect_now(touched, *options)
        }
        _ => protect_below(RegClass(touched.oid)),
    }
}

fn protect_now(touched: &Touched, options: Options) -> Result<()> {
    let subject = Subject::read(RegClass(touched.oid), false)?;
    plan::run(subject.protect(options, AT_ONCE)?, false)?;
    log::notice(&format!(
        "{} is protected, as schema {} asks for",
        touched.qualified(),
        ident::quote(&touched.schema)
    ));
    Ok(())
}

fn invoke(touched: &Touched) -> Result<()> {
    let view = View {
        schema: touched.schema.clone(),
        name: touched.name.clone(),
        kind: touched.kind.clone(),
        owned: true,
        security_invoker: false,
    };
    plan::run(findings::invoker(&view), false)?;
    log::notice(&format!(
        "view {} has security_invoker now, as schema {} asks for",
        touched.qualified(),
        ident::quote(&touched.schema)
    ));
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Problem {
    Table,
    /// Protected, and altered since.
    Weakened,
    View,
    MaterializedView,
    ForeignTable,
}

impl Problem {
    fn why(self) -> &'static str {
        match self {
            Problem::Table => {
                "it has the tenant column, and is not protected with it."
            }
            Problem::Weakened => {
                "somebody altered its policies, triggers or row-level security: tenant_guard.protected_tables tells what."
            }
            Problem::View => "it reads tenants' tables as its owner, without security_invoker.",
            Problem::MaterializedView => {
                "it holds rows of tenants' tables, and knows no row-level security."
            }
            Problem::ForeignTable => {
                "it has the tenant column, and row-level security does not reach foreign servers."
            }
        }
    }

    fn fix(self, name: &str) -> String {
        match self {
            Problem::Table => format!(
                "In the same transaction: SELECT * FROM tenant_guard.protect_table({}).",
                ident::literal(name)
            ),
            Problem::Weakened => {
                "In the same transaction: protect_table with the options that tenant_guard.protected_tables shows.".into()
            }
            Problem::View => {
                format!("In the same transaction: ALTER VIEW {name} SET (security_invoker = true).")
            }
            Problem::MaterializedView => {
                "Make it a table kept per organization: tenant_guard.create_tenant_summary(...)."
                    .into()
            }
            Problem::ForeignTable => "Put it into a schema that the API's roles cannot use.".into(),
        }
    }
}

/// What is not in order about a relation, as it is now.
fn problem(oid: u32, kind: &str, options: &Options) -> Result<Option<Problem>> {
    let column = options.tenant_column.as_str();
    let id = pg_sys::Oid::from(oid);
    Ok(match kind {
        "r" | "p" => match standing(oid)? {
            Standing::Protected => None,
            Standing::Weakened(_) => Some(Problem::Weakened),
            Standing::Unprotected => catalog::any_table(oid)?
                .filter(|t| !t.system && t.column(column).is_some())
                .map(|_| Problem::Table),
        },
        "f" => catalog::any_table(oid)?
            .filter(|t| t.column(column).is_some())
            .map(|_| Problem::ForeignTable),
        _ => query::value::<bool>(include_str!("open_view.sql"), &[id.into(), column.into()])?
            .filter(|open| *open)
            .map(|_| if kind == "m" { Problem::MaterializedView } else { Problem::View }),
    })
}

/// To be looked at when the transaction commits: until then it can be protected.
fn later(oid: u32) -> Result<()> {
    user::as_extension_owner(|| {
        query::run(
            "INSERT INTO tenant_guard.unchecked VALUES ('pg_catalog.pg_class'::pg_catalog.regclass, $1)",
            &[pg_sys::Oid::from(oid).into()],
        )
    })
}

fn warn(name: &str, schema: &str, problem: Problem) {
    log::warning(
        &format!("{name} is not protected"),
        &format!(
            "Here {} Schema {} is under tenant_guard.enforce.",
            problem.why(),
            ident::quote(schema)
        ),
        &problem.fix(name),
    );
}

/// Looks, when its transaction commits, at a table or view that was made or altered in an enforced schema.
/// For the extension's own table. Raises 55000.
#[pg_trigger]
pub fn check_protection<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, PgHeapTupleError> {
    let oid = Firing::of(trigger)
        .and_then(|firing| firing.new_row()?.text("object_oid")?)
        .and_then(|text| text.parse::<u32>().ok());
    let checked = match oid {
        Some(oid) => check(oid),
        None => Err(Error::Internal { what: "there is nothing to check".into() }),
    };
    if let Err(error) = checked {
        ErrorReport::from(error).report(PgLogLevel::ERROR);
    }
    Ok(None)
}

fn check(oid: u32) -> Result<()> {
    let id = pg_sys::Oid::from(oid);
    let known = user::as_extension_owner(|| {
        // Another entry for it may have been checked before this one.
        query::returning::<i64>(
            "WITH gone AS (DELETE FROM tenant_guard.unchecked WHERE object_oid = $1 RETURNING 1)
             SELECT count(*) FROM gone",
            &[id.into()],
        )
    })?;
    let (Some(1..), Some(found)) = (known, catalog::any_table(oid)?) else { return Ok(()) };
    let Some(enforcement) = enforce::in_force(&found.schema)? else { return Ok(()) };
    let Some(problem) = problem(oid, &found.kind, &enforcement.options)? else { return Ok(()) };
    if enforcement.mode == "error" && settings::enforcement() {
        return Err(Error::Unprotected {
            object: found.qualified(),
            why: problem.why().into(),
            schema: ident::quote(&found.schema),
            fix: problem.fix(&found.qualified()),
        });
    }
    warn(&found.qualified(), &found.schema, problem);
    Ok(())
}
