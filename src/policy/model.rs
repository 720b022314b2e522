//! What protection means: the policies that a protected table has, as values to compare.

use super::options::{Options, Scope};
use super::path::Path;
use super::permissions::Who;
use crate::catalog::{IdType, Policy, Table};
use crate::error::{Error, Result};
use crate::pg::ident::{literal, qualified};

/// The restrictive floor: whatever other policies grant, nothing outside the tenant passes.
pub const FLOOR: &str = "tenant_guard_tenant";
/// The floor by command, where reading shows more than writing may touch.
pub const FLOORS: &[(&str, &str)] = &[
    (FLOOR, "SELECT"),
    ("tenant_guard_tenant_insert", "INSERT"),
    ("tenant_guard_tenant_update", "UPDATE"),
    ("tenant_guard_tenant_delete", "DELETE"),
];
const GRANTS: &[(&str, &str)] = &[
    ("tenant_guard_select", "SELECT"),
    ("tenant_guard_insert", "INSERT"),
    ("tenant_guard_update", "UPDATE"),
    ("tenant_guard_delete", "DELETE"),
];

/// Whether a policy of this name is one of protect_table's.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    FLOORS.iter().chain(GRANTS).any(|(ours, _)| *ours == name)
}

/// Whether it is a part of the floor.
#[must_use]
pub fn is_floor(name: &str) -> bool {
    FLOORS.iter().any(|(ours, _)| *ours == name)
}

/// What the conventions put on a table: it hides rows that are deleted, and grants nothing.
const OF_OTHER_ROOMS: &[&str] = &["tenant_guard_not_deleted"];

/// Whether a policy is one of another room's, which protect_table leaves alone.
#[must_use]
pub fn is_anothers_of_ours(policy: &Policy) -> bool {
    !policy.permissive && OF_OTHER_ROOMS.contains(&policy.name.as_str())
}

/// Where a row says whose it is.
#[derive(Debug, Clone)]
pub enum Tenancy {
    Column { quoted: String, domain: bool, base_type: String, id: IdType },
    Path { path: Path, id: IdType },
}

/// Which organizations a condition lets pass.
enum Allowed<'a> {
    Active,
    Any,
    /// Those in which the user has one of these roles or permissions.
    With(&'a [String]),
}

impl Tenancy {
    pub fn of_column(table: &Table, column: &str) -> Result<Self> {
        let (column, id) = table.require_exact_id_column(column)?;
        Ok(Tenancy::Column {
            quoted: column.quoted.clone(),
            domain: column.domain,
            base_type: column.base_type.clone(),
            id,
        })
    }

    pub fn of_path(path: Path) -> Result<Self> {
        let key = path.end();
        if let Some(tenant) = key.tenant.as_ref().filter(|t| t.fuzzy) {
            let table = qualified(&key.schema, &key.name);
            return Err(Error::FuzzyColumn { table, column: tenant.name.clone() });
        }
        Ok(Tenancy::Path { id: path.id_type()?, path })
    }

    #[must_use]
    pub fn id(&self) -> IdType {
        match self {
            Tenancy::Column { id, .. } | Tenancy::Path { id, .. } => *id,
        }
    }

    fn condition(&self, table: &Table, allowed: &Allowed) -> String {
        match self {
            Tenancy::Column { quoted, domain, base_type, id } => {
                matches(&bare(quoted, *domain, base_type, *id), *id, allowed)
            }
            Tenancy::Path { path, id } => {
                let (domain, base_type) = match &path.end().tenant {
                    Some(tenant) => (tenant.domain, tenant.base_type.as_str()),
                    None => (false, ""),
                };
                path.condition(table, |column| {
                    matches(&bare(column, domain, base_type, *id), *id, allowed)
                })
            }
        }
    }
}

/// The column as a value that compares with the helpers' types.
fn bare(column: &str, domain: bool, base_type: &str, id: IdType) -> String {
    match id {
        IdType::Varchar => format!("({column})::text"),
        _ if domain => format!("({column})::{base_type}"),
        _ => column.to_string(),
    }
}

/// "The row is the tenant's". What the condition compares with is asked once a statement: `context` keeps it
/// by itself, and for less than a sub-select costs; the lists of organizations stand in one.
fn matches(left: &str, id: IdType, allowed: &Allowed) -> String {
    let suffix = id.helper_suffix();
    let array = match id {
        IdType::Uuid => "uuid[]",
        IdType::Text | IdType::Varchar => "text[]",
        IdType::Integer => "bigint[]",
    };
    let any = |call: String, name: String| {
        format!("({left} = ANY (( SELECT tenant_guard.{call} AS {name})::{array}))")
    };
    match allowed {
        Allowed::Active => {
            format!("({left} = (tenant_guard.context()).org_id{suffix})")
        }
        Allowed::Any => any(format!("org_ids{suffix}()"), format!("org_ids{suffix}")),
        Allowed::With(words) => {
            let words: Vec<String> = words.iter().map(|w| literal(w)).collect();
            let name = format!("permitted_org_ids{suffix}");
            any(format!("{name}(VARIADIC ARRAY[{}])", words.join(", ")), name)
        }
    }
}

/// Makes a condition what the server shows of it, so that a policy that is there already compares equal.
pub type Normal<'a> = dyn Fn(&Table, &str) -> Result<String> + 'a;

