//! What create_tenant_schema is asked for: checked, and brought together with what there is.

use super::clone::{self, Data, Quotas, Target};
use super::life::{ledger, locks};
use super::{registrations, registry, session, slug};
use crate::catalog::{self, fingerprint, Schema};
use crate::error::{Error, Result};
use crate::pg::{guc, ident, query, relation, user};
use crate::plan::{self, Rows};

pub struct Wanted<'a> {
    pub slug: &'a str,
    pub template: &'a str,
    pub organization: Option<String>,
    pub with_data: &'a str,
    pub owner: Option<String>,
    pub tenant_role: Option<String>,
    pub quotas: Option<serde_json::Value>,
    pub trust_template: bool,
}

/// The word for no role; no role can be called that.
const NO_ROLE: &str = "none";

pub fn create(wanted: Wanted, dry_run: bool) -> Result<Rows> {
    let slug = wanted.slug;
    slug::check(slug)?;
    if !dry_run {
        relation::lock_name("tenant_schema", slug); // two calls for one slug: the second waits and is refused
    }
    let template = read_template(wanted.template, wanted.trust_template)?;
    if relation::schema_exists(slug) {
        return Err(Error::SchemaExists { schema: slug.into() });
    }
    if registry::find(slug)?.is_some() {
        return Err(Error::SchemaMissing { slug: slug.into() });
    }
    let role_created = wanted.tenant_role.is_none();
    let role = match wanted.tenant_role {
        None => Some(registry::own_role(slug)),
        Some(word) if word == NO_ROLE => None,
        named => named,
    };
    if let Some(role) = &role {
        match (catalog::role_exists(role)?, role_created) {
            (true, true) => return Err(Error::RoleExists { role: role.clone() }),
            (false, false) => return Err(Error::NoSuchRole { role: role.clone() }),
            _ => {}
        }
    }
    if let Some(owner) = &wanted.owner {
        may_give_to(owner)?;
    }
    let quotas = quotas(wanted.quotas, role_created)?;
    may_create(slug, role.as_deref().filter(|_| role_created))?;
    let names = template.names();
    let templates_role = registry::find(wanted.template)?.and_then(|e| e.tenant_role);
    let (mine, others): (Vec<_>, Vec<_>) = registry::registered(wanted.template)?
        .into_iter()
        .partition(|r| r.kind != "enforcement" || user::is_superuser());
    let structure = template.structure(templates_role.as_deref());
    let target = Target {
        slug: slug.into(),
        organization: wanted.organization,
        role,
        role_created,
        quotas,
        templates_role,
        caller: user::current(),
        owner: wanted.owner,
        data: data(wanted.with_data, &template)?,
        registrations: registrations::statements(&mine, slug, &names),
        unregistered: others.iter().map(|_| "what is enforced in the schema".into()).collect(),
        fingerprint: fingerprint(&structure),
        callers_path: guc::setting(c"search_path"),
        callers_checks: guc::setting(c"check_function_bodies"),
        callers_row_security: guc::setting(c"row_security"),
        unsuited: session::in_the_way(),
        superuser: user::is_superuser(),
    };
    let plan = clone::plan(&template, &target)?;
    let version = match &target.templates_role {
        None => target.fingerprint.clone(),
        Some(_) => fingerprint(&template.structure(None)),
    };
    let _known = ledger::known(&template.name, version);
    if !dry_run {
        locks::referenced_by_the_template(&template.name)?;
    }
    plan::run(plan, dry_run)
}

fn read_template(name: &str, trusted: bool) -> Result<Schema> {
    if name.starts_with("pg_") || matches!(name, "information_schema" | "tenant_guard") {
        return Err(Error::NotATemplate { schema: name.into(), why: "It is a system's." });
    }
    let template = match catalog::schema(name)? {
        Some(template) if template.usable => template,
        Some(template) => {
            return Err(Error::NotPermitted {
                what: format!("using schema {} as a template", ident::quote(&template.name)),
                detail: format!(
                    "You have no USAGE on it; it belongs to role \"{}\".",
                    template.owner
                ),
                hint: "Have its owner grant it: GRANT USAGE ON SCHEMA ... TO you.".into(),
            })
        }
        None => return Err(Error::NoSuchSchema { schema: name.into() }),
    };
    if !trusted && !template.foreign_owners.is_empty() {
        let owners: Vec<String> = template.foreign_owners.iter().map(|o| ident::quote(o)).collect();
        return Err(Error::NotPermitted {
            what: format!("cloning schema {} with your rights", ident::quote(&template.name)),
            detail: format!(
                "It, or something in it, belongs to {}, and making its indexes, defaults and constraints again runs functions that such an owner chose.",
                owners.join(", ")
            ),
            hint: "Call it as the owner (SET ROLE), or, where you have read the template and trust it, say trust_template => true.".into(),
        });
    }
    let objects = &template.objects;
    let empty = template.tables.is_empty()
        && template.views.is_empty()
        && template.sequences.is_empty()
        && template.types.is_empty()
        && template.others.is_empty()
        && objects.routines.is_empty();
    match empty {
        true => Err(Error::NotATemplate { schema: name.into(), why: "There is nothing in it." }),
        false => Ok(template),
    }
}

