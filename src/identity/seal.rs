//! An identity as the protected settings hold it. Pure: text out, text in.

/// Who set it, and what holds for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seal<'a> {
    /// The gateway's claims, captured by `pre_request`.
    Gateway { claims: &'a str },
    /// A token's, verified here by the key of that id.
    Verified { kid: &'a str, valid_until: Option<i64>, claims: &'a str },
    /// `forget` was called: nobody, whatever else is set.
    Nobody,
}

impl<'a> Seal<'a> {
    /// Times are microseconds of Unix time.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Seal::Gateway { claims } => format!("gateway:{claims}"),
            Seal::Verified { kid, valid_until, claims } => {
                let until = valid_until.map(|t| t.to_string()).unwrap_or_default();
                format!("verified:{until}:{}:{kid}{claims}", kid.len())
            }
            Seal::Nobody => "nobody".into(),
        }
    }

    /// None for anything that `encode` does not write.
    #[must_use]
    pub fn decode(raw: &'a [u8]) -> Option<Self> {
        let raw = std::str::from_utf8(raw).ok()?;
        if raw == "nobody" {
            return Some(Seal::Nobody);
        }
        if let Some(claims) = raw.strip_prefix("gateway:") {
            return Some(Seal::Gateway { claims });
        }
        let rest = raw.strip_prefix("verified:")?;
        let (until, rest) = rest.split_once(':')?;
        let (length, rest) = rest.split_once(':')?;
        let length: usize = length.parse().ok()?;
        let valid_until = match until {
            "" => None,
            until => Some(until.parse().ok()?),
        };
        Some(Seal::Verified { kid: rest.get(..length)?, valid_until, claims: rest.get(length..)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_reads_back() {
        for seal in [
            Seal::Nobody,
            Seal::Gateway { claims: "" },
            Seal::Gateway { claims: r#"{"sub":"verified:1:2:x"}"# },
            Seal::Verified { kid: "", valid_until: None, claims: "{}" },
            Seal::Verified { kid: "ü:1", valid_until: Some(-1), claims: r#"{"a":":"}"# },
        ] {
            assert_eq!(Seal::decode(seal.encode().as_bytes()), Some(seal));
        }
    }

    #[test]
    fn a_broken_seal_is_none() {
        for raw in [
            "",
            "x",
            "{}",
            "nobody ",
            "verified:",
            "verified::",
            "verified:x:0:{}",
            "verified:1:9:{}",
            "verified:1:-1:{}",
            "verified:1:1:ü",
        ] {
            assert_eq!(Seal::decode(raw.as_bytes()), None, "{raw}");
        }
        assert_eq!(Seal::decode(b"gateway:\xff"), None);
    }
}
