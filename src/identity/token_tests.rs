//! Tokens: the RFCs' own, and all the ways of being no good one.

use super::key::{Key, Material, NewKey, ALGORITHMS};
use super::token::{verify, Refusal, Rules};
use crate::error::Error;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use proptest::prelude::*;
use serde_json::{json, Value};

const SECRET: &str = "a secret of at least 32 bytes, kept well";
const NOW: i64 = 1_700_000_000;

fn rules() -> Rules<'static> {
    Rules { issuers: &[], audiences: &[], clock_skew: 0, require_expiry: true, max_size: 65_536 }
}

fn ready(new: NewKey) -> Key {
    Key {
        decoding: new.material.decoding().unwrap(),
        kid: new.kid,
        algorithm: new.algorithm,
        issuer: None,
        valid_from: None,
        valid_until: None,
    }
}

fn hs256(kid: &str) -> Key {
    ready(NewKey::read(kid, "HS256", SECRET, "text").unwrap())
}

fn sign(header: &Header, claims: &Value) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

fn token(claims: &Value) -> String {
    sign(&Header::new(Algorithm::HS256), claims)
}

fn good() -> Value {
    json!({"sub": "ann", "exp": NOW + 60, "iat": NOW, "nbf": NOW})
}

fn refusal(token: &str, keys: &[Key], rules: &Rules) -> Option<Refusal> {
    verify(token, keys, rules, NOW * 1_000_000).err()
}

fn refused(claims: &Value) -> Option<Refusal> {
    refusal(&token(claims), &[hs256("k")], &rules())
}

#[test]
fn a_good_token_is_verified_and_its_payload_kept_as_it_was_signed() {
    let token = token(&good());
    let keys = [hs256("k")];
    let verified = verify(&token, &keys, &rules(), NOW * 1_000_000).unwrap();
    assert_eq!(verified.claims["sub"], "ann");
    assert_eq!(verified.valid_until, Some((NOW + 60) * 1_000_000));
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    assert_eq!(verified.payload.as_bytes(), payload);
}

/// RFC 7515 appendix A.1 to A.3 and RFC 8037 appendix A.4. The first three are of 2011 and expired,
/// the last one's payload is no JSON: refused for that, and so not for their signatures.
#[test]
fn the_signatures_of_the_rfcs_are_good() {
    const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let rsa = json!({"kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"});
    let expired = Refusal::Expired { at: 1_300_819_380 };
    for (jwk, header, payload, signature, wanted) in [
        (
            json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}),
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
            PAYLOAD,
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            expired.clone(),
        ),
        (
            rsa,
            "eyJhbGciOiJSUzI1NiJ9",
            PAYLOAD,
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            expired.clone(),
        ),
        (
            json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}),
            "eyJhbGciOiJFUzI1NiJ9",
            PAYLOAD,
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            expired,
        ),
        (
            json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
            "eyJhbGciOiJFZERTQSJ9",
            "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            Refusal::Payload,
        ),
    ] {
        let mut jwk = jwk;
        jwk["kid"] = "rfc".into();
        let keys = [ready(NewKey::of_jwk(&jwk).unwrap())];
        let token = format!("{header}.{payload}.{signature}");
        assert_eq!(refusal(&token, &keys, &rules()), Some(wanted), "{header}");
        let other = format!("{header}.{payload}.{}", signature.replacen(&signature[5..6], "_", 1));
        assert_eq!(refusal(&other, &keys, &rules()), Some(Refusal::Signature), "{header}");
    }
}

/// RFC 7519 section 6.1, which is RFC 7515 appendix A.5, and what imitates it. (Section 3.1 is A.1.)
#[test]
fn an_unsigned_token_is_refused() {
    let rfc = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    assert_eq!(refusal(rfc, &[hs256("k")], &rules()), Some(Refusal::UnknownAlgorithm));
    let payload = URL_SAFE_NO_PAD.encode(good().to_string());
    for alg in ["none", "None", "NONE", "nOnE", "", "HS255"] {
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": alg}).to_string());
        for signature in ["", "AA"] {
            let token = format!("{header}.{payload}.{signature}");
            let found = refusal(&token, &[hs256("k")], &rules());
            assert_eq!(found, Some(Refusal::UnknownAlgorithm), "{alg}");
        }
    }
}

