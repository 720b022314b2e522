//! Event triggers: what command is about to run.

use super::{guc, user};
use pgrx::pg_sys;
use std::ffi::CStr;

/// The extensions that a DROP EXTENSION names; empty for any other call.
#[must_use]
pub fn dropped_extensions(fcinfo: pg_sys::FunctionCallInfo) -> Vec<String> {
    // SAFETY: the node tags are checked before each cast; the parse tree outlives the call.
    unsafe {
        if fcinfo.is_null() || !is((*fcinfo).context, pg_sys::NodeTag::T_EventTriggerData) {
            return Vec::new();
        }
        let data = (*fcinfo).context.cast::<pg_sys::EventTriggerData>();
        if !is((*data).parsetree, pg_sys::NodeTag::T_DropStmt) {
            return Vec::new();
        }
        let statement = (*data).parsetree.cast::<pg_sys::DropStmt>();
        if (*statement).removeType != pg_sys::ObjectType::OBJECT_EXTENSION {
            return Vec::new();
        }
        pgrx::PgList::<pg_sys::Node>::from_pg((*statement).objects)
            .iter_ptr()
            .filter(|node| is(*node, pg_sys::NodeTag::T_String))
            .map(|node| {
                CStr::from_ptr((*node.cast::<pg_sys::String>()).sval).to_string_lossy().into_owned()
            })
            .collect()
    }
}

/// Which event an event trigger was called for: ddl_command_end, sql_drop; None for any other call.
#[must_use]
pub fn kind(fcinfo: pg_sys::FunctionCallInfo) -> Option<String> {
    // SAFETY: the node's tag is checked before the cast; the name outlives the call.
    unsafe {
        if fcinfo.is_null() || !is((*fcinfo).context, pg_sys::NodeTag::T_EventTriggerData) {
            return None;
        }
        let data = (*fcinfo).context.cast::<pg_sys::EventTriggerData>();
        Some(CStr::from_ptr((*data).event).to_string_lossy().into_owned())
    }
}

/// Whether a script of an extension is running.
#[must_use]
pub fn in_extension_script() -> bool {
    // SAFETY: reads a backend-local variable.
    unsafe { pg_sys::creating_extension }
}

/// Whether a dump is being restored: its scripts make policies and triggers after tables, and what they restore was
/// in order when it was dumped.
/// Only the database's owner is believed to restore: anybody can set these.
#[must_use]
pub fn restoring() -> bool {
    user::owns_database()
        && guc::setting(c"row_security") == "off"
        && guc::setting(c"check_function_bodies") == "off"
        && guc::setting(c"search_path").is_empty()
}

pub(super) unsafe fn is(node: *mut pg_sys::Node, tag: pg_sys::NodeTag) -> bool {
    !node.is_null() && (*node).type_ == tag
}
