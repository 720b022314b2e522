//! pg_dump and pg_restore carry the log and its seal; in the copy it verifies, and is sealed on.

use crate::stage::*;
use tenant_guard_tests::cluster::{finish, shared, Cluster};
use tenant_guard_tests::fixtures::ORG_A;
use tenant_guard_tests::sql::{execute, number, rows, text};
use tenant_guard_tests::Database;

fn restored<'c>(original: &Database, target: &'c Cluster) -> Database<'c> {
    let copy = Database::empty_in(target);
    let archive =
        std::env::temp_dir().join(format!("{}_{}_seal.dump", original.name, std::process::id()));
    let file = archive.to_str().expect("a plain name");
    finish(original.cluster.tool("pg_dump", &original.name, "postgres").args(["-Fc", "-f", file]));
    finish(copy.cluster.tool("pg_restore", &copy.name, "postgres").args([
        "--exit-on-error",
        "-d",
        &copy.name,
        file,
    ]));
    let _ = std::fs::remove_file(&archive);
    copy
}

#[test]
fn a_copy_verifies_and_is_sealed_on() {
    let target = Cluster::start();
    for target in [shared(), &target] {
        let original = audited();
        let mut admin = original.admin();
        seal_all(&mut admin);
        let kept = digest(&mut admin);
        execute(&mut admin, &format!("SELECT tenant_guard.hold_audit('{ORG_A}', 'case 3'); UPDATE crm.people SET name = 'not sealed'"));
        let events = count(&mut admin);

        let copy = restored(&original, target);
        let mut admin = copy.admin();
        assert_eq!(count(&mut admin), events);
        assert_eq!(verify(&mut admin), Vec::<String>::new());
        assert_eq!(problems(&mut admin, &format!("'{kept}'")), Vec::<String>::new());
        // The triggers still guard, and fire always.
        assert_eq!(number(&mut admin, "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'append_only%' AND tgenabled <> 'A'"), 0);
        execute(&mut admin, "UPDATE crm.people SET name = 'in the copy'");
        seal_all(&mut admin);
        let sealed = "SELECT sum(events) FROM tenant_guard.audit_block";
        assert_eq!(number(&mut admin, sealed), events + 3);
        assert_eq!(
            number(&mut admin, "SELECT count(DISTINCT origin) FROM tenant_guard.audit_block"),
            2
        );
        assert_eq!(verify(&mut admin), Vec::<String>::new());
        assert_eq!(seal(&mut admin).len(), 0);
        assert_eq!(
            rows(&mut admin, "SELECT * FROM tenant_guard.purge_audit('0 s')").len(),
            2,
            "B's and nobody's: A is held"
        );
        assert_eq!(verify(&mut admin), Vec::<String>::new());

        let again = restored(&copy, target);
        let mut admin = again.admin();
        assert_eq!(problems(&mut admin, &format!("'{kept}'")), Vec::<String>::new());
        seal_all(&mut admin);
        assert_eq!(verify(&mut admin), Vec::<String>::new());
        let id = ids(&mut admin)[0];
        tamper(
            &mut admin,
            "audit_event",
            &format!("DELETE FROM tenant_guard.audit_event WHERE id = {id}"),
        );
        assert_eq!(verify(&mut admin), [format!("missing {id}")]);
        let name = text(
            &mut admin,
            "SELECT record ->> 'name' FROM tenant_guard.audit_log ORDER BY id DESC LIMIT 1",
        );
        assert_eq!(name.as_deref(), Some("in the copy"));
    }
}