#[test]
fn the_algorithm_is_the_keys_and_never_the_headers() {
    for name in ALGORITHMS.iter().filter(|name| **name != "HS256") {
        let header = Header { alg: name.parse().unwrap(), ..Header::default() };
        let head = URL_SAFE_NO_PAD.encode(serde_json::to_string(&header).unwrap());
        let payload = URL_SAFE_NO_PAD.encode(good().to_string());
        let found = refusal(&format!("{head}.{payload}.AA"), &[hs256("k")], &rules());
        assert_eq!(found, Some(Refusal::Algorithm { key: "HS256" }), "{name}");
    }
}

#[test]
fn the_key_is_the_one_that_the_header_names() {
    let with_kid = |kid: &str| {
        sign(&Header { kid: Some(kid.into()), ..Header::new(Algorithm::HS256) }, &good())
    };
    let other = || ready(NewKey::read("b", "HS256", &SECRET.to_uppercase(), "text").unwrap());
    let both = [hs256("a"), other()];
    assert_eq!(refusal(&with_kid("a"), &both, &rules()), None);
    assert_eq!(refusal(&with_kid("b"), &both, &rules()), Some(Refusal::Signature));
    assert_eq!(refusal(&with_kid("c"), &both, &rules()), Some(Refusal::UnknownKey));
    assert_eq!(refusal(&with_kid(""), &both, &rules()), Some(Refusal::UnknownKey));
    assert_eq!(refusal(&token(&good()), &both, &rules()), Some(Refusal::KeyIdMissing));
    assert_eq!(refusal(&token(&good()), &[], &rules()), Some(Refusal::NoKeys));
    let at = |seconds: i64| Some((NOW + seconds) * 1_000_000);
    let young = Key { valid_from: at(1), ..hs256("a") };
    assert_eq!(refusal(&with_kid("a"), &[young, other()], &rules()), Some(Refusal::KeyNotYetValid));
    let old = Key { valid_until: at(0), ..hs256("a") };
    assert_eq!(refusal(&with_kid("a"), &[old], &rules()), Some(Refusal::KeyNoLongerValid));
    // Without a kid the one that is in force is meant.
    let old = Key { valid_until: at(0), ..other() };
    assert_eq!(refusal(&token(&good()), &[hs256("a"), old], &rules()), None);
}

#[test]
fn what_the_header_demands_or_says_to_be_else_is_refused() {
    let with = |member: &str, value: Value| {
        let mut header = json!({"alg": "HS256", "typ": "JWT"});
        header[member] = value;
        let head = URL_SAFE_NO_PAD.encode(header.to_string());
        let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(good().to_string()));
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let signature =
            jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap();
        refusal(&format!("{signed}.{signature}"), &[hs256("k")], &rules())
    };
    assert_eq!(with("crit", json!(["b64"])), Some(Refusal::Critical));
    assert_eq!(with("crit", json!([])), Some(Refusal::Critical));
    for typ in ["dpop+jwt", "secevent+jwt", "JOSE", ""] {
        assert_eq!(with("typ", json!(typ)), Some(Refusal::Type), "{typ}");
    }
    for typ in ["jwt", "at+jwt", "application/at+jwt"] {
        assert_eq!(with("typ", json!(typ)), None, "{typ}");
    }
    // Keys that the token brings along are not looked at.
    assert_eq!(with("jwk", json!({"kty": "oct", "k": "AAAA"})), None);
    assert_eq!(with("kid", json!(7)), Some(Refusal::Form));
}

