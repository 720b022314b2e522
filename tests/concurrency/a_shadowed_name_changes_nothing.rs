//! Objects of the caller's own, named like those that the extension uses, are never taken for them.

use postgres::Client;
use tenant_guard_tests::cluster::{OTHER_OWNER, OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{execute, expect_error, rows};
use tenant_guard_tests::steps::{apply, call};
use tenant_guard_tests::Database;

/// A schema that the visitor owns, full of lies: every relation, every helper and the operators that matter.
fn database_with_lies() -> Database<'static> {
    let database = protected_crm();
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE SCHEMA lies AUTHORIZATION visitor; GRANT CREATE ON SCHEMA lies TO other_owner;
         GRANT USAGE ON SCHEMA lies TO PUBLIC",
    );
    let relations = names(
        &mut admin,
        "SELECT quote_ident(relname) FROM pg_class
          WHERE relnamespace = 'tenant_guard'::regnamespace AND relkind IN ('r', 'v', 'p')
          UNION VALUES ('members'), ('memberships'), ('membership')",
    );
    let helpers = names(
        &mut admin,
        "SELECT DISTINCT quote_ident(proname) FROM pg_proc
          WHERE pronamespace = 'tenant_guard'::regnamespace AND pronargs = 0",
    );
    let mut visitor = database.connect(VISITOR);
    for relation in relations {
        execute(
            &mut visitor,
            &format!(
                "CREATE TABLE lies.{relation} AS
                 SELECT '{MALLORY}'::uuid AS user_id, '{ORG_B}'::uuid AS organization_id, 'owner'::text AS role;
                 CREATE TEMP TABLE {relation} AS TABLE lies.{relation}"
            ),
        );
    }
    for helper in helpers {
        execute(
            &mut visitor,
            &format!("CREATE FUNCTION lies.{helper}() RETURNS uuid LANGUAGE sql AS 'SELECT ''{ORG_B}''::uuid'"),
        );
    }
    execute(&mut visitor, LYING_OPERATORS);
    database
}

