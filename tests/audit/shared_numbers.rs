//! Rows that share a number in the log, by chance or because somebody chose their keys so, have nothing else in common.

use crate::attacks::SECRET;
use tenant_guard_tests::cluster::{OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::*;
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

/// Keys of A, and those of B that have their numbers.
const KEYS: &[(&str, &str, &str)] = &[
    ("uuid", "11111111-aaaa-4bbb-8ccc-ddddddddeeee", "22221111-aaaa-4bbb-8ccc-ddddddddeeee"),
    ("bigint", "7", "281474976710663"),
];

/// A table of both organizations, and in each a row whose large value is told once.
fn notes(kind: &str, of_a: &str, of_b: &str) -> Database<'static> {
    let database = protected_crm();
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        &format!(
            "CREATE TABLE crm.notes (id {kind} PRIMARY KEY, organization_id uuid NOT NULL, title text, note text);
             ALTER TABLE crm.notes ALTER note SET STORAGE EXTERNAL;
             GRANT SELECT, INSERT, UPDATE, DELETE ON crm.notes TO PUBLIC"
        ),
    );
    apply(&mut owner, "enable_audit('crm.notes')");
    apply(&mut owner, "protect_table('crm.notes')");
    let write = |user, org, sql: String| {
        execute(&mut visit(&database, user, Some(org)), &format!("{sql}; COMMIT"));
    };
    let insert = |id, org, note| {
        format!("INSERT INTO crm.notes VALUES ('{id}', '{org}', 'one', repeat('{note} ', 1000))")
    };
    write(ALICE, ORG_A, insert(of_a, ORG_A, "Ada"));
    write(BOB, ORG_B, insert(of_b, ORG_B, SECRET));
    write(BOB, ORG_B, "UPDATE crm.notes SET note = note || '!'".into());
    write(ALICE, ORG_A, "UPDATE crm.notes SET title = 'two'".into());
    write(BOB, ORG_B, "UPDATE crm.notes SET title = 'two'".into());
    database
}

#[test]
fn a_row_with_the_number_of_anothers_tells_nothing_of_that() {
    for (kind, of_a, of_b) in KEYS {
        let database = notes(kind, of_a, of_b);
        let shared =
            "SELECT count(DISTINCT row_key) FROM tenant_guard.audit_log WHERE table_name = 'notes'";
        assert_eq!(number(&mut database.admin(), shared), 1, "the keys share a number");
        for (user, org, id, own) in [(ALICE, ORG_A, of_a, "Ada"), (BOB, ORG_B, of_b, SECRET)] {
            let mut visitor = visit(&database, user, Some(org));
            for source in [
                "tenant_guard.audit_log".to_string(),
                format!("tenant_guard.row_history('crm.notes', '{{\"id\": \"{id}\"}}')"),
            ] {
                let sql = format!("SELECT count(*), count(*) FILTER (WHERE concat(record->>'note', old_record->>'note') ~ '^({own}[ !]+)+$') FROM {source} WHERE record ? 'note'");
                let found = rows(&mut visitor, &sql);
                assert_eq!(found[0][0], found[0][1], "{kind} {user} {source}");
                assert_ne!(found[0][0].as_deref(), Some("0"), "{kind} {user} {source}");
            }
            let sql = format!("SELECT tenant_guard.row_as_of('crm.notes', '{{\"id\": \"{id}\"}}', now()) ->> 'note' LIKE '{own} %'");
            assert_eq!(text(&mut visitor, &sql).as_deref(), Some("t"), "{kind} {user}");
        }
        // Each is whole for who reads all, too.
        let mixed = "SELECT count(*) FROM tenant_guard.audit_log WHERE table_name = 'notes' AND (record->>'note' LIKE 'Ada%') <> (organization_id LIKE 'aaaa%')";
        assert_eq!(number(&mut database.admin(), mixed), 0);
    }
}

#[test]
fn a_row_that_takes_the_number_of_anothers_former_key_has_no_part_in_its_past() {
    let (_, of_a, of_b) = KEYS[1];
    let database = notes("bigint", of_a, of_b);
    let write = |user, org, sql: &str| {
        execute(&mut visit(&database, user, Some(org)), &format!("{sql}; COMMIT"));
    };
    // Both go to keys that share another number, B's first.
    write(BOB, ORG_B, "UPDATE crm.notes SET id = 281474976710664");
    write(ALICE, ORG_A, "UPDATE crm.notes SET id = 8");
    write(BOB, ORG_B, "UPDATE crm.notes SET title = 'three'");
    write(ALICE, ORG_A, "UPDATE crm.notes SET title = 'three'");
    for (user, org, id, own) in
        [(ALICE, ORG_A, "8", "Ada"), (BOB, ORG_B, "281474976710664", SECRET)]
    {
        let mut visitor = visit(&database, user, Some(org));
        let sql = format!("SELECT DISTINCT split_part(record->>'note', ' ', 1), split_part(record->>'note', ' ', 2) FROM tenant_guard.row_history('crm.notes', '{{\"id\": {id}}}')");
        assert_eq!(rows(&mut visitor, &sql), [[Some(own.to_string()), Some(own.to_string())]]);
    }
}

/// An id that is no UUID is told by one of version 8 that is made of it, which anybody can compute.
#[test]
fn an_id_that_was_made_of_anothers_reads_nothing_of_that() {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE TABLE notes (id int PRIMARY KEY, org text, note text); GRANT SELECT ON notes TO PUBLIC",
    );
    apply(&mut admin, "enable_audit('notes', tenant_column => 'org')");
    execute(&mut admin, "INSERT INTO notes VALUES (1, 'victim', 'x'), (2, '6fa459ea-ee8a-3ca4-894e-db77e160355e', 'y')");
    let made = "SELECT organization FROM tenant_guard.audit_events WHERE row_key = (SELECT row_key FROM tenant_guard.audit_log WHERE organization_id = 'victim')";
    let made = text(&mut admin, made).expect("an id");
    assert_eq!(made.as_bytes()[14], b'8', "{made}");
    let all = "SELECT (SELECT count(*) FROM tenant_guard.audit_log) + (SELECT count(*) FROM tenant_guard.audit_events)
                    + (SELECT count(*) FROM tenant_guard.row_history('notes', '{\"id\": 1}'))";
    for (organization, seen) in
        [("victim", 3), (made.as_str(), 0), ("6fa459ea-ee8a-3ca4-894e-db77e160355e", 2)]
    {
        let mut visitor = database.connect(VISITOR);
        execute(&mut visitor, &session_claims("eve", Some(organization)));
        assert_eq!(number(&mut visitor, all), seen, "{organization}");
    }
}
