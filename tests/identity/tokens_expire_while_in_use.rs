//! `exp` is looked at by every statement that asks for the identity, not only when the token came.

use postgres::Client;
use std::time::{SystemTime, UNIX_EPOCH};
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::issuer::*;
use tenant_guard_tests::sql::{execute, expect_clear_error, number, rows, text};

/// Seconds that a token lives: the first are enough, unless the machine is slow.
const LIVES: [f64; 3] = [2.5, 10.0, 40.0];

/// Alice's session with a token that soon expires.
struct Alice {
    client: Client,
    token: String,
    /// When it expires, as SQL.
    exp: String,
}

impl Alice {
    /// Waits for the end of the token; to be called in any statement.
    fn wait(&self) -> String {
        let exp = &self.exp;
        format!(
            "pg_sleep(greatest(0, {exp} - extract(epoch FROM clock_timestamp())::float8 + 0.05))"
        )
    }

    fn in_time(&self) -> String {
        format!("extract(epoch FROM clock_timestamp()) < {}", self.exp)
    }

    /// None where the token has ended already: what was seen so far shows nothing.
    fn is_in_time(&mut self) -> Option<()> {
        let asked = format!("SELECT {}", self.in_time());
        (text(&mut self.client, &asked).as_deref() == Some("t")).then_some(())
    }

