"""An issuer of tokens: its key set, then a good, an expired and a forged token for Ada, a line each."""

import json
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm



def new_key():
    """PyJWT 2.6 writes coordinates without leading zeros, which RFC 7518 does not allow: another key then."""
    while True:
        key = ec.generate_private_key(ec.SECP256R1())
        point = key.public_key().public_numbers()
        if min(point.x, point.y) >> 248:
            return key


issuers, mallorys = new_key(), new_key()
now = int(time.time())
ada = {
    "iss": "https://issuer.example",
    "sub": "0000000a-0000-4000-8000-0000000000a1",
    "role": "authenticated",
    "org_id": "aaaaaaaa-0000-4000-8000-000000000001",
    "exp": now + 3600,
}


def sign(claims, key):
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": "2026"})


public = json.loads(ECAlgorithm.to_jwk(issuers.public_key()))
print(json.dumps({"keys": [{**public, "kid": "2026", "alg": "ES256", "use": "sig"}]}))
print(sign(ada, issuers))
print(sign({**ada, "exp": now - 1}, issuers))
print(sign(ada, mallorys))
