//! Functions of the backend that pgrx does not bind, those that differ between versions, and those
//! that are called for each row: they raise nothing, so they need no guard around the call, which
//! would cost more than they do.

use pgrx::pg_sys;

extern "C-unwind" {
    fn nextval_internal(relid: pg_sys::Oid, check_permissions: bool) -> i64;
    fn find_all_inheritors(
        parent: pg_sys::Oid,
        lock: pg_sys::LOCKMODE,
        parents: *mut *mut pg_sys::List,
    ) -> *mut pg_sys::List;
    fn datum_image_eq(a: pg_sys::Datum, b: pg_sys::Datum, by_value: bool, length: i32) -> bool;
    fn get_partition_ancestors(relid: pg_sys::Oid) -> *mut pg_sys::List;
}

extern "C-unwind" {
    // Raises for a wrong name only where `missing_ok` is false.
    #[link_name = "GetConfigOption"]
    pub(super) fn unguarded_config_option(
        name: *const std::ffi::c_char,
        missing_ok: bool,
        restrict_privileged: bool,
    ) -> *const std::ffi::c_char;
    #[link_name = "GetCurrentSubTransactionId"]
    pub(super) fn unguarded_subtransaction() -> pg_sys::SubTransactionId;
    // Raises only where `used` is true.
    #[link_name = "GetCurrentCommandId"]
    pub(super) fn unguarded_command(used: bool) -> pg_sys::CommandId;
    #[link_name = "GetCurrentStatementStartTimestamp"]
    pub(super) fn unguarded_statement_start() -> pg_sys::TimestampTz;
    #[link_name = "GetCurrentTimestamp"]
    pub(super) fn unguarded_clock() -> pg_sys::TimestampTz;
    #[link_name = "GetCurrentTransactionStartTimestamp"]
    pub(super) fn unguarded_transaction_start() -> pg_sys::TimestampTz;
    #[cfg(feature = "pg15")]
    #[link_name = "get_guc_variables"]
    pub(super) fn unguarded_settings() -> *mut *mut pg_sys::config_generic;
    #[cfg(feature = "pg15")]
    #[link_name = "GetNumConfigOptions"]
    pub(super) fn unguarded_settings_count() -> std::ffi::c_int;
    // Raises only for absurd sizes where the flags have MCXT_ALLOC_NO_OOM.
    #[link_name = "MemoryContextAllocExtended"]
    pub(super) fn unguarded_allocate(
        context: pg_sys::MemoryContext,
        size: pg_sys::Size,
        flags: std::ffi::c_int,
    ) -> *mut std::ffi::c_void;
    #[link_name = "MemoryContextRegisterResetCallback"]
    pub(super) fn unguarded_at_reset(
        context: pg_sys::MemoryContext,
        callback: *mut pg_sys::MemoryContextCallback,
    );
    // Only while a message is being made.
    #[link_name = "geterrcode"]
    pub(super) fn unguarded_error_code() -> std::ffi::c_int;
    #[link_name = "heap_deform_tuple"]
    pub(super) fn unguarded_deform(
        tuple: pg_sys::HeapTuple,
        descriptor: pg_sys::TupleDesc,
        values: *mut pg_sys::Datum,
        nulls: *mut bool,
    );
}

extern "C-unwind" {
    #[link_name = "die"]
    fn terminate(signal: std::ffi::c_int);
}

/// Begins a scan of a table by its index.
///
/// # Safety
/// The snapshot is registered or active, and it and both relations outlive the scan.
pub(super) unsafe fn index_scan(
    table: pg_sys::Relation,
    index: pg_sys::Relation,
    snapshot: pg_sys::Snapshot,
    keys: i32,
) -> pg_sys::IndexScanDesc {
    #[cfg(not(feature = "pg18"))]
    return pg_sys::index_beginscan(table, index, snapshot, keys, 0);
    #[cfg(feature = "pg18")]
    return pg_sys::index_beginscan(table, index, snapshot, std::ptr::null_mut(), keys, 0);
}

/// Has a background worker end at the next place where that is safe when it is told to, and not at once,
/// in the middle of whatever it does.
pub fn handle_termination() {
    const SIGTERM: std::ffi::c_int = 15;
    // SAFETY: the handler is PostgreSQL's own for sessions.
    unsafe {
        #[cfg(feature = "pg18")]
        pg_sys::pqsignal_be(SIGTERM, Some(terminate));
        #[cfg(not(feature = "pg18"))]
        pg_sys::pqsignal(SIGTERM, Some(terminate));
    }
}

/// What looks at the nodes of a tree: true ends the walk.
pub type Walker = unsafe extern "C-unwind" fn(*mut pg_sys::Node, *mut std::ffi::c_void) -> bool;

extern "C-unwind" {
    #[cfg_attr(not(feature = "pg15"), link_name = "expression_tree_walker_impl")]
    fn expression_tree_walker(
        node: *mut pg_sys::Node,
        walker: Walker,
        context: *mut std::ffi::c_void,
    ) -> bool;
    #[cfg_attr(not(feature = "pg15"), link_name = "query_tree_walker_impl")]
    fn query_tree_walker(
        query: *mut pg_sys::Query,
        walker: Walker,
        context: *mut std::ffi::c_void,
        flags: std::ffi::c_int,
    ) -> bool;
}

