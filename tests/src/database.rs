//! A fresh database in a cluster, with the extension in it.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use postgres::{Client, Config, NoTls};

use crate::cluster::{finish, shared, success, Cluster, OTHER_OWNER, OWNER};
use crate::sql::{execute, number, rows, text};

pub struct Database<'c> {
    pub cluster: &'c Cluster,
    pub name: String,
}

impl Database<'static> {
    /// In the cluster that the test binary shares.
    pub fn fresh() -> Database<'static> {
        Database::fresh_in(shared())
    }
}

impl<'c> Database<'c> {
    pub fn fresh_in(cluster: &'c Cluster) -> Database<'c> {
        let database = Database::empty_in(cluster);
        let mut admin = database.admin();
        admin
            .batch_execute("CREATE EXTENSION tenant_guard")
            .expect("the extension is installed in the server (scripts/test.sh does that)");
        // What an administrator does for the role that runs migrations.
        for function in trigger_functions(&mut admin) {
            admin
                .batch_execute(&format!("GRANT EXECUTE ON FUNCTION {function} TO {OWNER}"))
                .expect("an administrator may grant a trigger function");
        }
        database
    }

    /// Without the extension: what `pg_restore` starts from.
    pub fn empty_in(cluster: &'c Cluster) -> Database<'c> {
        let name = next_name();
        let mut admin = cluster.admin();
        execute(&mut admin, &format!("CREATE DATABASE {name} TEMPLATE template0"));
        execute(&mut admin, &format!("GRANT CREATE ON DATABASE {name} TO {OWNER}, {OTHER_OWNER}"));
        Database { cluster, name }
    }

    /// Whether the server was built or packaged without something: then a test that needs it has nothing to show.
    pub fn lacks(&self, what: &str) -> bool {
        let there = match what {
            "icu" => "SELECT count(*) FROM pg_collation WHERE collprovider = 'i' AND collname LIKE 'en%'".to_string(),
            "xml" => {
                "SELECT count(*) FROM pg_config WHERE name = 'CONFIGURE' AND setting LIKE '%with-libxml%'".to_string()
            }
            extension => format!("SELECT count(*) FROM pg_available_extensions WHERE name = '{extension}'"),
        };
        let lacks = number(&mut self.admin(), &there) == 0;
        if lacks {
            eprintln!("not on this server: {what}");
        }
        lacks
    }

    /// A copy, file by file. Nobody may be connected to the original.
    pub fn copy(&self) -> Database<'c> {
        let name = next_name();
        let copy = format!("CREATE DATABASE {name} TEMPLATE {}", self.name);
        execute(&mut self.cluster.admin(), &copy);
        Database { cluster: self.cluster, name }
    }

    pub fn config(&self, role: &str) -> Config {
        self.cluster.config(&self.name, role)
    }

    pub fn connect(&self, role: &str) -> Client {
        self.config(role)
            .connect(NoTls)
            .unwrap_or_else(|error| panic!("{role} cannot connect: {error}"))
    }

    pub fn admin(&self) -> Client {
        self.connect("postgres")
    }

    /// Runs a script as the owner of the application's tables.
    #[track_caller]
    pub fn load(&self, script: &str) {
        execute(&mut self.connect(OWNER), script);
    }

    /// `pg_dump -s`, without the two lines that carry a random key.
    pub fn schema(&self) -> String {
        self.dump(&["--schema-only"])
    }

    pub fn dump(&self, options: &[&str]) -> String {
        without_restrict_key(&finish(
            self.cluster.tool("pg_dump", &self.name, "postgres").args(options),
        ))
    }

    /// Feeds a script to psql's standard input, statement by statement, as someone who pastes it.
    pub fn paste(&self, role: &str, script: &str) -> Output {
        let mut psql = self
            .cluster
            .tool("psql", &self.name, role)
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql can be started");
        let mut stdin = psql.stdin.take().expect("a pipe");
        let script = script.to_owned();
        let writer = std::thread::spawn(move || {
            // psql closes the pipe at the first error, which its exit status reports.
            let _ = stdin.write_all(script.as_bytes());
        });
        let output = psql.wait_with_output().expect("psql ends");
        writer.join().expect("the writer ends");
        output
    }

    #[track_caller]
    pub fn paste_well(&self, role: &str, script: &str) -> String {
        success(self.paste(role, script), script)
    }

    /// Every row of every table, the extension's own included: equal before and after means that nothing was written.
    pub fn contents(&self) -> BTreeMap<String, String> {
        let mut admin = self.admin();
        let tables = rows(
            &mut admin,
            "SELECT format('%I.%I', n.nspname, c.relname)
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE c.relkind = 'r' AND c.relpersistence <> 't'
                AND n.nspname NOT IN ('pg_catalog', 'information_schema')",
        );
        tables
            .into_iter()
            .map(|row| row[0].clone().expect("a name"))
            .map(|table| {
                let all = format!(
                    "SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM ONLY {table} AS t"
                );
                let all = text(&mut admin, &all).expect("a string");
                (table, all)
            })
            .collect()
    }
}

/// Equal dumps; else shows the lines that only one of them has.
#[track_caller]
pub fn assert_same(found: &str, expected: &str, what: &str) {
    if found == expected {
        return;
    }
    let only_in = |one: &str, other: &str, sign: &str| -> String {
        let missing = one.lines().filter(|line| !other.lines().any(|l| l == *line));
        missing.map(|line| format!("{sign} {line}\n")).collect()
    };
    panic!(
        "{what}: the dumps differ (lines out of order are not shown)\n{}{}",
        only_in(expected, found, "-"),
        only_in(found, expected, "+")
    );
}

fn next_name() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The extension's trigger functions, as `schema.name()`.
pub fn trigger_functions(admin: &mut Client) -> Vec<String> {
    rows(
        admin,
        "SELECT format('%I.%I()', n.nspname, p.proname)
           FROM pg_proc p
           JOIN pg_namespace n ON n.oid = p.pronamespace
           JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
           JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
          WHERE e.extname = 'tenant_guard' AND p.prorettype = 'trigger'::regtype
          ORDER BY 1",
    )
    .into_iter()
    .map(|row| row[0].clone().expect("a name"))
    .collect()
}

/// Since the minor releases of August 2025 a dump opens with `\restrict KEY` and ends with `\unrestrict KEY`.
fn without_restrict_key(dump: &str) -> String {
    let random = |line: &&str| line.starts_with("\\restrict ") || line.starts_with("\\unrestrict ");
    assert!(dump.lines().filter(random).count() <= 2, "{dump}");
    let kept = dump.split_inclusive('\n').filter(|line| !random(line));
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::without_restrict_key;

    #[test]
    fn only_the_lines_with_the_random_key_leave_a_dump() {
        let dump =
            "--\n\\restrict aB3\nCREATE TABLE restrict ();\n  \\restrict x\n\\unrestrict aB3\n";
        assert_eq!(without_restrict_key(dump), "--\nCREATE TABLE restrict ();\n  \\restrict x\n");
    }
}
