//! The roles of an API, and sessions of theirs as a gateway makes them.

use std::sync::{Arc, Mutex, Once};

use postgres::{Client, NoTls, SimpleQueryMessage};
use tenant_guard_tests::cluster::{shared, OTHER_OWNER, OWNER, VISITOR};
use tenant_guard_tests::fixtures::{ORG_A, ORG_B};
use tenant_guard_tests::sql::execute;
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

/// A group that owns tables; the application's owner is a member.
pub const TEAM: &str = "team";

/// A fresh database in a cluster with the roles of an API: `visitor` logs in and becomes one of them.
pub fn fresh() -> Database<'static> {
    static ROLES: Once = Once::new();
    ROLES.call_once(|| {
        execute(
            &mut shared().admin(),
            &format!(
                "CREATE ROLE authenticated NOLOGIN; CREATE ROLE anon NOLOGIN; CREATE ROLE {TEAM} NOLOGIN;
                 GRANT authenticated, anon TO {VISITOR}; GRANT {TEAM}, {OTHER_OWNER} TO {OWNER};"
            ),
        );
    });
    Database::fresh()
}

/// What many a platform does by default: everything is granted, the policies are all there is.
pub fn grant_everything(database: &Database) {
    execute(
        &mut database.admin(),
        "DO $$ DECLARE s text; BEGIN
           FOR s IN SELECT quote_ident(nspname) FROM pg_namespace
                     WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'tenant_guard') LOOP
             EXECUTE format('GRANT USAGE ON SCHEMA %s TO authenticated, anon', s);
             EXECUTE format('GRANT ALL ON ALL TABLES IN SCHEMA %s TO authenticated, anon', s);
             EXECUTE format('GRANT ALL ON ALL SEQUENCES IN SCHEMA %s TO authenticated, anon', s);
           END LOOP;
         END $$",
    );
}

/// A session whose notices and warnings are kept.
pub fn connect_listening(database: &Database, role: &str) -> (Client, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = heard.clone();
    let client = database
        .config(role)
        .notice_callback(move |notice| {
            let text = format!(
                "{} | {} | {}",
                notice.message(),
                notice.detail().unwrap_or_default(),
                notice.hint().unwrap_or_default()
            );
            ear.lock().expect("no panic in the lock").push(text);
        })
        .connect(NoTls)
        .unwrap_or_else(|error| panic!("{role} cannot connect: {error}"));
    (client, heard)
}

/// What a statement did: the rows it returned, or else how many it touched.
#[derive(Debug, Default, PartialEq)]
pub struct Done {
    pub rows: Vec<String>,
    pub touched: u64,
}

/// Somebody who asks over a connection of their own, one transaction a statement.
pub struct Asker {
    pub client: Client,
    /// What opens each transaction: the role, the claims.
    pub opening: String,
}

impl Asker {
    pub fn new(database: &Database, role: &str, claims: Option<&str>) -> Asker {
        Asker { client: database.connect(VISITOR), opening: opening(role, claims) }
    }

    /// Runs a statement, or several of which the last counts, and commits; or tells its SQLSTATE and message.
    pub fn try_commit(&mut self, sql: &str) -> Result<Done, (String, String)> {
        self.run(sql, "COMMIT")
    }

    /// The same, and rolls back.
    pub fn try_out(&mut self, sql: &str) -> Result<Done, (String, String)> {
        self.run(sql, "ROLLBACK")
    }

    #[track_caller]
    pub fn out(&mut self, sql: &str) -> Done {
        self.try_out(sql).unwrap_or_else(|error| panic!("{sql}\n{error:?}"))
    }

    #[track_caller]
    pub fn number(&mut self, sql: &str) -> i64 {
        self.out(sql).rows[0].parse().expect("a number")
    }

    /// The statement must fail with one of these SQLSTATEs.
    #[track_caller]
    pub fn refused(&mut self, sql: &str, sqlstates: &[&str]) {
        match self.try_commit(sql) {
            Ok(done) => panic!("{sql}\nwas accepted, expected {sqlstates:?}: {done:?}"),
            Err((code, message)) => {
                assert!(sqlstates.contains(&code.as_str()), "{sql}\n{code}: {message}");
            }
        }
    }

    fn run(&mut self, sql: &str, end: &str) -> Result<Done, (String, String)> {
        execute(&mut self.client, &format!("BEGIN; {}", self.opening));
        let done = self.client.simple_query(sql);
        let result = match done {
            Ok(messages) => Ok(gather(messages)),
            Err(error) => {
                let error = error.as_db_error().unwrap_or_else(|| panic!("{sql}\nlost: {error:?}"));
                Err((error.code().code().to_string(), error.message().to_string()))
            }
        };
        let end = if result.is_ok() { end } else { "ROLLBACK" };
        // A deferred check may fail as late as this.
        if let Err(error) = self.client.batch_execute(end) {
            let error = error.as_db_error().unwrap_or_else(|| panic!("{sql}\nlost: {error:?}"));
            return Err((error.code().code().to_string(), error.message().to_string()));
        }
        result
    }
}

pub fn opening(role: &str, claims: Option<&str>) -> String {
    let claims = claims.map_or_else(String::new, |json| {
        format!(" SET LOCAL request.jwt.claims = '{}';", json.replace('\'', "''"))
    });
    format!("SET LOCAL ROLE {role};{claims}")
}

fn gather(messages: Vec<SimpleQueryMessage>) -> Done {
    let mut done = Done::default();
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(_) => done.rows.clear(),
            SimpleQueryMessage::Row(row) => {
                let cells = (0..row.len()).map(|i| row.get(i).unwrap_or("(null)"));
                done.rows.push(cells.collect::<Vec<_>>().join("|"));
            }
            SimpleQueryMessage::CommandComplete(touched) => done.touched = touched,
            _ => (),
        }
    }
    done
}

/// How one organization's user asks, or one of several organizations.
pub fn asking(database: &Database, user: &str, organizations: &str) -> Asker {
    let claims = format!(r#"{{"sub": "{user}", "org_id": {organizations}}}"#);
    Asker::new(database, "authenticated", Some(&claims))
}

/// Two organizations' rows 1 and 2 in `zoo.t`, protected with these further options.
pub fn protected(options: &str) -> Database<'static> {
    let database = fresh();
    database.load(&format!(
        "CREATE SCHEMA zoo; CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text);
         INSERT INTO zoo.t VALUES (1, '{ORG_A}', 'a'), (2, '{ORG_B}', 'b')"
    ));
    grant_everything(&database);
    apply(&mut database.connect(OWNER), &format!("protect_table('zoo.t'{options})"));
    database
}
