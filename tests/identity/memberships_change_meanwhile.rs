//! Memberships that are revoked, rolled back, blinded or shadowed, and tables that go away.

use postgres::Client;
use tenant_guard_tests::cluster::{OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{
    claims, execute, expect_clear_error, number, rows, session_claims, text,
};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

fn org(client: &mut Client) -> Option<String> {
    text(client, "SELECT tenant_guard.org_id_text()")
}

fn is_member(client: &mut Client, org: &str) -> bool {
    text(client, &format!("SELECT tenant_guard.is_member('{org}')")).as_deref() == Some("t")
}

#[test]
fn revocation_bites_in_the_next_transaction_and_not_in_this_one() {
    let database = protected_crm();
    let mut client = visit(&database, ALICE, Some(ORG_A));
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);
    database.load(&format!("DELETE FROM crm.members WHERE user_id = '{ALICE}'"));
    assert_eq!(contacts(&mut client), CONTACTS_OF_A, "one answer a transaction");
    execute(&mut client, "COMMIT; BEGIN");
    execute(&mut client, &claims(ALICE, Some(ORG_A)));
    assert_eq!(org(&mut client), None);
    assert!(!is_member(&mut client, ORG_A));
    assert_eq!(contacts(&mut client), 0);
    expect_clear_error(&mut client, &format!("SELECT tenant_guard.set_org('{ORG_A}')"), "42501");
    execute(&mut client, "ROLLBACK");
    // Without a transaction block each statement is one.
    execute(&mut client, &session_claims(BOB, Some(ORG_B)));
    assert_eq!(contacts(&mut client), CONTACTS_OF_B);
    database.load(&format!("DELETE FROM crm.members WHERE user_id = '{BOB}'"));
    assert_eq!(contacts(&mut client), 0);
    database.load(&format!("INSERT INTO crm.members VALUES ('{BOB}', '{ORG_B}', 'admin')"));
    assert_eq!(contacts(&mut client), CONTACTS_OF_B);
}

#[test]
fn what_leaves_the_table_as_it_was_leaves_the_answer_as_it_was() {
    let database = protected_crm();
    let mut client = visit(&database, ALICE, Some(ORG_A));
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);
    database.load(&format!("DELETE FROM crm.members WHERE user_id = '{ALICE}'"));
    // Each tells all sessions that the table is to be looked at anew; asking for another table is when they listen.
    for told in [
        "GRANT INSERT ON crm.members TO visitor",
        "CREATE STATISTICS crm.of_members ON user_id, role FROM crm.members",
        "ANALYZE crm.members",
        "VACUUM crm.members",
        "CREATE UNIQUE INDEX ON crm.members (user_id, organization_id, role)",
    ] {
        database.load(told);
        let heard =
            format!("SAVEPOINT s; CREATE TEMP TABLE heard (); ROLLBACK TO s; SELECT '{told}'");
        execute(&mut client, &heard);
        assert_eq!(contacts(&mut client), CONTACTS_OF_A, "{told}");
        assert!(is_member(&mut client, ORG_A), "{told}");
    }
}

