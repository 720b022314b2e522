//! What a choice of the organization looks like in the setting that holds it. Pure.

/// What `set_org` stores: `<bytes of user>:<bytes of organization>:<user><organization>`, and after it
/// `:<project>` if one was chosen. It counts for the user for whom it was checked, and for nobody whom
/// the claims name later in the same transaction.
pub struct Choice<'a> {
    pub user: &'a str,
    pub organization: &'a str,
    pub project: Option<&'a str>,
}

impl<'a> Choice<'a> {
    #[must_use]
    pub fn encode(&self) -> String {
        let project = self.project.map(|p| format!(":{p}")).unwrap_or_default();
        let (user, organization) = (self.user, self.organization);
        format!("{}:{}:{user}{organization}{project}", user.len(), organization.len())
    }

    #[must_use]
    pub fn decode(raw: &'a [u8]) -> Option<Self> {
        let raw = std::str::from_utf8(raw).ok()?;
        let (user_length, rest) = raw.split_once(':')?;
        let (organization_length, rest) = rest.split_once(':')?;
        let user = rest.get(..user_length.parse().ok()?)?;
        let rest = &rest[user.len()..];
        let organization = rest.get(..organization_length.parse().ok()?)?;
        let project = match &rest[organization.len()..] {
            "" => None,
            project => Some(project.strip_prefix(':')?),
        };
        Some(Choice { user, organization, project })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_choice_reads_back_for_any_user_organization_and_project() {
        for (user, organization, project) in [
            ("a", "b", None),
            ("1:2", "3:4", Some("5:6")),
            ("ü|x", "x y", Some("")),
            ("u", "", Some("p")),
        ] {
            let raw = Choice { user, organization, project }.encode();
            let back = Choice::decode(raw.as_bytes()).unwrap();
            assert_eq!((back.user, back.organization, back.project), (user, organization, project));
        }
    }

    #[test]
    fn a_broken_choice_is_no_choice() {
        for raw in ["", "x", "9:1:short", "-1:1:ab", ":1:ab", "1:1:ü", "1:1:abc", "1:1", "1:5:ab"]
        {
            assert!(Choice::decode(raw.as_bytes()).is_none(), "{raw}");
        }
    }
}
