//! purge_audit: sealed events, the oldest first, nothing that is held, and the rest still verifies.

use crate::stage::*;
use tenant_guard_tests::fixtures::{ORG_A, ORG_B};
use tenant_guard_tests::sql::{execute, expect_clear_error, number, rows, text};

#[test]
fn what_is_purged_is_gone_and_the_rest_verifies() {
    let database = audited();
    let mut admin = database.admin();
    assert_eq!(
        rows(&mut admin, "SELECT * FROM tenant_guard.purge_audit('0 s')").len(),
        0,
        "nothing is sealed"
    );
    seal_all(&mut admin);
    execute(&mut admin, "UPDATE crm.people SET name = 'x' WHERE id = 3");
    let purge = format!("SELECT action, events FROM tenant_guard.purge_audit('0 s', '{ORG_A}'");
    let dry = rows(&mut admin, &format!("{purge}, dry_run => true)"));
    assert_eq!(dry, [[Some("purge".to_string()), Some("3".into())]]);
    let before = count(&mut admin);
    assert_eq!(rows(&mut admin, &format!("{purge})")), dry);
    assert_eq!(count(&mut admin), before - 3);
    assert_eq!(rows(&mut admin, &format!("{purge})")).len(), 0, "once");
    assert_eq!(verify(&mut admin), Vec::<String>::new());
    assert_eq!(
        text(&mut admin, "SELECT kind FROM tenant_guard.audit_blocks ORDER BY number DESC LIMIT 1")
            .as_deref(),
        Some("purge")
    );
    assert_eq!(
        rows(&mut admin, "SELECT * FROM tenant_guard.purge_audit('1 day')").len(),
        0,
        "too young"
    );
    seal_all(&mut admin);
    assert_eq!(verify(&mut admin), Vec::<String>::new());
    // Brought back, it is one too many; the block of purges is sealed like any.
    tamper(&mut admin, "audit_tree", "UPDATE tenant_guard.audit_tree SET purged_in = NULL");
    assert_eq!(verify(&mut admin)[1..], ["tree"]);
}

#[test]
fn holds_and_retention_keep_what_is_old() {
    let database = audited();
    let mut admin = database.admin();
    seal_all(&mut admin);
    let purge = "SELECT sum(events) FROM tenant_guard.purge_audit('0 s') WHERE action = 'purge'";
    let everybodys = number(&mut admin, "SELECT tenant_guard.hold_audit(NULL, 'case 1')");
    assert_eq!(text(&mut admin, purge), None);
    execute(&mut admin, &format!("SELECT tenant_guard.release_audit_hold({everybodys})"));
    let held = number(&mut admin, &format!("SELECT tenant_guard.hold_audit('{ORG_A}', 'case 2')"));
    execute(&mut admin, &format!("SELECT tenant_guard.set_audit_retention('{ORG_B}', '1 year')"));
    assert_eq!(number(&mut admin, purge), 1, "nobody's alone");
    execute(&mut admin, &format!("SELECT tenant_guard.release_audit_hold({held})"));
    assert_eq!(number(&mut admin, purge), 3, "A's");
    execute(&mut admin, &format!("SELECT tenant_guard.set_audit_retention('{ORG_B}', NULL)"));
    assert_eq!(number(&mut admin, purge), 1, "B's");
    assert_eq!(count(&mut admin), 0);
    assert_eq!(verify(&mut admin), Vec::<String>::new());
    expect_clear_error(&mut admin, "SELECT * FROM tenant_guard.purge_audit('-1 day')", "22023");
    expect_clear_error(&mut admin, "SELECT * FROM tenant_guard.purge_audit(NULL)", "22004");
    expect_clear_error(&mut admin, "UPDATE tenant_guard.audit_hold SET reason = ''", "42501");
}

#[test]
fn what_is_not_as_it_was_sealed_is_not_purged() {
    let database = audited();
    let mut admin = database.admin();
    seal_all(&mut admin);
    let id = ids(&mut admin)[0];
    tamper(
        &mut admin,
        "audit_event",
        &format!("DELETE FROM tenant_guard.audit_event WHERE id = {id}"),
    );
    let before = count(&mut admin);
    expect_clear_error(&mut admin, "SELECT * FROM tenant_guard.purge_audit('0 s')", "XX001");
    assert_eq!(count(&mut admin), before);
    expect_clear_error(&mut admin, "DELETE FROM tenant_guard.audit_event", "42501");
}

#[test]
fn a_month_of_which_nothing_is_left_is_dropped() {
    let database = audited();
    let mut admin = database.admin();
    execute(&mut admin, "CREATE TABLE tenant_guard.audit_event_2025_01 PARTITION OF tenant_guard.audit_event FOR VALUES FROM ('2025-01-01') TO ('2025-02-01')");
    // The month is where an event is kept, and not part of what it says.
    tamper(&mut admin, "audit_event", &format!("UPDATE tenant_guard.audit_event SET month = '2025-01-01' WHERE organization = '{ORG_A}'"));
    seal_all(&mut admin);
    assert_eq!(verify(&mut admin), Vec::<String>::new());
    let purged = rows(
        &mut admin,
        "SELECT action, events FROM tenant_guard.purge_audit('0 s') WHERE action <> 'purge'",
    );
    assert_eq!(
        purged,
        [[Some("drop tenant_guard.audit_event_2025_01".to_string()), Some("3".into())]]
    );
    assert_eq!(text(&mut admin, "SELECT to_regclass('tenant_guard.audit_event_2025_01')"), None);
    assert_eq!(count(&mut admin), 0);
    assert_eq!(verify(&mut admin), Vec::<String>::new());
}