/// The policies of a protected table: the floor for everybody, and for the named roles one grant a
/// command. A grant that would only repeat the floor's condition grants while the floor stands, which is found
/// out as the query is planned: neither a floor dropped by hand nor DROP EXTENSION ... CASCADE opens the table,
/// and PostgreSQL compares a row that is written with the tenant once, for the floor, and not for the grant as well. Any other grant says whose rows it is about itself.
pub fn policies(
    table: &Table,
    tenancy: &Tenancy,
    options: &Options,
    normal: &Normal,
) -> Result<Vec<Policy>> {
    let mut roles = options.roles.clone();
    roles.sort();
    roles.dedup();
    let tenant = within(table, tenancy, options, &Allowed::any(options.scope));
    let shared = options.shared.as_deref();
    let standing =
        format!("tenant_guard.has_floor({}::pg_catalog.regclass)", literal(&table.qualified()));
    let mut policies = Vec::new();
    let mut add = |name: &str, command: &str, permissive: bool, condition: &str| {
        let condition = normal(table, condition)?;
        policies.push(Policy {
            name: name.into(),
            command: command.into(),
            permissive,
            roles: if permissive { roles.clone() } else { vec![] },
            using: (command != "INSERT").then(|| condition.clone()),
            check: matches!(command, "ALL" | "INSERT" | "UPDATE").then_some(condition),
            comment: None,
        });
        Ok::<(), Error>(())
    };
    match shared {
        None => add(FLOOR, "ALL", false, &tenant)?,
        Some(shared) => {
            for (name, command) in FLOORS {
                let floor = or_shared(&tenant, shared, command);
                add(name, command, false, &floor)?;
            }
        }
    }
    for (name, command) in GRANTS {
        let Some(grant) = grant(table, tenancy, options, command)? else { continue };
        let condition = match shared {
            _ if grant == tenant => standing.clone(),
            None => grant,
            Some(shared) => or_shared(&grant, shared, command),
        };
        add(name, command, true, &condition)?;
    }
    Ok(policies)
}

impl Allowed<'_> {
    fn any(scope: Scope) -> Self {
        match scope {
            Scope::Active => Allowed::Active,
            Scope::Member => Allowed::Any,
        }
    }
}

/// Shared rows are read by all; written, by nobody: neither touched, nor made of one's own.
fn or_shared(condition: &str, shared: &str, command: &str) -> String {
    match command {
        "SELECT" => format!("({condition} OR ({shared}))"),
        _ => format!("({condition} AND (({shared}) IS NOT TRUE))"),
    }
}

/// The organization's, and the project's where rows belong to projects.
fn within(table: &Table, tenancy: &Tenancy, options: &Options, allowed: &Allowed) -> String {
    let tenant = tenancy.condition(table, allowed);
    let Some(project) = options.project_column.as_deref().and_then(|name| table.column(name))
    else {
        return tenant;
    };
    let id = IdType::from_sql(&project.base_type).unwrap_or(IdType::Text);
    let left = bare(&project.quoted, project.domain, &project.base_type, id);
    let suffix = id.helper_suffix();
    format!("({tenant} AND ({left} = (tenant_guard.context()).project_id{suffix}))")
}

/// The condition of one command's grant; None where nobody has it.
fn grant(
    table: &Table,
    tenancy: &Tenancy,
    options: &Options,
    command: &str,
) -> Result<Option<String>> {
    let members = || within(table, tenancy, options, &Allowed::any(options.scope));
    let who = match &options.permissions {
        Some(permissions) => permissions.who(command),
        None if options.owner_column.is_some() => {
            Who::Only { own: true, roles: vec![], permissions: vec![] }
        }
        None => Who::Members,
    };
    let (own, roles, permissions) = match who {
        Who::Nobody => return Ok(None),
        Who::Members => return Ok(Some(members())),
        Who::Only { own, roles, permissions } => (own, roles, permissions),
    };
    let own = match own {
        true => Some(own_row(table, options)?),
        false => None,
    };
    if roles.is_empty() && permissions.is_empty() {
        return Ok(own.map(|own| format!("({} AND {own})", members())));
    }
    Ok(Some(match options.scope {
        Scope::Active => {
            let has = |function: &str, words: &[String]| -> Vec<String> {
                words.iter().map(|w| format!("tenant_guard.{function}({})", literal(w))).collect()
            };
            let mut calls = has("has_role", &roles);
            calls.extend(has("has_permission", &permissions));
            let permitted = format!("( SELECT {} AS permitted)", calls.join(" OR "));
            let permitted = match own {
                Some(own) => format!("({permitted} OR {own})"),
                None => permitted,
            };
            format!("({} AND {permitted})", members())
        }
        // A role holds in its organization only, so it has to be asked for row by row's organization.
        Scope::Member => {
            let words: Vec<String> = roles.into_iter().chain(permissions).collect();
            let permitted = within(table, tenancy, options, &Allowed::With(&words));
            match own {
                Some(own) => format!("({permitted} OR ({} AND {own}))", members()),
                None => permitted,
            }
        }
    }))
}

/// "The row is the user's own."
fn own_row(table: &Table, options: &Options) -> Result<String> {
    let name = options.owner_column.as_deref().unwrap_or_default();
    let (column, id) = table.require_id_column(name)?;
    Ok(match id {
        IdType::Uuid => {
            let left = bare(&column.quoted, column.domain, &column.base_type, id);
            format!("({left} = ( SELECT tenant_guard.uid() AS uid))")
        }
        _ => format!("(({})::text = ( SELECT tenant_guard.uid_text() AS uid_text))", column.quoted),
    })
}
