//! The tables, people and organizations that the tests share.

use postgres::Client;

use crate::cluster::{Cluster, OWNER, VISITOR};
use crate::sql::{execute, number};
use crate::steps::apply;
use crate::Database;

pub const ORG_A: &str = "aaaaaaaa-0000-4000-8000-000000000001";
pub const ORG_B: &str = "bbbbbbbb-0000-4000-8000-000000000002";

/// Alice belongs to A, Bob to B, Carol to both, Mallory to none.
pub const ALICE: &str = "00000000-0000-4000-8000-00000000a11c";
pub const BOB: &str = "00000000-0000-4000-8000-000000000b0b";
pub const CAROL: &str = "00000000-0000-4000-8000-00000000ca01";
pub const MALLORY: &str = "00000000-0000-4000-8000-0000000bad00";

/// How many contacts `tenancy.sql` gives each organization.
pub const CONTACTS_OF_A: i64 = 3;
pub const CONTACTS_OF_B: i64 = 2;

/// Tables as people have them: other names, other types, partitions, children, leftovers.
pub const ZOO: &str = include_str!("../fixtures/zoo.sql");

/// A small CRM with members, two organizations and their contacts.
pub const TENANCY: &str = include_str!("../fixtures/tenancy.sql");

/// The CRM with its membership table registered and `crm.contacts` protected.
pub fn protected_crm() -> Database<'static> {
    let database = Database::fresh();
    protect_crm(&database);
    database
}

pub fn protected_crm_in(cluster: &Cluster) -> Database<'_> {
    let database = Database::fresh_in(cluster);
    protect_crm(&database);
    database
}

fn protect_crm(database: &Database) {
    database.load(TENANCY);
    apply(&mut database.admin(), USE_MEMBERSHIP);
    apply(&mut database.connect(OWNER), "protect_table('crm.contacts')");
}

pub const USE_MEMBERSHIP: &str =
    "use_membership('crm.members', 'user_id', 'organization_id', 'role')";

/// How many contacts the session sees.
#[track_caller]
pub fn contacts(client: &mut Client) -> i64 {
    number(client, "SELECT count(*) FROM crm.contacts")
}

/// A visitor's session inside a transaction, with a gateway's claims.
#[track_caller]
pub fn visit(database: &Database, user: &str, org: Option<&str>) -> Client {
    let mut client = database.connect(VISITOR);
    execute(&mut client, "BEGIN");
    execute(&mut client, &crate::sql::claims(user, org));
    client
}
