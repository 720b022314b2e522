//! The active organization of the transaction: the one that `set_org` validated, else the one
//! that the claims name.

use crate::error::{Error, Result};
use crate::identity::claims::Organization;
use crate::identity::with_claims;
use crate::{pg, settings};
use std::cell::RefCell;

/// The setting holds `<bytes of user>:<user><organization>`: the choice counts for the user whose
/// membership was checked, and for nobody whom the claims name later in the same transaction.
fn encode(user: &str, organization: &str) -> String {
    format!("{}:{user}{organization}", user.len())
}

fn decode(raw: &[u8]) -> Option<(String, Organization)> {
    let raw = std::str::from_utf8(raw).ok()?;
    let (length, rest) = raw.split_once(':')?;
    let length: usize = length.parse().ok()?;
    let (user, organization) = (rest.get(..length)?, rest.get(length..)?);
    Some((user.to_string(), Organization::new(organization)))
}

#[derive(Default)]
struct Cache {
    raw: Vec<u8>,
    chosen: Option<(String, Organization)>,
}

thread_local! {
    // Keyed by the exact bytes, as the claims are.
    static CACHE: RefCell<Cache> = RefCell::default();
}

/// Hands the active organization to `f`; None when there is none.
pub fn with_organization<R>(f: impl Fn(&Organization) -> Option<R>) -> Option<R> {
    let chosen = settings::with_org(|raw| {
        if raw.is_empty() {
            return None;
        }
        CACHE.with_borrow_mut(|cache| {
            if cache.raw != raw {
                cache.chosen = decode(raw);
                cache.raw.clear();
                cache.raw.extend_from_slice(raw);
            }
            let (user, organization) = cache.chosen.as_ref()?;
            let same_user = with_claims(|c| Some(c.user.as_deref() == Some(user))) == Some(true);
            same_user.then(|| f(organization))
        })
    });
    match chosen {
        Some(answer) => answer,
        None => with_claims(|c| c.organization.as_ref().and_then(&f)),
    }
}

/// Makes an organization the active one until the transaction ends.
pub fn choose(user: &str, organization: &str) {
    pg::guc::set_protected_local(settings::ORG_NAME, &encode(user, organization));
}

/// The active organization, or the error that says how to get one.
pub fn require() -> Result<Organization> {
    with_organization(|o| Some(o.clone())).ok_or(Error::NoOrganization)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_choice_reads_back_for_any_user_and_organization() {
        for (user, organization) in [("a", "b"), ("1:2", "3:4"), ("ü|x", "x y"), ("u", "")] {
            let (u, o) = decode(encode(user, organization).as_bytes()).unwrap();
            assert_eq!((u.as_str(), o.text.as_str()), (user, organization));
        }
    }

    #[test]
    fn a_broken_choice_is_no_choice() {
        for raw in ["", "x", "9:short", "-1:ab", ":ab", "1:ü"] {
            assert!(decode(raw.as_bytes()).is_none(), "{raw}");
        }
    }
}
