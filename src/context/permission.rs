//! Roles and what they permit. Pure.
//!
//! A permission is segments parted by colons: `leads:read`. A last segment `*` permits all that begins
//! with what stands before it: `leads:*`; and `*` alone permits everything.

use crate::error::{Error, Result};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap, HashSet};

/// What one role may do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RoleGrant {
    pub role: String,
    pub permissions: Vec<String>,
    /// Roles whose permissions it has too.
    pub inherits: Vec<String>,
}

#[derive(Debug, Default)]
pub struct RoleGrants(HashMap<String, RoleGrant>);

impl RoleGrants {
    #[must_use]
    pub fn new(grants: Vec<RoleGrant>) -> Self {
        RoleGrants(grants.into_iter().map(|g| (g.role.clone(), g)).collect())
    }

    #[must_use]
    pub fn get(&self, role: &str) -> Option<&RoleGrant> {
        self.0.get(role)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The roles and all that they inherit, sorted.
    #[must_use]
    pub fn closure(&self, roles: &[String]) -> Vec<String> {
        let mut found = BTreeSet::new();
        let mut left: Vec<&String> = roles.iter().collect();
        while let Some(role) = left.pop() {
            if found.insert(role.clone()) {
                left.extend(self.get(role).into_iter().flat_map(|g| &g.inherits));
            }
        }
        found.into_iter().collect()
    }

    /// All that the roles, with those they inherit, are granted; sorted.
    #[must_use]
    pub fn permissions(&self, closure: &[String]) -> Vec<String> {
        let granted = closure.iter().filter_map(|role| self.get(role));
        let all: BTreeSet<String> = granted.flat_map(|g| g.permissions.iter().cloned()).collect();
        all.into_iter().collect()
    }

    /// The way from `role` back to itself that `wanted` would make; None when there is none.
    #[must_use]
    pub fn cycle(&self, wanted: &RoleGrant) -> Option<Vec<String>> {
        let mut ways: Vec<Vec<&str>> =
            wanted.inherits.iter().map(|r| vec![wanted.role.as_str(), r]).collect();
        let mut seen = HashSet::new();
        while let Some(way) = ways.pop() {
            let Some(last) = way.last().copied() else { continue };
            if last == wanted.role {
                return Some(way.into_iter().map(str::to_string).collect());
            }
            if !seen.insert(last) {
                continue;
            }
            for next in self.get(last).into_iter().flat_map(|g| &g.inherits) {
                ways.push(way.iter().copied().chain([next.as_str()]).collect());
            }
        }
        None
    }
}

/// Names that can be granted: no blanks, no empty segment, `*` only as a whole last one.
pub fn check_names(grant: &RoleGrant) -> Result<()> {
    let refuse = |name: &str, why: &'static str| {
        Err(Error::BadPermission { role: grant.role.clone(), name: name.to_string(), why })
    };
    for role in std::iter::once(&grant.role).chain(&grant.inherits) {
        if role.trim().is_empty() {
            return refuse(role, "the name of a role is not empty");
        }
    }
    for permission in &grant.permissions {
        if permission.is_empty()
            || permission.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            return refuse(permission, "a permission is not empty and holds no blanks");
        }
        let segments: Vec<&str> = permission.split(':').collect();
        if segments.iter().any(|s| s.is_empty()) {
            return refuse(permission, "no segment between colons is empty");
        }
        if segments.iter().rev().skip(1).any(|s| s.contains('*'))
            || permission.trim_end_matches('*').contains('*')
        {
            return refuse(permission, "* stands only at the end, as a whole segment");
        }
        if segments.last().is_some_and(|s| s.contains('*') && *s != "*") {
            return refuse(permission, "* stands only at the end, as a whole segment");
        }
    }
    Ok(())
}

/// Permissions ready to be asked for one.
#[derive(Debug, Default)]
pub struct Permissions {
    exact: HashSet<String>,
    /// With the colon: `leads:`.
    prefixes: Vec<String>,
    everything: bool,
}