/// Asks beforehand, so that a refusal says what to do about it.
fn may_create(slug: &str, new_role: Option<&str>) -> Result<()> {
    if !catalog::may_create_schemas()? {
        return Err(Error::NotPermitted {
            what: format!("creating schema {}", ident::quote(slug)),
            detail: "You have no CREATE on this database.".into(),
            hint: "Have its owner grant it: GRANT CREATE ON DATABASE ... TO you.".into(),
        });
    }
    match new_role {
        Some(role) if !catalog::may_create_roles()? => Err(Error::NotPermitted {
            what: format!("creating role {}", ident::quote(role)),
            detail: "A tenant schema has a role of its own, and you have no CREATEROLE.".into(),
            hint: "Have an administrator create the role, and name it: tenant_role => 'its_name'; or make none: tenant_role => 'none'."
                .into(),
        }),
        _ => Ok(()),
    }
}

fn may_give_to(owner: &str) -> Result<()> {
    if !catalog::role_exists(owner)? {
        return Err(Error::NoSuchRole { role: owner.into() });
    }
    let may = query::value::<bool>(
        "SELECT pg_catalog.pg_has_role(r.oid, 'MEMBER') FROM pg_catalog.pg_roles r WHERE r.rolname = $1",
        &[owner.into()],
    )?;
    if may == Some(true) {
        return Ok(());
    }
    Err(Error::NotPermitted {
        what: format!("giving the new schema to role {}", ident::quote(owner)),
        detail: "You are no member of that role.".into(),
        hint: "Have an administrator grant it to you, or name a role that you belong to.".into(),
    })
}

/// `none`, `all`, or a list of tables: `{table,...}`.
fn data(with_data: &str, template: &Schema) -> Result<Data> {
    let wrong = |why: String| Error::WrongOption {
        option: "with_data",
        why,
        hint: "Say 'none', 'all', or the tables: '{countries,settings}'.".into(),
    };
    match with_data.trim() {
        "none" | "false" | "" => return Ok(Data::None),
        "all" | "true" => return Ok(Data::All),
        list if list.starts_with('{') && list.ends_with('}') => {
            let tables = ident::array_elements(list)
                .ok_or_else(|| wrong(format!("{list} is no list of names")))?;
            let unknown = tables.iter().find(|t| !template.tables.iter().any(|o| o.name == **t));
            match unknown {
                Some(table) => {
                    return Err(Error::NoTableNamed {
                        table: ident::qualified(&template.name, table),
                    })
                }
                None => return Ok(Data::Of(tables)),
            }
        }
        _ => {}
    }
    Err(wrong(format!("it is '{with_data}'")))
}

fn quotas(json: Option<serde_json::Value>, role_created: bool) -> Result<Quotas> {
    let wrong = |why: &str| {
        Error::WrongOption {
        option: "quotas",
        why: why.into(),
        hint: "It takes {\"connection_limit\": 10, \"statement_timeout\": \"5s\"}, or one of the two, for a role that is made now.".into(),
    }
    };
    let Some(json) = json else { return Ok(Quotas::default()) };
    let mut fields = match json {
        serde_json::Value::Object(fields) => fields,
        _ => return Err(wrong("it is no JSON object")),
    };
    if !fields.is_empty() && !role_created {
        return Err(wrong("they are the tenant role's, and that one is not made here"));
    }
    let connection_limit = match fields.remove("connection_limit") {
        None => None,
        Some(limit) => Some(
            limit
                .as_i64()
                .and_then(|n| i32::try_from(n).ok())
                .filter(|n| *n >= -1)
                .ok_or_else(|| wrong("a connection_limit is a whole number from -1 on"))?,
        ),
    };
    let statement_timeout = match fields.remove("statement_timeout") {
        None => None,
        Some(serde_json::Value::String(text)) => Some(text),
        Some(serde_json::Value::Number(milliseconds)) => Some(milliseconds.to_string()),
        Some(_) => return Err(wrong("a statement_timeout is a number or a text")),
    };
    match fields.keys().next() {
        Some(unknown) => Err(wrong(&format!("there is no quota {unknown}"))),
        None => Ok(Quotas { connection_limit, statement_timeout }),
    }
}
