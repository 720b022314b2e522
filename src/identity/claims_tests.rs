//! What is read out of real vendors' tokens, and out of tokens made to mislead.

use super::claims::Claims;
use super::profile::{recognise, Field, Profile, PROFILE_NAMES};
use proptest::prelude::*;

const USER: &str = "6f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11";

fn claims_of(vendor: &str, token: &str) -> Claims {
    Claims::parse(token.as_bytes(), &Profile::named(vendor).unwrap()).unwrap()
}

fn default(token: &str) -> Option<Claims> {
    Claims::parse(token.as_bytes(), &Profile::default())
}

fn org(token: &str) -> Option<String> {
    default(token)?.organization().map(|o| o.text.clone())
}

#[test]
fn identifiers_are_strings_or_numbers_and_nothing_else() {
    let user = |token: &str| default(token).and_then(|c| c.user).map(|u| u.text);
    assert_eq!(user(&format!("{{\"sub\":\"{USER}\"}}")).as_deref(), Some(USER));
    assert_eq!(user("{\"sub\":42}").as_deref(), Some("42"));
    assert_eq!(
        user("{\"sub\":123456789012345678901234567890}").as_deref(),
        Some("123456789012345678901234567890")
    );
    for nobody in [
        "{}",
        "{\"sub\":null}",
        "{\"sub\":\"\"}",
        "{\"sub\":{}}",
        "{\"sub\":[1]}",
        "{\"sub\":true}",
    ] {
        assert_eq!(user(nobody), None, "{nobody}");
    }
    let claims = default("{\"sub\":\"auth0|123\"}").unwrap();
    assert_eq!(claims.user.unwrap().uuid, None);
}

#[test]
fn the_first_place_of_the_organization_decides_even_when_unusable() {
    assert_eq!(org("{\"org_id\":\"a\",\"organization_id\":\"b\"}").as_deref(), Some("a"));
    assert_eq!(org("{\"app_metadata\":{\"organization_id\":7}}").as_deref(), Some("7"));
    assert_eq!(org("{\"org_id\":null,\"organization_id\":\"b\"}"), None);
    assert_eq!(org("{\"org_id\":[],\"organization_id\":\"b\"}"), None);
    assert_eq!(org("{\"user_metadata\":{\"org_id\":\"a\"}}"), None);
    assert_eq!(org("{\"org_id\":\"a\",\"org_id\":\"b\"}").as_deref(), Some("b"), "as in jsonb");
}

#[test]
fn of_several_organizations_none_is_chosen() {
    let several = default("{\"org_id\":[\"a\",\"b\"]}").unwrap();
    assert_eq!(several.organizations.len(), 2);
    assert!(several.organization().is_none());
    let upper = USER.to_uppercase();
    let two = default(&format!("{{\"org_id\":[\"{USER}\",\"{upper}\"]}}")).unwrap();
    assert!(two.organization().is_none(), "two spellings may be two organizations");
    let one = default(&format!("{{\"org_id\":[\"{USER}\",\"{USER}\"]}}")).unwrap();
    assert_eq!(one.organization().unwrap().text, USER);
}

struct Case {
    vendor: &'static str,
    token: &'static str,
    user: &'static str,
    orgs: &'static [&'static str],
    roles: &'static [&'static str],
    permissions: &'static [&'static str],
    role: Option<&'static str>,
}

