//! Whatever a function of the extension is called with, it answers, or says in its own words why not:
//! no internal error, no lost connection.

use postgres::Client;
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::issuer::*;
use tenant_guard_tests::sql::{execute, number, rows, text};
use tenant_guard_tests::Database;

struct Function {
    name: String,
    types: Vec<String>,
    variadic: bool,
}

/// Every function that can be called, with the types of its arguments.
fn functions(admin: &mut Client) -> Vec<Function> {
    let found = rows(
        admin,
        "SELECT p.proname, p.provariadic <> 0,
                (SELECT string_agg(format_type(t, NULL), '|' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, n))
           FROM pg_proc p
          WHERE p.pronamespace = 'tenant_guard'::regnamespace AND p.prokind = 'f'
            AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
          ORDER BY 1",
    );
    found
        .into_iter()
        .map(|row| Function {
            name: row[0].clone().expect("a name"),
            variadic: row[1].as_deref() == Some("t"),
            types: row[2].iter().flat_map(|types| types.split('|')).map(str::to_owned).collect(),
        })
        .collect()
}

/// Values of a type, the plainest first.
fn values(of: &str) -> &'static [&'static str] {
    match of {
        "text" | "name" => &[
            "'x'",
            "''",
            "' '",
            "E'\\n\\t'",
            "'é\u{1f511}'",
            "'\"quoted\" and ''quoted'''",
            "'%s %1$s \\'",
            "repeat('x', 100000)",
            "'a.b.c'",
            "repeat('.', 100000)",
            "repeat('[', 50000)",
            "'-9223372036854775809'",
            "'aaaaaaaa-0000-4000-8000-000000000001'",
            "'{}'",
            "'user'",
            "'roles'",
            "'HS256'",
            "'ES384'",
            "'base64'",
            "'supabase'",
            "'-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----'",
            "'-----BEGIN'",
            "'{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\",\"y\":\"\"}'",
            "'$1'",
        ],
        "uuid" => &["'aaaaaaaa-0000-4000-8000-000000000001'", "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"],
        "boolean" => &["true", "false"],
        "interval" => &["'1 day'", "'0'", "'-1 day'", "'170000000 years'", "'-170000000 years'"],
        "smallint" | "integer" => &["1", "0", "-1", "32767"],
        "bigint" => &["1", "0", "-1", "9223372036854775807", "-9223372036854775808"],
        "jsonb" | "json" => &[
            "'{}'",
            "'null'",
            "'[]'",
            "'7'",
            "'\"x\"'",
            "'{\"keys\":[null,7,\"x\",[],{},{\"kty\":7},{\"kty\":\"oct\"},{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}]}'",
            "'{\"keys\":null}'",
            "'{\"id\":{\"mask\":7}}'",
            "'{\"select\":[null]}'",
            "jsonb_build_object('keys', (SELECT jsonb_agg(jsonb_build_object('kty', 'oct', 'k', repeat('A', n), 'kid', n)) FROM generate_series(0, 200) AS n))",
        ],
        "text[]" | "name[]" => &[
            "'{x}'",
            "'{}'",
            "'{NULL}'",
            "'{x,NULL,\"\"}'",
            "'{{a,b},{c,d}}'",
            "'[5:6]={a,b}'",
            "array_fill('x'::text, ARRAY[5000])",
        ],
        "regclass" | "oid" => &[
            "'crm.contacts'::regclass",
            "0",
            "4294967295",
            "'pg_catalog.pg_class'",
            "'tenant_guard.jwt_key'",
            "'crm.contacts_pkey'",
            "'crm.contacts_id_seq'",
            "'crm.contacts'::regtype::oid",
        ],
        "anyelement" => &["NULL::crm.contacts"],
        "tid" => &["'(0,1)'", "'(0,0)'", "'(4294967295,65535)'"],
        "xid8" => &["'1'", "'0'", "'18446744073709551615'"],
        "timestamp with time zone" => &["now()", "'infinity'", "'-infinity'", "'0001-01-01 BC'"],
        _ => &[],
    }
}

