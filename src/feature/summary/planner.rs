//! From a query to the plan of the summary that it fills. Pure.

use crate::catalog::{IdType, Table};
use crate::error::{Error, Result};
use crate::pg::ident::{literal, qualified, quote, truncate, MAX_IDENTIFIER};
use crate::pg::statement::ResultColumn;
use crate::plan::{Kind, Object, Plan, Step};

/// When the row was written: the one column that is not the query's.
pub const REFRESHED_AT: &str = "refreshed_at";

/// The restrictive policy that protect_table puts on a table.
const FLOOR: &str = "tenant_guard_tenant";

/// What a summary is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    pub query: String,
    pub tenant_column: String,
    /// The columns of the primary key behind the tenant column; empty for none.
    pub key: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Wanted {
    pub schema: String,
    pub name: String,
    pub definition: Definition,
    pub columns: Vec<ResultColumn>,
    pub protect: bool,
    /// Who would get more than SELECT by default privileges; PUBLIC is public.
    pub default_writers: Vec<String>,
}

impl Definition {
    /// Checks that the columns can be a summary's, and gives the type of its organizations. The key is
    /// cleared of the tenant column, which leads it anyway.
    pub fn check(&mut self, columns: &[ResultColumn]) -> Result<IdType> {
        let refuse = |argument, why: String| Err(Error::BadSummary { argument, why });
        for (number, column) in columns.iter().enumerate() {
            if column.name == "?column?" {
                return refuse("query", format!("Its column {} has no name.", number + 1));
            }
            if columns[..number].iter().any(|c| c.name == column.name) {
                return refuse("query", format!("It yields two columns {}.", quote(&column.name)));
            }
        }
        if columns.iter().any(|c| c.name == REFRESHED_AT) {
            return refuse(
                "query",
                format!("Its column {REFRESHED_AT} is the summary's own: give it another name."),
            );
        }
        let names = || columns.iter().map(|c| quote(&c.name)).collect();
        let find = |name: &str| columns.iter().find(|c| c.name == name);
        let Some(tenant) = find(&self.tenant_column) else {
            return Err(Error::NoSuchColumn {
                table: "of the query".into(),
                column: self.tenant_column.clone(),
                columns: names(),
            });
        };
        self.key.retain(|name| *name != self.tenant_column);
        for (number, name) in self.key.iter().enumerate() {
            if find(name).is_none() || self.key[..number].contains(name) {
                return refuse(
                    "key",
                    format!("{} is not one column of the query, named once.", quote(name)),
                );
            }
        }
        IdType::from_sql(&tenant.base_type).ok_or_else(|| Error::WrongColumnType {
            table: "the query".into(),
            column: tenant.name.clone(),
            found: tenant.r#type.clone(),
            wanted: crate::catalog::ID_TYPES,
        })
    }

    /// The call that registers it for a table.
    fn registering(&self, table: &str) -> String {
        let key: Vec<String> = self.key.iter().map(|k| literal(k)).collect();
        format!(
            "SELECT tenant_guard.register_tenant_summary({}::pg_catalog.regclass, {}, {}, ARRAY[{}]::pg_catalog.name[])",
            literal(table),
            literal(&self.query),
            literal(&self.tenant_column),
            key.join(", ")
        )
    }
}

impl Wanted {
    #[must_use]
    pub fn qualified(&self) -> String {
        qualified(&self.schema, &self.name)
    }

    fn object(&self, kind: Kind) -> Object {
        Object::table(kind, &self.schema, &self.name)
    }

    fn register(&self, undo: String) -> Step {
        Step::new(
            self.object(Kind::TenantSummary),
            "register the query",
            "refresh_tenant_summary runs it with the rights of the table's owner",
            self.definition.registering(&self.qualified()),
            undo,
        )
    }

    fn protecting(&self) -> String {
        format!(
            "SELECT count(*) FROM tenant_guard.protect_table({}, {})",
            literal(&self.qualified()),
            literal(&self.definition.tenant_column)
        )
    }
}

