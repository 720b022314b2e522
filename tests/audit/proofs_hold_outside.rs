//! A program that knows nothing of the database checks a proof, and refuses whatever was changed in it.

use crate::stage::*;
use std::io::Write;
use std::process::{Command, Stdio};
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::ORG_A;
use tenant_guard_tests::sql::{execute, expect_clear_error, session_claims, text};

/// What the checker says; an error where it refuses.
fn check(proof: &str, digest: &str) -> Result<String, String> {
    let python = std::env::var("TENANT_GUARD_PYTHON").unwrap_or_else(|_| "/usr/bin/python3".into());
    let checker = concat!(env!("CARGO_MANIFEST_DIR"), "/audit_proof/check.py");
    let mut child = Command::new(python)
        .args([checker, digest])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python can be started");
    child.stdin.take().expect("a pipe").write_all(proof.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let said = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    if output.status.success() {
        Ok(said(output.stdout))
    } else {
        Err(said(output.stderr))
    }
}

#[test]
fn every_event_is_proved_and_no_changed_proof_is() {
    let database = audited();
    let mut admin = database.admin();
    // More leaves than one, of more organizations than one, over two blocks.
    execute(&mut admin, &format!("INSERT INTO crm.people SELECT g, '{ORG_A}', 'n' || g, 'p' FROM generate_series(100, 120) g; UPDATE crm.people SET id = 4 WHERE id = 3"));
    seal_all(&mut admin);
    execute(&mut admin, "UPDATE crm.people SET name = 'later' WHERE id = 2");
    seal_all(&mut admin);
    let kept = digest(&mut admin);
    let outside = kept.trim_start_matches("\\x").to_string();
    let proof = |client: &mut postgres::Client, id: i64| {
        text(client, &format!("SELECT tenant_guard.audit_proof({id}, '{kept}')")).expect("a proof")
    };
    let read = tenant_guard_tests::sql::rows(
        &mut admin,
        "SELECT id FROM tenant_guard.audit_log ORDER BY id",
    );
    let all: Vec<i64> = read
        .into_iter()
        .map(|row| row[0].as_ref().expect("an id").parse().expect("a number"))
        .collect();
    for id in &all {
        let said = check(&proof(&mut admin, *id), &outside).expect("it is proved");
        assert!(said.starts_with(&format!("event {id} of crm.")), "{said}");
    }
    let whole = proof(&mut admin, all[3]);
    assert!(check(&whole, &"0".repeat(64)).is_err(), "another digest");
    // Each digit of a hash or of an image, each number and each text in turn; but what is only told with it.
    let mut changed = 0;
    for (at, byte) in whole.char_indices().filter(|(_, c)| c.is_ascii_hexdigit()) {
        if changed > 400 && at % 17 != 0 {
            continue;
        }
        let other = if byte == '1' { '2' } else { '1' };
        if !byte.is_ascii_digit() && !whole[..at].ends_with(|c: char| c.is_ascii_hexdigit()) {
            continue;
        }
        let mut forged = whole.clone();
        forged.replace_range(at..=at, &other.to_string());
        assert!(
            check(&forged, &outside).is_err(),
            "changed at {at}: {}",
            &whole[at.saturating_sub(60)..at + 1]
        );
        changed += 1;
    }
    assert!(changed > 200, "{changed}");
}

#[test]
fn a_proof_is_for_whoever_reads_the_event() {
    let database = audited();
    let mut admin = database.admin();
    let all = ids(&mut admin);
    expect_clear_error(
        &mut admin,
        &format!("SELECT tenant_guard.audit_proof({})", all[0]),
        "55000",
    );
    seal_all(&mut admin);
    execute(
        &mut admin,
        &format!("GRANT USAGE ON SCHEMA crm TO {VISITOR}; GRANT SELECT ON crm.people TO {VISITOR}"),
    );
    let mut visitor = database.connect(VISITOR);
    execute(&mut visitor, &session_claims("ada", Some(ORG_A)));
    let own = text(&mut visitor, &format!("SELECT tenant_guard.audit_proof({})", all[0]))
        .expect("a proof");
    check(&own, digest(&mut admin).trim_start_matches("\\x")).expect("it is proved");
    for others in [all[2], all[4], 7] {
        expect_clear_error(
            &mut visitor,
            &format!("SELECT tenant_guard.audit_proof({others})"),
            "42704",
        );
    }
    expect_clear_error(&mut admin, "SELECT tenant_guard.audit_proof(NULL)", "22004");
    expect_clear_error(
        &mut admin,
        &format!("SELECT tenant_guard.audit_proof({}, '\\x00')", all[0]),
        "22023",
    );
    // Erased, its value is gone from the proof, and the proof holds.
    execute(&mut admin, "SELECT tenant_guard.erase_subject('crm.people', '{\"id\": 1}', 'r')");
    let erased =
        text(&mut admin, &format!("SELECT tenant_guard.audit_proof({})", all[0])).expect("a proof");
    assert_ne!(erased, own);
    check(&erased, digest(&mut admin).trim_start_matches("\\x")).expect("it is proved");
}
