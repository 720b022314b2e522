//! Every setting the extension defines: what it holds, who would set it and why, and its getter.
//! Nearly all are for administrators alone, or for nobody but the extension.

mod events;

pub use events::{
    durable_security_events, max_events_per_second, max_refusals_per_second,
    max_security_event_bytes, request_id,
};

use crate::pg::guc;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};
use std::ffi::{CStr, CString};

type Text = GucSetting<Option<CString>>;

/// Where the identity comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PostgresGucEnum)]
pub enum Trust {
    /// `request.jwt.claims`, which a gateway sets after it has checked the token.
    #[name = c"gateway"]
    Gateway,
    /// Only a token that `authenticate` verified here.
    #[name = c"verified"]
    Verified,
}

impl Trust {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Trust::Gateway => "gateway",
            Trust::Verified => "verified",
        }
    }
}

/// What makes a claimed organization believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PostgresGucEnum)]
pub enum OrgCheck {
    /// `membership` where a membership table is registered, else `claim`.
    #[name = c"auto"]
    Auto,
    /// The registered membership table has the user in it.
    #[name = c"membership"]
    Membership,
    /// The token says so.
    #[name = c"claim"]
    Claim,
}

impl OrgCheck {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            OrgCheck::Auto => "auto",
            OrgCheck::Membership => "membership",
            OrgCheck::Claim => "claim",
        }
    }
}

/// An administrator sets it to `verified` where clients send SQL of their own, so that no session
/// is believed without a token.
static TRUST: GucSetting<Trust> = GucSetting::<Trust>::new(Trust::Gateway);

/// An administrator sets it to `claim` where tokens live too short for revocation to matter, or to
/// `membership` where nothing is to be believed before a membership table is registered.
static ORG_CHECK: GucSetting<OrgCheck> = GucSetting::<OrgCheck>::new(OrgCheck::Auto);

/// Larger claims and tokens count as none: parsing takes many times their size, and any role may
/// send them. An administrator raises it where tokens are larger.
static MAX_CLAIMS_SIZE: GucSetting<i32> = GucSetting::<i32>::new(65_536);

/// Issuers whose tokens are accepted from keys that were added without an issuer, parted by commas; empty
/// accepts any. An administrator sets it to pin the issuer of such keys.
static JWT_ISSUER: Text = Text::new(None);

/// Audiences of which a token must name one, parted by commas; empty asks for none. An administrator
/// sets it where one issuer serves several applications.
static JWT_AUDIENCE: Text = Text::new(None);

/// How far an issuer's clock may be off. An administrator raises it where fresh tokens are refused
/// as not valid yet; it also prolongs every token.
static JWT_CLOCK_SKEW: GucSetting<i32> = GucSetting::<i32>::new(0);

/// An administrator switches it off for an issuer whose tokens never expire.
static JWT_REQUIRE_EXPIRY: GucSetting<bool> = GucSetting::<bool>::new(true);

/// An administrator switches it off behind a pooler that hands connections on between transactions:
/// there an identity for the session would be the next client's.
static ALLOW_SESSION_IDENTITY: GucSetting<bool> = GucSetting::<bool>::new(true);

/// The identity of the transaction, sealed. Nobody sets it by hand: `pre_request`, `authenticate`
/// and `forget` write it, and ordinary roles get "permission denied". It ends with the transaction.
/// RESET ALL leaves it alone: clearing a gateway's seal would let other claims in.
static IDENTITY: Text = Text::new(None);
pub const IDENTITY_NAME: &CStr = c"tenant_guard.identity";

/// The identity of the session, as `authenticate` verified it. RESET ALL and DISCARD ALL clear it.
static SESSION_IDENTITY: Text = Text::new(None);
pub const SESSION_IDENTITY_NAME: &CStr = c"tenant_guard.session_identity";

/// The organization and project chosen with `set_org`, with the user they were checked for. Nobody
/// sets it by hand: `set_org` writes it after asking the membership table. It ends with the
/// transaction.
static ORG: Text = Text::new(None);
pub const ORG_NAME: &CStr = c"tenant_guard.org";

/// A user sets it on to see, within the own tenant, what was soft-deleted: a trash view. restore_row does
/// so while it runs. It opens nothing that other policies close.
static SHOW_DELETED: GucSetting<bool> = GucSetting::<bool>::new(false);
pub const SHOW_DELETED_NAME: &CStr = c"tenant_guard.show_deleted";

/// A user, or the application for one, says with SET LOCAL why the rows that are deleted next go.
static DELETION_REASON: Text = Text::new(None);

/// A user, or the application for one, says with SET LOCAL why the changes are made that come next; the audit
/// trail keeps it.
static REASON: Text = Text::new(None);

/// Values that are larger are in the audit trail as their hash and length only. An administrator lowers it to
/// save room, or raises it where such values must be kept.
static AUDIT_MAX_VALUE: GucSetting<i32> = GucSetting::<i32>::new(16 * 1024 * 1024);