const CASES: &[Case] = &[
    Case {
        vendor: "supabase",
        token: r#"{"iss":"https://x.supabase.co/auth/v1","sub":"u1","role":"authenticated","email":"ann@example.com",
            "app_metadata":{"org_id":"o1","roles":["admin"]},"user_metadata":{"org_id":"forged","role":"owner"}}"#,
        user: "u1",
        orgs: &["o1"],
        roles: &["admin"],
        permissions: &[],
        role: Some("authenticated"),
    },
    Case {
        vendor: "neon",
        token: r#"{"sub":"u1","id":"u1","role":"authenticated","o":{"id":"org-123","slug":"my-org","role":"admin,member"}}"#,
        user: "u1",
        orgs: &["org-123"],
        roles: &["admin", "member"],
        permissions: &[],
        role: Some("authenticated"),
    },
    Case {
        vendor: "neon",
        token: r#"{"sub":"u1","project_id":"the vendor's","selected_team_id":"team-1","role":"authenticated"}"#,
        user: "u1",
        orgs: &["team-1"],
        roles: &[],
        permissions: &[],
        role: Some("authenticated"),
    },
    Case {
        vendor: "clerk_v1",
        token: r#"{"sub":"user_1","org_id":"org_1","org_role":"org:admin","org_permissions":["org:billing:read"]}"#,
        user: "user_1",
        orgs: &["org_1"],
        roles: &["admin"],
        permissions: &["org:billing:read"],
        role: None,
    },
    Case {
        vendor: "clerk_v2",
        token: r#"{"v":2,"sub":"user_1","fea":"o:dashboard,o:teams","o":{"id":"org_1","slg":"acme","rol":"admin","per":"manage,read","fpm":"3,2"},
            "org_id":"ignored"}"#,
        user: "user_1",
        orgs: &["org_1"],
        roles: &["admin"],
        permissions: &["org:dashboard:manage", "org:dashboard:read", "org:teams:read"],
        role: None,
    },
    Case {
        vendor: "auth0",
        token: r#"{"sub":"auth0|602c","org_id":"org_9","scope":"openid delete:everything","permissions":["read:orders"],
            "https://app.example.com/roles":["editor"]}"#,
        user: "auth0|602c",
        orgs: &["org_9"],
        roles: &[],
        permissions: &["read:orders"],
        role: None,
    },
    Case {
        vendor: "workos",
        token: r#"{"sub":"user_01","sid":"session_01","org_id":"org_01","role":"service_role","roles":["admin","billing"],"permissions":["posts:read"]}"#,
        user: "user_01",
        orgs: &["org_01"],
        roles: &["admin", "billing", "service_role"],
        permissions: &["posts:read"],
        role: None,
    },
    Case {
        vendor: "keycloak",
        token: r#"{"sub":"k1","azp":"web","realm_access":{"roles":["admin"]},"resource_access":{"api":{"roles":["editor"]}},
            "organization":{"acme":{"id":"42c3"},"other":{}}}"#,
        user: "k1",
        orgs: &["42c3", "other"],
        roles: &["admin", "api:editor"],
        permissions: &[],
        role: None,
    },
    Case {
        vendor: "keycloak",
        token: r#"{"sub":"k1","organization":["acme"]}"#,
        user: "k1",
        orgs: &["acme"],
        roles: &[],
        permissions: &[],
        role: None,
    },
    Case {
        vendor: "firebase",
        token: r#"{"sub":"zk1","user_id":"zk1","roles":["editor"],"firebase":{"tenant":"tenant2-m6tyz","sign_in_attributes":{"org":"x"}}}"#,
        user: "zk1",
        orgs: &["tenant2-m6tyz"],
        roles: &["editor"],
        permissions: &[],
        role: None,
    },
    Case {
        vendor: "cognito",
        token: r#"{"sub":"aaaa","username":"janedoe","cognito:groups":["admin"],"custom:tenant_id":"forged","scope":"openid"}"#,
        user: "aaaa",
        orgs: &[],
        roles: &["admin"],
        permissions: &[],
        role: None,
    },
    Case {
        vendor: "entra",
        token: r#"{"sub":"HKZp","oid":"690222be-0000-4000-8000-000000000001","tid":"9122040d","roles":["Orders.Admin"],"groups":["f81d4fae"],"scp":"Orders.Write"}"#,
        user: "690222be-0000-4000-8000-000000000001",
        orgs: &["9122040d"],
        roles: &["Orders.Admin", "f81d4fae"],
        permissions: &[],
        role: None,
    },
    Case {
        vendor: "hasura",
        token: r#"{"sub":"1234","https://hasura.io/jwt/claims":{"x-hasura-default-role":"user","x-hasura-allowed-roles":["user","editor"],"X-Hasura-User-Id":"123","x-hasura-org-id":"456"}}"#,
        user: "123",
        orgs: &["456"],
        roles: &["user", "editor"],
        permissions: &[],
        role: None,
    },
    Case {
        vendor: "hasura",
        token: r#"{"https://hasura.io/jwt/claims":"{\"x-hasura-allowed-roles\":[\"user\"],\"x-hasura-user-id\":\"123\",\"x-hasura-org-id\":\"456\"}"}"#,
        user: "123",
        orgs: &["456"],
        roles: &["user"],
        permissions: &[],
        role: None,
    },
    Case {
        vendor: "custom",
        token: r#"{"sub":"c1","org_id":"not asked for","role":"authenticated"}"#,
        user: "c1",
        orgs: &[],
        roles: &[],
        permissions: &[],
        role: Some("authenticated"),
    },
];

