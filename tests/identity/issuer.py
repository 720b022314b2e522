"""The other side of tests/identity/other_issuers.rs: an issuer that is PyJWT.

Prints one JSON object: for every algorithm a key set member, the same key as PEM (or secret) and a token; and
members that cannot be used, by what is wrong with them.
"""

import base64
import hashlib
import json
import secrets
import sys

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm

SUBJECT = sys.argv[1]
EXPIRES = int(sys.argv[2])
SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value, size=None):
    return base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def pyjwt_jwk(key):
    """As PyJWT writes it. Of X25519 keys (RFC 8037 section 2) it knows nothing."""
    if isinstance(key, x25519.X25519PublicKey):
        return {"kty": "OKP", "crv": "X25519", "x": base64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}
    if isinstance(key, bytes):
        family = HMACAlgorithm
    elif isinstance(key, (rsa.RSAPrivateKey, rsa.RSAPublicKey)):
        family = RSAAlgorithm
    elif isinstance(key, (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)):
        family = ECAlgorithm
    else:
        family = OKPAlgorithm
    jwk = family.to_jwk(key)
    # Newer versions return a dictionary where they are asked to.
    return json.loads(jwk) if isinstance(jwk, str) else jwk


def without_operations(jwk):
    return {name: value for name, value in jwk.items() if name != "key_ops"}


def public_jwk(key):
    return without_operations(pyjwt_jwk(key.public_key()))


def private_jwk(key):
    return without_operations(pyjwt_jwk(key))


def ec_key(curve):
    """One whose numbers have no leading zeros: PyJWT leaves these out, against RFC 7518 section 6.2.1.2."""
    while True:
        key = ec.generate_private_key(curve)
        numbers = key.private_numbers()
        point = numbers.public_numbers
        if min(n.bit_length() for n in (numbers.private_value, point.x, point.y)) > (curve.key_size - 1) // 8 * 8:
            return key


def pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def token(key, alg, kid):
    return jwt.encode({"sub": SUBJECT, "exp": EXPIRES, "alg_used": alg}, key, algorithm=alg, headers={"kid": kid})


rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
private = {
    "RS": rsa_key,
    "PS": rsa.generate_private_key(public_exponent=65537, key_size=3072),
    "ES256": ec_key(ec.SECP256R1()),
    "ES384": ec_key(ec.SECP384R1()),
    "ES512": ec_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}

