//! Tokens and keys of another implementation, PyJWT: every algorithm, as key set and as PEM.

use postgres::Client;
use std::process::Command;
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::issuer::{authenticate, trust_tokens, FAR};
use tenant_guard_tests::sql::{execute, expect_clear_error, rows, text};
use tenant_guard_tests::Database;

const ALGORITHMS: usize = 12;

/// Debian's Python unless told otherwise, for it has Debian's packages.
fn what_the_issuer_prints() -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/identity/issuer.py");
    let python = std::env::var_os("TENANT_GUARD_PYTHON").unwrap_or("/usr/bin/python3".into());
    let printed = Command::new(&python).arg(script).args([ALICE, &FAR.to_string()]).output();
    let failed = match printed {
        Ok(output) if output.status.success() => {
            return String::from_utf8(output.stdout).expect("the output is UTF-8");
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    panic!(
        "{python:?} {script} failed. It needs the Debian packages python3-jwt and python3-cryptography; \
         TENANT_GUARD_PYTHON names another interpreter that has them.\n{failed}"
    );
}

/// The protected CRM that believes tokens, with what the issuer printed in `py.issued`.
fn database() -> Database<'static> {
    let database = protected_crm();
    trust_tokens(&database);
    let printed = what_the_issuer_prints();
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE SCHEMA py; GRANT USAGE ON SCHEMA py TO PUBLIC; CREATE TABLE py.printed (all_of_it jsonb);
         CREATE VIEW py.issued AS SELECT i.* FROM py.printed, jsonb_to_recordset(all_of_it -> 'issued')
           AS i(alg text, kid text, jwk jsonb, pem text, token text)",
    );
    admin
        .execute("INSERT INTO py.printed VALUES ($1::text::jsonb)", &[&printed])
        .expect("the issuer printed JSON");
    database
}

fn column(client: &mut Client, sql: &str) -> Vec<String> {
    rows(client, sql).into_iter().map(|row| row[0].clone().expect("no NULL")).collect()
}

fn tokens_of_all(admin: &mut Client) -> Vec<String> {
    let tokens = column(admin, "SELECT token FROM py.issued ORDER BY kid");
    assert_eq!(tokens.len(), ALGORITHMS);
    tokens
}

/// Each token makes its bearer Alice, for its transaction.
#[track_caller]
fn all_accepted(database: &Database, tokens: &[String]) {
    let mut client = database.connect(VISITOR);
    for token in tokens {
        execute(&mut client, "BEGIN");
        execute(&mut client, &authenticate(token));
        assert_eq!(text(&mut client, "SELECT tenant_guard.uid_text()").as_deref(), Some(ALICE));
        execute(&mut client, "COMMIT");
        assert_eq!(text(&mut client, "SELECT tenant_guard.uid_text()"), None);
    }
}

#[track_caller]
fn all_refused(database: &Database, tokens: &[String]) {
    let mut client = database.connect(VISITOR);
    for token in tokens {
        expect_clear_error(&mut client, &authenticate(token), "28000");
    }
}

/// Changes every token where it hurts: its last part is another token's.
fn with_signatures_swapped(tokens: &[String]) -> Vec<String> {
    let parts = |token: &String| {
        let (signed, signature) = token.rsplit_once('.').expect("three parts");
        (signed.to_owned(), signature.to_owned())
    };
    let next = tokens.iter().cycle().skip(1);
    tokens
        .iter()
        .zip(next)
        .map(|(one, next)| format!("{}.{}", parts(one).0, parts(next).1))
        .collect()
}

const LOAD: &str = "SELECT l.kid, l.alg, l.loaded, l.reason FROM tenant_guard.load_jwks(
    (SELECT jsonb_build_object('keys', jsonb_agg(jwk ORDER BY kid)) FROM py.issued)) l";

