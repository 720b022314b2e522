//! What the statement that an event trigger was called for does, as far as it may open a table: read off its
//! parse tree, so that other statements cost nothing.

use super::event::is;
use pgrx::{pg_sys, PgList};
use std::ffi::CStr;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    CreatePolicy,
    AlterPolicy,
    AlterTable(Vec<Alteration>),
    Grant(Grant),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alteration {
    RowSecurityDisabled,
    RowSecurityNotForced,
    /// None: all of them.
    TriggerDisabled(Option<String>),
    OwnerChanged,
    /// The values of a column are made anew.
    ValuesRewritten(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub tables: Vec<pg_sys::Oid>,
    /// Of which all tables are meant.
    pub schemas: Vec<String>,
    /// Empty: all.
    pub privileges: Vec<String>,
    pub to: Vec<String>,
}

/// None for what opens nothing, and for any call that is no event trigger's.
#[must_use]
pub fn opening(fcinfo: pg_sys::FunctionCallInfo) -> Option<Command> {
    // SAFETY: the tag of each node is checked before its cast; the parse tree outlives the call.
    unsafe {
        if fcinfo.is_null() || !is((*fcinfo).context, pg_sys::NodeTag::T_EventTriggerData) {
            return None;
        }
        let data = (*fcinfo).context.cast::<pg_sys::EventTriggerData>();
        let tree = (*data).parsetree;
        if tree.is_null() {
            return None;
        }
        match (*tree).type_ {
            pg_sys::NodeTag::T_CreatePolicyStmt => Some(Command::CreatePolicy),
            pg_sys::NodeTag::T_AlterPolicyStmt => Some(Command::AlterPolicy),
            pg_sys::NodeTag::T_AlterTableStmt => alterations(tree.cast()),
            pg_sys::NodeTag::T_GrantStmt => grant(tree.cast()).map(Command::Grant),
            _ => None,
        }
    }
}

/// The command tag of the statement.
#[must_use]
pub fn tag(fcinfo: pg_sys::FunctionCallInfo) -> String {
    // SAFETY: as above; the name of a tag is a constant.
    unsafe {
        if fcinfo.is_null() || !is((*fcinfo).context, pg_sys::NodeTag::T_EventTriggerData) {
            return String::new();
        }
        let data = (*fcinfo).context.cast::<pg_sys::EventTriggerData>();
        text(pg_sys::GetCommandTagName((*data).tag)).unwrap_or_default()
    }
}

unsafe fn alterations(statement: *mut pg_sys::AlterTableStmt) -> Option<Command> {
    use pg_sys::AlterTableType as Type;
    let found: Vec<Alteration> = PgList::<pg_sys::Node>::from_pg((*statement).cmds)
        .iter_ptr()
        .filter(|node| is(*node, pg_sys::NodeTag::T_AlterTableCmd))
        .filter_map(|node| {
            let command = node.cast::<pg_sys::AlterTableCmd>();
            match (*command).subtype {
                Type::AT_DisableRowSecurity => Some(Alteration::RowSecurityDisabled),
                Type::AT_NoForceRowSecurity => Some(Alteration::RowSecurityNotForced),
                // The audit trail's own is to fire for replication alone.
                Type::AT_EnableReplicaTrig
                    if text((*command).name).as_deref() == Some("tenant_guard_audit_row") =>
                {
                    None
                }
                // A replica's trigger does not fire for what is done here.
                Type::AT_DisableTrig | Type::AT_EnableReplicaTrig => {
                    Some(Alteration::TriggerDisabled(text((*command).name)))
                }
                Type::AT_DisableTrigAll | Type::AT_DisableTrigUser => {
                    Some(Alteration::TriggerDisabled(None))
                }
                Type::AT_ChangeOwner => Some(Alteration::OwnerChanged),
                // Its USING: without one values become what a cast makes of them.
                Type::AT_AlterColumnType => {
                    let column = (*command).def.cast::<pg_sys::ColumnDef>();
                    let using = !column.is_null() && !(*column).raw_default.is_null();
                    using.then(|| {
                        Alteration::ValuesRewritten(text((*command).name).unwrap_or_default())
                    })
                }
                _ => None,
            }
        })
        .collect();
    (!found.is_empty()).then_some(Command::AlterTable(found))
}

unsafe fn grant(statement: *mut pg_sys::GrantStmt) -> Option<Grant> {
    if !(*statement).is_grant || (*statement).objtype != pg_sys::ObjectType::OBJECT_TABLE {
        return None;
    }
    let mut grant =
        Grant { tables: Vec::new(), schemas: Vec::new(), privileges: Vec::new(), to: Vec::new() };
    for node in PgList::<pg_sys::Node>::from_pg((*statement).objects).iter_ptr() {
        if is(node, pg_sys::NodeTag::T_RangeVar) {
            let oid = pg_sys::RangeVarGetRelidExtended(
                node.cast(),
                pg_sys::NoLock as i32,
                pg_sys::RVROption::RVR_MISSING_OK,
                None,
                std::ptr::null_mut(),
            );
            grant.tables.push(oid);
        } else if is(node, pg_sys::NodeTag::T_String) {
            grant.schemas.extend(text((*node.cast::<pg_sys::String>()).sval));
        }
    }
    for node in PgList::<pg_sys::Node>::from_pg((*statement).privileges).iter_ptr() {
        if is(node, pg_sys::NodeTag::T_AccessPriv) {
            grant.privileges.extend(text((*node.cast::<pg_sys::AccessPriv>()).priv_name));
        }
    }
    for node in PgList::<pg_sys::Node>::from_pg((*statement).grantees).iter_ptr() {
        if is(node, pg_sys::NodeTag::T_RoleSpec) {
            let role = node.cast::<pg_sys::RoleSpec>();
            grant.to.push(match (*role).roletype {
                pg_sys::RoleSpecType::ROLESPEC_PUBLIC => "PUBLIC".into(),
                pg_sys::RoleSpecType::ROLESPEC_CSTRING => text((*role).rolename)?,
                pg_sys::RoleSpecType::ROLESPEC_SESSION_USER => "SESSION_USER".into(),
                _ => "CURRENT_USER".into(),
            });
        }
    }
    Some(grant)
}

unsafe fn text(name: *const std::ffi::c_char) -> Option<String> {
    (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
}
