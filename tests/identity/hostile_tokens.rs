//! Tokens that nobody issued, or that were issued for something else: each is refused, says why, and
//! shows nothing of the token.

use postgres::Client;
use std::time::{SystemTime, UNIX_EPOCH};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::issuer::*;
use tenant_guard_tests::sql::{execute, rows, text};

use crate::verdict::*;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs()
}

#[test]
fn unsigned_tokens_and_unknown_algorithms_are_refused() {
    let database = verified_crm();
    let mut client = visitor(&database);
    for alg in
        ["none", "None", "NONE", "nOnE", "", "HS1", "hs256", "HS256 ", "ES256K", "A128KW", "dir"]
    {
        let header = format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"{KID}"}}"#);
        let signed = sign(&mut client, &header, &claims(), SECRET);
        let (unsigned, _) = signed.rsplit_once('.').expect("three parts");
        for token in [signed.clone(), format!("{unsigned}."), unsigned.to_owned() + ".AA"] {
            refused(&mut client, &token, "its algorithm");
        }
    }
    for header in [
        format!(r#"{{"typ":"JWT","kid":"{KID}"}}"#),
        format!(r#"{{"alg":null,"kid":"{KID}"}}"#),
        format!(r#"{{"alg":["HS256"],"kid":"{KID}"}}"#),
        format!(r#"{{"alg":256,"kid":"{KID}"}}"#),
        r#"{"alg":"HS256","kid":7}"#.to_owned(),
        format!(r#"["HS256","{KID}"]"#),
        "\"HS256\"".to_owned(),
        "null".to_owned(),
        "{".to_owned(),
        String::new(),
    ] {
        let token = sign(&mut client, &header, &claims(), SECRET);
        refused(&mut client, &token, "its form");
    }
    for alg in ["HS384", "HS512", "RS256", "PS512", "ES256", "EdDSA"] {
        let header = format!(r#"{{"alg":"{alg}","kid":"{KID}"}}"#);
        let token = sign(&mut client, &header, &claims(), SECRET);
        refused(&mut client, &token, "its algorithm");
    }
    let good = sign(&mut client, HEADER, &claims(), SECRET);
    accepted(&mut client, &good);
}

#[test]
fn times_are_checked() {
    let database = verified_crm();
    let mut client = visitor(&database);
    let (past, soon) = (now() - 5, now() + 600);
    for (times, check) in [
        (format!(r#""exp":{past}"#), "it has expired"),
        (r#""exp":0"#.to_owned(), "it has expired"),
        (r#""exp":-1e18"#.to_owned(), "it has expired"),
        (r#""iat":1"#.to_owned(), "it never expires"),
        (format!(r#""exp":"{FAR}""#), "a claim of the wrong type"),
        (r#""exp":null"#.to_owned(), "a claim of the wrong type"),
        (r#""exp":true"#.to_owned(), "a claim of the wrong type"),
        (format!(r#""exp":[{FAR}]"#), "a claim of the wrong type"),
        (format!(r#""exp":{FAR},"exp":{past}"#), "it has expired"),
        (format!(r#""exp":{FAR},"nbf":{soon}"#), "it is not valid yet"),
        (format!(r#""exp":{FAR},"nbf":"{past}""#), "a claim of the wrong type"),
        (format!(r#""exp":{FAR},"nbf":1e300"#), "it is not valid yet"),
        (format!(r#""exp":{FAR},"iat":{soon}"#), "it was issued in the future"),
        (format!(r#""exp":{FAR},"iat":"now""#), "a claim of the wrong type"),
    ] {
        let token = token(&mut client, &format!(r#"{{"sub":"{ALICE}",{times}}}"#));
        refused(&mut client, &token, check);
    }
    for times in [
        format!(r#""exp":{FAR}.5"#),
        r#""exp":1e300"#.to_owned(),
        format!(r#""exp":{FAR},"nbf":{past},"iat":{past}"#),
        format!(r#""exp":{soon},"nbf":-1"#),
    ] {
        let token = token(&mut client, &format!(r#"{{"sub":"{ALICE}",{times}}}"#));
        accepted(&mut client, &token);
    }
    let set = format!("ALTER DATABASE {} SET tenant_guard.jwt_require_expiry = off", database.name);
    execute(&mut database.admin(), &set);
    let forever = token(&mut client, &format!(r#"{{"sub":"{ALICE}"}}"#));
    accepted(&mut visitor(&database), &forever);
}

#[test]
fn issuer_and_audience_are_checked_where_they_are_asked_for() {
    let database = verified_crm();
    let mut admin = database.admin();
    let add = format!("SELECT tenant_guard.add_key('bound', 'HS256', '{OTHER_SECRET}', issuer => 'https://one.example')");
    execute(&mut admin, &add);
    let mut client = visitor(&database);
    let with = |client: &mut Client, kid: &str, more: &str| {
        let secret = if kid == KID { SECRET } else { OTHER_SECRET };
        let payload = format!(r#"{{"sub":"{ALICE}","exp":{FAR}{more}}}"#);
        sign(client, &format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#), &payload, secret)
    };
    for more in [
        "",
        r#","iss":"https://two.example""#,
        r#","iss":"https://one.example/""#,
        r#","iss":"HTTPS://ONE.EXAMPLE""#,
        r#","iss":"""#,
    ] {
        let token = with(&mut client, "bound", more);
        refused(&mut client, &token, "its issuer");
    }
    let listed = with(&mut client, "bound", r#","iss":["https://one.example"]"#);
    refused(&mut client, &listed, "a claim of the wrong type");
    let right = with(&mut client, "bound", r#","iss":"https://one.example""#);
    accepted(&mut client, &right);

    let name = &database.name;
    execute(&mut admin, &format!("ALTER DATABASE {name} SET tenant_guard.jwt_issuer = 'https://a.example, https://b.example'; ALTER DATABASE {name} SET tenant_guard.jwt_audience = 'ours,theirs'"));
    let mut client = visitor(&database);
    for (more, check) in [
        ("", "its issuer"),
        (r#","iss":"https://one.example","aud":"ours""#, "its issuer"),
        (r#","iss":"https://a.example, https://b.example","aud":"ours""#, "its issuer"),
        (r#","iss":"https://a.example""#, "its audience"),
        (r#","iss":"https://a.example","aud":"other""#, "its audience"),
        (r#","iss":"https://a.example","aud":"ours,theirs""#, "its audience"),
        (r#","iss":"https://a.example","aud":[]"#, "its audience"),
        (r#","iss":"https://a.example","aud":["x","y"]"#, "its audience"),
        (r#","iss":"https://a.example","aud":["ours",1]"#, "a claim of the wrong type"),
        (r#","iss":"https://a.example","aud":{"ours":1}"#, "a claim of the wrong type"),
    ] {
        let token = with(&mut client, KID, more);
        refused(&mut client, &token, check);
    }
    for more in [
        r#","iss":"https://a.example","aud":"ours""#,
        r#","iss":"https://b.example","aud":["x","theirs"]"#,
    ] {
        let token = with(&mut client, KID, more);
        accepted(&mut client, &token);
    }
}

#[test]
fn what_the_header_demands_or_was_made_for_is_heeded() {
    let database = verified_crm();
    let mut client = visitor(&database);
    for crit in [r#"["exp"]"#, r#"["b64"],"b64":false"#, "[]"] {
        let header = format!(r#"{{"alg":"HS256","kid":"{KID}","crit":{crit}}}"#);
        let token = sign(&mut client, &header, &claims(), SECRET);
        refused(&mut client, &token, "an extension in its header");
    }
    for kind in ["id_token", "logout+jwt", "dpop+jwt", "JWT2", "", "application/secevent+jwt"] {
        let header = format!(r#"{{"alg":"HS256","kid":"{KID}","typ":"{kind}"}}"#);
        let token = sign(&mut client, &header, &claims(), SECRET);
        refused(&mut client, &token, "the type in its header");
    }
    for kind in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"] {
        let header = format!(r#"{{"alg":"HS256","kid":"{KID}","typ":"{kind}"}}"#);
        let token = sign(&mut client, &header, &claims(), SECRET);
        accepted(&mut client, &token);
    }
}

#[test]
fn a_payload_that_is_no_object_is_refused() {
    let database = verified_crm();
    let mut client = visitor(&database);
    for payload in
        ["", "null", "[]", "7", "\"sub\"", "{", "{} {}", r#"{"sub":"a\u0000b"}"#, "{'sub':'a'}"]
    {
        let token = token(&mut client, payload);
        refused(&mut client, &token, "its claims");
    }
    let deep = format!(r#"{{"exp":{FAR},"a":{}{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    let deep = token(&mut client, &deep);
    refused(&mut client, &deep, "its claims");
    // Of a claim that comes twice the last one counts, as in jsonb.
    let twice = token(&mut client, &format!(r#"{{"sub":"{BOB}","exp":{FAR},"sub":"{ALICE}"}}"#));
    accepted(&mut client, &twice);
    let twice = sign(
        &mut client,
        &format!(r#"{{"alg":"none","alg":"HS256","kid":"{KID}"}}"#),
        &claims(),
        SECRET,
    );
    refused(&mut client, &twice, "its form");
}

#[test]
fn size_and_form_are_checked_before_anything_is_made_of_them() {
    let database = verified_crm();
    let mut client = visitor(&database);
    let good = sign(&mut client, HEADER, &claims(), SECRET);
    let (head, rest) = good.split_once('.').expect("three parts");
    for broken in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "a.b.c".to_owned(),
        format!("{good}.{head}"),
        format!("{good}.{head}.{head}"),
        format!("{head}..{rest}"),
        format!("Bearer {good}"),
        format!(" {good}"),
        format!("\n{good}"),
        good.replace('.', "/"),
        format!("\u{feff}{good}"),
        format!("é{good}"),
    ] {
        refused(&mut client, &broken, "its form");
    }
    for broken in [
        format!("{good} "),
        format!("{good}\n"),
        format!("{good}="),
        format!("{good}AA"),
        good.replacen('.', ". ", 1),
    ] {
        refused(&mut client, &broken, "its signature");
    }
    let long = token(&mut client, &format!(r#"{{"exp":{FAR},"a":"{}"}}"#, "x".repeat(65_536)));
    refused(&mut client, &long, "its size");
    let header = format!(
        r#"{{"alg":"HS256","kid":"{KID}","x":{}{}}}"#,
        "[".repeat(20_000),
        "]".repeat(20_000)
    );
    let nested = sign(&mut client, &header, &claims(), SECRET);
    refused(&mut client, &nested, "its form");
    refused(&mut client, &"x".repeat(1 << 20), "its size");
    let set = format!("ALTER DATABASE {} SET tenant_guard.max_claims_size = 256", database.name);
    execute(&mut database.admin(), &set);
    let padded = token(
        &mut client,
        &format!(r#"{{"sub":"{ALICE}","exp":{FAR},"a":"{}"}}"#, "x".repeat(256)),
    );
    accepted(&mut client, &padded);
    refused(&mut visitor(&database), &padded, "its size");
}

/// Tries what `mutants` makes of a good token, and counts how it went, by SQLSTATE.
fn outcomes(client: &mut Client, mutants: &str) -> Vec<Vec<Option<String>>> {
    let good = sign(client, HEADER, &claims(), SECRET);
    accepted(client, &good);
    execute(
        client,
        &format!(
            "CREATE TEMP TABLE outcomes (code text);
             DO $$ DECLARE mutant bytea; token bytea := '{good}'; BEGIN
               FOR mutant IN {mutants} LOOP
                 BEGIN
                   PERFORM tenant_guard.authenticate(convert_from(mutant, 'UTF8'));
                   INSERT INTO outcomes VALUES ('accepted: ' || convert_from(mutant, 'UTF8'));
                 EXCEPTION WHEN OTHERS THEN
                   INSERT INTO outcomes VALUES (SQLSTATE);
                 END;
               END LOOP;
             END $$"
        ),
    );
    assert_eq!(text(client, "SELECT tenant_guard.uid_text()"), None);
    rows(client, "SELECT DISTINCT code FROM outcomes ORDER BY code")
}

#[test]
fn no_bit_of_a_token_can_be_flipped() {
    let database = verified_crm();
    let mut client = visitor(&database);
    let found = outcomes(
        &mut client,
        "SELECT set_bit(token, n, 1 - get_bit(token, n)) FROM generate_series(0, length(token) * 8 - 1) AS n",
    );
    // A byte above 127 alone is no UTF-8, and no token either.
    let codes: Vec<Option<&str>> = found.iter().map(|row| row[0].as_deref()).collect();
    assert_eq!(codes, [Some("22021"), Some("28000")]);
    let bits = text(&mut client, "SELECT count(*) >= 1600 FROM outcomes");
    assert_eq!(bits.as_deref(), Some("t"));
}

#[test]
fn no_token_can_be_cut_short_or_have_a_byte_taken_out_or_doubled() {
    let database = verified_crm();
    let mut client = visitor(&database);
    let found = outcomes(
        &mut client,
        "SELECT substr(token, 1, n) FROM generate_series(0, length(token) - 1) AS n
         UNION ALL SELECT substr(token, n) FROM generate_series(2, length(token)) AS n
         UNION ALL SELECT overlay(token PLACING '' FROM n FOR 1) FROM generate_series(1, length(token)) AS n
         UNION ALL SELECT substr(token, 1, n) || substr(token, n) FROM generate_series(1, length(token)) AS n",
    );
    let codes: Vec<Option<&str>> = found.iter().map(|row| row[0].as_deref()).collect();
    assert_eq!(codes, [Some("28000")]);
}
