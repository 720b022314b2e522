//! PostgreSQL lets a superuser grant the right to set a setting. Nobody else can, and `status()` tells of it.

use tenant_guard_tests::cluster::{OTHER_OWNER, OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{execute, expect_error, number, rows, text};

const GRANTED: &str =
    "SELECT count(*) FROM pg_parameter_acl, aclexplode(paracl) WHERE parname LIKE 'tenant_guard.%' AND grantee <> 10";

#[test]
fn no_other_role_grants_it() {
    let database = protected_crm();
    let mut admin = database.admin();
    let name = &database.name;
    execute(&mut admin, &format!("ALTER DATABASE {name} OWNER TO {OTHER_OWNER}"));
    let settings = rows(
        &mut admin,
        "SELECT tenant_guard.origin(); SELECT name FROM pg_settings WHERE name LIKE 'tenant_guard.%' UNION
         VALUES ('tenant_guard.identity'), ('tenant_guard.session_identity'), ('tenant_guard.org')",
    );
    assert!(settings.len() > 8, "{settings:?}");
    for role in [VISITOR, OWNER, OTHER_OWNER] {
        let mut client = database.connect(role);
        for load in ["SELECT 1", "SELECT tenant_guard.uid_text()"] {
            execute(&mut client, load);
            for setting in settings.iter().filter_map(|row| row[0].as_deref()) {
                for right in ["SET", "ALTER SYSTEM", "ALL"] {
                    let grant = format!("GRANT {right} ON PARAMETER {setting} TO {role}");
                    expect_error(&mut client, &grant, "42501");
                }
            }
        }
    }
}

#[test]
fn who_was_granted_it_is_told_of_as_long_as_it_holds() {
    let database = protected_crm();
    let mut admin = database.admin();
    // Rights on settings are the whole server's, so it is a role that no other test knows.
    let role = format!("setter_{}", database.name);
    let told = format!(
        "SELECT count(*) FROM tenant_guard.status() s WHERE verdict = 'warning' AND strpos(s::text, '{role}') > 0"
    );
    execute(&mut admin, &format!("CREATE ROLE {role}"));
    assert_eq!(number(&mut admin, &told), 0);
    execute(&mut admin, &format!("GRANT SET ON PARAMETER tenant_guard.trust TO {role}"));
    assert_eq!(number(&mut admin, &told), 1);
    assert_eq!(number(&mut admin, GRANTED), 1);
    let may = format!("SELECT has_parameter_privilege('{role}', 'tenant_guard.trust', 'SET')");
    assert_eq!(text(&mut admin, &may).as_deref(), Some("t"));
    execute(&mut admin, &format!("REVOKE SET ON PARAMETER tenant_guard.trust FROM {role}"));
    assert_eq!(number(&mut admin, &told), 0);
    assert_eq!(number(&mut admin, GRANTED), 0, "nobody has it by anything else");
    execute(&mut admin, &format!("DROP ROLE {role}"));
}