#[test]
fn a_key_set_of_every_algorithm_verifies_its_tokens() {
    let database = database();
    let mut admin = database.admin();
    let tokens = tokens_of_all(&mut admin);
    all_refused(&database, &tokens);
    let loaded = rows(&mut admin, LOAD);
    assert_eq!(loaded.len(), ALGORITHMS);
    for row in &loaded {
        let alg = row[1].as_deref().expect("an algorithm");
        assert_eq!(row[0].as_deref(), Some(format!("py-{alg}").as_str()));
        assert_eq!((row[2].as_deref(), row[3].as_deref()), (Some("t"), Some("loaded")));
    }
    all_accepted(&database, &tokens);
    all_refused(&database, &with_signatures_swapped(&tokens));
    let again = rows(&mut admin, LOAD);
    for row in &again {
        assert_eq!(
            (row[2].as_deref(), row[3].as_deref()),
            (Some("t"), Some("it was there already"))
        );
    }
    all_accepted(&database, &tokens);
    for kid in column(&mut admin, "SELECT kid FROM py.issued") {
        let add = format!(
            "SELECT tenant_guard.add_key(kid, alg, pem) FROM py.issued WHERE kid = '{kid}'"
        );
        expect_clear_error(&mut admin, &add, "42710");
    }
}

#[test]
fn the_same_keys_as_pem_or_secret_or_single_jwk_verify_their_tokens() {
    for key in ["pem", "jwk::text"] {
        let database = database();
        let mut admin = database.admin();
        let tokens = tokens_of_all(&mut admin);
        execute(
            &mut admin,
            &format!("SELECT tenant_guard.add_key(kid, alg, {key}) FROM py.issued"),
        );
        all_accepted(&database, &tokens);
        all_refused(&database, &with_signatures_swapped(&tokens));
    }
}

#[test]
fn secrets_are_read_in_every_encoding() {
    for (encoding, encoded) in [
        ("hex", "encode(convert_to(pem, 'UTF8'), 'hex')"),
        ("base64", "translate(encode(convert_to(pem, 'UTF8'), 'base64'), E'\\n', '')"),
        ("base64url", "translate(encode(convert_to(pem, 'UTF8'), 'base64'), E'+/=\\n', '-_')"),
    ] {
        let database = database();
        let mut admin = database.admin();
        let add = format!("SELECT tenant_guard.add_key(kid, alg, {encoded}, '{encoding}') FROM py.issued WHERE alg LIKE 'HS%'");
        execute(&mut admin, &add);
        let hmac = column(&mut admin, "SELECT token FROM py.issued WHERE alg LIKE 'HS%'");
        assert_eq!(hmac.len(), 3);
        all_accepted(&database, &hmac);
        for bad in ["not encoded at all, this is %", ""] {
            let add = format!("SELECT tenant_guard.add_key('bad', 'HS256', '{bad}', '{encoding}')");
            expect_clear_error(&mut admin, &add, "22023");
        }
    }
}