    /// None where it failed because the token has ended already.
    #[track_caller]
    fn run(&mut self, sql: &str) -> Option<()> {
        let ran = self.client.batch_execute(sql);
        if let Err(error) = ran {
            let rolled_back = self.client.batch_execute("ROLLBACK");
            assert!(self.is_in_time().is_none(), "{sql}\n{error:?}\n{rolled_back:?}");
            return None;
        }
        Some(())
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs_f64()
}

/// Plays it with a token that soon expires; with one that lives longer where the machine was too slow.
#[track_caller]
fn while_a_token_ends<T>(play: impl Fn(&mut Alice) -> Option<T>) -> T {
    let database = verified_crm();
    for life in LIVES {
        let mut client = database.connect(VISITOR);
        execute(&mut client, "SELECT tenant_guard.uid_text()");
        let exp = format!("{:.3}", now() + life);
        let payload = format!(r#"{{"sub":"{ALICE}","org_id":"{ORG_A}","exp":{exp}}}"#);
        let token = token(&mut client, &payload);
        let mut alice = Alice { client, token, exp };
        let session = authenticate_session(&alice.token);
        if let Some(seen) = alice.run(&session).and_then(|()| play(&mut alice)) {
            return seen;
        }
    }
    panic!("in {LIVES:?} seconds nothing was done");
}

fn user(client: &mut Client) -> Option<String> {
    text(client, "SELECT tenant_guard.uid_text()")
}

fn alices() -> [Option<String>; 2] {
    [Some(ALICE.to_owned()), Some(CONTACTS_OF_A.to_string())]
}

fn nobodys() -> [Option<String>; 2] {
    [None, Some("0".to_owned())]
}

#[test]
fn an_identity_of_the_session_ends_with_its_token() {
    let ask =
        |client: &mut Client| (user(client), contacts(client), number(client, "EXECUTE seen"));
    let (before, after, rest) = while_a_token_ends(|alice| {
        alice.run("PREPARE seen AS SELECT count(*) FROM crm.contacts")?;
        let before = ask(&mut alice.client);
        alice.is_in_time()?;
        alice.run(&format!("SELECT {}", alice.wait()))?;
        let rest = format!(
            "SELECT tenant_guard.uid(), tenant_guard.org_id(), tenant_guard.claims(), tenant_guard.claim('sub'),
                    tenant_guard.is_member('{ORG_A}') OR tenant_guard.is_authenticated() OR tenant_guard.has_role('admin'),
                    cardinality(tenant_guard.org_ids())"
        );
        Some((before, ask(&mut alice.client), rows(&mut alice.client, &rest)))
    });
    assert_eq!(before, (Some(ALICE.to_owned()), CONTACTS_OF_A, CONTACTS_OF_A));
    assert_eq!(after, (None, 0, 0));
    assert_eq!(rest, [[None, None, None, None, Some("f".to_owned()), Some("0".to_owned())]]);
}

#[test]
fn inside_a_transaction_it_ends_too_and_so_does_the_chosen_organization() {
    let (before, after, org) = while_a_token_ends(|alice| {
        alice.run(&format!("BEGIN; SELECT tenant_guard.set_org('{ORG_A}')"))?;
        let before = contacts(&mut alice.client);
        alice.is_in_time()?;
        alice.run(&format!("SELECT {}", alice.wait()))?;
        let org = text(&mut alice.client, "SELECT tenant_guard.org_id_text()");
        Some((before, contacts(&mut alice.client), org))
    });
    assert_eq!((before, after, org), (CONTACTS_OF_A, 0, None));
}

const SEEN: &str = "CREATE TEMP TABLE seen (n int, person text, contacts int, in_time boolean)";

/// What the statements of a table `seen` found; None where the first came too late.
fn seen(alice: &mut Alice) -> Option<Vec<Vec<Option<String>>>> {
    let first = text(&mut alice.client, "SELECT in_time FROM seen WHERE n = 1");
    if first.as_deref() != Some("t") {
        return None;
    }
    Some(rows(&mut alice.client, "SELECT person, contacts FROM seen ORDER BY n"))
}

#[test]
fn inside_one_message_of_several_statements_it_ends_between_them() {
    let seen = while_a_token_ends(|alice| {
        let (wait, in_time) = (alice.wait(), alice.in_time());
        let look = |n: u8| {
            format!(
                "INSERT INTO seen SELECT {n}, tenant_guard.uid_text(), (SELECT count(*) FROM crm.contacts), {in_time}"
            )
        };
        alice.run(&format!("{SEEN}; {}; SELECT {wait}; {}", look(1), look(2)))?;
        seen(alice)
    });
    assert_eq!(seen, [alices(), nobodys()]);
}

#[test]
fn inside_one_block_of_code_it_ends_between_its_statements() {
    let seen = while_a_token_ends(|alice| {
        let (wait, in_time) = (alice.wait(), alice.in_time());
        alice.run(&format!(
            "{SEEN};
             DO $$ BEGIN
               INSERT INTO seen SELECT 1, tenant_guard.uid_text(), (SELECT count(*) FROM crm.contacts), {in_time};
               PERFORM {wait};
               INSERT INTO seen SELECT 2, tenant_guard.uid_text(), (SELECT count(*) FROM crm.contacts), {in_time};
             END $$"
        ))?;
        seen(alice)
    });
    assert_eq!(seen, [alices(), nobodys()]);
}

/// What two rounds of a loop saw, when the token expires between them.
fn in_two_rounds(asked: &str) -> Vec<Vec<Option<String>>> {
    while_a_token_ends(|alice| {
        let (wait, in_time) = (alice.wait(), alice.in_time());
        alice.run(&format!(
            "{SEEN};
             DO $$ DECLARE person text; BEGIN
               FOR n IN 1 .. 2 LOOP
                 {asked};
                 INSERT INTO seen VALUES (n, person, (SELECT count(*) FROM crm.contacts), {in_time});
                 PERFORM {wait};
               END LOOP;
             END $$"
        ))?;
        seen(alice)
    })
}

#[test]
fn inside_a_loop_it_ends_between_the_rounds() {
    let seen = in_two_rounds("SELECT tenant_guard.uid_text() INTO person");
    assert_eq!(seen, [alices(), nobodys()]);
}

/// PL/pgSQL evaluates an expression that is no query without beginning a statement, so the answer of
/// the round before may stand; whatever reads rows begins one.
#[test]
fn an_assignment_in_a_loop_gives_nobody_any_rows_after_the_end() {
    let seen = in_two_rounds("person := tenant_guard.uid_text()");
    assert_eq!(seen[0], alices());
    assert_eq!(seen[1][1].as_deref(), Some("0"));
}

#[test]
fn an_open_cursor_reads_on_and_what_is_asked_beside_it_does_not() {
    let (first, others, beside) = while_a_token_ends(|alice| {
        alice.run("BEGIN; DECLARE open CURSOR FOR SELECT name FROM crm.contacts ORDER BY id")?;
        let first = rows(&mut alice.client, "FETCH 1 FROM open");
        alice.is_in_time()?;
        alice.run(&format!("SELECT {}", alice.wait()))?;
        let others = rows(&mut alice.client, "FETCH ALL FROM open");
        Some((first, others, contacts(&mut alice.client)))
    });
    let named = |name: &str| vec![Some(name.to_owned())];
    assert_eq!(first, [named("Ada")]);
    assert_eq!(others, [named("Alan"), named("Anita")]);
    assert_eq!(beside, 0);
}

#[test]
fn a_token_that_was_good_once_is_refused_when_it_comes_again() {
    let token = while_a_token_ends(|alice| {
        alice.run(&format!("BEGIN; {}", authenticate(&alice.token)))?;
        let person = user(&mut alice.client);
        alice.is_in_time()?;
        assert_eq!(person.as_deref(), Some(ALICE));
        alice.run("COMMIT; RESET ALL")?;
        alice.run(&format!("SELECT {}", alice.wait()))?;
        for again in [authenticate(&alice.token), authenticate_session(&alice.token)] {
            let error = expect_clear_error(&mut alice.client, &again, "28000");
            assert!(error.message().contains("expired"), "{error:?}");
            assert_eq!(user(&mut alice.client), None);
        }
        Some(alice.token.clone())
    });
    // By whomever.
    let database = verified_crm();
    expect_clear_error(&mut database.connect(VISITOR), &authenticate(&token), "28000");
}

#[test]
fn the_clocks_allowance_prolongs_a_token_and_no_more() {
    let database = verified_crm();
    let skew = format!("ALTER DATABASE {} SET tenant_guard.jwt_clock_skew = 600", database.name);
    execute(&mut database.admin(), &skew);
    let mut client = database.connect(VISITOR);
    let mut ended = |seconds: f64| {
        token(&mut client, &format!(r#"{{"sub":"{ALICE}","exp":{:.0}}}"#, now() - seconds))
    };
    let (recent, past) = (ended(60.0), ended(660.0));
    execute(&mut client, &authenticate_session(&recent));
    assert_eq!(user(&mut client).as_deref(), Some(ALICE));
    let error = expect_clear_error(&mut client, &authenticate(&past), "28000");
    assert!(error.message().contains("expired"), "{error:?}");
}
