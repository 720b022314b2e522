//! erase_subject takes personal values out of sealed events.

use crate::stage::*;
use tenant_guard_tests::sql::{execute, expect_clear_error, number, rows, text};

const LEFT: &str = "SELECT count(*) FROM tenant_guard.audit_log WHERE (record::text || coalesce(old_record::text, '')) ~ '\\+[0-9]'";

#[test]
fn an_erased_subject_is_gone_and_the_seal_verifies() {
    let database = audited();
    let mut admin = database.admin();
    seal_all(&mut admin);
    // The row gets another key on the way.
    execute(&mut admin, "UPDATE crm.people SET id = 10, phone = '+10' WHERE id = 1; UPDATE crm.people SET phone = '+11' WHERE id = 10");
    let erase = "SELECT concat_ws(' ', events, erased, kept) FROM tenant_guard.erase_subject('crm.people', '{\"id\": 1}', 'request 17'";
    assert_eq!(text(&mut admin, &format!("{erase}, dry_run => true)")).as_deref(), Some("4 7 0"));
    assert_eq!(number(&mut admin, LEFT), 6);
    assert_eq!(text(&mut admin, &format!("{erase})")).as_deref(), Some("4 7 0"));
    assert_eq!(number(&mut admin, LEFT), 2, "Ann's and Bob's");
    assert_eq!(text(&mut admin, &format!("{erase})")).as_deref(), Some("4 0 0"), "once");
    assert_eq!(verify(&mut admin), Vec::<String>::new());
    seal_all(&mut admin);
    assert_eq!(verify(&mut admin), Vec::<String>::new());
    let name = "SELECT record ->> 'name' FROM tenant_guard.audit_log ORDER BY id LIMIT 1";
    assert_eq!(text(&mut admin, name).as_deref(), Some("Ada"), "what was not to go is there");
    let told = rows(&mut admin, "SELECT concat_ws(' ', erased_by, table_name, named_by, reason, erased) FROM tenant_guard.audit_erasure ORDER BY id");
    assert_eq!(told[0][0].as_deref(), Some("postgres people {id} request 17 7"));
    expect_clear_error(&mut admin, "DELETE FROM tenant_guard.audit_erasure", "42501");
}

#[test]
fn a_subject_is_found_by_what_a_column_held_and_what_stays_is_told() {
    let database = audited();
    let mut admin = database.admin();
    let erase = |columns: &str| {
        format!("SELECT concat_ws(' ', events, erased, kept) FROM tenant_guard.erase_subject('crm.people', '{{\"name\": \"Ada\"}}', 'r'{columns})")
    };
    assert_eq!(
        text(&mut admin, &erase(", ARRAY['name', 'phone']")).as_deref(),
        Some("2 3 2"),
        "names were logged as they are"
    );
    assert_eq!(text(&mut admin, &erase("")).as_deref(), Some("2 0 0"));
    assert_eq!(verify(&mut admin), Vec::<String>::new());
    expect_clear_error(&mut admin, &erase(", ARRAY['gone']"), "42703");
    for (key, reason, code) in [
        ("'{}'", "'r'", "22023"),
        ("'{\"id\": null}'", "'r'", "22023"),
        ("NULL", "'r'", "22004"),
        ("'{\"id\": 1}'", "NULL", "22004"),
    ] {
        expect_clear_error(
            &mut admin,
            &format!("SELECT * FROM tenant_guard.erase_subject('crm.people', {key}, {reason})"),
            code,
        );
    }
    execute(&mut admin, "CREATE TABLE crm.other (id int)");
    expect_clear_error(
        &mut admin,
        "SELECT * FROM tenant_guard.erase_subject('crm.other', '{\"id\": 1}', 'r')",
        "55000",
    );
}

#[test]
fn an_altered_salted_value_is_named() {
    let database = audited();
    let mut admin = database.admin();
    seal_all(&mut admin);
    let id = ids(&mut admin)[0];
    tamper(&mut admin, "audit_event", &format!("UPDATE tenant_guard.audit_event SET image = set_byte(image, length(image) - 1, 57) WHERE id = {id}"));
    assert_eq!(
        text(
            &mut admin,
            &format!("SELECT record ->> 'phone' FROM tenant_guard.audit_log WHERE id = {id}")
        )
        .as_deref(),
        Some("+9")
    );
    assert_eq!(verify(&mut admin), [format!("altered {id}")]);
}

#[test]
fn a_key_is_not_erasable() {
    let database = audited();
    let mut admin = database.admin();
    let call = "SELECT tenant_guard.enable_audit('crm.people', '{\"id\": \"erasable\"}')";
    expect_clear_error(&mut admin, call, "22023");
}
