//! What moving a tenant takes, step by step: the plan that clones a schema, cut where the rows go in between. Pure.

use crate::catalog::{Schema, Table};
use crate::error::{Error, Result};
use crate::pg::ident::{literal, quote};
use crate::plan::{Kind, Plan};
use crate::tenant::clone::{self, parents_first, Data, Target};
use crate::tenant::registry::{own_role, Entry};
use std::collections::BTreeSet;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Laid {
    pub kind: &'static str,
    pub table: Option<String>,
    pub sql: Option<String>,
}

pub struct Layout {
    pub steps: Vec<Laid>,
    pub fingerprint: String,
    pub privileges: String,
}

/// Where a schema is made that is called like this one: what its own text means stays.
#[must_use]
pub fn target(
    entry: &Entry,
    caller: String,
    registrations: Vec<(String, String, String)>,
) -> Target {
    Target {
        slug: entry.slug.clone(),
        role: entry.tenant_role.clone(),
        templates_role: entry.tenant_role.clone(),
        caller,
        data: Data::All,
        registrations,
        ..Target::default()
    }
}

/// marks: what the schema's comment is there until the rows are in, and until the tenant has arrived.
pub fn steps(
    schema: &Schema,
    entry: &Entry,
    target: &Target,
    marks: &[&str; 2],
) -> Result<Vec<Laid>> {
    let plan = clone::plan(schema, target)?;
    let mut left = left_out(&plan);
    if schema.objects.has_extension {
        left.push("an extension, whose objects lie in the schema".into());
    }
    if !left.is_empty() {
        return Err(Error::CannotMove { slug: entry.slug.clone(), why: left });
    }
    let (before, mut after) = cut(&plan);
    let laid =
        |kind, table: Option<&Table>, sql| Laid { kind, table: table.map(|t| t.name.clone()), sql };
    let tables = with_rows(schema);
    let slug = &entry.slug;
    let role = entry.tenant_role.as_ref().filter(|_| entry.role_created).map(|r| role(r));
    let [marked, complete] =
        marks.map(|mark| format!("COMMENT ON SCHEMA {} IS {}", quote(slug), literal(mark)));
    after.push(complete);
    let structure: Vec<String> = role.into_iter().chain(before).chain([marked]).collect();
    let mut all = vec![laid("structure", None, Some(script(slug, &structure)))];
    all.extend(tables.iter().map(|t| laid("copy", Some(t), None)));
    all.push(laid("close", None, None));
    all.extend(tables.iter().map(|t| laid("catch_up", Some(t), None)));
    all.push(laid("keys", None, Some(script(slug, &after))));
    all.push(laid("cut_over", None, None));
    all.push(laid("arrive", None, Some(arrival(schema, entry))));
    Ok(all)
}

/// The tables that have rows of their own, each after its parents.
#[must_use]
pub fn with_rows(schema: &Schema) -> Vec<&Table> {
    parents_first(schema).into_iter().filter(|t| t.kind == "r").collect()
}

/// The roles that something in the schema is of or for. The one made for the tenant is made there too.
#[must_use]
pub fn roles(schema: &Schema, entry: &Entry) -> BTreeSet<String> {
    let objects = &schema.objects;
    let mut all: BTreeSet<String> = objects.owners.iter().map(|o| o.owner.clone()).collect();
    all.insert(schema.owner.clone());
    all.extend(objects.privileges.iter().filter_map(|p| p.grantee.clone()));
    all.extend(objects.default_privileges.iter().map(|d| d.role.clone()));
    all.extend(objects.default_privileges.iter().filter_map(|d| d.grantee.clone()));
    all.extend(schema.tables.iter().flat_map(|t| &t.policies).flat_map(|p| p.roles.clone()));
    all.extend(entry.tenant_role.clone());
    if entry.role_created {
        all.remove(&own_role(&entry.slug));
    }
    all
}

/// A move leaves nothing behind: what a clone may go without, it is not begun with.
fn left_out(plan: &Plan) -> Vec<String> {
    let told = plan.steps.iter().filter(|s| s.object.kind == Kind::NotCarried);
    told.map(|s| format!("{} ({})", s.action.trim_start_matches("not carried over: "), s.why))
        .collect()
}