issued = []
for alg in "HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA".split():
    kid = f"py-{alg}"
    if alg in SECRET_BYTES:
        # Text that is a secret as it stands, so that add_key takes it too.
        text = secrets.token_hex(SECRET_BYTES[alg] // 2 + 8)
        key, jwk, readable = text.encode(), pyjwt_jwk(text.encode()), text
    else:
        key = private.get(alg) or private[alg[:2]]
        jwk, readable = pyjwt_jwk(key.public_key()), pem(key)
    # Some issuers say the use, some the operations; PyJWT says these of RSA.
    if not alg.endswith("256"):
        jwk = dict(without_operations(jwk), use="sig")
    jwk.update(kid=kid, alg=alg)
    issued.append({"alg": alg, "kid": kid, "jwk": jwk, "pem": readable, "token": token(key, alg, kid)})

# As Entra does: no "alg".
without_alg = [
    dict(public_jwk(rsa_key), kid="plain-RS256"),
    dict(public_jwk(private["ES256"]), kid="plain-ES256"),
    dict(public_jwk(private["ES384"]), kid="plain-ES384"),
    dict(public_jwk(private["EdDSA"]), kid="plain-EdDSA", key_ops=["verify"]),
]
plain_tokens = [
    token(rsa_key, "RS256", "plain-RS256"),
    token(private["ES256"], "ES256", "plain-ES256"),
    token(private["ES384"], "ES384", "plain-ES384"),
    token(private["EdDSA"], "EdDSA", "plain-EdDSA"),
]

p521 = public_jwk(private["ES512"])
es256 = public_jwk(private["ES256"])
short_rsa = rsa.generate_private_key(public_exponent=65537, key_size=1024)
unusable = [
    dict(public_jwk(rsa_key), kid="for encryption", use="enc", alg="RSA-OAEP"),
    dict(public_jwk(rsa_key), kid="for signing only", key_ops=["sign"]),
    dict(p521, kid="P-521", alg="ES512"),
    dict(p521, kid="P-521 without alg"),
    {"kty": "oct", "k": base64url(b"too short"), "kid": "short secret", "alg": "HS256"},
    {"kty": "oct", "k": base64url(secrets.token_bytes(32)), "kid": "short for HS512", "alg": "HS512"},
    dict(private_jwk(rsa_key), kid="private RSA", alg="RS256"),
    dict(private_jwk(private["ES256"]), kid="private EC", alg="ES256"),
    dict(private_jwk(private["EdDSA"]), kid="private EdDSA", alg="EdDSA"),
    {"kid": "no kty", "n": "AQAB", "e": "AQAB"},
    dict(public_jwk(x25519.X25519PrivateKey.generate()), kid="X25519"),
    dict(public_jwk(x25519.X25519PrivateKey.generate()), kid="X25519 as EdDSA", alg="EdDSA"),
    dict(public_jwk(short_rsa), kid="short RSA", alg="RS256"),
    dict(es256, kid="EC as RS256", alg="RS256"),
    dict(es256, kid="P-256 as ES384", alg="ES384"),
    dict(public_jwk(rsa_key), kid="RSA as HS256", alg="HS256"),
    dict(es256, kid="cut", alg="ES256", x=es256["x"][:-4]),
    {"kty": "oct", "kid": "unsigned", "alg": "none", "k": base64url(secrets.token_bytes(32))},
    {"kty": "OKP", "crv": "Ed448", "x": base64url(secrets.token_bytes(57)), "kid": "Ed448"},
    dict(es256, kid="", alg="ES256"),
    dict(es256, kid="x" * 256, alg="ES256"),
    "no object",
    None,
]

# Of the right shape, and no keys: whoever adds one should learn it at once.
broken = [
    dict(es256, kid="off the curve", alg="ES256", x=es256["y"], y=es256["x"]),
    dict(public_jwk(private["ES384"]), kid="zero", alg="ES384", x=number(0, 48), y=number(0, 48)),
    # Everybody signs for an RSA key whose exponent is 1.
    dict(public_jwk(rsa_key), kid="exponent of 1", alg="RS256", e=number(1)),
    dict(public_jwk(rsa_key), kid="even exponent", alg="RS256", e=number(2)),
    dict(public_jwk(private["EdDSA"]), kid="no point", alg="EdDSA", x=base64url(b"\x02" + bytes(31))),
    # Of small order: one signature fits every message.
    dict(public_jwk(private["EdDSA"]), kid="small order", alg="EdDSA", x=base64url(b"\x01" + bytes(31))),
]


def unchecked(alg, kid, signature):
    """A token with a signature that nobody made."""
    header = base64url(json.dumps({"alg": alg, "typ": "JWT", "kid": kid}).encode())
    payload = base64url(json.dumps({"sub": SUBJECT, "exp": EXPIRES}).encode())
    return f"{header}.{payload}.{base64url(signature(f'{header}.{payload}'.encode()))}"


def padded_digest(message):
    """RFC 8017 section 9.2: what an RSA signature is with an exponent of 1."""
    digest = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(message).digest()
    return b"\x00\x01" + b"\xff" * (256 - len(digest) - 3) + b"\x00" + digest


broken_tokens = [
    unchecked("ES256", "off the curve", lambda message: bytes(64)),
    unchecked("ES256", "off the curve", lambda message: bytes(31) + b"\x01" + bytes(31) + b"\x01"),
    unchecked("ES384", "zero", lambda message: bytes(96)),
    unchecked("RS256", "exponent of 1", padded_digest),
    unchecked("EdDSA", "small order", lambda message: b"\x01" + bytes(63)),
    unchecked("EdDSA", "no point", lambda message: bytes(64)),
]

# RS256's public key taken for an HMAC secret. PyJWT refuses to do it, so it is done by hand.
rs256 = next(i for i in issued if i["alg"] == "RS256")
confused = []
for secret in (rs256["pem"].encode(), rs256["pem"].strip().encode(), rs256["jwk"]["n"].encode()):
    header = base64url(json.dumps({"alg": "HS256", "typ": "JWT", "kid": rs256["kid"]}).encode())
    payload = base64url(json.dumps({"sub": SUBJECT, "exp": EXPIRES}).encode())
    signature = HMACAlgorithm(HMACAlgorithm.SHA256).sign(f"{header}.{payload}".encode(), secret)
    confused.append(f"{header}.{payload}.{base64url(signature)}")

json.dump(
    {
        "issued": issued,
        "without_alg": without_alg,
        "plain_tokens": plain_tokens,
        "unusable": unusable,
        "broken": broken,
        "broken_tokens": broken_tokens,
        "confused": confused,
        "private_pem": private_pem(rsa_key),
        "short_rsa_pem": pem(short_rsa),
        "p521_pem": pem(private["ES512"]),
    },
    sys.stdout,
)
