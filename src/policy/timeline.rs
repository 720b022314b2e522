//! DDL that opens a protected or audited table, as security events: on the same line of time as what
//! somebody tried.

use crate::error::Result;
use crate::pg::command::{self, Alteration, Command};
use crate::pg::{guc, kept, user};
use crate::plan;
use crate::security::{self, Event, Kind};
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::FunctionCallInfo;
use serde::Deserialize;
use serde_json::json;

/// Records what the command that is ending did. What a plan does is in the journal, and what a script of an
/// extension does is the extension's business. Of a restore only what weakens is told.
pub fn record(fcinfo: FunctionCallInfo, event: &str, restoring: bool) -> Result<()> {
    if plan::applying() {
        return Ok(());
    }
    match event {
        "sql_drop" => dropped(&command::tag(fcinfo)),
        "ddl_command_end" => match command::opening(fcinfo) {
            Some(command) => done(&command, &command::tag(fcinfo), restoring),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// A table that is protected or audited, or the extension's own; and what the command did it to.
#[derive(Debug, Deserialize)]
struct Guarded {
    identity: String,
    /// Of dropped objects: policy, trigger or table.
    #[serde(default)]
    object: String,
}

/// Planned once a session: planning takes several times as long as the query, and compiling it a thousand
/// times.
fn guarded(sql: &str, arguments: &[DatumWithOid]) -> Result<Vec<Guarded>> {
    let scope = guc::Scope::new();
    scope.set(c"plan_cache_mode", "force_generic_plan");
    scope.set(c"jit", "off");
    let found =
        user::as_extension_owner(|| kept::rows(sql, arguments, |row| Ok(row.get::<String>(1)?)))?;
    match found.into_iter().flatten().next() {
        Some(text) => Ok(serde_json::from_str(&text)?),
        None => Ok(Vec::new()),
    }
}

fn done(command: &Command, tag: &str, restoring: bool) -> Result<()> {
    let nothing = (Vec::new(), Vec::new());
    let (tables, schemas) = match command {
        Command::Grant(grant) => (grant.tables.clone(), grant.schemas.clone()),
        _ => nothing,
    };
    let kinds = kinds(command);
    if restoring && kinds.iter().all(|(kind, _)| !weakens(*kind)) {
        return Ok(());
    }
    let of_grant = matches!(command, Command::Grant(_));
    let arguments = [tables.into(), schemas.into(), of_grant.into()];
    for guarded in guarded(include_str!("timeline.sql"), &arguments)? {
        for (kind, details) in &kinds {
            let mut details = details.clone();
            details["command"] = json!(tag);
            tell(*kind, &guarded.identity, details);
        }
    }
    Ok(())
}

fn weakens(kind: Kind) -> bool {
    matches!(kind, Kind::RowSecurityDisabled | Kind::TriggerDisabled)
}

fn kinds(command: &Command) -> Vec<(Kind, serde_json::Value)> {
    match command {
        Command::CreatePolicy => vec![(Kind::PolicyCreated, json!({}))],
        Command::AlterPolicy => vec![(Kind::PolicyAltered, json!({}))],
        Command::Grant(grant) => {
            let privileges = match grant.privileges.is_empty() {
                true => json!(["all"]),
                false => json!(grant.privileges),
            };
            vec![(Kind::Granted, json!({ "privileges": privileges, "to": grant.to }))]
        }
        Command::AlterTable(alterations) => alterations
            .iter()
            .map(|alteration| match alteration {
                Alteration::RowSecurityDisabled => (Kind::RowSecurityDisabled, json!({})),
                Alteration::RowSecurityNotForced => {
                    (Kind::RowSecurityDisabled, json!({ "for": "owner" }))
                }
                Alteration::TriggerDisabled(Some(name)) => {
                    (Kind::TriggerDisabled, json!({ "trigger": name }))
                }
                Alteration::TriggerDisabled(None) => {
                    (Kind::TriggerDisabled, json!({ "trigger": "all" }))
                }
                Alteration::OwnerChanged => (Kind::OwnerChanged, json!({})),
                Alteration::ValuesRewritten(column) => {
                    (Kind::ValuesRewritten, json!({ "column": column }))
                }
            })
            .collect(),
    }
}

fn dropped(tag: &str) -> Result<()> {
    for guarded in guarded(include_str!("timeline_dropped.sql"), &[])? {
        let kind = match guarded.object.as_str() {
            "policy" => Kind::PolicyDropped,
            "trigger" => Kind::TriggerDropped,
            _ => Kind::TableDropped,
        };
        tell(kind, &guarded.identity, json!({ "command": tag }));
    }
    Ok(())
}

fn tell(kind: Kind, identity: &str, details: serde_json::Value) {
    let (subject, details) = (Some(identity.to_string()), Some(details));
    security::record(&Event { kind, subject, details, ..Event::default() });
}