#[test]
fn a_key_is_refused_for_another_algorithm_than_it_fits() {
    let database = database();
    let mut admin = database.admin();
    let families = |alg: &str| match &alg[..2] {
        "RS" | "PS" => "RSA".to_owned(),
        "HS" => "HS".to_owned(),
        _ => alg.to_owned(),
    };
    let algorithms = column(&mut admin, "SELECT alg FROM py.issued ORDER BY alg");
    for of in &algorithms {
        for wanted in algorithms.iter().filter(|wanted| families(wanted) != families(of)) {
            // Any text is a secret: what is refused as one is a PEM.
            if of.starts_with("HS") {
                let add = format!("SELECT tenant_guard.add_key('x', '{wanted}', pem) FROM py.issued WHERE alg = '{of}'");
                expect_clear_error(&mut admin, &add, "22023");
            }
            for key in ["pem", "jwk::text"] {
                let add = format!("SELECT tenant_guard.add_key('x', '{wanted}', {key}) FROM py.issued WHERE alg = '{of}'");
                let error = expect_clear_error(&mut admin, &add, "22023");
                assert!(error.message().contains("\"x\""), "{error:?}");
            }
        }
    }
    for (alg, key) in [
        ("RS256", "private_pem"),
        ("RS256", "short_rsa_pem"),
        ("ES256", "p521_pem"),
        ("ES384", "p521_pem"),
        ("ES512", "p521_pem"),
        ("none", "short_rsa_pem"),
        ("HS256", "private_pem"),
    ] {
        let add = format!(
            "SELECT tenant_guard.add_key('x', '{alg}', all_of_it ->> '{key}') FROM py.printed"
        );
        let error = expect_clear_error(&mut admin, &add, "22023");
        assert!(!format!("{error:?}").contains("BEGIN PRIVATE"), "{error:?}");
    }
    for (alg, key) in [
        ("HS256", "31 bytes are too few for HS256."),
        ("HS384", "these are 47 bytes, one less than HS384 needs."),
        ("HS512", "x"),
    ] {
        let add = format!("SELECT tenant_guard.add_key('x', '{alg}', '{key}')");
        expect_clear_error(&mut admin, &add, "22023");
    }
    assert_eq!(column(&mut admin, "SELECT count(*) FROM tenant_guard.jwt_key"), ["0"]);
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    let database = database();
    let mut admin = database.admin();
    let confused = column(
        &mut admin,
        "SELECT jsonb_array_elements_text(all_of_it -> 'confused') FROM py.printed",
    );
    assert_eq!(confused.len(), 3);
    execute(
        &mut admin,
        "SELECT tenant_guard.add_key(kid, alg, pem) FROM py.issued WHERE alg = 'RS256'",
    );
    let mut client = database.connect(VISITOR);
    for token in &confused {
        let error = expect_clear_error(&mut client, &authenticate(token), "28000");
        assert!(error.message().ends_with("its algorithm"), "{error:?}");
    }
    all_accepted(&database, &column(&mut admin, "SELECT token FROM py.issued WHERE alg = 'RS256'"));
}

#[test]
fn a_key_verifies_no_other_algorithm_of_its_own_family() {
    let database = database();
    let mut admin = database.admin();
    // The one RSA key is RS256's only, whatever the header says.
    execute(&mut admin, "SELECT tenant_guard.add_key(replace(kid, '256', '384'), 'RS256', pem) FROM py.issued WHERE alg = 'RS256'");
    execute(&mut admin, "SELECT tenant_guard.add_key(replace(kid, '256', '384'), 'PS512', pem) FROM py.issued WHERE alg = 'PS256'");
    let tokens = column(&mut admin, "SELECT token FROM py.issued WHERE alg IN ('RS384', 'PS384')");
    assert_eq!(tokens.len(), 2);
    all_refused(&database, &tokens);
}

#[test]
fn members_that_cannot_be_used_are_told_of_and_the_rest_is_loaded() {
    let database = database();
    let mut admin = database.admin();
    let mixed = "SELECT l.kid, l.loaded, l.reason FROM tenant_guard.load_jwks(
        (SELECT jsonb_build_object('keys', all_of_it -> 'unusable' || (SELECT jsonb_agg(jwk) FROM py.issued)) FROM py.printed)) l";
    let told = rows(&mut admin, mixed);
    let unusable =
        column(&mut admin, "SELECT jsonb_array_length(all_of_it -> 'unusable') FROM py.printed");
    let unusable: usize = unusable[0].parse().expect("a number");
    assert_eq!(told.len(), unusable + ALGORITHMS);
    for (n, row) in told.iter().enumerate() {
        let reason = row[2].as_deref().expect("a reason");
        if n < unusable {
            assert_eq!(row[1].as_deref(), Some("f"), "{row:?}");
            assert!(reason.starts_with("not loaded: ") && reason.len() > 20, "{row:?}");
        } else {
            assert_eq!((row[1].as_deref(), reason), (Some("t"), "loaded"), "{row:?}");
        }
    }
    let disclosed =
        told.iter().filter(|row| row[2].as_deref().is_some_and(|r| r.contains("private"))).count();
    assert_eq!(disclosed, 3, "{told:?}");
    all_accepted(&database, &tokens_of_all(&mut admin));
    assert_eq!(
        column(&mut admin, "SELECT count(*) FROM tenant_guard.jwt_key"),
        [ALGORITHMS.to_string()]
    );
    for none in ["{}", "[]", "{\"keys\":{}}", "7", "null"] {
        let load = format!("SELECT tenant_guard.load_jwks('{none}')");
        expect_clear_error(&mut admin, &load, "22023");
    }
}

