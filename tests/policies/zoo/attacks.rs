//! Reading what is another's.

use std::io::Read;

use tenant_guard_tests::sql::{execute, number};

use crate::case::{Side, A, B};
use crate::stage::{Asker, Done};
use crate::zoo::Cage;

/// What a member reads, by every way there is: the rows that are to be seen, all of them, and no other.
#[track_caller]
pub fn read(cage: &Cage, side: Side) {
    let case = cage.case;
    let table = case.table;
    let mut asker = cage.asker(side);
    let visible = match case.may('s') {
        true => case.visible(side),
        false => "false".into(),
    };
    let expected = cage.texts(table, &visible);
    assert!(!case.may('s') || expected.len() >= 3, "the case is empty");
    let unlocked = case.shared.is_empty() && case.may('u');
    let all = |query: &str, asker: &mut Asker| {
        let mut found = asker.out(query).rows;
        found.sort();
        assert_eq!(found, expected, "{query}");
    };
    for query in [
        format!("SELECT zoo_row::text FROM {table} AS zoo_row"),
        format!("SELECT x FROM (SELECT zoo_row::text AS x FROM {table} AS zoo_row OFFSET 0) s"),
        format!("WITH w AS MATERIALIZED (SELECT zoo_row::text AS x FROM {table} AS zoo_row) SELECT x FROM w"),
        format!("SELECT unnest(array_agg(zoo_row::text)) FROM {table} AS zoo_row"),
        format!("DECLARE c CURSOR FOR SELECT zoo_row::text FROM {table} AS zoo_row; FETCH ALL FROM c"),
        "SELECT line FROM probe.seen".to_string(),
        "SELECT probe.inlined()".to_string(),
        "SELECT probe.planned()".to_string(),
        format!("SET LOCAL enable_seqscan = off; SELECT zoo_row::text FROM {table} AS zoo_row"),
        format!("PREPARE p AS SELECT zoo_row::text FROM {table} AS zoo_row; EXECUTE p; DEALLOCATE p; SELECT zoo_row::text FROM {table} AS zoo_row"),
    ] {
        all(&query, &mut asker);
    }
    if unlocked {
        all(&format!("SELECT zoo_row::text FROM {table} AS zoo_row FOR UPDATE"), &mut asker);
        all(&format!("SELECT zoo_row::text FROM {table} AS zoo_row FOR SHARE"), &mut asker);
    }
    assert_eq!(asker.number(&format!("SELECT count(*) FROM {table}")), expected.len() as i64);
    for n in side.other().rows() {
        let row = case.row(n);
        for query in [
            format!("SELECT 1 FROM {table} WHERE {row}"),
            format!("SELECT 1 FROM {table} WHERE {row} FOR KEY SHARE"),
            format!("SELECT 1 WHERE EXISTS (SELECT FROM {table} WHERE {row})"),
        ] {
            assert_eq!(asker.out(&query), Done::default(), "{query}");
        }
    }
    asker.refused(&format!("SET LOCAL row_security = off; SELECT * FROM {table}"), &["42501"]);
    let statistics = "SELECT tablename FROM pg_stats WHERE schemaname OPERATOR(pg_catalog.=) 'zoo' AND tablename OPERATOR(pg_catalog.=) 't'";
    assert_eq!(asker.out(statistics), Done::default(), "statistics hold values of all tenants");
    copied(cage, &mut asker, &expected);
    leaking(cage, &mut asker, &visible);
    for member in &cage.family {
        let expected = cage.texts(member, &visible);
        let mut found = asker.out(&format!("SELECT zoo_row::text FROM {member} AS zoo_row")).rows;
        found.sort();
        assert_eq!(found, expected, "{member}, read by itself");
        asker.out(&format!("EXPLAIN SELECT * FROM {member}"));
    }
}

fn copied(cage: &Cage, asker: &mut Asker, expected: &[String]) {
    let table = cage.case.table;
    let query = format!("COPY (SELECT zoo_row::text FROM {table} AS zoo_row) TO STDOUT");
    assert_eq!(
        copy_out(asker, &query).expect("a query may be copied").lines().count(),
        expected.len()
    );
    for member in &cage.family {
        let foreign = cage.texts(&format!("ONLY {member}"), "true").len();
        let lines = copy_out(asker, &format!("COPY {member} TO STDOUT")).unwrap_or_default();
        assert!(
            lines.lines().count() <= expected.len().min(foreign),
            "COPY {member} TO STDOUT gave {lines}"
        );
    }
}

pub fn copy_out(asker: &mut Asker, sql: &str) -> Result<String, postgres::Error> {
    execute(&mut asker.client, &format!("BEGIN; {}", asker.opening));
    let copied = asker.client.copy_out(sql).map(|mut reader| {
        let mut text = String::new();
        // An error in the middle of the copy ends the reader.
        let _ = reader.read_to_string(&mut text);
        text
    });
    execute(&mut asker.client, "ROLLBACK");
    copied
}

