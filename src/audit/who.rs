//! Who acts, from where and why: a row of tenant_guard.audit_context for each combination that a session comes to,
//! which its events name. Most transactions of a session need no new one.

use super::format::{sha256_of_texts, Digest};
use crate::context::{self, Standing};
use crate::error::Result;
use crate::pg::row::{self, OwnRow, Xid8};
use crate::pg::transaction::{Moment, Written};
use crate::pg::{client, relation, user};
use crate::{request, settings};
use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;

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

struct Who {
    /// None without an identity.
    standing: Option<Rc<Standing>>,
    request: Option<String>,
    reason: Option<String>,
    application: Option<String>,
    statement: Option<&'static str>,
}

fn now() -> Result<Who> {
    Ok(Who {
        standing: context::standing(Moment::Now)?,
        request: request::id(),
        reason: settings::reason(),
        application: client::with_application_name(text),
        statement: client::statement_tag(),
    })
}

fn text(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// The row for whoever acts now, written where the session has none.
pub fn context() -> Result<Context> {
    let who = now()?;
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
        let standing = self.standing.as_deref();
        put(standing.and_then(|s| s.user.as_deref()));
        put(standing.and_then(|s| s.organization.as_deref()));
        put(standing.and_then(|s| s.project.as_deref()));
        put(standing.and_then(|s| s.session.as_deref()));
        put(self.request.as_deref());
        put(self.reason.as_deref());
        put(self.application.as_deref());
        put(self.statement);
        standing.iter().flat_map(|s| &s.roles).for_each(|role| put(Some(role)));
        let _ = write!(out, "|{}|{}", user::current_oid().to_u32(), user::session_oid().to_u32());
    }

    /// The values stand in the order of the columns in sql/audit.sql, and are hashed in it.
    fn store(&self) -> Result<Context> {
        let none = Standing::default();
        let standing = self.standing.as_deref().unwrap_or(&none);
        let of = |text: &Option<String>| {
            text.as_deref().map(|text| crate::pg::ident::truncate(text, LONGEST).to_string())
        };
        let (user, session) = (of(&standing.user), of(&standing.session));
        let (organization, project) = (of(&standing.organization), of(&standing.project));
        let (request, reason) = (of(&self.request), of(&self.reason));
        let application = of(&self.application);
        let id = row::next_value("audit_context_id_seq")?;
        let (role, session_role) = (user::current(), user::session());
        let address = client::address();
        let (number, roles) = (id.to_string(), standing.roles.join("\n"));
        let hash = sha256_of_texts(
            "tenant_guard audit context 1",
            &[
                Some(&number),
                user.as_deref(),
                organization.as_deref(),
                project.as_deref(),
                Some(&roles),
                session.as_deref(),
                request.as_deref(),
                Some(&role),
                Some(&session_role),
                application.as_deref(),
                address.as_deref(),
                self.statement,
                reason.as_deref(),
            ],
        );
        let mut row = OwnRow::new("audit_context")?;
        row.push(Some(id))?;
        row.push(Some(row::now()))?;
        row.push(Some(Xid8::current()))?;
        row.push(user)?;
        row.push(organization)?;
        row.push(project)?;
        row.push(Some(standing.roles.clone()))?;
        row.push(session)?;
        row.push(request)?;
        row.push(Some(role))?;
        row.push(Some(session_role))?;
        row.push(application)?;
        row.push(address)?;
        row.push(self.statement)?;
        row.push(reason)?;
        row.push(Some(hash.to_vec()))?;
        row.insert()?;
        Ok(Context { id, hash })
    }
}