#[test]
fn times_are_checked_with_the_skew_allowed() {
    let with = |claim: &str, value: Value| {
        let mut claims = good();
        claims[claim] = value;
        claims
    };
    assert_eq!(refused(&with("exp", json!(NOW))), Some(Refusal::Expired { at: NOW }));
    assert_eq!(refused(&with("exp", json!(NOW as f64 + 0.5))), None);
    assert_eq!(refused(&with("exp", json!(1e300))), None);
    assert_eq!(refused(&with("exp", json!(-1))), Some(Refusal::Expired { at: -1 }));
    assert_eq!(refused(&with("nbf", json!(NOW + 1))), Some(Refusal::NotBefore { at: NOW + 1 }));
    assert_eq!(
        refused(&with("iat", json!(NOW + 1))),
        Some(Refusal::IssuedInFuture { at: NOW + 1 })
    );
    for claim in ["exp", "nbf", "iat"] {
        for wrong in [json!("1700000060"), json!(null), json!([1]), json!(true)] {
            let found = refused(&with(claim, wrong.clone()));
            assert!(
                matches!(found, Some(Refusal::Registered { .. })),
                "{claim} {wrong}: {found:?}"
            );
        }
    }
    let late = Rules { clock_skew: 5, ..rules() };
    let expired = token(&with("exp", json!(NOW - 4)));
    let keys = [hs256("k")];
    let verified = verify(&expired, &keys, &late, NOW * 1_000_000).unwrap();
    assert_eq!(verified.valid_until, Some((NOW + 1) * 1_000_000));
    let without = json!({"sub": "ann"});
    assert_eq!(refused(&without), Some(Refusal::NoExpiry));
    let lenient = Rules { require_expiry: false, ..rules() };
    assert_eq!(refusal(&token(&without), &[hs256("k")], &lenient), None);
}

#[test]
fn issuer_and_audience_are_those_asked_for() {
    let (issuers, audiences) = (["https://a".to_string()], ["db".to_string(), "api".to_string()]);
    let strict = Rules { issuers: &issuers, audiences: &audiences, ..rules() };
    let with = |iss: Value, aud: Value| {
        let mut claims = good();
        (claims["iss"], claims["aud"]) = (iss, aud);
        refusal(&token(&claims), &[hs256("k")], &strict)
    };
    assert_eq!(with(json!("https://a"), json!("db")), None);
    assert_eq!(with(json!("https://a"), json!(["x", "api"])), None);
    assert_eq!(with(json!("https://a/"), json!("db")), Some(Refusal::Issuer));
    assert_eq!(with(json!("https://a"), json!(["x"])), Some(Refusal::Audience));
    assert_eq!(with(json!("https://a"), json!([])), Some(Refusal::Audience));
    assert!(matches!(with(json!(7), json!("db")), Some(Refusal::Registered { claim: "iss", .. })));
    assert!(matches!(
        with(json!("https://a"), json!(["db", 7])),
        Some(Refusal::Registered { claim: "aud", .. })
    ));
    assert_eq!(refusal(&token(&good()), &[hs256("k")], &strict), Some(Refusal::Issuer));
    // The key's own issuer is the only one it signs for, whatever the setting allows.
    let bound = Key { issuer: Some("https://b".into()), ..hs256("k") };
    let mut claims = good();
    (claims["iss"], claims["aud"]) = (json!("https://a"), json!("db"));
    assert_eq!(refusal(&token(&claims), &[bound], &strict), Some(Refusal::Issuer));
}

#[test]
fn forms_that_are_no_compact_jws_are_refused() {
    let whole = token(&good());
    let keys = [hs256("k")];
    let mut bad: Vec<String> = vec![
        String::new(),
        ".".into(),
        "..".into(),
        "a.b".into(),
        format!("{whole}."),
        format!("{whole}.x.y"),
        format!(" {whole}"),
        format!("Bearer {whole}"),
        format!("{whole}="),
        whole.replace('.', ".."),
        "ü.ü.ü".into(),
    ];
    bad.extend((0..whole.len()).map(|end| whole[..end].to_string()));
    for bad in bad {
        assert!(refusal(&bad, &keys, &rules()).is_some(), "{bad}");
    }
    let small = Rules { max_size: whole.len() - 1, ..rules() };
    assert!(matches!(refusal(&whole, &keys, &small), Some(Refusal::Size { .. })));
}