impl Function {
    fn call(&self, arguments: &[String]) -> String {
        let last = self.types.len().saturating_sub(1);
        let arguments: Vec<String> = arguments
            .iter()
            .zip(&self.types)
            .enumerate()
            .map(|(n, (value, of))| {
                let variadic = if self.variadic && n == last { "VARIADIC " } else { "" };
                format!("{variadic}({value})::{of}")
            })
            .collect();
        format!("SELECT * FROM tenant_guard.{}({})", self.name, arguments.join(", "))
    }

    /// Plain values with one odd one among them; and all of them NULL.
    fn calls(&self) -> Vec<String> {
        let of = |of: &str| values(of).first().map_or("NULL", |value| value).to_owned();
        let plain: Vec<String> = self.types.iter().map(|t| of(t)).collect();
        let mut calls = vec![self.call(&plain), self.call(&vec!["NULL".to_owned(); plain.len()])];
        for (n, of) in self.types.iter().enumerate() {
            for odd in values(of).iter().copied().chain(["NULL"]) {
                let mut arguments = plain.clone();
                arguments[n] = odd.to_owned();
                calls.push(self.call(&arguments));
            }
        }
        calls
    }
}

/// Runs every call, each rolled back, and returns those that failed as none should.
fn failures(client: &mut Client, functions: &[Function], identify: &str) -> Vec<String> {
    let (mut failures, mut own) = (Vec::new(), 0);
    execute(client, &format!("BEGIN; {identify}; SAVEPOINT s"));
    for call in functions.iter().flat_map(Function::calls) {
        if let Err(error) = client.batch_execute(&call) {
            let Some(told) = error.as_db_error() else {
                panic!("lost the connection: {call}\n{error:?}");
            };
            let shown = format!("{told:?}");
            if told.code().code().starts_with("XX") || shown.contains("panicked") {
                failures.push(format!("{call}: {} {}", told.code().code(), told.message()));
            }
            // The extension's own errors say why, and what to do next.
            if told.file().is_some_and(|file| file.ends_with(".rs")) {
                own += 1;
                let said = [told.detail(), told.hint()];
                if said.iter().any(|said| said.is_none_or(|said| said.trim().is_empty())) {
                    failures.push(format!("{call}: {} {said:?}", told.message()));
                }
            }
        }
        execute(client, "ROLLBACK TO s");
    }
    execute(client, "ROLLBACK");
    assert!(own > 100, "only {own} errors were the extension's");
    failures
}

fn database() -> Database<'static> {
    let database = protected_crm();
    settle(&database);
    database
}

#[test]
fn to_an_ordinary_role() {
    let database = database();
    let functions = functions(&mut database.admin());
    assert!(functions.len() > 40, "{}", functions.len());
    let mut client = database.connect(VISITOR);
    let carol = tenant_guard_tests::sql::claims(CAROL, Some(ORG_A));
    for identify in ["SELECT 1", &carol] {
        let failed = failures(&mut client, &functions, identify);
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    }
    execute(&mut client, &format!("BEGIN; {carol}"));
    assert_eq!(contacts(&mut client), CONTACTS_OF_A, "the session is as good as before");
}

#[test]
fn to_an_administrator() {
    let database = database();
    let mut admin = database.admin();
    let functions = functions(&mut admin);
    let failed = failures(&mut admin, &functions, "SELECT 1");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(number(&mut admin, "SELECT count(*) FROM tenant_guard.jwt_key"), 1);
    assert!(text(&mut admin, "SELECT count(*) FROM tenant_guard.status()").is_some());
}

#[test]
fn every_type_of_an_argument_is_known_here() {
    let database = database();
    for function in functions(&mut database.admin()) {
        for of in &function.types {
            assert!(!values(of).is_empty(), "{} takes {of}", function.name);
        }
    }
}