/// In bytes.
#[must_use]
pub fn audit_max_value() -> usize {
    usize::try_from(AUDIT_MAX_VALUE.get()).unwrap_or_default()
}

#[must_use]
pub fn reason() -> Option<String> {
    own_text(&REASON)
}

fn own_text(setting: &'static Text) -> Option<String> {
    guc::with_own_string(setting, |raw| {
        (!raw.is_empty()).then(|| String::from_utf8_lossy(raw).into_owned())
    })
}

#[must_use]
pub fn show_deleted() -> bool {
    SHOW_DELETED.get()
}

#[must_use]
pub fn deletion_reason() -> Option<String> {
    own_text(&DELETION_REASON)
}

pub fn trust() -> Trust {
    TRUST.get()
}

pub fn org_check() -> OrgCheck {
    ORG_CHECK.get()
}

#[must_use]
pub fn max_claims_size() -> usize {
    usize::try_from(MAX_CLAIMS_SIZE.get()).unwrap_or_default()
}

#[must_use]
pub fn jwt_issuers() -> Vec<String> {
    list(&JWT_ISSUER)
}

#[must_use]
pub fn jwt_audiences() -> Vec<String> {
    list(&JWT_AUDIENCE)
}

/// In seconds.
#[must_use]
pub fn jwt_clock_skew() -> i64 {
    i64::from(JWT_CLOCK_SKEW.get())
}

#[must_use]
pub fn jwt_require_expiry() -> bool {
    JWT_REQUIRE_EXPIRY.get()
}

#[must_use]
pub fn allow_session_identity() -> bool {
    ALLOW_SESSION_IDENTITY.get()
}

/// Hands the sealed identity to `f` without copying it, the transaction's before the session's;
/// empty where there is none.
pub fn with_identity<R>(f: impl FnOnce(&[u8]) -> R) -> R {
    guc::with_own_string(&IDENTITY, |transaction| {
        if transaction.is_empty() {
            guc::with_own_string(&SESSION_IDENTITY, f)
        } else {
            f(transaction)
        }
    })
}

/// The transaction's sealed identity alone.
pub fn with_transaction_identity<R>(f: impl FnOnce(&[u8]) -> R) -> R {
    guc::with_own_string(&IDENTITY, f)
}

/// Hands the stored context to `f` without copying it; empty when none is active.
pub fn with_org<R>(f: impl FnOnce(&[u8]) -> R) -> R {
    guc::with_own_string(&ORG, f)
}

fn list(setting: &'static Text) -> Vec<String> {
    guc::with_own_string(setting, |raw| {
        let text = String::from_utf8_lossy(raw);
        text.split(',').map(|s| s.trim().to_string()).filter(|s| !s.is_empty()).collect()
    })
}

/// Those whose default is weaker than what an administrator may have set.
const ADMINISTRATIVE: &[&CStr] = &[
    c"tenant_guard.trust",
    c"tenant_guard.org_check",
    c"tenant_guard.max_claims_size",
    c"tenant_guard.jwt_issuer",
    c"tenant_guard.jwt_audience",
    c"tenant_guard.jwt_clock_skew",
    c"tenant_guard.jwt_require_expiry",
    c"tenant_guard.allow_session_identity",
    c"tenant_guard.durable_security_events",
    c"tenant_guard.max_refusals_per_second",
    c"tenant_guard.max_events_per_second",
    c"tenant_guard.max_security_event_size",
];

/// Names the setting of the administrator's whose value was not taken: the client gave it one as it
/// connected, and so hid the administrator's, or the administrator's own is none. What was meant is not
/// in force in that session, so nobody is believed there. A setting itself, so that parallel workers have
/// it; nobody sets or resets it.
static DISTRUSTED: Text = Text::new(None);
const DISTRUSTED_NAME: &CStr = c"tenant_guard.distrusted";

#[must_use]
pub fn distrusted() -> bool {
    guc::with_own_string(&DISTRUSTED, |name| !name.is_empty())
}

/// For messages.
#[must_use]
pub fn not_taken() -> Option<String> {
    let name = guc::with_own_string(&DISTRUSTED, |name| String::from_utf8_lossy(name).into_owned());
    (!name.is_empty()).then_some(name)
}

/// An administrator switches it off for a session that is to do what `enforce` forbids, or for a restore.
static ENFORCEMENT: GucSetting<bool> = GucSetting::<bool>::new(true);

#[must_use]
pub fn enforcement() -> bool {
    ENFORCEMENT.get()
}

const ADMINISTRATORS: &CStr = c"Set by administrators.";

pub fn define() {
    let given = guc::Given::to(ADMINISTRATIVE);
    for (name, about, setting) in [
        (
            c"tenant_guard.jwt_issuer",
            c"The issuers accepted from keys that were added without one, parted by commas; empty accepts any.",
            &JWT_ISSUER,
        ),
        (
            c"tenant_guard.jwt_audience",
            c"The audiences of which a token must name one, parted by commas; empty asks for none.",
            &JWT_AUDIENCE,
        ),
    ] {
        let (context, flags) = (GucContext::Suset, GucFlags::default());
        GucRegistry::define_string_guc(name, about, ADMINISTRATORS, setting, context, flags);
    }
    define_numbers();
    define_choices();
    define_users();
    events::define();
    define_protected();
    if let Some(name) = given.not_taken() {
        guc::set_for_good(DISTRUSTED_NAME, &name.to_string_lossy());
    }
    guc::reserve_prefix(c"tenant_guard");
}

