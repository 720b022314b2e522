"""An issuer for the benchmark: new keys, and a token of about 700 bytes signed with each, as JSON."""

import json
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm

SECRET = b"a secret of thirty-two bytes!!!!"
now = int(time.time())
claims = {
    "iss": "https://issuer.example/auth/v1",
    "sub": "6f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11",
    "aud": "authenticated",
    "role": "authenticated",
    "email": "ann@example.com",
    "iat": now,
    "exp": now + 3600,
    "app_metadata": {"provider": "email", "org_id": "aaaaaaaa-0000-4000-8000-000000000001", "roles": ["admin", "editor"]},
    "session_id": "4b938a09-5372-4177-a314-cfa292099ea2",
    "pad": "x" * 32,
}


def new_ec_key():
    """PyJWT 2.6 writes coordinates without leading zeros, which RFC 7518 does not allow: another key then."""
    while True:
        key = ec.generate_private_key(ec.SECP256R1())
        point = key.public_key().public_numbers()
        if min(point.x, point.y) >> 248:
            return key


keys = {
    "HS256": (SECRET, HMACAlgorithm),
    "ES256": (new_ec_key(), ECAlgorithm),
    "EdDSA": (ed25519.Ed25519PrivateKey.generate(), OKPAlgorithm),
    "RS256": (rsa.generate_private_key(65537, 2048), RSAAlgorithm),
}
jwks, tokens = [], {}
for alg, (key, family) in keys.items():
    public = key if alg == "HS256" else key.public_key()
    jwk = family.to_jwk(public)
    jwk = json.loads(jwk) if isinstance(jwk, str) else jwk
    jwk.pop("key_ops", None)
    jwks.append({**jwk, "kid": alg, "alg": alg})
    tokens[alg] = jwt.encode(claims, key, algorithm=alg, headers={"kid": alg})
print(json.dumps({"keys": jwks}))
print(json.dumps(tokens))
print("\\x" + SECRET.hex())
