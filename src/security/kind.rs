//! The kinds of events that the extension itself records. No application can use one of them. Pure.

macro_rules! kinds {
    ($($kind:ident $word:literal $severity:literal $message:literal;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($kind),* }

        const ALL: &[Kind] = &[$(Kind::$kind),*];

        impl Kind {
            /// As it stands in the column `kind`.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Kind::$kind => $word),* }
            }

            #[must_use]
            pub fn severity(self) -> &'static str {
                match self { $(Kind::$kind => $severity),* }
            }

            #[must_use]
            pub fn message(self) -> &'static str {
                match self { $(Kind::$kind => $message),* }
            }
        }
    };
}

kinds! {
    AuthenticationFailed "authentication_failed" "warning" "a token was not accepted";
    ClaimsChangedAfterSeal "claims_changed_after_seal" "critical" "request.jwt.claims was changed after pre_request had sealed the identity; the change is ignored";
    ClaimsInvalid "claims_invalid" "warning" "request.jwt.claims is no JSON object within the limits, and counts as none";
    OrganizationRefused "organization_refused" "warning" "a switch to an organization was refused";
    IdentityForgotten "identity_forgotten" "info" "an identity was given up with forget";
    KeyAdded "key_added" "info" "a key for verifying tokens was added";
    KeyRetired "key_retired" "info" "a key for verifying tokens was retired";
    ChangeUndone "change_undone" "notice" "an applied change was taken back";
    ProtectionRemoved "protection_removed" "warning" "protection or audit was taken from a table";
    PolicyCreated "policy_created" "notice" "a policy was added to a protected or audited table";
    PolicyAltered "policy_altered" "warning" "a policy of a protected or audited table was altered";
    PolicyDropped "policy_dropped" "warning" "a policy of a protected or audited table was dropped";
    RowSecurityDisabled "row_security_disabled" "critical" "row-level security of a protected or audited table was disabled, or is no longer forced";
    TriggerDisabled "trigger_disabled" "critical" "a trigger of a protected or audited table was disabled, or fires only sometimes";
    TriggerDropped "trigger_dropped" "critical" "a trigger of the extension was dropped";
    TableDropped "table_dropped" "warning" "a protected or audited table was dropped";
    OwnerChanged "owner_changed" "notice" "a protected or audited table was given to another owner";
    ValuesRewritten "values_rewritten" "warning" "a column of a protected or audited table got other values with another type: no trigger fires for that";
    Granted "granted" "notice" "privileges on a protected or audited table were granted";
    Suppressed "suppressed" "warning" "security events were too many and not recorded one by one";
}

#[allow(clippy::derivable_impls)] // the macro has no place for the attribute
impl Default for Kind {
    fn default() -> Self {
        Kind::Suppressed
    }
}

impl Kind {
    /// Somebody tried what is not allowed. Kept, if so set, although the transaction is rolled back.
    #[must_use]
    pub fn attempt(self) -> bool {
        matches!(
            self,
            Kind::AuthenticationFailed
                | Kind::ClaimsChangedAfterSeal
                | Kind::ClaimsInvalid
                | Kind::OrganizationRefused
                | Kind::Suppressed
        )
    }

    /// Anybody can make any number of them.
    #[must_use]
    pub fn limited(self) -> bool {
        self.attempt() || self == Kind::IdentityForgotten
    }

    /// Whether a kind that an application names would look like one of these.
    #[must_use]
    pub fn taken(word: &str) -> bool {
        let word = word.trim();
        ALL.iter().any(|kind| kind.word().eq_ignore_ascii_case(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_kind_has_a_word_of_its_own_and_a_severity() {
        let words: HashSet<_> = ALL.iter().map(|kind| kind.word()).collect();
        assert_eq!(words.len(), ALL.len());
        for kind in ALL {
            assert!((1..=63).contains(&kind.word().len()), "{kind:?}");
            assert!(crate::security::row::SEVERITIES.contains(&kind.severity()), "{kind:?}");
        }
    }

    #[test]
    fn an_application_cannot_use_a_kind_of_ours_however_it_is_written() {
        for taken in ["key_added", "KEY_ADDED", " key_added\n", "suppressed", "Granted"] {
            assert!(Kind::taken(taken), "{taken}");
        }
        for free in ["login", "key_added2", "key-added", ""] {
            assert!(!Kind::taken(free), "{free}");
        }
    }
}