/// The plan of a summary that is not there yet.
#[must_use]
pub fn create(wanted: &Wanted) -> Plan {
    let table = wanted.qualified();
    let mut plan = Plan::new("create_tenant_summary", table.clone());
    plan.push(Step::new(
        wanted.object(Kind::Table),
        format!("create table {table}"),
        "a materialized view would show every organization's rows to everybody",
        create_table(wanted),
        format!("DROP TABLE {table}"),
    ));
    if !wanted.default_writers.is_empty() {
        let writers: Vec<String> = wanted.default_writers.iter().map(|w| grantee(w)).collect();
        plan.push(Step::part_of_table(
            wanted.object(Kind::TableGrants),
            "revoke what default privileges gave",
            "rows come from the query, and nobody else writes them",
            format!(
                "REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {table} FROM {}",
                writers.join(", ")
            ),
        ));
    }
    if wanted.definition.key.is_empty() {
        let tenant = &wanted.definition.tenant_column;
        let full = format!("idx_{}_{tenant}", wanted.name);
        let index = truncate(&full, MAX_IDENTIFIER);
        plan.push(Step::part_of_table(
            Object::in_table(Kind::Index, &wanted.schema, &wanted.name, index),
            format!("create index {index}"),
            "one organization's rows are read, and refreshed, without the others'",
            format!("CREATE INDEX {} ON {table} ({})", quote(index), quote(tenant)),
        ));
    }
    plan.push(wanted.register(format!(
        "SELECT tenant_guard.unregister_tenant_summary({}::pg_catalog.regclass)",
        literal(&table)
    )));
    if wanted.protect {
        plan.push(Step::part_of_table(
            wanted.object(Kind::RowSecurity),
            format!("protect {table}"),
            "each organization reads its own rows",
            wanted.protecting(),
        ));
    }
    plan
}

fn grantee(role: &str) -> String {
    if role == "public" {
        "PUBLIC".into()
    } else {
        quote(role)
    }
}

