"""API tokens: made once, shown once, recognised by their digest, taken back at once."""

import hashlib
import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import DatabaseError
from django.db.models import F

from bursar.kernel import clock
from bursar.kernel.actor import SYSTEM, Actor
from bursar.kernel.errors import BadInput, NotFound
from bursar.kernel.lookup import as_uuid
from bursar.kernel.transactions import writes
from bursar.people.access import Permission
from bursar.people.auditing import About, Act, record_act
from bursar.people.models import ApiToken, Role

MARK: Final = "bursar_"
SECRET_BYTES: Final = 32
PREFIX_LENGTH: Final = 15
LONGEST_TEXT: Final = 100
LONGEST_NAME: Final = 255
USE_IS_NOTED_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made. `text` is the secret itself: it is nowhere else, and cannot be had again."""

    token: ApiToken
    text: str = field(repr=False)


@writes
def create_token(  # noqa: PLR0913  a token is these facts
    name: str,
    *,
    user_id: int | None = None,
    customer: UUID | None = None,
    role: str = "",
    scopes: Collection[str] = (),
    expires_at: datetime | None = None,
    actor: Actor = SYSTEM,
) -> NewToken:
    """Make a token for a user, or for a role at a customer (operators: at none, for everywhere).

    `scopes` are permissions to which it is confined, `expires_at` (aware) is when it ends. Raises `BadInput`:
    `missing_name`, `too_long`, `invalid_token_owner`, `unknown_role`, `missing_customer`, `unknown_scope`,
    `invalid_dates`.
    """
    _check_name(name)
    _check_owner(user_id, customer, role)
    if unknown := sorted(set(scopes) - set(Permission)):
        raise BadInput(f"A scope is one of {', '.join(Permission)}.", code="unknown_scope", scopes=unknown)
    if expires_at is not None and expires_at <= clock.now():
        raise BadInput("A token ends in the future.", code="invalid_dates")
    text = MARK + secrets.token_urlsafe(SECRET_BYTES)
    token = ApiToken.objects.create(
        name=name.strip(), user_id=user_id, customer_id=customer, role=role, prefix=text[:PREFIX_LENGTH],
        digest=_digest(text), scopes=sorted(set(scopes)), expires_at=expires_at,
    )  # fmt: skip
    about = About(token.pk, user_id)
    record_act(actor, Act.TOKEN_MADE, customer, about, role=role, scopes=token.scopes)
    return NewToken(token, text)


@writes
def revoke_token(token: UUID, *, actor: Actor = SYSTEM) -> ApiToken:
    """Take a token back, at once and for good; doing it again changes nothing. Raises `NotFound`."""
    row = ApiToken.objects.select_for_update().filter(pk=token).first()
    if row is None:
        raise NotFound("There is no such token.")
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        row.save(update_fields=["revoked_at"])
        record_act(actor, Act.TOKEN_REVOKED, row.customer_id, About(row.pk, row.user_id), role=row.role)
    return row


def tokens_at(customer: UUID, *, limit: int) -> list[ApiToken]:
    """Return the tokens that speak for a role at a customer, those that are revoked last, then the newest first."""
    rows = ApiToken.objects.filter(customer=customer).order_by(
        F("revoked_at").asc(nulls_first=True), "-created", "uuid"
    )
    return list(rows[:limit])


def token_owner(text: str) -> Actor | None:
    """Return who speaks by this token, or None when it is none of ours, revoked or over, or its user is inactive.

    What the actor may do is asked of `people.access`, which looks at the token again: a revoked one may nothing.
    """
    if not text.startswith(MARK) or len(text) > LONGEST_TEXT or not text.isascii():
        return None
    token = ApiToken.objects.select_related("user__bursar_profile").filter(digest=_digest(text)).first()
    if token is None or not token.is_live(clock.now()) or not getattr(token.user, "is_active", True):
        return None
    _note_use(token)
    profile = getattr(token.user, "bursar_profile", None)
    return Actor("client", str(token.pk), token.user_id, profile.lms_user_id if profile else None)


def _note_use(token: ApiToken) -> None:
    """Write down that a token is used, at most once an hour, and not in the hour in which it was made.

    What keeps that from being written keeps nobody from asking.
    """
    now = clock.now()
    if (token.used_at or token.created) > now - USE_IS_NOTED_EVERY:
        return
    with suppress(DatabaseError):
        ApiToken.objects.filter(pk=token.pk).update(used_at=now)


def ends_with(actor: Actor) -> datetime | None:
    """Return when the token by which a client speaks ends; None for never, and for whoever speaks without one."""
    key = as_uuid(actor.name) if actor.kind == "client" else None
    return ApiToken.objects.filter(pk=key).values_list("expires_at", flat=True).first() if key else None


def _digest(text: str) -> str:
    """Return what is kept of a token: with 256 random bits nothing slower is needed."""
    return hashlib.sha256(text.encode()).hexdigest()


def _check_name(name: str) -> None:
    if not name.strip():
        raise BadInput("A token needs a name.", code="missing_name")
    if len(name) > LONGEST_NAME:
        raise BadInput(f"A name has at most {LONGEST_NAME} characters.", code="too_long")


def _check_owner(user_id: int | None, customer: UUID | None, role: str) -> None:
    if (user_id is None) == (not role) or (user_id is not None and customer is not None):
        raise BadInput("A token speaks either for a user or for a role.", code="invalid_token_owner")
    if user_id is None and role not in Role.values:
        raise BadInput(f"A role is one of {', '.join(Role.values)}.", code="unknown_role")
    if user_id is None and customer is None and role != Role.OPERATOR:
        raise BadInput("Only operators have a role without a customer.", code="missing_customer")