/// Looks at the parts of a node.
///
/// # Safety
/// A node of an expression, and what the walker takes.
pub unsafe fn walk_expression(
    node: *mut pg_sys::Node,
    walker: Walker,
    context: *mut std::ffi::c_void,
) -> bool {
    pg_sys::ffi::pg_guard_ffi_boundary(|| expression_tree_walker(node, walker, context))
}

/// Looks at the parts of a query.
///
/// # Safety
/// As for `walk_expression`.
pub unsafe fn walk_query(
    query: *mut pg_sys::Query,
    walker: Walker,
    context: *mut std::ffi::c_void,
) -> bool {
    pg_sys::ffi::pg_guard_ffi_boundary(|| query_tree_walker(query, walker, context, 0))
}

/// What the executor knows a table by that it writes to; `index` is that of its range table entry, 0 for none.
///
/// # Safety
/// The relation is open, and stays so as long as this is in use. It is made in the current memory context.
pub unsafe fn result_relation(
    relation: pg_sys::Relation,
    index: pg_sys::Index,
) -> *mut pg_sys::ResultRelInfo {
    let result: *mut pg_sys::ResultRelInfo =
        pg_sys::palloc0(std::mem::size_of::<pg_sys::ResultRelInfo>()).cast();
    (*result).type_ = pg_sys::NodeTag::T_ResultRelInfo;
    pg_sys::InitResultRelInfo(result, relation, index, std::ptr::null_mut(), 0);
    result
}

/// The partitioned tables above a partition, the nearest first.
///
/// # Safety
/// `partition` is a partition's OID.
pub unsafe fn partition_ancestors(partition: pg_sys::Oid) -> Vec<pg_sys::Oid> {
    let list = pg_sys::ffi::pg_guard_ffi_boundary(|| get_partition_ancestors(partition));
    pgrx::PgList::<pg_sys::Oid>::from_pg(list).iter_oid().collect()
}

/// The next value of a sequence, whoever asks.
///
/// # Safety
/// `sequence` is a sequence's OID.
pub unsafe fn nextval(sequence: pg_sys::Oid) -> i64 {
    pg_sys::ffi::pg_guard_ffi_boundary(|| nextval_internal(sequence, false))
}

/// A table and all that inherits from it.
///
/// # Safety
/// `parents` is null.
pub unsafe fn inheritors(
    parent: pg_sys::Oid,
    lock: pg_sys::LOCKMODE,
    parents: *mut *mut pg_sys::List,
) -> *mut pg_sys::List {
    pg_sys::ffi::pg_guard_ffi_boundary(|| find_all_inheritors(parent, lock, parents))
}

/// Whether two values have the same bytes, once decompressed.
///
/// # Safety
/// Both are non-NULL values of the attribute's type.
pub unsafe fn same_image(
    a: pg_sys::Datum,
    b: pg_sys::Datum,
    attribute: &pg_sys::FormData_pg_attribute,
) -> bool {
    let (by_value, length) = (attribute.attbyval, i32::from(attribute.attlen));
    pg_sys::ffi::pg_guard_ffi_boundary(|| datum_image_eq(a, b, by_value, length))
}

/// `same_image`, settled without the backend's help where the bytes at hand are the same.
///
/// # Safety
/// Both are non-NULL values of the attribute's type.
pub unsafe fn same_value(
    a: pg_sys::Datum,
    b: pg_sys::Datum,
    attribute: &pg_sys::FormData_pg_attribute,
) -> bool {
    same_datum(a, b, attribute.attbyval, attribute.attlen)
}

/// `same_value` of a type that is passed so, and has that length.
///
/// # Safety
/// Both are non-NULL values of the type.
pub unsafe fn same_datum(a: pg_sys::Datum, b: pg_sys::Datum, by_value: bool, length: i16) -> bool {
    if by_value {
        return a == b;
    }
    let bytes = |value: pg_sys::Datum| {
        let start = value.cast_mut_ptr::<u8>().cast_const();
        let length = match length {
            -1 => pgrx::varsize_any(start.cast()),
            -2 => std::ffi::CStr::from_ptr(start.cast()).to_bytes_with_nul().len(),
            fixed => fixed as usize,
        };
        std::slice::from_raw_parts(start, length)
    };
    bytes(a) == bytes(b)
        || (length == -1
            && pg_sys::ffi::pg_guard_ffi_boundary(|| datum_image_eq(a, b, by_value, length.into())))
}

/// A column of a row's descriptor, counted from 1.
///
/// # Safety
/// `number` is between 1 and the descriptor's number of attributes.
pub unsafe fn attribute<'a>(
    descriptor: pg_sys::TupleDesc,
    number: usize,
) -> &'a pg_sys::FormData_pg_attribute {
    #[cfg(not(feature = "pg18"))]
    let first = (*descriptor).attrs.as_ptr();
    // Since version 18 the full attributes stand behind an array of compact ones.
    #[cfg(feature = "pg18")]
    let first = (*descriptor)
        .compact_attrs
        .as_ptr()
        .add((*descriptor).natts as usize)
        .cast::<pg_sys::FormData_pg_attribute>();
    &*first.add(number - 1)
}