#[test]
fn a_membership_that_was_rolled_back_leaves_nothing_behind() {
    let database = protected_crm();
    // The owner may write memberships; row-level security holds for it as for anybody.
    let mut client = database.connect(OWNER);
    let insert = format!("INSERT INTO crm.members VALUES ('{MALLORY}', '{ORG_B}', 'admin')");
    execute(&mut client, "BEGIN");
    execute(&mut client, &claims(MALLORY, Some(ORG_B)));
    let seen = format!(
        "SELECT tenant_guard.org_id_text(), tenant_guard.is_member('{ORG_B}'), tenant_guard.org_ids()::text, tenant_guard.has_role('admin')"
    );
    let no = [None, Some("f".to_owned()), Some("{}".to_owned()), Some("f".to_owned())];
    let yes = [Some(ORG_B), Some("t"), Some(&format!("{{{ORG_B}}}")), Some("t")]
        .map(|text| text.map(str::to_owned));
    assert_eq!(rows(&mut client, &seen).concat(), no);
    for end in ["ROLLBACK TO s", "ROLLBACK TO s; RELEASE s"] {
        execute(&mut client, &format!("SAVEPOINT s; {insert}"));
        assert_eq!(rows(&mut client, &seen).concat(), yes, "{end}");
        execute(&mut client, "SAVEPOINT t; RELEASE t");
        execute(&mut client, end);
        assert_eq!(rows(&mut client, &seen).concat(), no, "{end}");
    }
    // In a block of code that catches its error.
    execute(
        &mut client,
        &format!(
            "DO $$ BEGIN
               BEGIN
                 {insert};
                 ASSERT tenant_guard.is_member('{ORG_B}');
                 ASSERT tenant_guard.org_id() = '{ORG_B}';
                 RAISE EXCEPTION 'back';
               EXCEPTION WHEN raise_exception THEN NULL;
               END;
               ASSERT NOT tenant_guard.is_member('{ORG_B}');
               ASSERT tenant_guard.org_id() IS NULL;
             END $$"
        ),
    );
    assert_eq!(rows(&mut client, &seen).concat(), no);
    // A choice made on such a row goes with it.
    execute(&mut client, &format!("SAVEPOINT u; {insert}; SELECT tenant_guard.set_org('{ORG_B}')"));
    assert_eq!(org(&mut client).as_deref(), Some(ORG_B));
    execute(&mut client, "ROLLBACK TO u");
    assert_eq!(rows(&mut client, &seen).concat(), no);
    execute(&mut client, &format!("ROLLBACK; BEGIN; {insert}"));
    execute(&mut client, &claims(MALLORY, Some(ORG_B)));
    assert_eq!(rows(&mut client, &seen).concat(), yes);
    execute(&mut client, "ROLLBACK; BEGIN");
    execute(&mut client, &claims(MALLORY, Some(ORG_B)));
    assert_eq!(rows(&mut client, &seen).concat(), no);
}

#[test]
fn when_the_table_goes_away_nobody_is_a_member_and_no_claim_is_believed() {
    for (change, back) in [
        ("ALTER TABLE crm.members RENAME TO people", Some("ALTER TABLE crm.people RENAME TO members")),
        ("ALTER TABLE crm.members RENAME COLUMN user_id TO person", Some("ALTER TABLE crm.members RENAME COLUMN person TO user_id")),
        ("ALTER TABLE crm.members RENAME COLUMN organization_id TO o", Some("ALTER TABLE crm.members RENAME COLUMN o TO organization_id")),
        ("ALTER SCHEMA crm RENAME TO crm2; CREATE SCHEMA crm; ALTER TABLE crm2.contacts SET SCHEMA crm; GRANT USAGE ON SCHEMA crm TO visitor", None),
        ("TRUNCATE crm.members", None),
        ("ALTER TABLE crm.members DROP COLUMN organization_id", None),
        ("DROP TABLE crm.members", None),
        ("DROP TABLE crm.members; CREATE VIEW crm.members AS SELECT gen_random_uuid() AS user_id, id AS organization_id, 'admin' AS role FROM crm.organizations", None),
    ] {
        let database = protected_crm();
        let mut client = database.connect(VISITOR);
        execute(&mut client, &session_claims(ALICE, Some(ORG_A)));
        assert_eq!(contacts(&mut client), CONTACTS_OF_A);
        database.load(change);
        // In the session that knew the table, and in a new one.
        for _ in 0..2 {
            assert_eq!(org(&mut client), None, "{change}");
            assert!(!is_member(&mut client, ORG_A), "{change}");
            let ids = text(&mut client, "SELECT tenant_guard.org_ids()::text || tenant_guard.roles()::text");
            assert_eq!(ids.as_deref(), Some("{}{}"), "{change}");
            assert_eq!(contacts(&mut client), 0, "{change}");
            let set = format!("SELECT tenant_guard.set_org('{ORG_A}')");
            let error = client.batch_execute(&set).expect_err(change);
            let code = error.code().expect("an answer").code();
            assert!(["42501", "55000"].contains(&code), "{change}: {error:?}");
            client = database.connect(VISITOR);
            execute(&mut client, &session_claims(ALICE, Some(ORG_A)));
        }
        if let Some(back) = back {
            database.load(back);
            assert_eq!(contacts(&mut client), CONTACTS_OF_A, "{back}");
        }
    }
}

