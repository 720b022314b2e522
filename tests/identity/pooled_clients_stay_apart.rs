//! Many clients over few server connections, through a real PgBouncer that hands them on after every
//! transaction: each transaction sees the identity that it set, and none that another one left.

use postgres::{Client, NoTls, SimpleQueryMessage};
use std::sync::atomic::{AtomicUsize, Ordering};
use tenant_guard_tests::cluster::{shared, OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::issuer::*;
use tenant_guard_tests::pooler::Pooler;
use tenant_guard_tests::sql::{execute, number, text};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

const CLIENTS: usize = 50;
const SERVERS: usize = 5;
/// Of both ways to come by an identity together.
const TRANSACTIONS: usize = 100_000;

/// Who the transaction is, whose rows it sees, and of how many organizations.
const ASK: &str = "SELECT tenant_guard.uid_text(), tenant_guard.org_id_text(), count(*)::text, \
                   min(c.organization_id::text), max(c.organization_id::text) FROM crm.contacts c";

/// One person of the load: `n` of them belong to the organization `n`, which has `n % 3 + 1` contacts.
struct Person {
    user: String,
    org: String,
    contacts: usize,
}

impl Person {
    fn new(n: usize) -> Person {
        Person {
            user: format!("00000000-0000-4000-9000-{n:012}"),
            org: format!("cccccccc-0000-4000-9000-{n:012}"),
            contacts: n % 3 + 1,
        }
    }

    fn answer(&self) -> [Option<String>; 5] {
        let org = Some(self.org.clone());
        [Some(self.user.clone()), org.clone(), Some(self.contacts.to_string()), org.clone(), org]
    }
}

fn nobody() -> [Option<String>; 5] {
    [None, None, Some("0".to_owned()), None, None]
}

/// The protected CRM with an organization for each person.
fn populated() -> Database<'static> {
    let database = Database::fresh();
    database.load(TENANCY);
    let mut owner = database.connect(OWNER);
    for person in (0..CLIENTS).map(Person::new) {
        let (user, org, contacts) = (&person.user, &person.org, person.contacts);
        execute(
            &mut owner,
            &format!(
                "INSERT INTO crm.organizations VALUES ('{org}', 'x');
                 INSERT INTO crm.members VALUES ('{user}', '{org}', 'admin');
                 INSERT INTO crm.contacts (organization_id, name) SELECT '{org}', 'x' FROM generate_series(1, {contacts})"
            ),
        );
    }
    apply(&mut database.admin(), USE_MEMBERSHIP);
    apply(&mut owner, "protect_table('crm.contacts')");
    database
}

/// The rows of every question in one message, and the SQLSTATE where it failed.
fn run(client: &mut Client, message: &str) -> Result<Vec<Vec<Option<String>>>, String> {
    let found = client.simple_query(message).map_err(|error| {
        error.code().map_or_else(|| panic!("{message}: {error}"), |code| code.code().to_owned())
    })?;
    let row = |message| match message {
        SimpleQueryMessage::Row(row) if !row.is_empty() => {
            Some((0..row.len()).map(|n| row.get(n).map(str::to_owned)).collect())
        }
        _ => None,
    };
    Ok(found.into_iter().filter_map(row).collect())
}

/// Plays one transaction: `identify` gives the statements that make the person known.
fn play(client: &mut Client, turn: usize, person: &Person, identify: &str) -> usize {
    let choose = format!("SELECT FROM tenant_guard.set_org('{}')", person.org);
    let whole = |ending: &str| format!("BEGIN; {identify}; {choose}; {ASK}; {ending}");
    let (message, expected) = match turn % 10 {
        // Nothing set: nobody is asking.
        0 => (format!("BEGIN; {ASK}; COMMIT"), vec![nobody()]),
        1 => (ASK.to_owned(), vec![nobody()]),
        2 => (whole("ROLLBACK"), vec![person.answer()]),
        3 => {
            // Breaks off in the middle, and is ended by the client.
            let broken = format!("BEGIN; {identify}; {choose}; SELECT 1 / 0; {ASK}; COMMIT");
            assert_eq!(run(client, &broken), Err("22012".to_owned()));
            (format!("ROLLBACK; {ASK}"), vec![nobody()])
        }
        4 => (
            format!(
                "BEGIN; SAVEPOINT s; {identify}; {choose}; {ASK}; ROLLBACK TO s; {ASK}; COMMIT"
            ),
            vec![person.answer(), nobody()],
        ),
        _ => (whole("COMMIT"), vec![person.answer()]),
    };
    let found = run(client, &message).unwrap_or_else(|code| panic!("{code}: {message}"));
    assert_eq!(found.len(), expected.len(), "{message}");
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found[..], expected[..], "{message}");
    }
    if turn % 10 == 3 {
        2
    } else {
        1
    }
}

/// Lets all clients loose, and returns how many transactions there were.
fn load(
    database: &Database,
    transactions: usize,
    identify: impl Fn(&Person) -> String + Sync,
) -> usize {
    let pooler = Pooler::start(shared(), &[VISITOR], SERVERS);
    pooler.answers(&database.name, VISITOR);
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for n in 0..CLIENTS {
            let (pooler, done, identify) = (&pooler, &done, &identify);
            scope.spawn(move || {
                let config = pooler.config(&database.name, VISITOR);
                let mut client = config.connect(NoTls).expect("a pooled connection");
                // The client is somebody else each time.
                let people: Vec<(Person, String)> = (0..CLIENTS)
                    .map(|m| Person::new((n + m * 7) % CLIENTS))
                    .map(|person| {
                        let identify = identify(&person);
                        (person, identify)
                    })
                    .collect();
                let mut turn = n;
                while done.load(Ordering::Relaxed) < transactions {
                    let (person, identify) = &people[turn % CLIENTS];
                    let played = play(&mut client, turn / 3, person, identify);
                    done.fetch_add(played, Ordering::Relaxed);
                    turn += 1;
                }
            });
        }
    });
    let servers = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND usename = '{VISITOR}'",
        database.name
    );
    let servers = number(&mut database.admin(), &servers);
    assert!((1..=SERVERS as i64).contains(&servers), "{servers} server connections");
    done.into_inner()
}

#[test]
fn nobody_sees_what_another_client_of_the_pool_set() {
    let database = populated();
    let gateway = load(&database, TRANSACTIONS * 6 / 10, |person| {
        format!(
            r#"SELECT FROM set_config('request.jwt.claims', '{{"sub":"{}"}}', true)"#,
            person.user
        )
    });

    settle(&database);
    trust_tokens(&database);
    let off =
        format!("ALTER DATABASE {} SET tenant_guard.allow_session_identity = off", database.name);
    execute(&mut database.admin(), &off);
    let mut admin = database.admin();
    let tokens: Vec<(String, String)> = (0..CLIENTS)
        .map(Person::new)
        .map(|person| {
            let token = token_of(&mut admin, &person.user, Some(&person.org));
            (person.user, token)
        })
        .collect();
    let verified = load(&database, TRANSACTIONS - TRANSACTIONS * 6 / 10, |person| {
        let (_, token) = tokens.iter().find(|(user, _)| *user == person.user).expect("a token");
        authenticate(token).replacen("SELECT", "SELECT FROM", 1)
    });
    assert!(gateway + verified >= TRANSACTIONS, "{gateway} + {verified}");
    let trust = "SHOW tenant_guard.trust";
    assert_eq!(text(&mut database.connect(VISITOR), trust).as_deref(), Some("verified"));
}
