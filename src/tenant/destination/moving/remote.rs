//! The connection to where a tenant goes: dblink's, with the settings that rows and definitions are written under.

use crate::error::{Error, Result};
use crate::pg::attempt::{self, Told};
use crate::pg::{ident, query};

const NAME: &str = "tenant_guard.move_tenant";

/// What changes how values and definitions are written and read, as `query::plainly` sets it here.
const PLAIN: &str = "SET search_path = pg_catalog, pg_temp; SET datestyle = 'ISO'; SET intervalstyle = 'postgres';
SET extra_float_digits = 3; SET timezone = 'UTC'; SET standard_conforming_strings = on; SET lc_monetary = 'C';
SET bytea_output = 'hex'; SET xmloption = 'content'; SET transform_null_equals = off; SET row_security = off;
SET client_min_messages = warning; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";

pub struct Remote {
    dblink: String,
}

impl Remote {
    /// Runs statements of which the last gives no rows; all of them in one transaction, unless one is open.
    pub fn run(&self, sql: &str) -> Result<()> {
        query::value::<String>(
            &format!("SELECT {}($1, $2)", ident::qualified(&self.dblink, "dblink_exec")),
            &[NAME.into(), sql.into()],
        )?;
        Ok(())
    }

    /// The text in the first column of the first row.
    pub fn text(&self, sql: &str) -> Result<Option<String>> {
        let answer = format!(
            "SELECT t.a FROM {}($1, $2) AS t (a pg_catalog.text) LIMIT 1",
            ident::qualified(&self.dblink, "dblink")
        );
        query::value::<String>(&answer, &[NAME.into(), sql.into()])
    }

    pub fn has(&self, sql: &str) -> Result<bool> {
        let sql = format!("SELECT 'yes'::pg_catalog.text WHERE EXISTS ({sql})");
        Ok(self.text(&sql)?.is_some())
    }

    /// Several statements as one transaction there.
    pub fn whole(&self, f: impl FnOnce() -> Result<()>) -> Result<()> {
        self.run("BEGIN ISOLATION LEVEL READ COMMITTED")?;
        f()?;
        self.run("COMMIT")
    }
}

/// Runs `f` with a connection that is closed afterwards, also where the query is cancelled, and with it whatever was not
/// committed there. What goes wrong is given back, and undone here.
pub fn with<R>(
    dblink: &str,
    conninfo: &str,
    f: impl FnOnce(&Remote) -> Result<R>,
) -> Result<Result<R, Told>> {
    close(dblink)?; // one that a call left which could not end it
    let remote = Remote { dblink: dblink.into() };
    let work = || {
        query::value::<String>(
            &format!("SELECT {}($1, $2)", ident::qualified(dblink, "dblink_connect")),
            &[NAME.into(), conninfo.into()],
        )?;
        remote.run(PLAIN)?;
        f(&remote)
    };
    attempt::told_and(work, || close(dblink))
}

fn close(dblink: &str) -> Result<()> {
    let function = |name| ident::qualified(dblink, name);
    let sql = format!(
        "SELECT {}($1) WHERE $1 = ANY ({}())",
        function("dblink_disconnect"),
        function("dblink_get_connections")
    );
    query::value::<String>(&sql, &[NAME.into()])?;
    Ok(())
}

/// The schema that dblink's functions are in, which are called with the caller's rights.
pub fn dblink(what: &'static str) -> Result<String> {
    query::value(
        "SELECT n.nspname::pg_catalog.text FROM pg_catalog.pg_extension e
         JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'dblink'",
        &[],
    )?
    .ok_or(Error::NoDblink { what })
}
