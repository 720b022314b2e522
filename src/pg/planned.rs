//! Reads of the system catalogs, planned once in a session.
//!
//! PostgreSQL drops every plan that is kept, whatever it names, when a schema or an operator is made or altered; and
//! planning what reads the model of a schema takes about as long as reading fifty tables with it. These statements name
//! system catalogs and what is in pg_catalog, by their full names, and nothing else: none of that changes while a
//! session lasts, and so their plans hold, until there is twice as much in the catalogs. A statement that names anything
//! else is kept as PostgreSQL keeps plans.

use super::relation::Relation;
use super::{kept, query};
use crate::error::{Error, Result};
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::{self, Oid};
use pgrx::spi::SpiTupleTable;
use pgrx::{PgList, PgMemoryContexts, Spi};
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::mem::ManuallyDrop;
use std::rc::Rc;

/// Its OID, the same in every version.
const PG_DEPEND: u32 = 2608;

/// A plan, for as long as it is kept or runs.
struct Planned {
    text: CString,
    /// A list of the one statement.
    statements: *mut pg_sys::List,
    /// What holds the statement. Not dropped when the process ends: by then the server's memory is not to be touched.
    context: ManuallyDrop<PgMemoryContexts>,
    relations: Vec<Oid>,
    /// How large the catalog was.
    pages: u32,
}

impl Drop for Planned {
    fn drop(&mut self) {
        // While an error unwinds the server is not to be called.
        if !std::thread::panicking() {
            // SAFETY: it is dropped once, and no portal runs the plan any more.
            unsafe { ManuallyDrop::drop(&mut self.context) }
        }
    }
}

/// None for a statement of something else than system catalogs.
type Plan = Option<Rc<Planned>>;

thread_local! {
    // As many as the extension has of them.
    static PLANS: RefCell<HashMap<String, ManuallyDrop<Plan>>> = RefCell::default();
}

/// Every row through `f`. The statement is planned under the pinned path and run under `path`, which decides what
/// deparsed text qualifies.
pub fn rows<T>(
    path: &str,
    sql: &str,
    args: &[DatumWithOid],
    f: impl FnMut(&mut SpiTupleTable) -> Result<T>,
) -> Result<Vec<T>> {
    let _read = query::catalog_read(query::PINNED);
    let Some(planned) = planned(sql, args)? else {
        return match path {
            query::PINNED => kept::rows(sql, args, f),
            _ => Err(Error::Internal { what: format!("not of system catalogs alone: {sql}") }),
        };
    };
    let _path = (path != query::PINNED).then(|| query::under(path));
    Spi::connect(|client| {
        // SAFETY: the plan is what `planned` kept, and here until the portal is closed.
        let name = unsafe { open(&planned, args) };
        let mut portal = client.find_cursor(&name)?;
        query::collect(portal.fetch(i64::MAX)?, f)
    })
}

/// A query whose one value is JSON text, as a model of the catalog.
pub fn model<T: DeserializeOwned>(
    path: &str,
    sql: &str,
    args: &[DatumWithOid],
) -> Result<Option<T>> {
    let found = rows(path, sql, args, |row| Ok(row.get::<String>(1)?))?;
    match found.into_iter().flatten().next() {
        Some(text) => Ok(Some(serde_json::from_str(&text)?)),
        None => Ok(None),
    }
}

fn planned(sql: &str, args: &[DatumWithOid]) -> Result<Plan> {
    let pages = pages();
    let kept = PLANS.with_borrow(|plans| plans.get(sql).map(|plan| (**plan).clone()));
    match kept {
        // What was right for a catalog may read all of one that has grown since.
        Some(Some(plan)) if pages / 2 > plan.pages || plan.pages / 2 > pages => {}
        Some(plan) => return Ok(plan),
        None => {}
    }
    let internal = |what: &str| Error::Internal { what: format!("{what}: {sql}") };
    let text = CString::new(sql).map_err(|_| internal("a query with a zero in it"))?;
    let types: Vec<Oid> = args.iter().map(DatumWithOid::oid).collect();
    // SAFETY: under the snapshot of a catalog read, within a context that goes when the plan has been copied.
    let plan = unsafe {
        PgMemoryContexts::new("tenant_guard planning")
            .switch_to(|_| plan(text, &types, pages).ok_or_else(|| internal("no query")))?
    };
    let old = PLANS
        .with_borrow_mut(|plans| plans.insert(sql.to_string(), ManuallyDrop::new(plan.clone())));
    drop(old.map(ManuallyDrop::into_inner));
    Ok(plan)
}