impl Permissions {
    #[must_use]
    pub fn new<'a>(granted: impl IntoIterator<Item = &'a String>) -> Self {
        let mut permissions = Permissions::default();
        for granted in granted {
            if granted == "*" {
                permissions.everything = true;
            } else if let Some(prefix) = granted.strip_suffix('*').filter(|p| p.ends_with(':')) {
                permissions.prefixes.push(prefix.to_string());
            } else {
                permissions.exact.insert(granted.clone());
            }
        }
        permissions
    }

    #[must_use]
    pub fn allow(&self, wanted: &str) -> bool {
        self.exact.contains(wanted)
            || (self.everything && !wanted.is_empty())
            || self
                .prefixes
                .iter()
                .any(|p| wanted.len() > p.len() && wanted.starts_with(p.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(role: &str, permissions: &[&str], inherits: &[&str]) -> RoleGrant {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        RoleGrant { role: role.into(), permissions: owned(permissions), inherits: owned(inherits) }
    }

    #[test]
    fn a_wildcard_permits_what_begins_with_what_stands_before_it() {
        let granted: Vec<String> =
            ["leads:*", "billing:read", "a:b:*"].iter().map(ToString::to_string).collect();
        let permissions = Permissions::new(&granted);
        for wanted in ["leads:read", "leads:read:own", "leads:*", "billing:read", "a:b:c"] {
            assert!(permissions.allow(wanted), "{wanted}");
        }
        for wanted in
            ["leads", "leads:", "leadsx:read", "billing:write", "billing:*", "a:x", "*", ""]
        {
            assert!(!permissions.allow(wanted), "{wanted}");
        }
        let all = Permissions::new(&["*".to_string()]);
        assert!(all.allow("anything:at:all") && !all.allow(""));
    }

    #[test]
    fn a_star_that_is_no_whole_last_segment_is_refused_and_grants_nothing() {
        for bad in
            ["lea*", "leads:r*", "*:read", "a:*:b", "**", "leads:**", "", "a b", "a::b", ":", "a:"]
        {
            assert!(check_names(&grant("r", &[bad], &[])).is_err(), "{bad}");
            // From a token it may come all the same.
            let permissions = Permissions::new(&[bad.to_string()]);
            assert!(!permissions.allow("leads:read") && !permissions.allow("a:x:b"), "{bad}");
        }
        assert!(check_names(&grant("r", &["*", "leads:*", "a:b:c"], &["x"])).is_ok());
        assert!(check_names(&grant(" ", &[], &[])).is_err());
    }

    #[test]
    fn roles_have_what_they_inherit_and_cycles_are_found() {
        let grants = RoleGrants::new(vec![
            grant("owner", &["billing:*"], &["admin"]),
            grant("admin", &["leads:*"], &["member"]),
            grant("member", &["leads:read"], &[]),
        ]);
        let closure = grants.closure(&["owner".to_string(), "stranger".to_string()]);
        assert_eq!(closure, vec!["admin", "member", "owner", "stranger"]);
        assert_eq!(grants.permissions(&closure), vec!["billing:*", "leads:*", "leads:read"]);
        assert_eq!(
            grants.cycle(&grant("member", &[], &["owner"])).unwrap(),
            vec!["member", "owner", "admin", "member"]
        );
        assert_eq!(
            grants.cycle(&grant("member", &[], &["member"])).unwrap(),
            vec!["member", "member"]
        );
        assert_eq!(grants.cycle(&grant("member", &[], &["stranger"])), None);
        // A cycle that came in by another way ends nothing.
        let cyclic = RoleGrants::new(vec![grant("a", &["x"], &["b"]), grant("b", &["y"], &["a"])]);
        assert_eq!(cyclic.closure(&["a".to_string()]), vec!["a", "b"]);
    }
}