#[test]
fn every_vendors_token_gives_what_its_profile_says() {
    for case in CASES {
        let claims = claims_of(case.vendor, case.token);
        let orgs: Vec<&str> = claims.organizations.iter().map(|o| o.text.as_str()).collect();
        assert_eq!(
            claims.user.as_ref().map(|u| u.text.as_str()),
            Some(case.user),
            "{}",
            case.vendor
        );
        assert_eq!(orgs, case.orgs, "{}", case.vendor);
        assert_eq!(claims.roles, case.roles, "{}", case.vendor);
        assert_eq!(claims.permissions, case.permissions, "{}", case.vendor);
        assert_eq!(claims.role.as_deref(), case.role, "{}", case.vendor);
    }
    for name in PROFILE_NAMES {
        assert!(CASES.iter().any(|c| c.vendor == *name), "{name} has no case");
    }
}

#[test]
fn a_vendor_is_recognised_by_its_marks_and_never_taken_for_another() {
    for case in CASES.iter().filter(|c| !matches!(c.vendor, "custom" | "supabase")) {
        let claims = claims_of(case.vendor, case.token);
        let found = recognise(&claims.root);
        assert!(found.is_none_or(|found| found == case.vendor), "{} as {found:?}", case.vendor);
    }
}

#[test]
fn who_is_not_through_with_signing_in_is_nobody() {
    for (vendor, token) in [
        ("clerk_v2", r#"{"v":2,"sub":"user_1","sts":"pending"}"#),
        ("neon", r#"{"sub":"u1","is_restricted":true}"#),
    ] {
        let profile = Profile::named(vendor).unwrap();
        assert!(Claims::parse(token.as_bytes(), &profile).is_none(), "{vendor}");
        assert!(Claims::parse(token.as_bytes(), &Profile::default()).is_some());
    }
}

#[test]
fn a_path_of_ones_own_stands_in_place_of_the_vendors() {
    let mut profile = Profile::named("auth0").unwrap();
    profile.set_path(Field::Roles, vec!["https://app.example.com/roles".into()]);
    profile.set_path(Field::Org, vec!["a.b".into(), "1".into()]);
    profile.set_path(Field::Permissions, vec!["scope".into()]);
    let token = br#"{"sub":"x","https://app.example.com/roles":"Billing Admin","a.b":["p","q"],"org_id":"no","scope":"a:read  b:write"}"#;
    let claims = Claims::parse(token, &profile).unwrap();
    assert_eq!(claims.roles, ["Billing Admin"]);
    assert_eq!(claims.organization().unwrap().text, "q");
    assert_eq!(claims.permissions, ["a:read", "b:write"]);
}

/// JSON of every kind, and with the keys that the profiles look for.
fn json() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("sub".to_string()),
        Just("o".to_string()),
        Just("organization".to_string()),
        Just("https://hasura.io/jwt/claims".to_string()),
        Just("realm_access".to_string()),
        Just("fpm".to_string()),
        Just("per".to_string()),
        Just("fea".to_string()),
        Just("id".to_string()),
        "[a-z_]{0,8}",
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just("null".to_string()),
        Just("true".to_string()),
        "-?[0-9]{1,40}(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,5})?",
        any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
        "[ou]{0,2}:[a-z]{0,4}(,o:[a-z]{1,3}){0,3}".prop_map(|s| serde_json::to_string(&s).unwrap()),
        "[0-9]{1,45}(,[0-9]{1,3}){0,3}".prop_map(|s| format!("\"{s}\"")),
    ];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        let object =
            prop::collection::vec((key.clone(), inner.clone()), 0..5).prop_map(|members| {
                let members: Vec<String> = members
                    .into_iter()
                    .map(|(k, v)| format!("{}:{v}", serde_json::to_string(&k).unwrap()))
                    .collect();
                format!("{{{}}}", members.join(","))
            });
        let text = object.clone().prop_map(|o| serde_json::to_string(&o).unwrap());
        let array =
            prop::collection::vec(inner, 0..5).prop_map(|items| format!("[{}]", items.join(",")));
        prop_oneof![4 => object, 1 => text, 2 => array]
    })
}

fn read_all(bytes: &[u8]) {
    for name in PROFILE_NAMES {
        let profile = Profile::named(name).unwrap();
        if let Some(claims) = Claims::parse(bytes, &profile) {
            // Whatever was found is in the token, and an id is never empty.
            assert!(claims.user.is_none_or(|u| !u.text.is_empty()));
            assert!(claims.organizations.iter().all(|o| !o.text.is_empty()));
            assert!(claims.roles.iter().chain(&claims.permissions).all(|r| !r.is_empty()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: super::fuzz_cases(), ..ProptestConfig::default() })]

    #[test]
    fn fuzz_any_bytes_are_claims_or_none(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_all(&bytes);
    }

    #[test]
    fn fuzz_any_json_is_claims_or_none(text in json(), cut in any::<prop::sample::Index>()) {
        read_all(text.as_bytes());
        let cut = cut.index(text.len() + 1);
        read_all(&text.as_bytes()[..cut]);
    }
}