#[test]
fn keys_that_do_not_fit_their_algorithm_are_refused_and_say_why() {
    let why = |kid: &str, alg: &str, key: &str, encoding: &str| match NewKey::read(
        kid, alg, key, encoding,
    )
    .err()
    {
        Some(Error::BadKey { why, .. }) => why,
        other => panic!("{alg} {key}: {:?}", other.map(|e| format!("{e:?}"))),
    };
    assert!(why("k", "HS256", "short", "text").contains("at least 32"));
    assert!(why("k", "HS512", SECRET, "text").contains("at least 64"));
    assert!(why("k", "HS256", "%%%", "base64").contains("base64"));
    assert!(why("k", "HS256", "0g", "hex").contains("hex"));
    assert!(why("k", "HS256", "-----BEGIN PUBLIC KEY-----", "text").contains("PEM"));
    assert!(why("k", "RS256", "-----BEGIN PRIVATE KEY-----", "text").contains("private key"));
    assert!(why("k", "RS256", "-----BEGIN CERTIFICATE-----", "text").contains("certificate"));
    assert!(why("k", "RS256", "no key", "text").contains("RS256"));
    assert!(why("", "HS256", SECRET, "text").contains("1 to 255"));
    let oct = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
    assert!(why("k", "RS256", oct, "text").contains("cannot be used with RS256"));
    let ec = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    assert!(why("k", "ES384", ec, "text").contains("another curve"));
    assert!(why("k", "HS256", ec, "text").contains("cannot be used with HS256"));
    assert!(
        why("k", "ES256", &ec.replace("kty", "d\":\"x\",\"kty"), "text").contains("private key")
    );
    assert!(why("k", "RS256", r#"{"kty":"RSA","e":"AQAB","n":"AQAB"}"#, "text").contains("bits"));
    assert!(matches!(
        NewKey::read("k", "none", SECRET, "text"),
        Err(Error::UnknownOption { option: "alg", .. })
    ));
    let hex: String = SECRET.bytes().map(|b| format!("{b:02x}")).collect();
    let from_hex = NewKey::read("k", "HS256", &hex, "hex").unwrap();
    assert!(from_hex.material == Material::Secret(SECRET.as_bytes().to_vec()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: super::fuzz_cases(), ..ProptestConfig::default() })]

    #[test]
    fn fuzz_no_text_is_a_token(text in any::<String>()) {
        prop_assert!(refusal(&text, &[hs256("k")], &rules()).is_some());
    }

    #[test]
    fn fuzz_parts_of_any_bytes_are_no_token(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..6)) {
        let token: Vec<String> = parts.iter().map(|p| URL_SAFE_NO_PAD.encode(p)).collect();
        prop_assert!(refusal(&token.join("."), &[hs256("k")], &rules()).is_some());
    }

    #[test]
    fn fuzz_a_token_with_any_byte_changed_is_refused(at in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f) {
        let whole = token(&good());
        let mut bytes = whole.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = if bytes[at] == byte { byte ^ 1 } else { byte };
        let changed = String::from_utf8(bytes).unwrap();
        prop_assert!(refusal(&changed, &[hs256("k")], &rules()).is_some(), "{changed}");
    }

    #[test]
    fn fuzz_signed_claims_of_any_kind_never_panic(text in any::<String>(), number in any::<f64>(), claim in "exp|nbf|iat|iss|aud") {
        for value in [json!(text), json!(number), json!([text]), json!({"a": number})] {
            let mut claims = good();
            claims[claim.as_str()] = value;
            let _ = refused(&claims);
        }
    }
}
