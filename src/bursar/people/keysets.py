"""Which keys verify a signed token: public ones of the right kind and strength. No Django, no network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

Key = RSAKey | ECKey

KINDS: Final[Mapping[str, type[Key]]] = {"RS256": RSAKey, "RS384": RSAKey, "RS512": RSAKey, "ES256": ECKey}
CURVE: Final = "P-256"
LEAST_RSA_BITS: Final = 2048
MOST_KEYS: Final = 32
PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """One public key; `kid` and `algorithm` are what its owner confines it to, None for neither."""

    key: Key
    kid: str | None = None
    algorithm: str | None = None

    def fits(self, algorithm: str, kid: str | None) -> bool:
        """Tell whether a token signed so, under that name of a key, may have been signed by this one."""
        named = self.kid is None or kid is None or kid == self.kid
        meant = self.algorithm is None or self.algorithm == algorithm
        return named and meant and isinstance(self.key, KINDS[algorithm])


Keys = tuple[VerifyingKey, ...]


def pem_text(given: str) -> str:
    """Return PEM given as text (line breaks may be written as backslash and n) or as a path; raises OSError for a file that cannot be read."""
    if given.lstrip().startswith("-----BEGIN"):
        return given.replace("\\n", "\n")
    return Path(given).read_text(encoding="ascii", errors="replace")


def read_pem(text: str) -> Keys:
    """Return the one public key of a PEM text; raises ValueError, with words that quote nothing of it."""
    if "PRIVATE KEY" in text:
        raise ValueError("holds a private key; the public one is wanted")
    try:
        loaded = load_pem_public_key(text.encode())
    except (ValueError, TypeError) as error:
        raise ValueError("holds no public key as PEM") from error
    strong: Key | None = None
    if isinstance(loaded, RSAPublicKey) and loaded.key_size >= LEAST_RSA_BITS:
        strong = RSAKey.import_key(text)
    elif isinstance(loaded, EllipticCurvePublicKey) and loaded.curve.name == "secp256r1":
        strong = ECKey.import_key(text)
    if strong is None:
        raise ValueError(f"must hold an RSA key of at least {LEAST_RSA_BITS} bits or one on the curve {CURVE}")
    return (VerifyingKey(strong),)


def read_jwks(content: bytes) -> Keys:
    """Return the keys of a JWKS that can verify here; others are passed over. Raises ValueError if it is none."""
    try:
        data = orjson.loads(content)
    except ValueError as error:
        raise ValueError("is not JSON") from error
    listed = data.get("keys") if isinstance(data, dict) else None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise ValueError(f"is no set of at most {MOST_KEYS} keys")
    return tuple(_usable(listed))


def _usable(listed: Iterable[Any]) -> Iterable[VerifyingKey]:
    for data in listed:
        if not isinstance(data, dict) or not _is_for_verifying(data):
            continue
        key = _import(data)
        if key is not None:
            yield VerifyingKey(key, data.get("kid"), data.get("alg"))


def _is_for_verifying(data: Mapping[str, Any]) -> bool:
    """Tell whether a key is public and made for signatures, as far as it says."""
    texts = all(isinstance(data.get(name, ""), str) for name in ("kid", "alg", "use"))
    operations = data.get("key_ops", ["verify"])
    verifies = isinstance(operations, list) and "verify" in operations
    return texts and verifies and data.get("use", "sig") == "sig" and not PRIVATE & data.keys()


def _import(data: Mapping[str, Any]) -> Key | None:
    known = {name: data[name] for name in ("kty", "n", "e", "crv", "x", "y") if isinstance(data.get(name), str)}
    try:
        if known.get("kty") == "RSA":
            rsa = RSAKey.import_key(known)
            return rsa if rsa.public_key.key_size >= LEAST_RSA_BITS else None
        if known.get("kty") == "EC" and known.get("crv") == CURVE:
            point = ECKey.import_key(known)
            return point if point.public_key is not None else None  # a point that is on no curve fails here
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return None
