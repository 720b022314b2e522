//! What the membership table said in this transaction.
//!
//! One look-up a transaction: a yes counts until it ends, so that revocation bites in the next one.
//! A yes found inside a savepoint ends with it, for it may have been of a row that was rolled back;
//! a no ends as soon as the transaction has changed something.

use super::membership::{self, Membership, Row};
use crate::catalog::IdType;
use crate::error::Result;
use crate::id::{parse_bigint, parse_uuid, Id};
use crate::pg::transaction::{self, Position};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use uuid::Uuid;

/// One membership of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// As the table spells it, however it was asked for.
    pub organization: Id,
    /// Sorted.
    pub roles: Vec<String>,
    /// Whether the organization itself is active.
    pub active: bool,
}

/// An organization asked for.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    Uuid(Uuid),
    Text(&'a str),
}

/// Up to so many memberships are read at once; of a user with more, one by one as they are asked for.
const AT_ONCE: usize = 1_000;
/// So many single answers are remembered.
const REMEMBERED: usize = 4_096;

#[derive(Default)]
struct Memory {
    position: Position,
    command: u32,
    revision: u64,
    user: String,
    /// Whether `known` has all memberships.
    complete: bool,
    /// Whether there were too many for that.
    too_many: bool,
    known: HashMap<Key, Option<Rc<Member>>>,
}

/// Small and quick to hash where ids are UUIDs.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Uuid(Uuid),
    Text(String),
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// The user's membership in one organization; None for no member.
pub fn find(table: &Membership, user: &str, asked: Asked) -> Result<Option<Rc<Member>>> {
    let Some(key) = key(table.org_type(), asked) else {
        return Ok(None); // an id that the column's type cannot hold is nobody's
    };
    let (known, complete, load_all) = MEMORY.with_borrow_mut(|memory| {
        memory.turn_to(user);
        let known = memory.known.get(&key).cloned();
        let complete = memory.complete && !table.fuzzy();
        // The second organization asked for: likely a policy that asks for each row's.
        // Where spellings are fuzzy only the table itself can tell.
        let load_all =
            !memory.complete && !memory.too_many && !memory.known.is_empty() && !table.fuzzy();
        (known, complete, load_all)
    });
    match known {
        Some(answer) => return Ok(answer),
        None if complete => return Ok(None),
        None => {}
    }
    if load_all {
        let rows = table.all(user, Some(AT_ONCE + 1))?;
        let too_many = rows.len() > AT_ONCE;
        if !too_many {
            let members = members(table, rows)?;
            return Ok(MEMORY.with_borrow_mut(|memory| {
                memory.position = transaction::position();
                memory.complete = true;
                for member in members {
                    memory.learn(key_of(table.org_type(), &member), Some(Rc::new(member)));
                }
                memory.known.get(&key).cloned().flatten()
            }));
        }
        MEMORY.with_borrow_mut(|memory| memory.too_many = true);
    }
    let id = match &key {
        Key::Uuid(uuid) => uuid.to_string(),
        Key::Text(text) => text.clone(),
    };
    let member = members(table, table.one(user, &id)?)?.into_iter().next().map(Rc::new);
    MEMORY.with_borrow_mut(|memory| {
        if memory.known.len() >= REMEMBERED {
            memory.known.clear();
            memory.complete = false;
        }
        memory.learn(key, member.clone());
    });
    Ok(member)
}

/// Every membership of the user, sorted by the organization's text.
pub fn all(table: &Membership, user: &str) -> Result<Vec<Rc<Member>>> {
    let complete = MEMORY.with_borrow_mut(|memory| {
        memory.turn_to(user);
        memory.complete
    });
    if !complete {
        let members = members(table, table.all(user, None)?)?;
        if members.len() > REMEMBERED {
            let mut all: Vec<Rc<Member>> = members.into_iter().map(Rc::new).collect();
            all.sort_by(|a, b| a.organization.text.cmp(&b.organization.text));
            return Ok(all);
        }
        MEMORY.with_borrow_mut(|memory| {
            memory.position = transaction::position();
            memory.complete = true;
            for member in members {
                memory.learn(key_of(table.org_type(), &member), Some(Rc::new(member)));
            }
        });
    }
    let mut found: Vec<Rc<Member>> =
        MEMORY.with_borrow(|memory| memory.known.values().flatten().cloned().collect());
    found.sort_by(|a, b| a.organization.text.cmp(&b.organization.text));
    found.dedup();
    Ok(found)
}

impl Memory {
    /// Forgets what is not true any more, or was of another user.
    fn turn_to(&mut self, user: &str) {
        let (command, revision) = (transaction::command(), membership::revision());
        let same = self.position.lasts() && self.revision == revision && self.user == user;
        if same && self.command == command {
            return;
        }
        if same {
            self.known.retain(|_, answer| answer.is_some());
            self.complete = false;
        } else {
            self.known.clear();
            (self.complete, self.too_many) = (false, false);
            self.user.clear();
            self.user.push_str(user);
            self.position = transaction::position();
        }
        (self.command, self.revision) = (command, revision);
    }

    /// What is learnt here lasts no longer than this subtransaction, and so does all beside it.
    fn learn(&mut self, key: Key, answer: Option<Rc<Member>>) {
        self.position = transaction::position();
        self.known.insert(key, answer);
    }
}

fn key(org_type: IdType, asked: Asked) -> Option<Key> {
    Some(match (org_type, asked) {
        (IdType::Uuid, Asked::Uuid(uuid)) => Key::Uuid(uuid),
        (IdType::Uuid, Asked::Text(text)) => Key::Uuid(parse_uuid(text)?),
        (IdType::Integer, Asked::Text(text)) => Key::Text(parse_bigint(text)?.to_string()),
        (IdType::Integer, Asked::Uuid(_)) => return None,
        (IdType::Text | IdType::Varchar, Asked::Text(text)) => Key::Text(text.to_string()),
        (IdType::Text | IdType::Varchar, Asked::Uuid(uuid)) => Key::Text(uuid.to_string()),
    })
}

fn key_of(org_type: IdType, member: &Member) -> Key {
    let text = &member.organization.text;
    key(org_type, Asked::Text(text)).unwrap_or_else(|| Key::Text(text.clone()))
}

/// One member for each organization: a table may have a row for each role.
fn members(table: &Membership, rows: Vec<Row>) -> Result<Vec<Member>> {
    let mut by_organization: HashMap<String, Vec<String>> = HashMap::new();
    for row in rows {
        by_organization.entry(row.organization).or_default().extend(row.roles);
    }
    let active = table.active_among(by_organization.keys().cloned().collect())?;
    let ids: std::collections::HashSet<Key> =
        active.iter().filter_map(|id| key(table.org_type(), Asked::Text(id))).collect();
    Ok(by_organization
        .into_iter()
        .map(|(organization, mut roles)| {
            roles.sort();
            roles.dedup();
            let mut member =
                Member { organization: table.org_type().id(&organization), roles, active: false };
            member.active = ids.contains(&key_of(table.org_type(), &member));
            member
        })
        .collect())
}
