//! A database of its own for a tenant: what is done over a second connection, step by step. Pure.

use super::conninfo;
use crate::pg::ident::{literal, quote};

/// Where a step is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// In the database that the conninfo names.
    Server,
    /// In the new one.
    Database,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub place: Where,
    pub what: &'static str,
    pub sql: String,
    /// A query that has a row where it is done already: the session may have ended before that was noted.
    pub done: Option<String>,
}

/// The steps before the last, which assigns the tenant here.
#[must_use]
pub fn tasks(slug: &str, template: &str, connection_limit: i32, trust: &str) -> Vec<Task> {
    let (database, template) = (quote(slug), quote(template));
    let task = |place, what, sql| Task { place, what, sql, done: None };
    vec![
        Task {
            done: Some(exists(slug)),
            ..task(
                Where::Server,
                "create the database",
                format!("CREATE DATABASE {database} TEMPLATE {template} CONNECTION LIMIT {connection_limit}"),
            )
        },
        task(
            Where::Server,
            "take CONNECT from PUBLIC",
            format!("REVOKE CONNECT, TEMPORARY ON DATABASE {database} FROM PUBLIC"),
        ),
        task(
            Where::Database,
            "install tenant_guard",
            "CREATE EXTENSION IF NOT EXISTS tenant_guard".into(),
        ),
        task(
            Where::Server,
            "trust identities as here",
            format!("ALTER DATABASE {database} SET tenant_guard.trust = {}", literal(trust)),
        ),
    ]
}

/// Whether there is a database of that name.
#[must_use]
pub fn exists(slug: &str) -> String {
    format!("SELECT 1 FROM pg_catalog.pg_database WHERE datname = {}", literal(slug))
}

/// The conninfo of a step: of two values for a keyword libpq takes the last.
#[must_use]
pub fn connection(conninfo: &str, place: Where, slug: &str) -> String {
    match place {
        Where::Server => conninfo.to_string(),
        Where::Database => format!("{conninfo} dbname={}", conninfo::value(slug)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_made_then_closed_then_guarded() {
        let tasks = tasks("acme", "App Template", 20, "verified");
        assert_eq!(
            tasks[0].sql,
            "CREATE DATABASE acme TEMPLATE \"App Template\" CONNECTION LIMIT 20"
        );
        assert!(tasks[0].done.is_some() && tasks[1..].iter().all(|t| t.done.is_none()));
        assert_eq!(tasks[2].place, Where::Database);
        assert!(tasks[3].sql.ends_with("= 'verified'"), "{}", tasks[3].sql);
    }

    #[test]
    fn the_new_database_is_reached_by_the_same_way() {
        let conninfo = "host=db1 dbname=postgres";
        assert_eq!(connection(conninfo, Where::Server, "acme"), conninfo);
        assert_eq!(
            connection(conninfo, Where::Database, "it's"),
            r"host=db1 dbname=postgres dbname='it\'s'"
        );
    }
}
