//! A superuser can disable every guard. What was changed then is named.

use crate::stage::*;
use tenant_guard_tests::cluster::{Cluster, VISITOR};
use tenant_guard_tests::sql::{execute, expect_clear_error, expect_error, number};

#[test]
fn what_nobody_touched_verifies() {
    let cluster = Cluster::start();
    let database = audited_in(&cluster);
    let mut admin = database.admin();
    assert_eq!(verify(&mut admin), Vec::<String>::new(), "nothing is sealed yet");
    let events = count(&mut admin).to_string();
    assert_eq!(seal(&mut admin), [[Some("1".to_string()), Some(events)]]);
    assert_eq!(seal(&mut admin), Vec::<Vec<Option<String>>>::new(), "nothing came since");
    assert_eq!(verify(&mut admin), Vec::<String>::new());
    let kept = digest(&mut admin);
    execute(&mut admin, "UPDATE crm.people SET name = 'Eve'");
    assert_eq!(seal(&mut admin)[0][1].as_deref(), Some("3"));
    let kept = kept.replace('\\', "");
    assert_eq!(
        problems(&mut admin, &format!("decode(substr('{kept}', 2), 'hex')")),
        Vec::<String>::new()
    );
    assert_eq!(problems(&mut admin, "from_block => 2"), Vec::<String>::new());
    assert_eq!(problems(&mut admin, "'\\x00'"), ["digest"]);
}

/// Each on a log of its own: the tampering, of the second event `{id}`, and what is said.
#[test]
fn each_tampering_is_named() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("audit_event", "UPDATE tenant_guard.audit_event SET image = image || '\\x00' WHERE id = {id}", &["altered {id}"]),
        ("audit_event", "UPDATE tenant_guard.audit_event SET occurred_at = occurred_at - interval '1 s' WHERE id = {id}", &["altered {id}"]),
        ("audit_event", "UPDATE tenant_guard.audit_event SET hash = sha256('x') WHERE id = {id}", &["altered {id}"]),
        ("audit_event", "UPDATE tenant_guard.audit_event SET organization = NULL WHERE id = {id}", &["altered {id}", "missing {id}", "inserted {id}"]),
        ("audit_event", "UPDATE tenant_guard.audit_event SET operation = 'D' WHERE id = {id}", &["altered {id}"]),
        ("audit_event", "UPDATE tenant_guard.audit_event SET row_key = 7 WHERE id = {id}", &["altered {id}"]),
        ("audit_event", "DELETE FROM tenant_guard.audit_event WHERE id = {id}", &["missing {id}"]),
        ("audit_event", "DELETE FROM tenant_guard.audit_event WHERE id >= {id}", &["missing {id}"]),
        // A whole and consistent event, taken from another place.
        ("audit_event", "INSERT INTO tenant_guard.audit_event SELECT * FROM tenant_guard.audit_event WHERE id = {id}", &["inserted {id}"]),
        ("audit_event", "INSERT INTO tenant_guard.audit_event SELECT e.id + 500, e.occurred_at, e.transaction_id, e.row_key, e.context, e.layout, e.month, e.organization, e.operation, e.bulk, e.hash, e.image FROM tenant_guard.audit_event e WHERE id = {id}", &["altered {forged}", "inserted {forged}"]),
        // One for another: the number of events is what it was.
        ("audit_event", "UPDATE tenant_guard.audit_event SET id = id + 500 WHERE id = {id}", &["altered {forged}", "missing {id}", "inserted {forged}"]),
        ("audit_layout", "UPDATE tenant_guard.audit_layout SET table_name = 'persons' WHERE table_name = 'people'", &["layout"]),
        ("audit_layout", "DELETE FROM tenant_guard.audit_layout WHERE table_name = 'people'", &["layout {first}", "missing {first}"]),
        ("audit_context", "UPDATE tenant_guard.audit_context SET db_role = 'mallory' WHERE id = (SELECT min(id) FROM tenant_guard.audit_context)", &["context {first}"]),
        ("audit_context", "DELETE FROM tenant_guard.audit_context WHERE id = (SELECT min(id) FROM tenant_guard.audit_context)", &["context {first}"]),
        ("audit_tree", "UPDATE tenant_guard.audit_tree SET root = sha256('x') WHERE organization IS NULL", &["tree", "tree"]),
        ("audit_tree", "UPDATE tenant_guard.audit_tree SET leaves = set_byte(leaves, 5, get_byte(leaves, 5) # 1) WHERE first_id = {first} AND events > 1", &["altered {first}"]),
        ("audit_tree", "DELETE FROM tenant_guard.audit_tree WHERE first_id = {first}", &["tree", "inserted {first}"]),
        ("audit_tree", "UPDATE tenant_guard.audit_tree SET purged_in = 1 WHERE organization IS NULL", &["tree", "inserted {last}"]),
        ("audit_block", "UPDATE tenant_guard.audit_block SET events = 7", &["block", "tree"]),
        ("audit_block", "UPDATE tenant_guard.audit_block SET sealed_at = sealed_at - interval '1 day'", &["block"]),
        ("audit_block", "UPDATE tenant_guard.audit_block SET digest = sha256('x')", &["block"]),
        ("audit_block", "UPDATE tenant_guard.audit_block SET number = 2", &["block", "tree", "inserted {first}"]),
    ];
    let cluster = Cluster::start();
    let original = audited_in(&cluster);
    let mut admin = original.admin();
    seal_all(&mut admin);
    let all = ids(&mut admin);
    drop(admin);
    for (table, sql, expected) in cases {
        let database = original.copy();
        let mut admin = database.admin();
        // In a copy of the files the database is another one, and its trail a former origin's.
        let filled = |text: &str| {
            text.replace("{id}", &all[1].to_string())
                .replace("{forged}", &(all[1] + 500).to_string())
                .replace("{first}", &all[0].to_string())
                .replace("{last}", &all[all.len() - 1].to_string())
        };
        assert_eq!(verify(&mut admin), Vec::<String>::new(), "before: {sql}");
        tamper(&mut admin, table, &filled(sql));
        let expected: Vec<String> = expected.iter().map(|one| filled(one)).collect();
        assert_eq!(verify(&mut admin), expected, "{sql}");
    }
}

