//! Keys that tokens are verified with: what is accepted as one, and for which algorithm. Pure.

use crate::error::{Error, Result};
use aws_lc_rs::signature::{
    ParsedPublicKey, VerificationAlgorithm, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED,
};
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use base64::Engine;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// As `add_key` takes them. RFC 7518, and RFC 8037 for EdDSA.
pub const ALGORITHMS: &[&str] = &[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
    "ES384", "EdDSA",
];

/// How `add_key` reads the secret of an HMAC key.
pub const ENCODINGS: &[&str] = &["text", "base64", "base64url", "hex"];

/// NIST's and RFC 7518's least size for RSA.
const LEAST_RSA_BITS: usize = 2048;

/// What a key is made of, as the table has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Material {
    /// For HMAC.
    Secret(Vec<u8>),
    /// A public key as a JSON Web Key (RFC 7517), with nothing in it but the key.
    Public(Value),
}

/// Not printed: it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct NewKey {
    pub kid: String,
    pub algorithm: Algorithm,
    pub material: Material,
}

/// A key ready for verifying. Times are microseconds of Unix time.
pub struct Key {
    pub kid: String,
    pub algorithm: Algorithm,
    pub decoding: DecodingKey,
    pub issuer: Option<String>,
    pub valid_from: Option<i64>,
    pub valid_until: Option<i64>,
}

pub fn algorithm(name: &str) -> Result<Algorithm> {
    // `none` is in no list; and names are compared as they are, RFC 7515 section 4.1.1.
    let known = ALGORITHMS.contains(&name).then(|| name.parse::<Algorithm>().ok()).flatten();
    known.ok_or_else(|| Error::UnknownOption {
        option: "alg",
        value: name.to_string(),
        allowed: ALGORITHMS,
    })
}

#[must_use]
pub fn name_of(algorithm: Algorithm) -> &'static str {
    let same = |name: &&&str| name.parse() == Ok(algorithm);
    ALGORITHMS.iter().find(same).copied().unwrap_or_default()
}

impl NewKey {
    /// From the text that an administrator gives: a secret for HMAC, else a public key as PEM or JWK.
    pub fn read(kid: &str, algorithm_name: &str, key: &str, encoding: &str) -> Result<NewKey> {
        let refuse = |why: &str| Error::BadKey { kid: kid.to_string(), why: why.to_string() };
        if kid.is_empty() || kid.len() > 255 {
            return Err(refuse("a key id has 1 to 255 bytes"));
        }
        let algorithm = algorithm(algorithm_name)?;
        let jwk = serde_json::from_str::<Value>(key).ok().filter(|jwk| jwk.get("kty").is_some());
        let material = if let Some(jwk) = jwk {
            material_of_jwk(&jwk, algorithm).map_err(|why| refuse(&why))?
        } else if algorithm.family() == AlgorithmFamily::Hmac {
            secret(key, encoding, algorithm).map_err(|why| refuse(&why))?
        } else {
            material_of_pem(key, algorithm).map_err(|why| refuse(&why))?
        };
        Ok(NewKey { kid: kid.to_string(), algorithm, material })
    }

    #[must_use]
    pub fn algorithm_name(&self) -> &'static str {
        name_of(self.algorithm)
    }

    /// From one member of a JWKS; an `Err` says why it cannot be used.
    pub fn of_jwk(jwk: &Value) -> Result<NewKey, String> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if text("use").is_some_and(|u| u != "sig") {
            return Err("its \"use\" is not \"sig\"".into());
        }
        let operations = jwk.get("key_ops").and_then(Value::as_array);
        if operations.is_some_and(|ops| !ops.iter().any(|o| o.as_str() == Some("verify"))) {
            return Err("its \"key_ops\" lack \"verify\"".into());
        }
        let name = match (text("alg"), text("kty"), text("crv")) {
            (Some(name), _, _) => name,
            // Where the issuer leaves it out (Entra does), the usual one for such a key.
            (None, Some("RSA"), _) => "RS256",
            (None, Some("EC"), Some("P-256")) => "ES256",
            (None, Some("EC"), Some("P-384")) => "ES384",
            (None, Some("OKP"), Some("Ed25519")) => "EdDSA",
            (None, Some("oct"), _) => "HS256",
            (None, Some(kty), crv) => {
                return Err(format!("keys of type {kty} {} are not supported", crv.unwrap_or("")))
            }
            (None, None, _) => return Err("it has no \"kty\"".into()),
        };
        let algorithm =
            algorithm(name).map_err(|_| format!("its algorithm {name} is not supported"))?;
        let material = material_of_jwk(jwk, algorithm)?;
        let kid = match text("kid") {
            Some(kid) if !kid.is_empty() && kid.len() <= 255 => kid.to_string(),
            Some(_) => return Err("its \"kid\" is empty or longer than 255 bytes".into()),
            None => thumbprint(&material).ok_or("it has no \"kid\"")?,
        };
        Ok(NewKey { kid, algorithm, material })
    }
}

