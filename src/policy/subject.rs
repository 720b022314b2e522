//! A table that is to be protected, with all that its plan depends on.

use super::options::{Call, Existing, IndexMode, Options};
use super::planner::{self, Site, World};
use super::registry;
use crate::catalog::{self, ForeignKey, Table};
use crate::context;
use crate::error::{Error, Result};
use crate::pg::expression;
use crate::pg::query;
use crate::pg::types::RegClass;
use crate::plan::{Kind, Plan};
use std::collections::{BTreeSet, HashMap};

pub struct Subject {
    pub family: Vec<Table>,
    pub registered: Option<Options>,
    /// The protected table that its first table hangs under.
    pub above: Option<Table>,
}

impl Subject {
    /// The table with all that inherits from it, locked unless it is for a dry run.
    pub fn read(table: RegClass, dry_run: bool) -> Result<Self> {
        let family = catalog::table_family(table, dry_run)?;
        let registered = registry::registered(family[0].oid)?;
        Ok(Subject { family, registered, above: None })
    }

    /// The table as it is, whosever it is.
    fn of(table: RegClass) -> Result<Self> {
        let found = catalog::any_table(table.0)?.ok_or(Error::NoSuchTable { oid: table.0 })?;
        Ok(Subject { registered: registry::registered(table.0)?, family: vec![found], above: None })
    }

    /// Several tables, each with all that inherits from it.
    pub fn read_all(
        tables: Vec<RegClass>,
        registered: &HashMap<u32, Options>,
        dry_run: bool,
    ) -> Result<Vec<Self>> {
        let families = catalog::table_families(&tables, dry_run)?;
        let of = |family: Vec<Table>| {
            let registered = registered.get(&family[0].oid).cloned();
            Subject { family, registered, above: None }
        };
        Ok(families.into_iter().map(of).collect())
    }

    pub fn protect(&self, options: Options, call: Call) -> Result<Plan> {
        let site = Site::of(std::slice::from_ref(self), &options)?;
        self.protect_at(&site, options, call)
    }

    pub fn protect_at(&self, site: &Site, mut options: Options, call: Call) -> Result<Plan> {
        if call.existing == Existing::Keep {
            let kept = planner::foreign_policies(&self.family[0]);
            options.kept = kept.iter().map(|p| p.name.clone()).collect();
        }
        // A table that inherits has the columns of the table above it, and none of its foreign keys.
        let root = self.above.as_ref().unwrap_or(&self.family[0]);
        let keys: Vec<ForeignKey> = match root.column(&options.tenant_column) {
            Some(_) => vec![],
            None => catalog::foreign_keys_from(root.oid, &options.tenant_column)?,
        };
        let normal = |table: &Table, text: &str| normal(table, text);
        if let Some(shared) = &options.shared {
            check_shared(root, shared)?;
        }
        let world = World {
            site,
            keys: &keys,
            registered: self.registered.as_ref(),
            normal: &normal,
            above: self.above.as_ref(),
        };
        planner::protect(&self.family, &options, call, world)
    }
}

impl Site {
    /// For several tables that are protected alike.
    pub fn of(subjects: &[Subject], options: &Options) -> Result<Self> {
        let families = || subjects.iter().flat_map(|s| &s.family);
        let schemas: BTreeSet<String> = families().map(|t| t.schema.clone()).collect();
        Ok(Site {
            taken: catalog::names_in_use(schemas.into_iter().collect(), "idx_")?,
            api_roles: api_roles(options)?,
            unbound: catalog::unbound_roles(&options.roles)?,
            organization: context::organization_id_column()?,
        })
    }
}

/// The roles whose privileges past row-level security are taken.
fn api_roles(options: &Options) -> Result<Vec<String>> {
    let mut roles = options.roles.clone();
    roles.push("public".into());
    for role in ["anon", "authenticated"] {
        if catalog::role_exists(role)? {
            roles.push(role.into());
        }
    }
    roles.sort();
    roles.dedup();
    Ok(roles)
}

/// Read under the path that policies are made and compared under.
fn normal(table: &Table, text: &str) -> Result<String> {
    let _read = query::catalog_read(query::PINNED);
    Ok(expression::condition(table.oid, text, "shared")?.text)
}