/// The statements before the rows and those after them, without what only the session here needs.
fn cut(plan: &Plan) -> (Vec<String>, Vec<String>) {
    let is_data = |s: &crate::plan::Step| s.object.kind == Kind::Data;
    let first = plan.steps.iter().position(is_data).unwrap_or(plan.steps.len());
    let statements = |steps: &[crate::plan::Step]| {
        steps
            .iter()
            .filter(|s| !matches!(s.object.kind, Kind::Data | Kind::Path | Kind::TenantSchema))
            .filter(|s| !s.sql.is_empty())
            .map(|s| s.sql.clone())
            .collect()
    };
    (statements(&plan.steps[..first]), statements(&plan.steps[first..]))
}

/// Bare names in it mean the schema's own, as in the clone's plan. The last statement gives no rows.
fn script(slug: &str, statements: &[String]) -> String {
    let mut sql = format!(
        "SET LOCAL search_path = {}, pg_catalog, pg_temp;\nSET LOCAL check_function_bodies = off;\n",
        quote(slug)
    );
    for statement in statements {
        sql += statement;
        sql += ";\n";
    }
    sql + "SET LOCAL search_path = pg_catalog, pg_temp"
}

fn role(name: &str) -> String {
    format!(
        "DO {} ",
        literal(&format!(
            "BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = {}) THEN CREATE ROLE {} NOLOGIN; END IF; END",
            literal(name),
            quote(name)
        ))
    )
}

/// May be run twice: the tenant is registered there, and nothing marks the schema as one that is to come.
fn arrival(schema: &Schema, entry: &Entry) -> String {
    let or_null = |text: Option<&String>| text.map_or("NULL".into(), |text| literal(text));
    let slug = literal(&entry.slug);
    format!(
        "SELECT tenant_guard.register_tenant_schema({slug}, {}, {}, {}, {}) WHERE NOT EXISTS (SELECT FROM tenant_guard.tenant_schema t WHERE t.slug = {slug});\n{}",
        literal(&entry.template),
        or_null(entry.organization.as_ref()),
        or_null(entry.tenant_role.as_ref()),
        entry.role_created,
        comment(schema)
    )
}

/// The schema's own comment, in the place of the mark.
#[must_use]
pub fn comment(schema: &Schema) -> String {
    let text = schema.comment.as_ref().map_or("NULL".into(), |text| literal(text));
    format!("COMMENT ON SCHEMA {} IS {text}", quote(&schema.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Column, Sequence};

    fn schema() -> Schema {
        let table = |name: &str, kind: &str| Table {
            schema: "acme".into(),
            name: name.into(),
            kind: kind.into(),
            persistence: "p".into(),
            columns: vec![Column {
                name: "id".into(),
                r#type: "bigint".into(),
                is_local: true,
                ..Column::default()
            }],
            ..Table::default()
        };
        Schema {
            name: "acme".into(),
            owner: "crm".into(),
            comment: Some("it's ours".into()),
            usable: true,
            tables: vec![table("T", "r"), table("parted", "p")],
            sequences: Vec::<Sequence>::new(),
            ..Schema::default()
        }
    }

    fn entry() -> Entry {
        serde_json::from_value(serde_json::json!({
            "slug": "acme", "template": "tpl", "organization": null, "tenant_role": "tenant_acme", "role_created": true
        }))
        .unwrap()
    }

    #[test]
    fn rows_go_between_the_tables_and_their_keys() {
        let target = target(&entry(), "admin".into(), Vec::new());
        let steps = steps(&schema(), &entry(), &target, &["to come", "complete"]).unwrap();
        let kinds: Vec<&str> = steps.iter().map(|s| s.kind).collect();
        assert_eq!(kinds, ["structure", "copy", "close", "catch_up", "keys", "cut_over", "arrive"]);
        let structure = steps[0].sql.as_deref().unwrap();
        assert!(structure.contains("CREATE TABLE acme.\"T\""), "{structure}");
        assert!(structure.contains("IS 'to come';\n"), "{structure}");
        assert!(
            !structure.contains("register_tenant_schema") && !structure.contains("INSERT INTO")
        );
        let keys = steps[4].sql.as_deref().unwrap();
        assert!(!keys.contains("register_tenant_schema") && !keys.contains("setval"), "{keys}");
        let arrive = steps[6].sql.as_deref().unwrap();
        assert!(arrive.ends_with("COMMENT ON SCHEMA acme IS 'it''s ours'"), "{arrive}");
    }

    #[test]
    fn the_role_made_for_the_tenant_is_made_there_and_the_others_have_to_be_there() {
        assert_eq!(Vec::from_iter(roles(&schema(), &entry())), ["crm"]);
        let mut shared = entry();
        shared.role_created = false;
        assert_eq!(Vec::from_iter(roles(&schema(), &shared)), ["crm", "tenant_acme"]);
    }
}
