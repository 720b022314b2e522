//! Who acts, from where and why: a row of tenant_guard.audit_context for each combination that a session comes to,
//! which its events name. Most transactions of a session need no new one.

use super::format::{sha256_of_texts, Digest};
use crate::context;
use crate::error::Result;
use crate::pg::row::{self, OwnRow, Xid8};
use crate::pg::transaction::{Moment, Written};
use crate::pg::{client, peer, relation, user};
use crate::{request, settings};
use std::cell::RefCell;
use std::fmt::Write;

/// A row of the table, by what events say of it.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    pub id: i64,
    pub hash: Digest,
}

struct Known {
    table: u32,
    /// All that the row says, in one string.
    text: String,
    context: Context,
    /// By whom it was written, while that has not committed.
    open: Option<Written>,
}

/// What a session comes to again and again: some roles, some statements.
const MOST: usize = 32;

thread_local! {
    static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
    static TEXT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What came from outside may be long.
const LONGEST: usize = 1024;

#[derive(Default)]
struct Who {
    user: Option<String>,
    organization: Option<String>,
    project: Option<String>,
    roles: Vec<String>,
    session: Option<String>,
    request: Option<String>,
    reason: Option<String>,
    application: Option<String>,
    statement: Option<&'static str>,
}

fn now() -> Result<Who> {
    let mut who = Who {
        request: request::id(),
        reason: settings::reason(),
        application: client::with_application_name(text),
        statement: client::statement_tag(),
        ..Who::default()
    };
    if let Some(standing) = context::standing(Moment::Now)? {
        who.user = standing.user;
        who.organization = standing.organization;
        who.project = standing.project;
        who.roles = standing.roles;
        who.session = standing.session;
    }
    Ok(who)
}

fn text(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// The row for whoever acts now, written where the session has none.
pub fn context() -> Result<Context> {
    let mut who = now()?;
    let table = relation::own("audit_context").map_or(0, pgrx::pg_sys::Oid::to_u32);
    let mut text = TEXT.take();
    text.clear();
    who.write(&mut text);
    let known = KNOWN.with_borrow(|known| {
        let here =
            |k: &&Known| k.text == text && k.table == table && k.open.is_none_or(Written::lasts);
        known.iter().find(here).map(|k| k.context)
    });
    let context = match known {
        Some(context) => context,
        None => {
            who.shorten();
            let context = who.store()?;
            KNOWN.with_borrow_mut(|known| {
                if known.len() >= MOST {
                    known.remove(0);
                }
                let open = Some(Written::here());
                known.push(Known { table, text: text.clone(), context, open });
            });
            context
        }
    };
    TEXT.replace(text);
    Ok(context)
}

/// A transaction has ended: what was rolled back of it is not there.
pub fn ended(committed: bool) {
    KNOWN.with_borrow_mut(|known| {
        known.retain(|k| k.open.is_none_or(|open| committed && open.lasts()));
        known.iter_mut().for_each(|k| k.open = None);
    });
}

impl Who {
    fn write(&self, out: &mut String) {
        let mut put = |part: Option<&str>| {
            match part {
                Some(part) => {
                    let _ = write!(out, "{}:", part.len());
                    out.push_str(part);
                }
                None => out.push('-'),
            };
        };
        put(self.user.as_deref());
        put(self.organization.as_deref());
        put(self.project.as_deref());
        put(self.session.as_deref());
        put(self.request.as_deref());
        put(self.reason.as_deref());
        put(self.application.as_deref());
        put(self.statement);
        self.roles.iter().for_each(|role| put(Some(role)));
        let _ = write!(out, "|{}|{}", user::current_oid().to_u32(), user::session_oid().to_u32());
    }

    fn shorten(&mut self) {
        let own = [
            &mut self.user,
            &mut self.organization,
            &mut self.project,
            &mut self.session,
            &mut self.request,
            &mut self.reason,
            &mut self.application,
        ];
        for text in own.into_iter().flatten() {
            let kept = crate::pg::ident::truncate(text, LONGEST).len();
            text.truncate(kept);
        }
    }

    /// The values stand in the order of the columns in sql/audit.sql, and are hashed in it.
    fn store(&self) -> Result<Context> {
        let id = row::next_value("audit_context_id_seq")?;
        let (role, session_role) = (user::current(), user::session());
        let address = peer::address();
        let (number, roles) = (id.to_string(), self.roles.join("\n"));
        let hash = sha256_of_texts(
            "tenant_guard audit context 1",
            &[
                Some(&number),
                self.user.as_deref(),
                self.organization.as_deref(),
                self.project.as_deref(),
                Some(&roles),
                self.session.as_deref(),
                self.request.as_deref(),
                Some(&role),
                Some(&session_role),
                self.application.as_deref(),
                address.as_deref(),
                self.statement,
                self.reason.as_deref(),
            ],
        );
        let mut row = OwnRow::new("audit_context")?;
        row.push(Some(id))?;
        row.push(Some(row::now()))?;
        row.push(Some(Xid8::current()))?;
        row.push(self.user.clone())?;
        row.push(self.organization.clone())?;
        row.push(self.project.clone())?;
        row.push(Some(self.roles.clone()))?;
        row.push(self.session.clone())?;
        row.push(self.request.clone())?;
        row.push(Some(role))?;
        row.push(Some(session_role))?;
        row.push(self.application.clone())?;
        row.push(address)?;
        row.push(self.statement)?;
        row.push(self.reason.clone())?;
        row.push(Some(hash.to_vec()))?;
        row.insert()?;
        Ok(Context { id, hash })
    }
}