const LYING_OPERATORS: &str = "
    CREATE FUNCTION lies.yes(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE FUNCTION lies.yes(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE FUNCTION lies.yes(name, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE FUNCTION lies.yes(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE FUNCTION lies.yes(uuid, uuid[]) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE OPERATOR lies.= (FUNCTION = lies.yes, LEFTARG = uuid, RIGHTARG = uuid);
    CREATE OPERATOR lies.= (FUNCTION = lies.yes, LEFTARG = text, RIGHTARG = text);
    CREATE OPERATOR lies.= (FUNCTION = lies.yes, LEFTARG = name, RIGHTARG = text);
    CREATE OPERATOR lies.= (FUNCTION = lies.yes, LEFTARG = oid, RIGHTARG = oid);
    CREATE FUNCTION lies.current_setting(text, boolean) RETURNS text LANGUAGE sql AS
        'SELECT ''{\"sub\": \"00000000-0000-4000-8000-000000000b0b\"}''';
    CREATE FUNCTION lies.pg_has_role(name, oid, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE FUNCTION lies.has_table_privilege(oid, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE DOMAIN lies.regclass AS text;
    CREATE DOMAIN lies.uuid AS text;";

const LYING_PATHS: [&str; 4] = [
    "lies, pg_catalog, crm, tenant_guard",
    "lies, tenant_guard, pg_temp, pg_catalog",
    "pg_temp, lies, tenant_guard",
    "pg_temp, lies, crm, pg_catalog",
];

fn names(client: &mut Client, sql: &str) -> Vec<String> {
    rows(client, sql).into_iter().filter_map(|row| row[0].clone()).collect()
}

/// All that the extension says to this person, in one transaction.
fn truth(
    database: &Database,
    search_path: &str,
    person: &str,
    org: &str,
) -> Vec<Vec<Option<String>>> {
    let mut client = visit(database, person, None);
    execute(
        &mut client,
        &format!(
            "CREATE TEMP TABLE members AS SELECT '{MALLORY}'::pg_catalog.uuid AS user_id,
                         '{ORG_B}'::pg_catalog.uuid AS organization_id, 'owner'::text AS role;
                  CREATE TEMP TABLE memberships AS TABLE members;
                  CREATE TEMP TABLE contacts AS TABLE members;
                  SET LOCAL search_path = {search_path}; SAVEPOINT s"
        ),
    );
    let ask = format!("SELECT tenant_guard.uid_text(), tenant_guard.org_id_text(), tenant_guard.org_ids(),
                              tenant_guard.org_ids_text(), tenant_guard.is_member('{ORG_A}'), tenant_guard.is_member('{ORG_B}'),
                              tenant_guard.org_role('{ORG_A}'), tenant_guard.org_role('{ORG_B}'), tenant_guard.claims(),
                              (SELECT pg_catalog.count(*) FROM crm.contacts)");
    let mut found = rows(&mut client, &ask);
    match client.batch_execute(&format!("SELECT tenant_guard.set_org('{org}')")) {
        Ok(()) => found.extend(rows(&mut client, &ask)),
        Err(error) => {
            let code = error.code().expect("an error of the server").code();
            found.push(vec![Some(code.to_owned())]);
        }
    }
    found
}

#[test]
fn helpers_and_policies_tell_the_truth_on_any_search_path() {
    let database = database_with_lies();
    for (person, org) in [(MALLORY, ORG_B), (ALICE, ORG_A), (ALICE, ORG_B), (CAROL, ORG_B)] {
        let expected = truth(&database, "pg_catalog", person, org);
        for path in LYING_PATHS {
            assert_eq!(truth(&database, path, person, org), expected, "{person} {path}");
        }
    }
    let mallory = truth(&database, LYING_PATHS[0], MALLORY, ORG_B);
    assert_eq!(mallory[0][9].as_deref(), Some("0"));
    assert_eq!(mallory[1], [Some("42501".to_owned())]);
}

#[test]
fn ownership_is_checked_on_any_search_path() {
    let database = database_with_lies();
    let mut other = database.connect(OTHER_OWNER);
    execute(&mut database.admin(), "GRANT USAGE ON SCHEMA crm TO other_owner");
    let before = (database.schema(), database.contents());
    for path in LYING_PATHS {
        execute(&mut other, &format!("SET search_path = {path}"));
        for text in [
            "protect_table('crm.invoices'::pg_catalog.regclass)",
            "unprotect_table('crm.contacts'::pg_catalog.regclass)",
            "enable_audit('crm.contacts'::pg_catalog.regclass)",
            "undo(1, force => true)",
            "undo(2, force => true)",
        ] {
            let text = format!("SELECT * FROM tenant_guard.{text}");
            expect_error(&mut other, &text, "42501");
        }
    }
    assert_eq!((database.schema(), database.contents()), before);
}

#[test]
fn a_plan_is_the_same_on_any_search_path() {
    let database = database_with_lies();
    let mut owner = database.connect(OWNER);
    let calls = [
        "protect_table('crm.invoices'::pg_catalog.regclass, dry_run => true)",
        "unprotect_table('crm.contacts'::pg_catalog.regclass, dry_run => true)",
        "enable_audit('crm.invoices'::pg_catalog.regclass, dry_run => true)",
        "create_tenant_schema('east', 'crm', tenant_role => 'visitor', dry_run => true)",
    ];
    for text in calls {
        let mut plan_on = |path: &str| {
            execute(&mut owner, &format!("SET search_path = {path}"));
            let mut steps = call(&mut owner, text);
            assert!(!steps.is_empty());
            // A script that changes the search path puts the caller's own back.
            steps.retain(|step| step.action != "set the search path");
            steps
        };
        let plain = plan_on("pg_catalog");
        for path in LYING_PATHS {
            assert_eq!(plan_on(path), plain, "{text} {path}");
        }
    }
}

#[test]
fn an_audit_trigger_records_the_truth_on_any_search_path() {
    let database = database_with_lies();
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "enable_audit('crm.contacts', tenant_column => 'organization_id')");
    for path in LYING_PATHS {
        let mut client = visit(&database, ALICE, Some(ORG_A));
        execute(&mut client, &format!("SET LOCAL search_path = {path}"));
        execute(&mut client, "UPDATE crm.contacts SET name = name || '!'; COMMIT");
        let seen = rows(
            &mut database.admin(),
            "SELECT organization_id, user_id, db_role, operation FROM tenant_guard.audit_log ORDER BY id DESC LIMIT 3",
        );
        let event = [ORG_A, ALICE, "visitor", "UPDATE"].map(|part| Some(part.to_owned())).to_vec();
        assert_eq!(seen, [event.clone(), event.clone(), event], "{path}");
    }
}