fn define_numbers() {
    GucRegistry::define_int_guc(
        c"tenant_guard.max_claims_size",
        c"The size in bytes up to which claims and tokens are read; larger ones count as none.",
        ADMINISTRATORS,
        &MAX_CLAIMS_SIZE,
        256,
        16 * 1024 * 1024,
        GucContext::Suset,
        GucFlags::UNIT_BYTE,
    );
    GucRegistry::define_int_guc(
        c"tenant_guard.audit_max_value",
        c"The size in bytes up to which values are kept in the audit trail; of larger ones it has hash and length.",
        ADMINISTRATORS,
        &AUDIT_MAX_VALUE,
        64,
        256 * 1024 * 1024,
        GucContext::Suset,
        GucFlags::UNIT_BYTE,
    );
    GucRegistry::define_int_guc(
        c"tenant_guard.jwt_clock_skew",
        c"How far an issuer's clock may be off when exp, nbf and iat of a token are checked.",
        ADMINISTRATORS,
        &JWT_CLOCK_SKEW,
        0,
        600,
        GucContext::Suset,
        GucFlags::UNIT_S,
    );
}

fn define_choices() {
    GucRegistry::define_enum_guc(
        c"tenant_guard.trust",
        c"Where the identity comes from: the gateway's request.jwt.claims, or tokens verified here.",
        ADMINISTRATORS,
        &TRUST,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_enum_guc(
        c"tenant_guard.org_check",
        c"What makes a claimed organization believed: the live membership, or the claim itself.",
        ADMINISTRATORS,
        &ORG_CHECK,
        GucContext::Suset,
        GucFlags::default(),
    );
    for (name, about, setting) in [
        (
            c"tenant_guard.jwt_require_expiry",
            c"Whether a token without exp is refused.",
            &JWT_REQUIRE_EXPIRY,
        ),
        (
            c"tenant_guard.allow_session_identity",
            c"Whether authenticate() may set an identity that outlasts the transaction.",
            &ALLOW_SESSION_IDENTITY,
        ),
        (
            c"tenant_guard.enforcement",
            c"Whether what enforce asks for is asked for in this session.",
            &ENFORCEMENT,
        ),
    ] {
        let (context, flags) = (GucContext::Suset, GucFlags::default());
        GucRegistry::define_bool_guc(name, about, ADMINISTRATORS, setting, context, flags);
    }
}

/// Those that anybody sets, for what is anybody's to decide.
fn define_users() {
    GucRegistry::define_bool_guc(
        c"tenant_guard.show_deleted",
        c"Whether soft-deleted rows are shown beside the others.",
        c"Set by users, for a trash view of their own tenant.",
        &SHOW_DELETED,
        GucContext::Userset,
        GucFlags::default(),
    );
    for (name, about, setting) in [
        (
            c"tenant_guard.deletion_reason",
            c"Why the rows go that are deleted next; soft_delete keeps it in deletion_reason.",
            &DELETION_REASON,
        ),
        (
            c"tenant_guard.reason",
            c"Why the changes are made that come next; the audit trail keeps it.",
            &REASON,
        ),
    ] {
        let (context, flags) = (GucContext::Userset, GucFlags::default());
        let detail = c"Set by users, with SET LOCAL.";
        GucRegistry::define_string_guc(name, about, detail, setting, context, flags);
    }
}

fn define_protected() {
    let hidden = GucFlags::NO_SHOW_ALL | GucFlags::DISALLOW_IN_FILE;
    for (name, about, detail, setting, flags) in [
        (
            IDENTITY_NAME,
            c"The identity of the transaction.",
            c"Written by tenant_guard.authenticate(), pre_request() and forget(); ordinary roles cannot set it.",
            &IDENTITY,
            hidden | GucFlags::NO_RESET_ALL,
        ),
        (
            SESSION_IDENTITY_NAME,
            c"The identity of the session.",
            c"Written by tenant_guard.authenticate() after verifying the token; ordinary roles cannot set it.",
            &SESSION_IDENTITY,
            hidden,
        ),
        (
            DISTRUSTED_NAME,
            c"The administrator's setting whose value was not taken in this session, if there is one.",
            c"Written when the extension is loaded; nobody is believed in such a session.",
            &DISTRUSTED,
            hidden | GucFlags::NO_RESET_ALL,
        ),
        (
            ORG_NAME,
            c"The active organization and project of the transaction.",
            c"Written by tenant_guard.set_org() after checking the membership; ordinary roles cannot set it.",
            &ORG,
            hidden,
        ),
    ] {
        GucRegistry::define_string_guc(name, about, detail, setting, GucContext::Suset, flags);
    }
}