/// RFC 7638: the key id of a public key that came without one.
fn thumbprint(material: &Material) -> Option<String> {
    match material {
        Material::Secret(_) => None,
        Material::Public(jwk) => {
            let jwk: Jwk = serde_json::from_value(jwk.clone()).ok()?;
            jwk.thumbprint(ThumbprintHash::SHA256).ok()
        }
    }
}

fn secret(text: &str, encoding: &str, algorithm: Algorithm) -> Result<Material, String> {
    if text.contains("-----BEGIN") {
        return Err("a PEM key is no secret for HMAC: whoever has the public key could sign".into());
    }
    let bytes = match encoding {
        "text" => Some(text.as_bytes().to_vec()),
        "base64" => STANDARD.decode(text.trim()).ok(),
        "base64url" => URL_SAFE_NO_PAD.decode(text.trim().trim_end_matches('=')).ok(),
        "hex" => unhex(text.trim()),
        _ => None,
    };
    let bytes = bytes.ok_or_else(|| format!("it is not {encoding}"))?;
    long_enough(bytes, algorithm)
}

/// RFC 7518 section 3.2: a secret is at least as long as the hash.
fn long_enough(bytes: Vec<u8>, algorithm: Algorithm) -> Result<Material, String> {
    let least = match algorithm {
        Algorithm::HS384 => 48,
        Algorithm::HS512 => 64,
        _ => 32,
    };
    if bytes.len() < least {
        return Err(format!(
            "the secret has {} bytes, {algorithm:?} needs at least {least} (RFC 7518 section 3.2)",
            bytes.len()
        ));
    }
    Ok(Material::Secret(bytes))
}

pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let hex = text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit());
    hex.then(|| text.as_bytes().chunks(2).map(pair).collect()).flatten()
}

fn material_of_pem(pem: &str, algorithm: Algorithm) -> Result<Material, String> {
    if pem.contains("PRIVATE KEY-----") {
        return Err(
            "it is a private key; the database needs the public one only (openssl pkey -pubout)"
                .into(),
        );
    }
    if pem.contains("BEGIN CERTIFICATE-----") {
        return Err("it is a certificate; give its public key (openssl x509 -noout -pubkey)".into());
    }
    let bytes = pem.trim().as_bytes();
    let key = match algorithm.family() {
        AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(bytes),
        AlgorithmFamily::Ec => DecodingKey::from_ec_pem(bytes),
        AlgorithmFamily::Ed => DecodingKey::from_ed_pem(bytes),
        AlgorithmFamily::Hmac => return Err("a PEM key is no secret for HMAC".into()),
    };
    let key = key.map_err(|_| format!("it is no public key in PEM for {algorithm:?}"))?;
    let jwk = Jwk::from_decoding_key(&key, None)
        .map_err(|_| format!("it is no public key for {algorithm:?}"))?;
    fitting(jwk, algorithm)
}

fn material_of_jwk(jwk: &Value, algorithm: Algorithm) -> Result<Material, String> {
    if ["d", "p", "q", "dp", "dq", "qi"].iter().any(|member| jwk.get(member).is_some()) {
        return Err(
            "it is a private key; the database needs the public one only. Consider it disclosed"
                .into(),
        );
    }
    let parsed: Jwk = serde_json::from_value(jwk.clone())
        .map_err(|_| "it is no JSON Web Key (RFC 7517)".to_string())?;
    fitting(parsed, algorithm)
}

