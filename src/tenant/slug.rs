//! What may be a tenant schema's name.

use crate::error::{Error, Result};

/// `tenant_<slug>` must fit into an identifier.
const MAX_SLUG: usize = 56;
const RESERVED: &[&str] =
    &["public", "information_schema", "tenant_guard", "auth", "storage", "extensions"];

pub fn check(slug: &str) -> Result<()> {
    let refuse = |why: &str| Err(Error::NotASlug { slug: slug.into(), why: why.into() });
    if slug.is_empty() {
        return refuse("It is empty.");
    }
    if slug.len() > MAX_SLUG {
        return refuse(
            "It is longer than 56 characters: the tenant's role, tenant_<slug>, would not fit.",
        );
    }
    if !slug.starts_with(|c: char| c.is_ascii_lowercase())
        || !slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    {
        return refuse(
            "It holds other characters than a-z, 0-9 and _, or starts with none of a-z.",
        );
    }
    if slug.starts_with("pg_") || RESERVED.contains(&slug) {
        return refuse("That name is a system's.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_a_plain_identifier() {
        for good in ["acme", "a", "acme_2", &"x".repeat(56)] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "Acme",
            "acme co",
            "2acme",
            "_acme",
            "a-b",
            "a\"b",
            "é",
            "pg_acme",
            "public",
            &"x".repeat(57),
        ] {
            assert!(matches!(check(bad), Err(Error::NotASlug { .. })), "{bad}");
        }
    }
}
