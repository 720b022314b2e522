//! What the claim helpers give inside a server.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    fn with_claims(claims: &str) {
        Spi::run_with_args("SELECT set_config('request.jwt.claims', $1, true)", &[claims.into()])
            .unwrap();
    }

    fn text(sql: &str) -> Option<String> {
        Spi::get_one::<String>(sql).unwrap()
    }

    #[pg_test]
    fn without_claims_every_helper_is_null() {
        for helper in [
            "claims()",
            "claim('a')",
            "claim_json('a')",
            "uid()",
            "uid_text()",
            "org_id()",
            "org_id_text()",
            "org_id_bigint()",
            "jwt_role()",
        ] {
            assert_eq!(text(&format!("SELECT tenant_guard.{helper}::text")), None, "{helper}");
        }
    }

    #[pg_test]
    fn a_changed_setting_is_a_changed_identity_at_once() {
        with_claims(r#"{"sub":"a"}"#);
        assert_eq!(text("SELECT tenant_guard.uid_text()").as_deref(), Some("a"));
        with_claims(r#"{"sub":"b"}"#);
        assert_eq!(text("SELECT tenant_guard.uid_text()").as_deref(), Some("b"));
        with_claims("not json");
        assert_eq!(text("SELECT tenant_guard.uid_text()"), None);
    }

    #[pg_test]
    fn claims_are_the_same_jsonb_that_postgres_would_parse() {
        let token = r#"{"sub":"a","n":12345678901234567890.10,"nested":{"k":[1,null,"é"]},"dup":1,"dup":2}"#;
        with_claims(token);
        assert_eq!(
            Spi::get_one_with_args::<bool>(
                "SELECT tenant_guard.claims() = $1::jsonb",
                &[token.into()]
            )
            .unwrap(),
            Some(true)
        );
        assert_eq!(
            text("SELECT tenant_guard.claim('n')").as_deref(),
            Some("12345678901234567890.10")
        );
    }
}