#[test]
fn policies_on_the_membership_table_neither_blind_nor_recurse() {
    let database = protected_crm();
    database.load(
        "ALTER TABLE crm.members ENABLE ROW LEVEL SECURITY;
         ALTER TABLE crm.members FORCE ROW LEVEL SECURITY;
         CREATE POLICY fellows ON crm.members USING (tenant_guard.is_member(organization_id));
         CREATE POLICY own ON crm.members USING (organization_id = (SELECT tenant_guard.org_id()));
         GRANT SELECT ON crm.members TO visitor",
    );
    let mut client = database.connect(VISITOR);
    for (person, org_claimed, members, seen) in
        [(ALICE, ORG_A, 2, CONTACTS_OF_A), (CAROL, ORG_B, 4, CONTACTS_OF_B), (MALLORY, ORG_A, 0, 0)]
    {
        execute(&mut client, &session_claims(person, Some(org_claimed)));
        assert_eq!(number(&mut client, "SELECT count(*) FROM crm.members"), members, "{person}");
        assert_eq!(contacts(&mut client), seen, "{person}");
    }
    execute(&mut client, "RESET request.jwt.claims");
    assert_eq!(number(&mut client, "SELECT count(*) FROM crm.members"), 0);
}

#[test]
fn what_a_client_shadows_is_not_asked() {
    let database = protected_crm();
    let mut client = database.connect(VISITOR);
    execute(
        &mut client,
        &format!(
            "SET search_path = pg_temp, crm, pg_catalog;
             CREATE TEMP TABLE members (user_id uuid, organization_id uuid, role text);
             INSERT INTO pg_temp.members VALUES ('{MALLORY}', '{ORG_B}', 'admin');
             CREATE TEMP TABLE membership AS SELECT true AS only_row;
             CREATE TEMP TABLE jwt_key (kid text);
             CREATE FUNCTION pg_temp.uuid_eq(uuid, uuid) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
             CREATE OPERATOR pg_temp.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = pg_temp.uuid_eq);
             CREATE FUNCTION pg_temp.text(uuid) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT '{ORG_B}'$$;
             CREATE DOMAIN pg_temp.text AS pg_catalog.text DEFAULT 'x'"
        ),
    );
    for person in [MALLORY, ALICE] {
        execute(&mut client, &session_claims(person, Some(ORG_B)));
        assert_eq!(
            text(&mut client, "SELECT tenant_guard.org_id_text()::pg_catalog.text"),
            None,
            "{person}"
        );
        let member = format!("SELECT tenant_guard.is_member('{ORG_B}')::pg_catalog.int4");
        assert_eq!(number(&mut client, &member), 0, "{person}");
        assert_eq!(
            number(&mut client, "SELECT pg_catalog.count(*) FROM crm.contacts"),
            0,
            "{person}"
        );
        expect_clear_error(
            &mut client,
            &format!("SELECT tenant_guard.set_org('{ORG_B}')"),
            "42501",
        );
    }
    execute(&mut client, &session_claims(BOB, Some(ORG_B)));
    assert_eq!(contacts(&mut client), CONTACTS_OF_B);
}

#[test]
fn what_counts_is_what_the_administrator_chose() {
    let database = Database::fresh();
    database.load(TENANCY);
    execute(&mut database.connect(OWNER), "SELECT tenant_guard.protect_table('crm.contacts')");
    let mut admin = database.admin();
    let seen = |person: &str| {
        let mut client = visit(&database, person, Some(ORG_A));
        contacts(&mut client)
    };
    let mut check = |value: &str| {
        execute(
            &mut admin,
            &format!("ALTER DATABASE {} SET tenant_guard.org_check = '{value}'", database.name),
        );
    };
    // Nothing is registered: the token's word, unless a membership is asked for.
    for (value, alice, mallory) in [
        ("auto", CONTACTS_OF_A, CONTACTS_OF_A),
        ("claim", CONTACTS_OF_A, CONTACTS_OF_A),
        ("membership", 0, 0),
    ] {
        check(value);
        assert_eq!((seen(ALICE), seen(MALLORY)), (alice, mallory), "{value}, unregistered");
    }
    apply(&mut database.admin(), USE_MEMBERSHIP);
    for (value, alice, mallory) in [
        ("auto", CONTACTS_OF_A, 0),
        ("membership", CONTACTS_OF_A, 0),
        ("claim", CONTACTS_OF_A, CONTACTS_OF_A),
    ] {
        check(value);
        assert_eq!((seen(ALICE), seen(MALLORY)), (alice, mallory), "{value}, registered");
    }
    // A table that was registered and is gone is no table that was never registered.
    check("auto");
    database.load("DROP TABLE crm.members");
    assert_eq!((seen(ALICE), seen(MALLORY)), (0, 0), "gone");
}
