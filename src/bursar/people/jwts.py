"""Which signed tokens (JWT) are believed, and what they say of who is asking. Everything unclear is refused."""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import orjson
from joserfc import jws
from joserfc.errors import JoseError

from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.lookup import as_uuid
from bursar.people.keysets import KINDS, Keys
from bursar.people.models import Profile, Role
from bursar.people.models.members import LARGEST_LMS_USER_ID

LONGEST: Final = 16_384
LONGEST_KID: Final = 255
PARTS: Final = 3
LEEWAY_SECONDS: Final = 30
TYPES: Final = frozenset({"jwt", "at+jwt"})
EVERYWHERE: Final = "*"
# How Open edX names roles, and what they are here.
ROLES: Final[Mapping[str, str]] = {
    "enterprise_learner": Role.LEARNER,
    "enterprise_admin": Role.ADMIN,
    "enterprise_openedx_operator": Role.OPERATOR,
}
KeysFor = Callable[[str, str | None], Keys]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a token must say to be believed."""

    issuer: str
    audiences: frozenset[str]
    algorithms: frozenset[str]
    max_age: timedelta


def read_claims(text: str, terms: Terms, keys_for: KeysFor) -> Mapping[str, Any] | None:
    """Return what a token claims, once its signature, type, issuer, audience and times are right; else None.

    `keys_for(algorithm, kid)` returns the keys that may have signed it: the token only picks among those that we have.
    What else its head says of keys (jwk, jku, x5u, …) is not looked at, and what it declares critical is refused.
    """
    header = _header(text)
    if header is None or not _is_acceptable(header, terms):
        return None
    payload = _verified(text, header, keys_for(header["alg"], header.get("kid")))
    claims = _json(payload) if payload is not None else None
    return claims if claims is not None and _is_for_us(claims, terms) and _is_timely(claims, terms) else None


def actor_of(claims: Mapping[str, Any]) -> Actor | None:
    """Return the person that believed claims speak of: their id in the learning platform, our user behind it, roles.

    None for a user who was made inactive here, for one without an id, and for an application that is confined to
    scopes, which nobody here could check (Open edX: `is_restricted`). Being staff of the platform is no role here.
    """
    number = claims.get("user_id")
    if type(number) is not int or not 0 < number <= LARGEST_LMS_USER_ID or claims.get("is_restricted"):
        return None
    profile = Profile.objects.select_related("user").filter(lms_user_id=number).first()
    if profile is None:
        return Actor("person", f"learner {number}", None, number, roles_of(claims))
    if not getattr(profile.user, "is_active", True):
        return None
    return Actor("person", f"user {profile.user_id}", profile.user_id, number, roles_of(claims))


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody of the learning platform whom nobody here knows yet, with an address that the platform has proven."""

    lms_user_id: int
    email: str = field(repr=False)
    name: str = field(repr=False)


def newcomer_of(claims: Mapping[str, Any], actor: Actor) -> Newcomer | None:
    """Return who would have an account here if they were known, or None: known, nobody, or without a proven address."""
    email, name = claims.get("email"), claims.get("name")
    if actor.user_id is not None or actor.lms_user_id is None or claims.get("email_verified") is not True:
        return None
    if not isinstance(email, str) or not email:
        return None
    return Newcomer(actor.lms_user_id, email, name if isinstance(name, str) else "")


def roles_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the roles as actors have them: at a customer, or everywhere (`*`)."""
    listed = claims.get("roles")
    found: dict[str, None] = {}
    for claim in listed if isinstance(listed, list) else ():
        name, _, where = str(claim).partition(":")
        role, customer = ROLES.get(name), as_uuid(where)
        if role is not None and where == EVERYWHERE:
            found[f"{role}:{EVERYWHERE}"] = None
        elif role is not None and customer is not None:
            found[f"{role}:{customer}"] = None
    return tuple(found)


def _header(text: str) -> dict[str, Any] | None:
    if len(text) > LONGEST or not text.isascii() or text.count(".") != PARTS - 1:
        return None
    encoded = text.partition(".")[0]
    try:
        return _json(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (binascii.Error, ValueError):
        return None


def _json(content: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _is_acceptable(header: Mapping[str, Any], terms: Terms) -> bool:
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or algorithm not in terms.algorithms & KINDS.keys() or "crit" in header:
        return False
    if kid is not None and (not isinstance(kid, str) or len(kid) > LONGEST_KID):
        return False
    return isinstance(kind, str) and kind.lower().removeprefix("application/") in TYPES


def _verified(text: str, header: Mapping[str, Any], keys: Keys) -> bytes | None:
    registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
    registry.max_header_length = LONGEST
    for candidate in keys:
        try:
            found = jws.deserialize_compact(text, candidate.key, registry=registry)
        except (JoseError, ValueError, TypeError):
            continue
        if found.headers() == header:
            return found.payload
    return None


def _is_for_us(claims: Mapping[str, Any], terms: Terms) -> bool:
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    return claims.get("iss") == terms.issuer and any(isinstance(a, str) and a in terms.audiences for a in named)


def _is_timely(claims: Mapping[str, Any], terms: Terms) -> bool:
    """Tell whether a token is good now: issued before now and not too long ago, begun, and not over."""
    now = clock.now().timestamp()
    issued, expires, begins = claims.get("iat"), claims.get("exp"), claims.get("nbf", 0)
    if not _are_numbers((issued, expires, begins)):
        return False
    started = max(issued, begins) <= now + LEEWAY_SECONDS
    oldest = now - terms.max_age.total_seconds() - LEEWAY_SECONDS
    return started and issued >= oldest and expires > now - LEEWAY_SECONDS  # type: ignore[operator]


def _are_numbers(values: Collection[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
