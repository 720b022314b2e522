//! Rows, schemas or databases: what speaks for each, and where it ends. Pure.

use crate::error::{Error, Result};
use serde::Deserialize;

/// What was measured.
#[derive(Debug, Clone, Deserialize)]
pub struct Facts {
    pub tenants: i64,
    /// Of one tenant: tables; tables and indexes; all that pg_class has for it.
    pub tables: f64,
    pub opened: f64,
    pub relations: f64,
    pub largest_share: f64,
    pub largest_bytes: f64,
    pub all_relations: i64,
    pub catalog_bytes: i64,
    pub max_connections: i32,
    pub databases: i64,
}

/// What has to be so, whatever is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// Nothing of two tenants in one database.
    pub physical_isolation: bool,
    /// Each tenant's data in a region of its own choice.
    pub residency: bool,
    /// A tenant is backed up and restored by itself.
    pub own_backup: bool,
    /// Tenants have columns or tables of their own.
    pub customized: bool,
}

impl Needs {
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |why: String| {
            Err(Error::WrongOption {
                option: "compliance",
                why,
                hint: "Write a JSON object of true and false, such as {\"own_backup\": true}; it takes physical_isolation, residency, own_backup and customized.".into(),
            })
        };
        let Ok(serde_json::Value::Object(given)) = serde_json::from_str(text) else {
            return refuse("it is no JSON object".into());
        };
        let mut needs = Needs::default();
        for (key, value) in given {
            let Some(value) = value.as_bool() else {
                return refuse(format!("\"{key}\" is neither true nor false"));
            };
            match key.as_str() {
                "physical_isolation" => needs.physical_isolation = value,
                "residency" => needs.residency = value,
                "own_backup" => needs.own_backup = value,
                "customized" => needs.customized = value,
                _ => return refuse(format!("\"{key}\" is not known")),
            }
        }
        Ok(needs)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    pub strategy: &'static str,
    pub score: i32,
    pub excluded: bool,
    pub reasons: Vec<String>,
    pub limits: Vec<String>,
}

impl Advice {
    fn new(strategy: &'static str, score: i32) -> Self {
        Advice { strategy, score, excluded: false, reasons: vec![], limits: vec![] }
    }

    fn because(&mut self, points: i32, reason: impl Into<String>) {
        self.score += points;
        self.reasons.push(reason.into());
    }

    fn never(&mut self, reason: impl Into<String>) {
        self.excluded = true;
        self.score = 0;
        self.reasons.push(reason.into());
    }
}

/// What a backend keeps of a table or an index that it has used, in bytes; measured on PostgreSQL 15.
const CACHED: f64 = 5200.0;
/// From so many on pg_dump, autovacuum and pg_upgrade are felt; and beyond, catalogs are what the server is busy with.
const MANY_RELATIONS: f64 = 20_000.0;
const TOO_MANY_RELATIONS: f64 = 200_000.0;
/// A pool has at least so many connections.
const POOL: i64 = 2;

/// The three ways, best first.
#[must_use]
pub fn advise(facts: &Facts, needs: Needs, tenants: i64) -> Vec<Advice> {
    let mut all = vec![
        rows(facts, needs, tenants),
        schemas(facts, needs, tenants),
        databases(facts, needs, tenants),
    ];
    for advice in &mut all {
        advice.score = advice.score.clamp(0, 100);
    }
    all.sort_by_key(|a| (a.excluded, -a.score));
    all
}

fn rows(facts: &Facts, needs: Needs, tenants: i64) -> Advice {
    let mut advice = Advice::new("rows", 70);
    if tenants > 1000 {
        advice.because(
            15,
            format!(
                "{tenants} tenants share the tables of one: the catalog does not grow with them"
            ),
        );
    } else {
        advice.because(0, "one set of tables, one migration and one pool serve all tenants");
    }
    if needs.customized {
        advice.because(
            -40,
            "tenants have columns or tables of their own, and rows of one table all have the same",
        );
    }
    if needs.own_backup {
        advice.because(-35, "no backup or restore of one tenant's rows alone, but by queries");
    }
    if needs.residency {
        advice.because(-40, "rows of one table are in one place");
    }
    if facts.largest_share > 0.5 && facts.tenants > 1 {
        advice.because(-10, share(facts));
    }
    if needs.physical_isolation {
        advice.never("nothing of two tenants may be in one database");
    }
    advice
        .limits
        .push("isolation is row-level security: protect_schema, enforce and prove it".into());
    advice.limits.push("each table and each index begins with the tenant column; statistics are those of all tenants together, so plans of a large one serve the small".into());
    advice
}

