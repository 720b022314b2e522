//! The organization and project that the transaction works for: those that `set_org` chose, else
//! those that the claims name, if the check in force lets them be believed.

use super::belonging::{self, Asked};
use super::choice::Choice;
use super::membership::{self, Membership, Registered};
use crate::catalog::IdType;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::identity::claims::Claims;
use crate::identity::with_claims_at;
use crate::pg::guc::{self, Lasting};
use crate::pg::record::Row;
use crate::pg::snapshot;
use crate::pg::transaction::{self, Moment, Position};
use crate::settings::{self, OrgCheck};
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

/// What makes a claimed organization believed, with what it takes to check it.
pub enum Check {
    Membership(Rc<Membership>),
    /// Nothing is: the table is gone, or none was ever registered where one is asked for.
    Nothing,
    /// The token. Where organizations are registered, they must be active all the same.
    Claim(Option<Rc<Membership>>),
}

pub fn check() -> Result<Check> {
    Ok(match (settings::org_check(), membership::registered()?) {
        (OrgCheck::Claim, Registered::Table(table)) => Check::Claim(Some(table)),
        (OrgCheck::Claim, Registered::No) | (OrgCheck::Auto, Registered::No) => Check::Claim(None),
        (OrgCheck::Auto | OrgCheck::Membership, Registered::Table(table)) => {
            Check::Membership(table)
        }
        (_, Registered::Gone) | (OrgCheck::Membership, Registered::No) => Check::Nothing,
    })
}

/// Why there is no organization, or that there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Chosen,
    Member,
    Claimed,
    NoneClaimed,
    SeveralClaimed,
    NotMember,
    Suspended,
    /// There is nothing to check it with.
    Unchecked,
    NoUser,
}

/// What the claims said, as far as it matters here.
#[derive(Debug, Clone, Default)]
pub struct Claimed {
    pub user: Option<String>,
    pub organizations: Vec<Id>,
    pub project: Option<Id>,
    pub roles: Vec<String>,
    pub permissions: Vec<String>,
    pub global_roles: bool,
}

impl Claimed {
    fn of(claims: &Claims) -> Self {
        Claimed {
            user: claims.user.as_ref().map(|user| user.text.clone()),
            organizations: claims.organizations.clone(),
            project: claims.project.clone(),
            roles: claims.roles.clone(),
            permissions: claims.permissions.clone(),
            global_roles: claims.global_roles,
        }
    }

    /// The one that the token names, if it names one.
    #[must_use]
    pub fn organization(&self) -> Option<&Id> {
        match self.organizations.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    #[must_use]
    pub fn names(&self, organization: &str, spelling: Spelling) -> Option<&Id> {
        let asked = Id::new(organization);
        self.organizations.iter().find(|claimed| spelling.same(claimed, &asked))
    }
}

/// Whether one UUID in two spellings is one id. In a column of text it is two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    Counts,
    OfUuids,
}

impl Spelling {
    #[must_use]
    pub fn of(table: Option<&Membership>) -> Self {
        match table.map(Membership::org_type) {
            Some(IdType::Text | IdType::Varchar) => Spelling::Counts,
            _ => Spelling::OfUuids,
        }
    }

    #[must_use]
    pub fn id(self, text: &str) -> Id {
        match self {
            Spelling::Counts => Id::of_text(text),
            Spelling::OfUuids => Id::new(text),
        }
    }

    #[must_use]
    pub fn same(self, a: &Id, b: &Id) -> bool {
        a.text == b.text || (self == Spelling::OfUuids && a.uuid.is_some() && a.uuid == b.uuid)
    }
}

impl Check {
    #[must_use]
    pub fn table(&self) -> Option<&Membership> {
        match self {
            Check::Membership(table) | Check::Claim(Some(table)) => Some(table),
            Check::Nothing | Check::Claim(None) => None,
        }
    }
}