/// The key alone, if the algorithm can use it.
fn fitting(jwk: Jwk, algorithm: Algorithm) -> Result<Material, String> {
    let unfit = |what: &str| Err(format!("{what} cannot be used with {algorithm:?}"));
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
    match &jwk.algorithm {
        AlgorithmParameters::OctetKey(key) => {
            if algorithm.family() != AlgorithmFamily::Hmac {
                return unfit("a secret");
            }
            long_enough(decode(&key.value).ok_or("its \"k\" is not base64url")?, algorithm)
        }
        AlgorithmParameters::RSA(key) => {
            if algorithm.family() != AlgorithmFamily::Rsa {
                return unfit("an RSA key");
            }
            let modulus = decode(&key.n).ok_or("its \"n\" is not base64url")?;
            let bits = bits(&modulus);
            if bits < LEAST_RSA_BITS {
                return Err(format!("the RSA key has {bits} bits, {LEAST_RSA_BITS} are the least"));
            }
            let exponent = decode(&key.e).ok_or("its \"e\" is not base64url")?;
            if exponent.last().is_none_or(|last| last % 2 == 0) || self::bits(&exponent) < 2 {
                return Err(
                    "its \"e\" is not an odd number from 3 up: anybody could sign for it".into()
                );
            }
            usable(jwk.clone(), algorithm)
        }
        AlgorithmParameters::EllipticCurve(key) => {
            let (wanted, size) = match algorithm {
                Algorithm::ES256 => (EllipticCurve::P256, 32),
                Algorithm::ES384 => (EllipticCurve::P384, 48),
                _ => return unfit("an elliptic-curve key"),
            };
            let whole = |c: &str| decode(c).is_some_and(|bytes| bytes.len() == size);
            if key.curve != wanted {
                return unfit(&format!("a key on another curve than {wanted:?}"));
            }
            if !whole(&key.x) || !whole(&key.y) {
                return Err(format!("its \"x\" and \"y\" are not {size} bytes of base64url each"));
            }
            usable(jwk.clone(), algorithm)
        }
        AlgorithmParameters::OctetKeyPair(key) => {
            if algorithm.family() != AlgorithmFamily::Ed || key.curve != EllipticCurve::Ed25519 {
                return unfit("an Edwards-curve key, or one on another curve than Ed25519,");
            }
            let point = decode(&key.x).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            let point = point.ok_or("its \"x\" is not 32 bytes of base64url")?;
            let point = ed25519_dalek::VerifyingKey::from_bytes(&point)
                .map_err(|_| "its \"x\" is no point of the curve")?;
            if point.is_weak() {
                return Err("its \"x\" is a point of small order: anybody could sign for it".into());
            }
            usable(jwk.clone(), algorithm)
        }
        _ => Err("keys of its type are not supported".into()),
    }
}

fn usable(mut jwk: Jwk, algorithm: Algorithm) -> Result<Material, String> {
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| format!("it is no key for {algorithm:?}"))?;
    let curve: Option<&'static dyn VerificationAlgorithm> = match algorithm {
        Algorithm::ES256 => Some(&ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Some(&ECDSA_P384_SHA384_FIXED),
        _ => None,
    };
    if let (Some(curve), Ok(point)) = (curve, key.try_get_as_bytes()) {
        ParsedPublicKey::new(curve, point)
            .map_err(|_| "its \"x\" and \"y\" are no point of the curve")?;
    }
    jwk.common = jsonwebtoken::jwk::CommonParameters {
        public_key_use: Some(PublicKeyUse::Signature),
        ..Default::default()
    };
    serde_json::to_value(&jwk).map(Material::Public).map_err(|error| error.to_string())
}

fn bits(modulus: &[u8]) -> usize {
    let significant = modulus.iter().skip_while(|b| **b == 0);
    let (bytes, first) = (significant.clone().count(), significant.clone().next());
    first.map_or(0, |first| bytes * 8 - first.leading_zeros() as usize)
}

impl Material {
    pub fn decoding(&self) -> Option<DecodingKey> {
        match self {
            Material::Secret(bytes) => Some(DecodingKey::from_secret(bytes)),
            Material::Public(jwk) => {
                let jwk: Jwk = serde_json::from_value(jwk.clone()).ok()?;
                DecodingKey::from_jwk(&jwk).ok()
            }
        }
    }
}
