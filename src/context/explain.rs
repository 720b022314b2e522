//! `explain_identity`: why the identity and the context are what they are, for whoever looks.

use super::active::{self, Check, Verdict};
use super::authority;
use super::membership::{self, Registered};
use crate::error::Result;
use crate::identity::profile::{self, Field, FIELDS};
use crate::identity::session::{origin, Origin};
use crate::identity::{gateway_claims, json, source, with_claims_at};
use crate::pg::transaction::{timestamp_text, Moment};
use crate::settings::{self, Trust};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde_json::{Map, Value};

type Row = (Option<String>, Option<String>, Option<String>, Option<String>);

#[derive(Default)]
struct Rows(Vec<Row>);

impl Rows {
    fn add(&mut self, setting: &str, seen: Option<String>, verdict: impl Into<String>, hint: &str) {
        let hint = (!hint.is_empty()).then(|| hint.to_string());
        self.0.push((Some(setting.into()), seen, Some(verdict.into()), hint));
    }
}

/// Says, row by row, who the session is taken for and why: where the identity comes from, what the
/// claims look like, which path gave each value, whether the organization is believed, and what the
/// user may do. Every value that is NULL says why. No token and no key is shown. Columns: setting,
/// value_seen, verdict, hint. Raises only what a registered `active` condition raises.
///
/// Example: `SELECT * FROM tenant_guard.explain_identity();`
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity)]
fn explain_identity() -> Result<
    TableIterator<
        'static,
        (
            name!(setting, Option<String>),
            name!(value_seen, Option<String>),
            name!(verdict, Option<String>),
            name!(hint, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let mut rows = Rows::default();
    identity(&mut rows);
    claims(&mut rows)?;
    context(&mut rows)?;
    Ok(TableIterator::new(rows.0))
}

fn identity(rows: &mut Rows) {
    let trust = settings::trust().name();
    rows.add("tenant_guard.trust", Some(trust.into()), "where the identity comes from", "");
    let (seen, verdict, hint) = match origin() {
        Origin::Setting => {
            let (verdict, hint) = of_setting();
            (Some("request.jwt.claims"), verdict, hint)
        }
        Origin::Legacy => (
            Some("request.jwt.claim.*"),
            "read: request.jwt.claims is not set, so the older settings count".into(),
            "",
        ),
        Origin::Sealed if nobody() => (
            Some("sealed by pre_request()"),
            format!("nobody: what was sealed is not {OBJECT}, or {PENDING}"),
            "Have the gateway set request.jwt.claims before it calls pre_request().",
        ),
        Origin::Sealed => (
            Some("sealed by pre_request()"),
            "read: later changes to request.jwt.claims are ignored".into(),
            "",
        ),
        Origin::Token { kid, valid_until } => {
            let expired = valid_until.is_some_and(|until| until <= Moment::Now.unix_micros());
            let until = valid_until.map_or("for ever".into(), |t| format!("until {}", timestamp_text(t)));
            let state = match (expired, nobody()) {
                (true, _) => "nobody: it has expired; it was valid".to_string(),
                (false, true) => format!("nobody: {PENDING}; it is valid"),
                (false, false) => "read: valid".to_string(),
            };
            let verdict = format!("{state} {until}, verified with key \"{kid}\"");
            (Some("a verified token"), verdict, if expired { "Authenticate with a fresh token." } else { "" })
        }
        Origin::Distrusted { setting } => (
            None,
            format!("nobody: the value of {setting} was not taken, so what the administrator meant is not in force"),
            "The client gave it one as it connected, which it may not; or the administrator's is no value of it.",
        ),
        Origin::Forgotten => (
            Some("forget() was called, or the request had no token"),
            "nobody, until the transaction ends".into(),
            if settings::trust() == Trust::Verified { "Call authenticate(token)." } else { "" },
        ),
        Origin::OtherTrust => (
            Some("an identity sealed under another tenant_guard.trust"),
            "nobody: it is not believed any more".into(),
            "Begin a new transaction.",
        ),
        Origin::None if settings::trust() == Trust::Verified => {
            (None, "nobody: no token was verified".into(), "Call authenticate(token).")
        }
        Origin::None => (
            None,
            "nobody: request.jwt.claims is not set".into(),
            "The gateway sets it; by hand: SELECT set_config('request.jwt.claims', '{\"sub\": ...}', true).",
        ),
    };
    rows.add("identity", seen.map(str::to_string), verdict, hint);
}

const OBJECT: &str = "one JSON object within the limits (docs/identity.md)";
const PENDING: &str = "its user is not through with signing in (\"sts\", \"is_restricted\")";

/// Whether there are no claims in force after all.
fn nobody() -> bool {
    with_claims_at(Moment::Now, |_, _| Some(())).is_none()
}

/// What is wrong with request.jwt.claims, if anything.
fn of_setting() -> (String, &'static str) {
    let Some(raw) = gateway_claims() else {
        return ("nobody: not UTF-8".into(), "Set it to a JSON object.");
    };
    if raw.len() > settings::max_claims_size() {
        let verdict =
            format!("nobody: {} bytes, up to {} are read", raw.len(), settings::max_claims_size());
        return (verdict, "Keep claims small, or raise tenant_guard.max_claims_size.");
    }
    match json::object(raw.as_bytes()) {
        Some(_) if nobody() => (format!("nobody: {PENDING}"), "Finish signing in."),
        Some(_) => (format!("read: a JSON object of {} bytes", raw.len()), ""),
        None => (format!("nobody: it is not {OBJECT}"), "Set it to a JSON object."),
    }
}

fn claims(rows: &mut Rows) -> Result<()> {
    let profile = source::profile()?;
    let root = with_claims_at(Moment::Now, |claims, _| Some(claims.root.clone()));
    let Some(root) = root else {
        rows.add(
            "claim profile",
            Some(profile.name.clone()),
            "not used: there are no claims in force",
            "",
        );
        return Ok(());
    };
    let other = profile::recognise(&root).filter(|found| *found != profile.name);
    match other {
        Some(other) => rows.add(
            "claim profile",
            Some(profile.name.clone()),
            format!("the claims look like those of {other}"),
            "If they are, an administrator says so: set_claim_profile().",
        ),
        None => rows.add("claim profile", Some(profile.name.clone()), "in force", ""),
    }
    for field in FIELDS {
        let (seen, verdict, hint) = one_field(&root, &profile, field);
        rows.add(field.name(), seen, verdict, hint);
    }
    expiry(rows, &root);
    Ok(())
}

fn one_field(
    root: &Map<String, Value>,
    profile: &profile::Profile,
    field: Field,
) -> (Option<String>, String, &'static str) {
    let path = |place: &profile::Place| place.path.join(" > ");
    match crate::identity::claims::first_place(root, profile, field) {
        Some((place, value)) => {
            let from = format!("from {}", path(place));
            let usable = crate::identity::claims::usable(root, profile, field);
            if usable.is_empty() {
                let found = match value.as_ref() {
                    Value::Null => "null",
                    Value::Bool(_) => "a boolean",
                    Value::Number(_) => "a number",
                    Value::String(_) => "an empty string",
                    Value::Array(_) => "an array",
                    Value::Object(_) => "an object",
                };
                return (None, format!("{from}: {found} gives no {}", field.name()), "");
            }
            (Some(usable.join(", ")), from, "")
        }
        None if profile.places(field).is_empty() => (
            None,
            "the profile has no place for it".into(),
            "An administrator names one: set_claim_path().",
        ),
        None => {
            let places: Vec<String> = profile.places(field).iter().map(path).collect();
            (None, format!("no claim at {}", places.join(", ")), "")
        }
    }
}

fn expiry(rows: &mut Rows, root: &Map<String, Value>) {
    let seen = root.get("exp").and_then(json::as_text);
    match (settings::trust(), &seen) {
        (Trust::Verified, Some(_)) => rows.add("exp", seen, "checked by every statement", ""),
        (Trust::Verified, None) => rows.add("exp", None, "none: it never expires", ""),
        (Trust::Gateway, Some(_)) => {
            rows.add("exp", seen, "not checked here: the gateway does", "")
        }
        (Trust::Gateway, None) => rows.add("exp", None, "not claimed; the gateway checks it", ""),
    }
}

fn context(rows: &mut Rows) -> Result<()> {
    let check = active::check()?;
    let setting = settings::org_check().name();
    let verdict = match &check {
        Check::Membership(_) => "a claimed organization must be in the membership table",
        Check::Nothing => "nothing is believed: there is no membership table to ask",
        Check::Claim(None) => "the token is believed",
        Check::Claim(Some(_)) => "the token is believed; organizations must be active",
    };
    rows.add("tenant_guard.org_check", Some(setting.into()), verdict, "");
    match membership::registered()? {
        Registered::Table(table) => {
            let missing = table.missing();
            let verdict = match missing.as_slice() {
                [] => "registered".to_string(),
                missing => format!("registered, but gone or changed: {}", missing.join("; ")),
            };
            rows.add("membership table", Some(table.describe()), verdict, "");
        }
        Registered::Gone => rows.add(
            "membership table",
            None,
            "registered, but gone or changed: nobody is a member of anything",
            "An administrator registers it anew: use_membership().",
        ),
        Registered::No => rows.add(
            "membership table",
            None,
            "none is registered",
            "use_membership() registers one.",
        ),
    }
    let Some(active) = active::active(Moment::Now)? else {
        rows.add("organization", None, "none: there is no identity", "");
        return Ok(());
    };
    let hint = match active.verdict {
        Verdict::NoneClaimed | Verdict::SeveralClaimed => "Call set_org(organization).",
        Verdict::NotMember | Verdict::Suspended => {
            "org_ids() lists those that the user may work for."
        }
        Verdict::Unchecked => "An administrator registers a membership table: use_membership().",
        _ => "",
    };
    let text = |id: &Option<crate::id::Id>| id.as_ref().map(|id| id.text.clone());
    rows.add("organization", text(&active.organization), active.verdict.why(), hint);
    let project = match (&active.project, &active.claimed.project, active.verdict) {
        (Some(_), _, Verdict::Chosen) => "set_org chose it",
        (Some(_), _, _) => "claimed, and the organization's",
        (None, _, Verdict::Chosen) => "set_org chose none",
        (None, Some(_), _) => "claimed, but not known to be the active organization's",
        (None, None, _) => "none is claimed",
    };
    rows.add("project", text(&active.project), project, "");
    let authority = authority::authority(Moment::Now)?;
    let list = |names: &[String]| (!names.is_empty()).then(|| names.join(", "));
    let source = match &check {
        Check::Membership(table) if table.has_roles => "from the membership table",
        Check::Nothing => "none: there is no membership table to ask",
        _ if authority::of_token(&active, &check) => "from the token",
        _ => "none: the token's are not for the active organization",
    };
    rows.add("roles in force", list(&authority.roles), source, "");
    let granted =
        if authority.granted.is_empty() { "none" } else { "granted to the roles or by the token" };
    rows.add("permissions in force", list(&authority.granted), granted, "");
    Ok(())
}
