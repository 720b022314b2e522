//! The registry of destinations as plans. Pure.

use super::conninfo;
use crate::error::{Error, Result};
use crate::pg::ident::literal;
use crate::plan::{Kind, Object, Plan, Step};
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Destination {
    pub name: String,
    pub kind: String,
    pub conninfo: String,
    pub secret: Option<String>,
    pub region: Option<String>,
    pub capacity: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Assignment {
    pub tenant: String,
    pub destination: String,
    pub database: Option<String>,
}

impl Destination {
    pub fn check(&self) -> Result<()> {
        let refuse = |option, why: &str, hint: &str| {
            Err(Error::WrongOption { option, why: why.into(), hint: hint.into() })
        };
        if self.name.is_empty() || self.name.chars().any(char::is_control) {
            return refuse(
                "name",
                "It is empty, or has control characters, which no file of a pooler could hold",
                "Name it as routers and people are to see it: 'eu1'.",
            );
        }
        if !matches!(self.kind.as_str(), "database" | "server") {
            return Err(Error::UnknownOption {
                option: "kind",
                value: self.kind.clone(),
                allowed: &["database", "server"],
            });
        }
        if let Some(why) = conninfo::fault(&self.conninfo) {
            return refuse(
                "conninfo",
                &why,
                "Write 'host=... dbname=... user=...', and in secret where the password is to be found; libpq takes it from a passfile or from PGPASSWORD.",
            );
        }
        if self.capacity.is_some_and(|c| c < 0) {
            return Err(Error::OutOfRange {
                argument: "capacity",
                value: self.capacity.unwrap_or_default().to_string(),
                range: "0 or more, or NULL",
            });
        }
        Ok(())
    }

    /// For one more, where so many are there.
    pub fn has_room(&self, tenants: i64) -> Result<()> {
        match self.capacity {
            Some(capacity) if tenants >= i64::from(capacity) => {
                Err(Error::DestinationFull { name: self.name.clone(), capacity })
            }
            _ => Ok(()),
        }
    }
}

impl Assignment {
    pub fn new(tenant: &str, at: &Destination, database: Option<String>) -> Result<Self> {
        let refuse = |why: &str, hint: &str| {
            Err(Error::WrongOption { option: "database", why: why.into(), hint: hint.into() })
        };
        let is_id = crate::id::parse_uuid(tenant).is_some();
        let database = match (at.kind.as_str(), database) {
            ("server", None) if is_id => {
                return refuse(
                    "The destination is a server, where each tenant has a database, and an organization's id names none",
                    "Say which: database => 'its_name'.",
                )
            }
            ("server", None) => Some(tenant.to_string()),
            ("server", Some(name)) if name.is_empty() || name.chars().any(char::is_control) => {
                return refuse("It is no name that a pooler's file could hold", "Give its name.")
            }
            ("server", given) => given,
            (_, None) => None,
            (_, Some(_)) => {
                return refuse(
                    "The destination is one database already, which its conninfo names",
                    "Leave it out, or register the destination as a server.",
                )
            }
        };
        Ok(Assignment { tenant: tenant.into(), destination: at.name.clone(), database })
    }
}

/// An organization's id in one spelling; a slug as it is.
pub fn tenant(given: &str) -> Result<String> {
    if let Some(id) = crate::id::parse_uuid(given) {
        return Ok(id.to_string());
    }
    if given.is_empty() || given.chars().any(char::is_control) {
        return Err(Error::WrongOption {
            option: "tenant",
            why: "It is empty, or has control characters".into(),
            hint: "Give an organization's id, or a slug.".into(),
        });
    }
    Ok(given.to_string())
}

#[must_use]
pub fn register(wanted: &Destination, there: Option<&Destination>) -> Plan {
    let mut plan = Plan::new("register_destination", &wanted.name);
    if there == Some(wanted) {
        return plan;
    }
    plan.push(Step::new(
        Object::global(Kind::Destination, &wanted.name),
        format!("register destination {}", wanted.name),
        "routers ask destination_for where a tenant is",
        record(wanted),
        there.map_or_else(|| removal(&wanted.name), record),
    ));
    plan
}

#[must_use]
pub fn unregister(there: &Destination) -> Plan {
    let mut plan = Plan::new("unregister_destination", &there.name);
    plan.push(Step::new(
        Object::global(Kind::Destination, &there.name),
        format!("unregister destination {}", there.name),
        "no tenant is there",
        removal(&there.name),
        record(there),
    ));
    plan
}

#[must_use]
pub fn assign(tenant: &str, wanted: Option<&Assignment>, there: Option<&Assignment>) -> Plan {
    let mut plan = Plan::new("assign_destination", tenant);
    if wanted == there {
        return plan;
    }
    let action = match wanted {
        Some(wanted) => format!("assign {tenant} to destination {}", wanted.destination),
        None => format!("assign {tenant} to no destination"),
    };
    plan.push(Step::new(
        Object::global(Kind::DestinationAssignment, tenant),
        action,
        "destination_for tells it to routers",
        place(tenant, wanted),
        place(tenant, there),
    ));
    plan
}

fn optional(text: Option<&String>) -> String {
    text.map_or_else(|| "NULL".into(), |text| literal(text))
}

fn record(d: &Destination) -> String {
    format!(
        "SELECT tenant_guard.record_destination({}, {}, {}, {}, {}, {})",
        literal(&d.name),
        literal(&d.kind),
        literal(&d.conninfo),
        optional(d.secret.as_ref()),
        optional(d.region.as_ref()),
        d.capacity.map_or_else(|| "NULL".into(), |c| c.to_string())
    )
}

fn removal(name: &str) -> String {
    let name = literal(name);
    format!("SELECT tenant_guard.record_destination({name}, NULL, NULL, NULL, NULL, NULL)")
}

fn place(tenant: &str, at: Option<&Assignment>) -> String {
    format!(
        "SELECT tenant_guard.record_assignment({}, {}, {})",
        literal(tenant),
        optional(at.map(|a| &a.destination)),
        optional(at.and_then(|a| a.database.as_ref()))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(kind: &str) -> Destination {
        Destination {
            name: "eu's".into(),
            kind: kind.into(),
            conninfo: "host=db1".into(),
            secret: None,
            region: None,
            capacity: Some(2),
        }
    }

    #[test]
    fn what_is_registered_already_is_no_step_and_what_differs_goes_back_to_what_was() {
        let (new, old) = (at("server"), at("database"));
        assert!(register(&new, Some(&new)).steps.is_empty());
        let plan = register(&new, Some(&old));
        assert_eq!(
            plan.steps[0].sql,
            "SELECT tenant_guard.record_destination('eu''s', 'server', 'host=db1', NULL, NULL, 2)"
        );
        assert_eq!(plan.steps[0].undo.as_deref(), Some(record(&old).as_str()));
        assert_eq!(unregister(&old).steps[0].undo.as_deref(), Some(record(&old).as_str()));
    }

    #[test]
    fn only_a_server_has_databases_and_a_slugs_is_named_like_it() {
        let server = at("server");
        let own = Assignment::new("acme", &server, None).unwrap();
        assert_eq!(own.database.as_deref(), Some("acme"));
        let id = "aaaaaaaa-0000-4000-8000-000000000001";
        assert!(Assignment::new(id, &server, None).is_err());
        assert!(Assignment::new(id, &server, Some("a".into())).is_ok());
        assert!(Assignment::new(id, &at("database"), Some("a".into())).is_err());
        assert_eq!(Assignment::new(id, &at("database"), None).unwrap().database, None);
    }

    #[test]
    fn an_id_has_one_spelling_and_a_full_place_takes_nobody() {
        let id = "aaaaaaaa-0000-4000-8000-000000000001";
        assert_eq!(tenant(&id.to_uppercase()).unwrap(), id);
        assert_eq!(tenant("acme").unwrap(), "acme");
        assert!(tenant("").is_err() && tenant("a\nb").is_err());
        assert!(at("server").has_room(1).is_ok() && at("server").has_room(2).is_err());
    }
}