/// The context in force.
pub struct Active {
    pub claimed: Claimed,
    pub organization: Option<Id>,
    pub project: Option<Id>,
    pub verdict: Verdict,
    /// Whether the next transaction has to find out anew: a table may have a say, or what was read is not to be
    /// kept, as in a parallel query, which reads with the snapshot that it began with.
    of_the_transaction: bool,
    /// Made when first asked for.
    pub authority: OnceCell<Rc<super::authority::Authority>>,
    /// Made when first asked for.
    pub standing: OnceCell<Rc<super::Standing>>,
    /// Whether what was made of it was read with a snapshot that is not to be kept.
    pub passing: Cell<bool>,
    /// What `context` returns, made when first asked for.
    pub row: OnceCell<Row>,
}

/// All that an answer depends on; while it is the same, so is the answer.
#[derive(PartialEq, Eq)]
struct Basis {
    claims: u64,
    memberships: u64,
    roles: u64,
    check: OrgCheck,
}

struct Remembered {
    basis: Basis,
    position: Position,
    chosen: Vec<u8>,
    command: u32,
    active: Rc<Active>,
}

thread_local! {
    static LAST: RefCell<Option<Remembered>> = const { RefCell::new(None) };
}

/// The context at a moment; None without an identity.
pub fn active(moment: Moment) -> Result<Option<Rc<Active>>> {
    enum Found {
        Last(Rc<Active>),
        New(Box<Claimed>, Basis),
    }
    let found = with_claims_at(moment, |claims, serial| {
        let basis = Basis {
            claims: serial,
            memberships: membership::generation(),
            roles: super::authority::generation(),
            check: settings::org_check(),
        };
        let last = LAST.with_borrow(|last| match last {
            Some(last) if last.basis == basis && last.still_true() => Some(last.active.clone()),
            _ => None,
        });
        Some(match last {
            Some(active) => Found::Last(active),
            None => Found::New(Box::new(Claimed::of(claims)), basis),
        })
    });
    let (claimed, basis) = match found {
        None => return Ok(None),
        Some(Found::Last(active)) => return Ok(Some(active)),
        Some(Found::New(claimed, basis)) => (*claimed, basis),
    };
    let chosen = settings::with_org(<[u8]>::to_vec);
    let command = transaction::command();
    let active = Rc::new(resolve(claimed, &chosen)?);
    let position = transaction::position();
    LAST.replace(Some(Remembered { basis, position, chosen, command, active: active.clone() }));
    Ok(Some(active))
}

impl Remembered {
    fn still_true(&self) -> bool {
        // A no ends as soon as the transaction has changed something.
        let certain =
            matches!(self.active.verdict, Verdict::Chosen | Verdict::Member | Verdict::Claimed);
        let complete = self.active.project.is_some() || self.active.claimed.project.is_none();
        // Mostly both are empty, and comparing nothing with nothing is slow: the vectorized memcmp
        // reads, masked, from the empty slice's address, where there is no memory.
        let same = |chosen: &[u8]| match (chosen.len(), self.chosen.len()) {
            (0, 0) => true,
            _ => chosen == self.chosen,
        };
        let lasts = self.position.lasts()
            || (!self.active.of_the_transaction && !self.active.passing.get());
        lasts
            && settings::with_org(same)
            && ((certain && complete) || self.command == transaction::command())
    }
}

fn resolve(claimed: Claimed, chosen: &[u8]) -> Result<Active> {
    let choice = Choice::decode(chosen).filter(|c| Some(c.user) == claimed.user.as_deref());
    if let Some(choice) = choice {
        let check = check()?;
        let spelling = Spelling::of(check.table());
        let organization = spelling.id(choice.organization);
        let project = choice.project.map(Id::new);
        // Where tokens are what counts, another token of the same user may name it no more.
        let counts = !matches!(check, Check::Claim(_))
            || claimed.names(choice.organization, spelling).is_some();
        if counts {
            return Ok(of(claimed, Some(organization), project, Verdict::Chosen, true));
        }
    }
    let (organization, verdict) = match claimed.organizations.as_slice() {
        [] => (None, Verdict::NoneClaimed),
        [one] => believed(&claimed, one)?,
        _ => (None, Verdict::SeveralClaimed),
    };
    let project = match (&organization, &claimed.project) {
        (Some(organization), Some(project)) => project_in(organization, project)?,
        _ => None,
    };
    let of_the_transaction =
        snapshot::in_parallel_mode() || !matches!(check()?, Check::Claim(None));
    Ok(of(claimed, organization, project, verdict, of_the_transaction))
}