/// A shared row is told by itself alone: what a sub-query reads, or a random value says, could differ
/// between who reads and who writes.
fn check_shared(table: &Table, shared: &str) -> Result<()> {
    let _read = query::catalog_read(query::PINNED);
    let condition = expression::condition(table.oid, shared, "shared")?;
    if condition.has_subquery || condition.volatile {
        return Err(Error::WrongOption {
            option: "shared",
            why: "it is more than a condition on the row itself: it has a sub-query or calls a volatile function".into(),
            hint: "Use columns of the row, such as shared => 'organization_id IS NULL'.".into(),
        });
    }
    Ok(())
}

/// What protect_table would do about the table now, with what is registered of it; None for a table that is
/// not registered, or not the caller's.
pub fn drift(table: RegClass) -> Result<Option<Vec<String>>> {
    let (Some(options), Ok(_)) = (registry::registered(table.0)?, catalog::table(table)) else {
        return Ok(None);
    };
    let subject = Subject::read(table, true)?;
    let site = Site::of(&[], &options)?;
    Ok(Some(subject.drift(&site, options)))
}

/// The same for every registered table of the caller's, read together.
pub fn drifts() -> Result<Vec<(u32, Vec<String>)>> {
    let registered = registry::of_the_caller()?;
    let tables: Vec<RegClass> = registered.keys().map(|oid| RegClass(*oid)).collect();
    let Ok(families) = catalog::whole_families(&tables) else {
        // What hangs under one of them is somebody else's: the others can be told.
        let each =
            tables.into_iter().map(|t| Ok((t.0, drift(t).unwrap_or(None).unwrap_or_default())));
        return each.collect();
    };
    let mut sites: HashMap<Vec<String>, Site> = HashMap::new();
    let mut found = Vec::new();
    for family in families {
        let Some(options) = registered.get(&family[0].oid).cloned() else { continue };
        let subject = Subject { family, registered: Some(options.clone()), above: None };
        let roles = options.roles.clone();
        if !sites.contains_key(&roles) {
            sites.insert(roles.clone(), Site::of(&[], &options)?);
        }
        found.push((subject.family[0].oid, subject.drift(&sites[&roles], options)));
    }
    Ok(found)
}

impl Subject {
    fn drift(&self, site: &Site, options: Options) -> Vec<String> {
        let several = self.family.len() > 1;
        let of = |table: &str, what: &str| {
            if several {
                format!("{table}: {what}")
            } else {
                what.to_string()
            }
        };
        let added: Vec<String> = self
            .family
            .iter()
            .flat_map(|t| planner::foreign_policies(t).into_iter().map(move |p| (t, p)))
            .filter(|(_, p)| !options.kept.contains(&p.name))
            .map(|(t, p)| of(&t.name, &format!("policy {} was added by hand", p.name)))
            .collect();
        let plan = match self.protect_at(site, options, AS_IT_IS) {
            Ok(plan) => plan,
            Err(error) => {
                let what = format!("it cannot be protected any more: {}", error.message());
                return vec![of(&self.family[0].name, &what)];
            }
        };
        let steps = plan.steps.iter().filter(|s| s.object.kind != Kind::Protection).map(|s| {
            let table = if s.object.table.is_empty() { &s.object.name } else { &s.object.table };
            of(table, &s.action)
        });
        steps.chain(added).collect()
    }
}

const AS_IT_IS: Call = Call { existing: Existing::Keep, index: IndexMode::Skip };

/// How a table is registered, or the one above it, and whether it still is like that as far as rows go.
pub enum Standing {
    Unprotected,
    /// With the options that were registered for it.
    Weakened(Box<Options>),
    Protected,
}

pub fn standing(table: u32) -> Result<Standing> {
    let Some(registered) = registry::nearest(table)? else { return Ok(Standing::Unprotected) };
    let above = match registered.table == table {
        true => None,
        false => catalog::any_table(registered.table)?,
    };
    let subject = Subject { above, ..Subject::of(RegClass(table))? };
    let options = registered.options;
    let whole = match subject.protect(options.clone(), AS_IT_IS) {
        Ok(plan) => plan
            .steps
            .iter()
            .all(|s| !matches!(s.object.kind, Kind::Policy | Kind::RowSecurity | Kind::Trigger)),
        Err(_) => false,
    };
    Ok(if whole { Standing::Protected } else { Standing::Weakened(Box::new(options)) })
}