fn schemas(facts: &Facts, needs: Needs, tenants: i64) -> Advice {
    let mut advice = Advice::new("schemas", 60);
    let relations = facts.relations * tenants as f64;
    let bytes = facts.catalog_bytes as f64 / facts.all_relations.max(1) as f64 * relations;
    if relations > TOO_MANY_RELATIONS {
        advice.never(format!(
            "{tenants} tenants of {:.0} relations would be {relations:.0} relations in one catalog",
            facts.relations
        ));
    } else if relations > MANY_RELATIONS {
        advice.because(-25, format!("{tenants} tenants of {:.0} relations are {relations:.0} relations: dumps, autovacuum and upgrades go through all of them", facts.relations));
    } else {
        advice.because(10, format!("{tenants} tenants of {:.0} relations are {relations:.0} relations, which one catalog holds well", facts.relations));
    }
    if needs.customized {
        advice.because(25, "each schema may have columns and tables of its own");
    }
    if needs.own_backup {
        advice
            .because(15, "pg_dump -n backs one tenant up by itself; no point in time of it alone");
    }
    if needs.residency {
        advice.because(-30, "schemas of one database are in one place");
    }
    if needs.physical_isolation {
        advice.never("nothing of two tenants may be in one database");
    }
    advice.limits.push(format!(
        "the catalog grows by about {}, as its relations measure now",
        megabytes(bytes)
    ));
    advice.limits.push(format!(
        "a backend that has used every tenant's {:.0} tables with their {:.0} indexes keeps about {} of them: have pools let connections go, or pin tenants to pools",
        facts.tables,
        facts.opened - facts.tables,
        megabytes(facts.opened * tenants as f64 * CACHED)
    ));
    advice.limits.push(
        "plans are cached for each search_path; migrations run once a tenant (run_for_tenants)"
            .into(),
    );
    advice
}

fn databases(facts: &Facts, needs: Needs, tenants: i64) -> Advice {
    let mut advice = Advice::new("databases", 30);
    let connections = tenants.saturating_mul(POOL);
    if needs == Needs::default() {
        advice.because(0, "nothing that is asked for needs a database of its own");
    }
    if needs.physical_isolation {
        advice.because(60, "nothing of two tenants may be in one database");
    }
    if needs.residency {
        advice.because(40, "each database may be on a server of its own region");
    }
    if needs.own_backup {
        advice.because(20, "one database is dumped and restored by itself; on a server of its own also to a point in time");
    }
    if needs.customized {
        advice.because(10, "each database may have objects and extensions of its own");
    }
    if facts.largest_share > 0.5 && facts.tenants > 1 {
        advice.because(10, share(facts));
    }
    if connections > i64::from(facts.max_connections) {
        advice.because(-30, format!("a connection is of one database: pools of {POOL} for {tenants} tenants are {connections} connections, and max_connections is {}", facts.max_connections));
    }
    advice.limits.push(format!("pools cannot be shared: {connections} connections at least where all tenants are active; {} databases are here now", facts.databases));
    advice.limits.push("no query over two tenants, and what is shared is copied into each; each database has catalogs of its own, about 7 MB, and its turn of autovacuum".into());
    advice
}

fn share(facts: &Facts) -> String {
    format!(
        "one tenant has {:.0}% of all tenants' bytes ({}): a place of its own keeps it from the others",
        facts.largest_share * 100.0,
        megabytes(facts.largest_bytes)
    )
}

fn megabytes(bytes: f64) -> String {
    format!("{:.0} MB", bytes / 1_048_576.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            tenants: 10,
            tables: 50.0,
            opened: 150.0,
            relations: 250.0,
            largest_share: 0.1,
            largest_bytes: 1e6,
            all_relations: 3000,
            catalog_bytes: 6_000_000,
            max_connections: 100,
            databases: 2,
        }
    }

    fn best(facts: &Facts, needs: Needs, tenants: i64) -> &'static str {
        advise(facts, needs, tenants)[0].strategy
    }

    #[test]
    fn what_is_needed_decides_before_what_is_measured() {
        let none = Needs::default();
        assert_eq!(best(&facts(), none, 5000), "rows");
        assert_eq!(best(&facts(), Needs { customized: true, ..none }, 20), "schemas");
        assert_eq!(best(&facts(), Needs { own_backup: true, ..none }, 20), "schemas");
        assert_eq!(best(&facts(), Needs { residency: true, ..none }, 20), "databases");
        let physical = advise(&facts(), Needs { physical_isolation: true, ..none }, 5000);
        assert_eq!(physical[0].strategy, "databases");
        assert!(physical[1].excluded && physical[2].excluded && physical[1].score == 0);
    }

    #[test]
    fn a_catalog_has_an_end() {
        let many = advise(&facts(), Needs { customized: true, ..Needs::default() }, 5000);
        let schemas = many.iter().find(|a| a.strategy == "schemas").unwrap();
        assert!(schemas.excluded, "{schemas:?}");
        let few = advise(&facts(), Needs::default(), 50);
        assert!(!few.iter().find(|a| a.strategy == "schemas").unwrap().excluded);
    }

    #[test]
    fn every_way_has_reasons_and_limits_and_no_score_leaves_the_scale() {
        let all =
            Needs { physical_isolation: true, residency: true, own_backup: true, customized: true };
        let backup = Needs { own_backup: true, ..Needs::default() };
        for (needs, tenants) in [Needs::default(), backup, all]
            .into_iter()
            .flat_map(|needs| [1, 1_000_000_000].map(|tenants| (needs, tenants)))
        {
            for advice in advise(&facts(), needs, tenants) {
                assert!((0..=100).contains(&advice.score), "{advice:?}");
                assert!(!advice.limits.is_empty() && !advice.reasons.is_empty(), "{advice:?}");
            }
        }
    }

    #[test]
    fn only_known_needs_are_taken() {
        assert_eq!(Needs::parse("{}").unwrap(), Needs::default());
        assert!(Needs::parse(r#"{"own_backup": true}"#).unwrap().own_backup);
        for bad in ["[]", "true", r#"{"gdpr": true}"#, r#"{"residency": "eu"}"#] {
            assert!(matches!(Needs::parse(bad), Err(Error::WrongOption { .. })), "{bad}");
        }
    }
}
