//! Private clusters and real drivers, for what one session cannot show.
//!
//! - [`cluster`]: a server of one's own: start, kill, restart, and gone with the test run
//! - [`database`]: a fresh database in it: connect as any role, dump, run psql
//! - [`pooler`]: PgBouncer in front of it
//! - [`steps`]: what a mutating function of the extension returned
//! - [`sql`]: queries, expected errors and claims
//! - [`issuer`]: tokens, signed by somebody else than the extension
//! - [`fixtures`]: the tables, people and organizations that the tests share
//!
//! The server's programs come from `TENANT_GUARD_PG_BIN`, else from `pg_config --bindir`.
//! The extension must already be installed there; `scripts/test.sh` does that.
//! The other issuer is PyJWT in `TENANT_GUARD_PYTHON`, else in `/usr/bin/python3`, with the Debian packages
//! python3-jwt and python3-cryptography; the pooler is the Debian package pgbouncer.

pub mod cluster;
pub mod database;
pub mod fixtures;
pub mod issuer;
pub mod pooler;
pub mod sql;
pub mod steps;

pub use cluster::Cluster;
pub use database::Database;
