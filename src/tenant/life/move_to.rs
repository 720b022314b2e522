//! move_tenant_schema: another owner, of the schema and of everything in it.

use crate::catalog;
use crate::error::{Error, Result};
use crate::pg::{ident, query, relation, user};
use crate::plan::{self, Finding, Kind, Object, Plan, Rows, Severity, Step};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Owned {
    /// As ALTER names it.
    word: String,
    identity: String,
    /// Its name, where a step is journaled by it.
    name: String,
    owner: String,
    /// Whether the caller has the owner's rights.
    mine: bool,
    /// A function that runs with its owner's rights, or a view or rule that reaches what its owner may not.
    definer: bool,
}

pub fn move_to(slug: &str, new: &str, dry_run: bool) -> Result<Rows> {
    if !dry_run {
        relation::lock_name("tenant_schema", slug);
    }
    super::own(slug)?;
    if !catalog::role_exists(new)? {
        return Err(Error::NoSuchRole { role: new.into() });
    }
    may_give(slug, new)?;
    let owned: Vec<Owned> = super::now(include_str!("owned.sql"), slug)?;
    let others: Vec<String> = owned
        .iter()
        .filter(|o| !o.mine)
        .map(|o| format!("{} {} of {}", o.word.to_lowercase(), o.identity, ident::quote(&o.owner)))
        .collect();
    if !others.is_empty() {
        return Err(Error::NotPermitted {
            what: format!("giving all of tenant schema {} to another owner", ident::quote(slug)),
            detail: format!("These are not yours to give: {}.", others.join(", ")),
            hint: "Call it as a member of their owners too, or have them given to you first; nothing was changed.".into(),
        });
    }
    let to = ident::quote(new);
    let mut plan = Plan::new("move_tenant_schema", slug);
    let schema = owned.iter().find(|o| o.word == "SCHEMA");
    let to_move: Vec<&Owned> = owned.iter().filter(|o| o.owner != new).collect();
    for object in &to_move {
        let alter = |to: &str| format!("ALTER {} {} OWNER TO {to}", object.word, object.identity);
        plan.push(Step::new(
            addressed(slug, object),
            format!("give {} {} to {new}", object.word.to_lowercase(), object.name),
            "one owner of the schema and of all that is in it",
            alter(&to),
            alter(&ident::quote(&object.owner)),
        ));
    }
    if let Some(schema) = schema.filter(|_| to_move.len() > 1) {
        // What is registered of the tables follows their owner when a command on their schema ends.
        plan.push(Step::part_of_table(
            addressed(slug, schema),
            "let the registrations follow",
            "protections are found by their table's owner in a restored copy",
            format!("ALTER SCHEMA {} OWNER TO {to}", schema.identity),
        ));
    }
    let definers: Vec<&str> =
        to_move.iter().filter(|o| o.definer).map(|o| o.identity.as_str()).collect();
    if !definers.is_empty() {
        plan.findings.push(Finding {
            severity: Severity::Warning,
            message: format!(
                "functions or views of schema {} will act with the rights of {to}",
                ident::quote(slug)
            ),
            detail: format!(
                "They are SECURITY DEFINER, or reach what their present owner may not read: {}.",
                definers.join(", ")
            ),
            hint: "Read them first where the new owner may do more than the old one.".into(),
            fix: None,
        });
    }
    plan::run(plan, dry_run)
}

fn addressed(slug: &str, object: &Owned) -> Object {
    match object.word.as_str() {
        "TABLE" | "VIEW" | "MATERIALIZED VIEW" | "FOREIGN TABLE" => {
            Object::table(Kind::Table, slug, &object.name)
        }
        "SEQUENCE" => Object::in_schema(Kind::Sequence, slug, &object.name),
        "TYPE" => Object::in_schema(Kind::Type, slug, &object.name),
        _ => Object::schema(Kind::Schema, slug),
    }
}

/// PostgreSQL asks the same, object by object; asked first, a refusal says what to do about it.
fn may_give(slug: &str, new: &str) -> Result<()> {
    let may = query::value::<bool>(
        "SELECT pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER') FROM pg_catalog.pg_roles r WHERE r.rolname = $1",
        &[new.into()],
    )?;
    if may == Some(true) {
        return Ok(());
    }
    Err(Error::NotPermitted {
        what: format!("giving tenant schema {} to role {}", ident::quote(slug), ident::quote(new)),
        detail: format!("Role \"{}\" is no member of it.", user::current()),
        hint: "Have an administrator grant you that role for the time being, or call it.".into(),
    })
}