/// A cheap function in WHERE is given no row that the policies hide.
fn leaking(cage: &Cage, asker: &mut Asker, visible: &str) {
    let case = cage.case;
    let hidden = cage.texts(case.table, &format!("({visible}) IS NOT TRUE"));
    for statement in [
        format!("SELECT count(*) FROM {} AS zoo_row WHERE probe.leak(zoo_row::text)", case.table),
        format!(
            "UPDATE {} AS zoo_row SET {} WHERE probe.leak(zoo_row::text)",
            case.table, case.set
        ),
        format!("DELETE FROM {} AS zoo_row WHERE probe.leak(zoo_row::text)", case.table),
    ] {
        let all = format!("{statement}; SELECT current_setting('probe.heard', true)");
        let Ok(heard) = asker.try_out(&all) else { continue };
        for row in &hidden {
            assert!(!heard.rows[0].contains(row.as_str()), "{statement} was given {row}");
        }
    }
}

/// What the case itself brings.
#[track_caller]
pub fn extra(cage: &Cage, side: Side) {
    let case = cage.case;
    let mut asker = cage.asker(side);
    let before = cage.others(side);
    let [n, ..] = side.other().rows();
    for attack in case.attacks {
        let sql = case.fill(attack, side, n);
        let _ = asker.try_out(&sql);
        // Committed only where it is refused or touches nothing of the others'.
        if let Ok(done) = asker.try_commit(&sql) {
            assert_eq!(cage.others(side), before, "{sql}\n{done:?}");
        }
    }
    for query in case.blind {
        let sql = case.fill(query, side, n);
        if let Ok(done) = asker.try_out(&sql) {
            assert_eq!(done.rows, Vec::<String>::new(), "{sql}");
        }
    }
}

/// Nobody's session: no claims, an empty organization, another one, a role that the policies are not for.
#[track_caller]
pub fn strangers(cage: &Cage) {
    let case = cage.case;
    let shared = match case.shared {
        "" => 0,
        shared => cage.count(shared),
    };
    let everything = cage.sum("true");
    let stranger = r#"{"sub": "00000000-0000-4000-8000-0000000bad00", "org_id": "99"}"#;
    for (role, claims) in [
        ("anon", None),
        ("authenticated", None),
        ("authenticated", Some("")),
        ("authenticated", Some("{}")),
        ("authenticated", Some(r#"{"org_id": null}"#)),
        ("authenticated", Some(stranger)),
    ] {
        let mut asker = Asker::new(&cage.database, role, claims);
        asker.opening.push_str(case.session);
        for member in &cage.family {
            let seen = asker.number(&format!("SELECT count(*) FROM {member}"));
            assert!(seen <= shared, "{role} {claims:?} sees {seen} rows of {member}");
            for statement in
                [format!("UPDATE {member} SET {}", case.set), format!("DELETE FROM {member}")]
            {
                match asker.try_commit(&statement) {
                    Ok(done) => assert_eq!(done.touched, 0, "{role} {claims:?}: {statement}"),
                    Err((code, message)) => assert_eq!(code, "42501", "{statement}: {message}"),
                }
            }
        }
        for side in [A, B] {
            asker.refused(&case.insert(side, side.next()), &["42501", "23502", "428C9"]);
        }
    }
    let owner = number(
        &mut cage.database.connect(case.protector),
        &format!("SELECT count(*) FROM {}", case.table),
    );
    assert!(owner <= shared, "the owner is not bound: sees {owner}");
    assert_eq!(cage.sum("true"), everything);
}

/// One connection, one prepared statement: first A's, then B's, then nobody's.
#[track_caller]
pub fn prepared(cage: &Cage) {
    let case = cage.case;
    if !case.may('s') {
        return;
    }
    let mut asker = cage.asker(A);
    let prepare =
        format!("PREPARE all_rows AS SELECT zoo_row::text FROM {} AS zoo_row", case.table);
    execute(&mut asker.client, &format!("SET ROLE authenticated; {prepare}; RESET ROLE"));
    for side in [A, B, A] {
        asker.opening = cage.asker(side).opening;
        for _ in 0..6 {
            let mut found = asker.out("EXECUTE all_rows").rows;
            found.sort();
            assert_eq!(found, cage.texts(case.table, &case.visible(side)));
        }
    }
    asker.opening = Asker::new(&cage.database, "authenticated", None).opening;
    let shared = if case.shared.is_empty() { 0 } else { cage.count(case.shared) };
    assert!(asker.out("EXECUTE all_rows").rows.len() as i64 <= shared);
}

/// TRUNCATE, triggers and foreign keys look past policies.
#[track_caller]
pub fn privileges(cage: &Cage) {
    let mut asker = cage.asker(A);
    for member in &cage.family {
        asker.refused(&format!("TRUNCATE {member}"), &["42501"]);
        let trigger = format!(
            "CREATE TRIGGER spy BEFORE UPDATE ON {member} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        );
        asker.refused(&trigger, &["42501"]);
        asker.refused(&format!("ALTER TABLE {member} DISABLE ROW LEVEL SECURITY"), &["42501"]);
        asker.refused(&format!("CREATE POLICY open ON {member} USING (true)"), &["42501"]);
        let quoted = member.replace('\'', "''");
        for role in ["authenticated", "anon", "public"] {
            let left = format!(
                "SELECT has_any_column_privilege('{role}', '{quoted}', 'REFERENCES')::int
                      + has_table_privilege('{role}', '{quoted}', 'TRUNCATE, TRIGGER, REFERENCES')::int"
            );
            assert_eq!(asker.number(&left), 0, "{role} on {member}");
        }
    }
}
