//! The registered membership table, with those of projects and organizations, and the questions
//! asked of them. Each is read as its owner, past its policies, under the pinned search path.

mod lookup;
mod registration;

use crate::catalog::IdType;
use crate::error::Result;
use crate::pg::invalidation::{Cached, Subject};
use crate::pg::scan::Indexed;
use crate::pg::{ident, invalidation, query, relation, user};
use pgrx::pg_sys;
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

pub use self::lookup::Row;
pub use self::registration::{check_condition, may_register, register, registration, unregister};

/// What `use_membership` registered, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registered {
    No,
    /// A table that was registered and is gone, or no longer fits: nobody is a member of anything.
    Gone,
    Table(Rc<Membership>),
}

#[derive(Debug, PartialEq, Eq)]
pub struct Membership {
    user: Column,
    org: Column,
    /// Whether roles come from here, even if their column is gone.
    pub has_roles: bool,
    role: Option<RoleColumn>,
    active: Option<String>,
    /// How the table is read without SPI, where it can be.
    indexed: How,
    pub projects: Option<Projects>,
    /// None: every organization is active.
    pub organizations: Option<Organizations>,
}

/// A way to read a table, which is no part of what is read: whatever it is, the answer is the same.
#[derive(Debug)]
struct How(Option<Indexed>);

impl PartialEq for How {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for How {}

#[derive(Debug, PartialEq, Eq)]
pub enum Projects {
    Gone,
    Table { project: Column, org: Column },
}

#[derive(Debug, PartialEq, Eq)]
pub enum Organizations {
    Gone,
    Table { id: Column, status: Option<(String, Vec<String>)> },
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Column {
    oid: u32,
    schema: String,
    table: String,
    owner: u32,
    column: String,
    r#type: IdType,
    /// Whether two spellings may be equal: its collation says so.
    fuzzy: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct RoleColumn {
    column: String,
    array: bool,
}

/// What registered.sql gives.
#[derive(Debug, Deserialize)]
struct Found {
    columns: HashMap<String, Column>,
    role_named: bool,
    role: Option<RoleColumn>,
    active: Option<String>,
    indexed: Option<Indexed>,
    projects_named: bool,
    organizations_named: bool,
    status_named: bool,
    status_column: Option<String>,
    active_statuses: Vec<String>,
}

impl Found {
    fn resolve(mut self) -> Registered {
        let (Some(user), Some(org)) = (self.columns.remove("user"), self.columns.remove("org"))
        else {
            return Registered::Gone;
        };
        let projects = self.projects_named.then(|| {
            match (self.columns.remove("project"), self.columns.remove("project_org")) {
                (Some(project), Some(org)) => Projects::Table { project, org },
                _ => Projects::Gone,
            }
        });
        let organizations = self.organizations_named.then(|| {
            let status = self.status_column.map(|column| (column, self.active_statuses));
            match self.columns.remove("organization") {
                Some(id) if status.is_some() == self.status_named => {
                    Organizations::Table { id, status }
                }
                _ => Organizations::Gone,
            }
        });
        Registered::Table(Rc::new(Membership {
            user,
            org,
            has_roles: self.role_named,
            role: self.role,
            active: self.active,
            indexed: How(self.indexed),
            projects,
            organizations,
        }))
    }
}

thread_local! {
    static CACHE: Cached<Registered> = const { Cached::new(Subject::Membership) };
    static LATEST: RefCell<Latest> = const { RefCell::new(Latest { revision: 0, registered: Registered::No }) };
}

struct Latest {
    revision: u64,
    registered: Registered,
}

impl Latest {
    fn learn(&mut self, registered: Registered) -> Registered {
        self.revision += u64::from(registered != self.registered);
        self.registered = registered.clone();
        registered
    }
}

/// Changes whenever `registered` may give another answer.
#[must_use]
pub fn generation() -> u64 {
    invalidation::generation(Subject::Membership)
}

/// Changes when `registered` has given another answer. A table that was vacuumed, granted or indexed anew is what it was.
#[must_use]
pub fn revision() -> u64 {
    LATEST.with_borrow(|latest| latest.revision)
}

/// Read once, and again whenever the registration or one of its tables changes.
pub fn registered() -> Result<Registered> {
    CACHE.with(|cache| {
        cache.get(|| {
            let found: Option<Found> = user::as_extension_owner(|| {
                query::model_here(include_str!("registered.sql"), &[])
            })?;
            let own = relation::own("membership");
            let Some(found) = found else {
                let none = LATEST.with_borrow_mut(|latest| latest.learn(Registered::No));
                return Ok((none, Some(own.into_iter().collect())));
            };
            let tables = found.columns.values().map(|c| pg_sys::Oid::from(c.oid));
            let mut watched: Vec<pg_sys::Oid> = own.into_iter().chain(tables).collect();
            watched.dedup();
            let complete = found.columns.len()
                == 2 + 2 * usize::from(found.projects_named)
                    + usize::from(found.organizations_named);
            let resolved = LATEST.with_borrow_mut(|latest| latest.learn(found.resolve()));
            // While something is missing, any relation may become it.
            Ok((resolved, complete.then_some(watched)))
        })
    })
}

impl Membership {
    #[must_use]
    pub fn org_type(&self) -> IdType {
        self.org.r#type
    }

    /// The table and the column of the organizations' ids, as messages name them.
    #[must_use]
    pub fn org_column(&self) -> (String, String) {
        (ident::qualified(&self.org.schema, &self.org.table), self.org.column.clone())
    }

    /// Whether two spellings of an organization's id may be the same to the table.
    #[must_use]
    pub fn fuzzy(&self) -> bool {
        self.org.fuzzy
    }

    /// What was registered beside the table and is gone, or no longer fits; for a person.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let role = self.has_roles && self.role.is_none();
        let organizations = matches!(self.organizations, Some(Organizations::Gone));
        let projects = matches!(self.projects, Some(Projects::Gone));
        [
            (role, "the role column: members have no roles"),
            (organizations, "the organizations: none is active"),
            (projects, "the projects: none is anybody's"),
        ]
        .into_iter()
        .filter_map(|(gone, what)| gone.then_some(what))
        .collect()
    }

    /// The table, for a person.
    #[must_use]
    pub fn describe(&self) -> String {
        self.user.relation()
    }
}

impl Column {
    fn relation(&self) -> String {
        ident::qualified(&self.schema, &self.table)
    }
}

/// On lines of its own, for it may end in a comment.
fn condition(active: &str) -> String {
    format!("(\n{active}\n)")
}