#[test]
fn what_is_not_sealed_yet_is_held_to_its_hash() {
    let database = audited();
    let mut admin = database.admin();
    let all = ids(&mut admin);
    let id = all[2];
    tamper(
        &mut admin,
        "audit_event",
        &format!("UPDATE tenant_guard.audit_event SET operation = 'D' WHERE id = {id}"),
    );
    assert_eq!(verify(&mut admin), [format!("altered {id}")]);
}

#[test]
fn a_chain_that_was_written_anew_lacks_the_digest_that_was_kept() {
    let database = audited();
    let mut admin = database.admin();
    seal_all(&mut admin);
    let kept = digest(&mut admin);
    tamper(&mut admin, "audit_tree", "DELETE FROM tenant_guard.audit_tree");
    tamper(&mut admin, "audit_block", "DELETE FROM tenant_guard.audit_block");
    let id = ids(&mut admin)[0];
    tamper(
        &mut admin,
        "audit_event",
        &format!("DELETE FROM tenant_guard.audit_event WHERE id = {id}"),
    );
    seal_all(&mut admin);
    assert_eq!(verify(&mut admin), Vec::<String>::new(), "alone it is a chain like any other");
    assert_eq!(problems(&mut admin, &format!("'{kept}'")), ["digest"]);
}

#[test]
fn the_seal_is_append_only_and_for_auditors() {
    let database = audited();
    let mut admin = database.admin();
    seal_all(&mut admin);
    for table in ["audit_block", "audit_tree"] {
        expect_clear_error(&mut admin, &format!("DELETE FROM tenant_guard.{table}"), "42501");
        expect_clear_error(
            &mut admin,
            &format!("UPDATE tenant_guard.{table} SET events = 0"),
            "42501",
        );
        expect_clear_error(&mut admin, &format!("TRUNCATE tenant_guard.{table}"), "42501");
    }
    let mut visitor = database.connect(VISITOR);
    for call in [
        "seal_audit()",
        "purge_audit('0 s')",
        "hold_audit(NULL, 'x')",
        "release_audit_hold(1)",
        "set_audit_retention(NULL, NULL)",
        "erase_subject('crm.people', '{\"id\": 1}', 'x')",
    ] {
        expect_error(
            &mut admin,
            &format!("SET ROLE {VISITOR}; SELECT * FROM tenant_guard.{call}"),
            "42501",
        );
        execute(&mut admin, "RESET ROLE");
    }
    for table in ["audit_block", "audit_tree", "audit_hold", "audit_retention", "audit_erasure"] {
        expect_error(&mut visitor, &format!("SELECT FROM tenant_guard.{table}"), "42501");
    }
    expect_clear_error(&mut visitor, "SELECT * FROM tenant_guard.verify_audit()", "42501");
    assert_eq!(number(&mut visitor, "SELECT count(digest) FROM tenant_guard.audit_blocks"), 1);
    execute(&mut admin, &format!("GRANT EXECUTE ON FUNCTION tenant_guard.auditor() TO {VISITOR}"));
    assert_eq!(verify(&mut visitor), Vec::<String>::new());
}