fn create_table(wanted: &Wanted) -> String {
    let definition = &wanted.definition;
    let mut lines: Vec<String> = wanted
        .columns
        .iter()
        .map(|c| {
            let collation = c.collation.as_ref().map(|c| format!(" COLLATE {c}"));
            let required = c.name == definition.tenant_column || definition.key.contains(&c.name);
            let not_null = if required { " NOT NULL" } else { "" };
            format!("{} {}{}{not_null}", quote(&c.name), c.r#type, collation.unwrap_or_default())
        })
        .collect();
    lines.push(format!("{REFRESHED_AT} timestamp with time zone NOT NULL"));
    if !definition.key.is_empty() {
        let key = std::iter::once(&definition.tenant_column).chain(&definition.key);
        let key: Vec<String> = key.map(|k| quote(k)).collect();
        lines.push(format!("PRIMARY KEY ({})", key.join(", ")));
    }
    format!("CREATE TABLE {} (\n  {}\n)", wanted.qualified(), lines.join(",\n  "))
}

/// The plan of a summary that is there: what differs, unless its table would have to be altered.
pub fn change(wanted: &Wanted, table: &Table, registered: &Definition) -> Result<Plan> {
    let differs = |what| Err(Error::SummaryDiffers { table: wanted.qualified(), what });
    if registered.tenant_column != wanted.definition.tenant_column {
        return differs("the tenant column");
    }
    if registered.key != wanted.definition.key {
        return differs("the key");
    }
    if !fits(table, &wanted.columns) {
        return differs("its columns");
    }
    let mut plan = Plan::new("create_tenant_summary", wanted.qualified());
    if registered.query != wanted.definition.query {
        plan.push(wanted.register(registered.registering(&wanted.qualified())));
    }
    if wanted.protect && table.policy(FLOOR).is_none() {
        plan.push(Step::new(
            wanted.object(Kind::RowSecurity),
            format!("protect {}", wanted.qualified()),
            "each organization reads its own rows",
            wanted.protecting(),
            format!(
                "SELECT count(*) FROM tenant_guard.unprotect_table({})",
                literal(&wanted.qualified())
            ),
        ));
    }
    Ok(plan)
}

/// Whether the table has the columns, in any order, and `refreshed_at`, and none besides that needs a value.
#[must_use]
pub fn fits(table: &Table, columns: &[ResultColumn]) -> bool {
    let has = |name: &str, kind: &str| {
        table.column(name).is_some_and(|c| c.r#type == kind && c.generated.is_empty())
    };
    has(REFRESHED_AT, "timestamp with time zone")
        && columns.iter().all(|c| has(&c.name, &c.r#type))
        && table.columns.len() == columns.len() + 1
}

/// Rows cannot be brought back by undo, but by a refresh they can.
#[must_use]
pub fn drop(table: &Table) -> Plan {
    let name = table.qualified();
    let mut plan = Plan::new("drop_tenant_summary", name.clone());
    plan.push(Step::irreversible(
        Object::table(Kind::TenantSummary, &table.schema, &table.name),
        "unregister the query",
        "nobody runs it any more",
        format!(
            "SELECT tenant_guard.unregister_tenant_summary({}::pg_catalog.regclass)",
            literal(&name)
        ),
    ));
    plan.push(Step::irreversible(
        Object::table(Kind::Table, &table.schema, &table.name),
        format!("drop table {name}"),
        "its rows are what the query yields, and can be had again",
        format!("DROP TABLE {name}"),
    ));
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Column, Policy};

    fn column(name: &str, kind: &str) -> ResultColumn {
        ResultColumn {
            name: name.into(),
            r#type: kind.into(),
            base_type: kind.into(),
            collation: None,
        }
    }

    fn definition(key: &[&str]) -> Definition {
        Definition {
            query: "SELECT 'it''s'".into(),
            tenant_column: "Org".into(),
            key: key.iter().map(ToString::to_string).collect(),
        }
    }

    fn wanted(key: &[&str]) -> Wanted {
        Wanted {
            schema: "s".into(),
            name: "by org".into(),
            definition: definition(key),
            columns: vec![column("Org", "uuid"), column("n", "bigint")],
            protect: true,
            default_writers: vec![],
        }
    }

    fn actions(plan: &Plan) -> Vec<&str> {
        plan.steps.iter().map(|s| s.action.as_str()).collect()
    }

    #[test]
    fn a_summary_is_a_table_led_by_its_tenant() {
        let plan = create(&wanted(&["n"]));
        assert_eq!(
            plan.steps[0].sql,
            "CREATE TABLE s.\"by org\" (\n  \"Org\" uuid NOT NULL,\n  n bigint NOT NULL,\n  refreshed_at timestamp with time zone NOT NULL,\n  PRIMARY KEY (\"Org\", n)\n)"
        );
        assert_eq!(
            actions(&plan),
            ["create table s.\"by org\"", "register the query", "protect s.\"by org\""]
        );
        assert_eq!(
            plan.steps[1].sql,
            "SELECT tenant_guard.register_tenant_summary('s.\"by org\"'::pg_catalog.regclass, 'SELECT ''it''''s''', 'Org', ARRAY['n']::pg_catalog.name[])"
        );
        let open = Wanted {
            protect: false,
            default_writers: vec!["public".into(), "A b".into()],
            ..wanted(&[])
        };
        let plan = create(&open);
        assert_eq!(plan.steps.len(), 4);
        assert!(plan.steps[1].sql.ends_with("FROM PUBLIC, \"A b\""));
        assert!(plan.steps[2].sql.starts_with("CREATE INDEX \"idx_by org_Org\""));
    }

    #[test]
    fn what_cannot_be_a_summary_is_refused() {
        let check = |columns: &[ResultColumn], key: &[&str]| definition(key).check(columns);
        let org = || column("Org", "uuid");
        assert!(check(&[org(), column("n", "bigint")], &["Org", "n"]).is_ok());
        let mut cleared = definition(&["Org", "n"]);
        assert!(cleared.check(&[org(), column("n", "bigint")]).is_ok());
        assert_eq!(cleared.key, ["n"]);
        for (columns, key) in [
            (vec![org(), column("?column?", "bigint")], vec![]),
            (vec![org(), org()], vec![]),
            (vec![org(), column(REFRESHED_AT, "date")], vec![]),
            (vec![org()], vec!["n"]),
            (vec![org(), column("n", "bigint")], vec!["n", "n"]),
        ] {
            let key: Vec<&str> = key;
            assert!(matches!(check(&columns, &key), Err(Error::BadSummary { .. })), "{columns:?}");
        }
        assert!(matches!(check(&[column("org", "uuid")], &[]), Err(Error::NoSuchColumn { .. })));
        let date = [column("Org", "date")];
        assert!(matches!(check(&date, &[]), Err(Error::WrongColumnType { .. })));
    }

    #[test]
    fn only_the_difference_is_planned() {
        let of = |name: &str, kind: &str| Column {
            name: name.into(),
            r#type: kind.into(),
            ..Column::default()
        };
        let mut table = Table {
            columns: vec![
                of("Org", "uuid"),
                of("n", "bigint"),
                of(REFRESHED_AT, "timestamp with time zone"),
            ],
            ..Table::default()
        };
        let registered = definition(&["n"]);
        let plan = change(&wanted(&["n"]), &table, &registered).expect("a plan");
        assert_eq!(actions(&plan), ["protect s.\"by org\""]);
        table.policies = vec![Policy {
            name: FLOOR.into(),
            command: "ALL".into(),
            permissive: false,
            roles: vec![],
            using: None,
            check: None,
            comment: None,
        }];
        let old = Definition { query: "SELECT 2".into(), ..definition(&["n"]) };
        let plan = change(&wanted(&["n"]), &table, &old).expect("a plan");
        assert_eq!(actions(&plan), ["register the query"]);
        assert!(plan.steps[0].undo.as_deref().is_some_and(|u| u.contains("'SELECT 2'")));
        assert!(change(&wanted(&["n"]), &table, &registered).expect("a plan").steps.is_empty());
        let differs = |wanted: Wanted, table: &Table| {
            matches!(change(&wanted, table, &registered), Err(Error::SummaryDiffers { .. }))
        };
        assert!(differs(wanted(&[]), &table));
        table.columns.pop();
        assert!(differs(wanted(&["n"]), &table));
    }
}