fn of(
    claimed: Claimed,
    organization: Option<Id>,
    project: Option<Id>,
    verdict: Verdict,
    of_the_transaction: bool,
) -> Active {
    Active {
        claimed,
        organization,
        project,
        verdict,
        of_the_transaction,
        authority: OnceCell::new(),
        standing: OnceCell::new(),
        passing: Cell::new(false),
        row: OnceCell::new(),
    }
}

fn believed(claimed: &Claimed, organization: &Id) -> Result<(Option<Id>, Verdict)> {
    match check()? {
        Check::Nothing => Ok((None, Verdict::Unchecked)),
        Check::Membership(table) => {
            let Some(user) = &claimed.user else {
                return Ok((None, Verdict::NoUser));
            };
            let member = belonging::find(&table, user, Asked::Text(&organization.text))?;
            Ok(match member {
                Some(member) if member.active => {
                    (Some(member.organization.clone()), Verdict::Member)
                }
                Some(_) => (None, Verdict::Suspended),
                None => (None, Verdict::NotMember),
            })
        }
        Check::Claim(table) => {
            let one = vec![organization.text.clone()];
            let active = match table {
                Some(table) => !table.active_among(one)?.is_empty(),
                None => true,
            };
            Ok(if active {
                (Some(organization.clone()), Verdict::Claimed)
            } else {
                (None, Verdict::Suspended)
            })
        }
    }
}

/// A claimed project, if it is one of the organization's. Without a table of projects only the token
/// could say so, and that counts where the token is what counts.
fn project_in(organization: &Id, project: &Id) -> Result<Option<Id>> {
    let check = check()?;
    let table = check.table();
    match table.and_then(|t| t.projects.as_ref()) {
        Some(projects) => Ok(projects.organization_of(&project.text)?.and_then(|(org, id)| {
            Spelling::of(table).same(&Id::new(&org), organization).then(|| Id::new(&id))
        })),
        None => Ok(matches!(check, Check::Claim(_)).then(|| project.clone())),
    }
}

/// Makes an organization, and a project of it, the active ones until the transaction ends.
pub fn choose(user: &str, organization: &str, project: Option<&str>) {
    let choice = Choice { user, organization, project }.encode();
    guc::set_protected(settings::ORG_NAME, &choice, Lasting::Transaction);
}

/// The active organization, or the error that says why there is none.
pub fn require(moment: Moment) -> Result<Id> {
    let Some(active) = active(moment)? else {
        return Err(Error::NoOrganization { why: "this session has no identity" });
    };
    active.organization.clone().ok_or(Error::NoOrganization { why: active.verdict.why() })
}

impl Verdict {
    /// For a person.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Verdict::Chosen => "set_org chose it in this transaction",
            Verdict::Member => "the claims name it, and the membership table has the user in it",
            Verdict::Claimed => "the claims name it, and they are trusted for that",
            Verdict::NoneClaimed => {
                "the claims name none and none was chosen with set_org in this transaction"
            }
            Verdict::SeveralClaimed => {
                "the claims name several and none was chosen with set_org in this transaction"
            }
            Verdict::NotMember => {
                "the claims name one that the membership table does not have the user in"
            }
            Verdict::Suspended => "the claims name one that is not active",
            Verdict::Unchecked => {
                "the claims name one, and the membership table to check it with is gone, or none was registered"
            }
            Verdict::NoUser => "the claims name one, but no user",
        }
    }
}