/// How large the catalog is of what depends on what, which grows with everything that is made.
fn pages() -> u32 {
    Relation::open(Oid::from(PG_DEPEND), pg_sys::AccessShareLock).map_or(0, |depend| depend.pages())
}

/// # Safety
/// Under a snapshot; what it leaves in the current memory context is of no use.
unsafe fn plan(text: CString, types: &[Oid], pages: u32) -> Option<Plan> {
    let parsed = PgList::<pg_sys::RawStmt>::from_pg(pg_sys::pg_parse_query(text.as_ptr()));
    let queries = PgList::<pg_sys::Query>::from_pg(pg_sys::pg_analyze_and_rewrite_fixedparams(
        parsed.get_ptr(0)?,
        text.as_ptr(),
        types.as_ptr(),
        types.len() as i32,
        std::ptr::null_mut(),
    ));
    let plan = pg_sys::pg_plan_query(queries.get_ptr(0)?, text.as_ptr(), 0, std::ptr::null_mut());
    let relations = relations(plan);
    // invalItems: functions and types that are not PostgreSQL's own.
    let pinned = |oid: &Oid| oid.to_u32() < pg_sys::FirstNormalObjectId;
    if !relations.iter().all(pinned) || !(*plan).invalItems.is_null() || (*plan).dependsOnRole {
        return Some(None);
    }
    let mut context = PgMemoryContexts::TopMemoryContext
        .switch_to(|_| PgMemoryContexts::new("tenant_guard plan"));
    let statements = context.switch_to(|_| {
        let mut list = PgList::<pg_sys::PlannedStmt>::new();
        list.push(pg_sys::copyObjectImpl(plan.cast()).cast());
        list.into_pg()
    });
    let context = ManuallyDrop::new(context);
    Some(Some(Rc::new(Planned { text, statements, context, relations, pages })))
}

/// Every relation that a plan names.
///
/// # Safety
/// `plan` is a plan.
unsafe fn relations(plan: *mut pg_sys::PlannedStmt) -> Vec<Oid> {
    let entries = PgList::<pg_sys::RangeTblEntry>::from_pg((*plan).rtable);
    let mut relations: Vec<Oid> =
        entries.iter_ptr().map(|entry| (*entry).relid).filter(|oid| *oid != Oid::INVALID).collect();
    relations.sort_unstable_by_key(|oid| oid.to_u32());
    relations.dedup();
    relations
}

/// Starts the statement with the active snapshot; the name of its portal, which whoever finds it closes.
///
/// # Safety
/// Within an SPI connection, and the arguments have the types that it was planned for.
unsafe fn open(planned: &Planned, args: &[DatumWithOid]) -> String {
    // As PostgreSQL does before it runs a plan that it kept.
    for oid in &planned.relations {
        pg_sys::LockRelationOid(*oid, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
    }
    let portal = pg_sys::CreateNewPortal();
    (*portal).visible = false;
    let params = PgMemoryContexts::For((*portal).portalContext)
        .switch_to(|_| pg_sys::makeParamList(args.len() as i32));
    for (param, arg) in (*params).params.as_mut_slice(args.len()).iter_mut().zip(args) {
        let datum = arg.datum();
        param.isnull = datum.is_none();
        param.value = datum.map_or(pg_sys::Datum::null(), |datum| datum.sans_lifetime());
        param.pflags = pg_sys::PARAM_FLAG_CONST as u16;
        param.ptype = arg.oid();
    }
    pg_sys::PortalDefineQuery(
        portal,
        std::ptr::null(),
        planned.text.as_ptr(),
        pg_sys::CommandTag::CMDTAG_SELECT,
        planned.statements,
        std::ptr::null_mut(),
    );
    pg_sys::PortalStart(portal, params, 0, pg_sys::GetActiveSnapshot());
    CStr::from_ptr((*portal).name).to_string_lossy().into_owned()
}
