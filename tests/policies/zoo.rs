//! Each table of the zoo is protected, attacked from both sides, and given back as it was.

mod attacks;
mod writes;

use tenant_guard_tests::cluster::OWNER;
use tenant_guard_tests::database::assert_same;
use tenant_guard_tests::sql::{execute, number, rows, text};
use tenant_guard_tests::steps::{apply, call, try_call};
use tenant_guard_tests::Database;

use crate::case::{Case, Side, A, B};
use crate::stage::{connect_listening, fresh, grant_everything, Asker};

/// Makes a test of each case.
macro_rules! zoo {
    ($($name:ident: $case:expr;)*) => {
        $(#[test] fn $name() { crate::zoo::is_safe(&$case); })*
    };
}

mod keys;
mod names;
mod partitions;
mod paths;
mod rights;
mod shapes;
mod types;

/// A table of the zoo in a database of its own.
pub struct Cage<'a> {
    pub case: &'a Case,
    pub database: Database<'static>,
    /// The table, and all that inherits from it.
    pub family: Vec<String>,
}

impl Cage<'_> {
    pub fn asker(&self, side: Side) -> Asker {
        let mut asker = Asker::new(&self.database, "authenticated", Some(&self.case.claims(side)));
        asker.opening.push_str(self.case.session);
        asker
    }

    /// Everything that is not this organization's, whoever else's it is.
    pub fn others(&self, side: Side) -> String {
        self.sum(&format!("({}) IS NOT TRUE", self.case.whose(side)))
    }

    pub fn count(&self, condition: &str) -> i64 {
        let count = format!("SELECT count(*) FROM {} WHERE {condition}", self.case.table);
        number(&mut self.database.admin(), &count)
    }

    pub fn texts(&self, table: &str, condition: &str) -> Vec<String> {
        let all = format!("SELECT zoo_row::text FROM {table} AS zoo_row WHERE {condition}");
        let mut all: Vec<String> = rows(&mut self.database.admin(), &all)
            .into_iter()
            .filter_map(|mut r| r.remove(0))
            .collect();
        all.sort();
        all
    }

    fn sum(&self, condition: &str) -> String {
        let sum = format!(
            "SELECT count(*) || ' ' || md5(coalesce(string_agg(zoo_row::text, E'\\n' ORDER BY zoo_row::text COLLATE \"C\"), ''))
               FROM {} AS zoo_row WHERE {condition}",
            self.case.table
        );
        text(&mut self.database.admin(), &sum).expect("a sum")
    }
}

const PROBES: &str = "
    CREATE SCHEMA probe;
    CREATE VIEW probe.seen WITH (security_invoker = true) AS SELECT zoo_row::text AS line FROM {table} AS zoo_row;
    CREATE FUNCTION probe.inlined() RETURNS SETOF text LANGUAGE sql STABLE AS $zoo$ SELECT zoo_row::text FROM {table} AS zoo_row $zoo$;
    CREATE FUNCTION probe.planned() RETURNS SETOF text LANGUAGE plpgsql AS $zoo$
      BEGIN RETURN QUERY SELECT zoo_row::text FROM {table} AS zoo_row; END $zoo$;
    CREATE FUNCTION probe.leak(line text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
      BEGIN PERFORM set_config('probe.heard', coalesce(current_setting('probe.heard', true), '') || line, true); RETURN true; END $$;";

/// The whole procedure.
#[track_caller]
pub fn is_safe(case: &Case) {
    if let Some(rest) = case.admin.strip_prefix("CREATE EXTENSION ") {
        let extension = rest.split(';').next().unwrap_or_default();
        if fresh().lacks(extension) {
            return;
        }
    }
    let cage = caged(case);
    let database = &cage.database;
    let original = database.schema();
    let before = ours(&cage);
    let (mut owner, heard) = connect_listening(database, case.protector);
    execute(&mut owner, &case.session.replace("SET LOCAL", "SET"));

    let plan = call(&mut owner, &format!("{}, dry_run => true)", case.call()));
    assert!(!plan.is_empty(), "nothing to do");
    assert_same(&database.schema(), &original, "a dry run changes nothing");
    for warning in case.warns {
        let heard = heard.lock().expect("no panic in the lock");
        assert!(heard.iter().any(|h| h.contains(warning)), "not told: {warning}\n{heard:#?}");
    }
    let run = format!("{})", case.call());
    let change = apply(&mut owner, &run);
    assert_eq!(try_call(&mut owner, &run).expect("runs again"), [], "a second run plans nothing");
    assert!(no_drift(&cage), "just protected");

    let filled = cage.count("true");
    for side in [A, B] {
        attacks::read(&cage, side);
        attacks::extra(&cage, side);
        writes::others(&cage, side);
        writes::own(&cage, side);
    }
    attacks::strangers(&cage);
    attacks::prepared(&cage);
    attacks::privileges(&cage);
    assert_eq!(cage.count("true"), filled, "what was tried left a trace");
    assert!(no_drift(&cage), "what was tried changed the protection");

    apply(&mut owner, &format!("undo({change})"));
    assert_same(&database.schema(), &original, "undo gives back the original");
    apply(&mut owner, &run);
    apply(&mut owner, &format!("unprotect_table('{}')", case.table.replace('\'', "''")));
    assert_eq!(ours(&cage), before, "unprotect_table leaves something");
}

/// How much there is of what protect_table makes.
fn ours(cage: &Cage) -> i64 {
    let ours = "SELECT (SELECT count(*) FROM pg_policy WHERE polname LIKE 'tenant_guard%')
                     + (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'tenant_guard%')
                     + (SELECT count(*) FROM tenant_guard.protection)
                     + (SELECT count(*) FROM pg_attrdef WHERE pg_get_expr(adbin, adrelid) LIKE '%tenant_guard.org_id%')";
    number(&mut cage.database.admin(), ours)
}

fn no_drift(cage: &Cage) -> bool {
    let drift = "SELECT count(*) > 0 AND bool_and(drift = '{}') FROM tenant_guard.protected_tables";
    text(&mut cage.database.connect(OWNER), drift).as_deref() == Some("t")
}

/// Made and filled; not protected yet.
#[track_caller]
pub fn caged(case: &Case) -> Cage<'_> {
    let database = fresh();
    database.load("CREATE SCHEMA zoo");
    database.load(&case.fill(case.ddl, A, 0));
    let mut admin = database.admin();
    execute(&mut admin, &case.fill(case.admin, A, 0));
    for side in [A, B] {
        for n in side.rows() {
            execute(&mut admin, &case.rows_of(side, n));
        }
    }
    database.load(&PROBES.replace("{table}", case.table));
    grant_everything(&database);
    // ANALYZE: with statistics the planner tries other plans.
    execute(&mut admin, "GRANT CREATE ON SCHEMA probe TO authenticated; ANALYZE");
    execute(&mut database.connect(OWNER), &case.fill(case.first, A, 0));
    let family = rows(
        &mut admin,
        &format!(
            "WITH RECURSIVE f(oid) AS (SELECT '{}'::regclass::oid
               UNION SELECT inhrelid FROM pg_inherits JOIN f ON inhparent = f.oid)
             SELECT oid::regclass::text FROM f ORDER BY oid",
            case.table.replace('\'', "''")
        ),
    );
    let family = family.into_iter().filter_map(|mut row| row.remove(0)).collect();
    Cage { case, database, family }
}