const LOAD_BROKEN: &str = "SELECT l.kid, l.loaded FROM tenant_guard.load_jwks(
    (SELECT jsonb_build_object('keys', all_of_it -> 'broken') FROM py.printed)) l";

#[test]
fn keys_that_anybody_could_sign_for_verify_nothing() {
    let database = database();
    let mut admin = database.admin();
    execute(&mut admin, LOAD_BROKEN);
    let tokens = "SELECT jsonb_array_elements_text(all_of_it -> 'broken_tokens') FROM py.printed";
    all_refused(&database, &column(&mut admin, tokens));
    execute(&mut admin, LOAD);
    all_accepted(&database, &tokens_of_all(&mut admin));
}

#[test]
fn keys_that_are_no_keys_are_not_loaded() {
    let database = database();
    let told = rows(&mut database.admin(), LOAD_BROKEN);
    let loaded: Vec<_> = told.into_iter().filter(|row| row[1].as_deref() != Some("f")).collect();
    assert!(loaded.is_empty(), "{loaded:?}");
}

#[test]
fn a_key_set_without_algorithms_gets_the_usual_ones() {
    let database = database();
    let mut admin = database.admin();
    let loaded = rows(
        &mut admin,
        "SELECT l.alg, l.loaded FROM tenant_guard.load_jwks(
           (SELECT jsonb_build_object('keys', all_of_it -> 'without_alg') FROM py.printed)) l",
    );
    let expected = ["RS256", "ES256", "ES384", "EdDSA"];
    assert_eq!(loaded, expected.map(|alg| vec![Some(alg.to_owned()), Some("t".to_owned())]));
    let plain = "SELECT jsonb_array_elements_text(all_of_it -> 'plain_tokens') FROM py.printed";
    all_accepted(&database, &column(&mut admin, plain));
}

#[test]
fn old_and_new_keys_overlap_until_the_old_one_is_retired() {
    let database = database();
    let mut admin = database.admin();
    let load = |alg: &str| {
        format!(
            "SELECT tenant_guard.load_jwks(jsonb_build_object('keys', jsonb_build_array(jwk)), 'https://issuer.example')
               FROM py.issued WHERE alg = '{alg}'"
        )
    };
    // Bound to an issuer that these tokens do not name.
    execute(&mut admin, &load("ES384"));
    all_refused(&database, &column(&mut admin, "SELECT token FROM py.issued WHERE alg = 'ES384'"));
    let of = |admin: &mut Client, alg: &str| {
        column(admin, &format!("SELECT token FROM py.issued WHERE alg = '{alg}'"))
    };
    let (old, new) = (of(&mut admin, "RS256"), of(&mut admin, "ES256"));
    for alg in ["RS256", "ES256"] {
        execute(&mut admin, &load(alg).replace(", 'https://issuer.example'", ""));
    }
    all_accepted(&database, &[old.clone(), new.clone()].concat());
    execute(&mut admin, "SELECT tenant_guard.retire_key('py-RS256')");
    all_refused(&database, &old);
    all_accepted(&database, &new);
    // Loading the set again does not bring it back.
    let told = rows(&mut admin, LOAD);
    let back = told.iter().find(|row| row[1].as_deref() == Some("RS256")).expect("a row");
    assert_eq!(back[2].as_deref(), Some("f"), "{back:?}");
    all_refused(&database, &old);
}
