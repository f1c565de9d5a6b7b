"""API tokens over our own API: shown once, taken back at once, and never good for more than whoever makes them."""

from typing import Annotated, Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from bursar.api.auth import actor_of
from bursar.api.rendering import answer
from bursar.api.v1.errors import Forbidden
from bursar.api.v1.paging import Paging, filled, page
from bursar.api.v1.schemas import Id, In, Line, Moment, Out, PageOf, QueryFlag
from bursar.api.v1.scope import require_at
from bursar.kernel.actor import Actor
from bursar.kernel.errors import NotFound
from bursar.people.access import Permission, customers, lacked
from bursar.people.models import ApiToken, Role
from bursar.people.tokens import LONGEST_NAME, create_token, ends_with, revoke_token

router: Final = Router(tags=["tokens"])
ORDER: Final = ("created", "uuid")


class TokenOut(Out):
    """A token, without its text."""

    uuid: UUID
    name: str
    prefix: str = Field(description="How its text begins.")
    customer: UUID | None = Field(description="Where its role holds; null for everywhere, or for a user's token.")
    role: str = Field(description="What it speaks as; empty for a user's token.")
    user: int | None
    scopes: list[str] = Field(description="Permissions to which it is confined; none for all of the role.")
    expires_at: Moment | None
    revoked_at: Moment | None
    created: Moment
    used_at: Moment | None = Field(
        description="When it was last used, to the hour; null for never since the hour in which it was made."
    )


class TokenPage(PageOf[TokenOut]):
    """A page of tokens."""


class NewTokenOut(TokenOut):
    """A token just made."""

    token: str = Field(description="The text itself: shown this once; only its digest is kept.")


class TokenIn(In):
    """A token for a role at a customer, or, without a role, for yourself."""

    name: Annotated[Line, Field(min_length=1, max_length=LONGEST_NAME, examples=["Nightly import"])]
    role: Annotated[str, Field(json_schema_extra={"enum": ["", *Role.values]})] = ""
    customer: Id | None = None
    scopes: Annotated[list[Annotated[str, Field(json_schema_extra={"enum": [*Permission]})]], Field(max_length=20)] = []
    expires_at: Moment | None = None


class TokenFilters(Paging):
    """Which tokens."""

    customer: UUID | None = None
    revoked: QueryFlag | None = None


@router.get("/tokens", response=TokenPage)
def list_tokens(request: HttpRequest, filters: Query[TokenFilters]) -> HttpResponse:
    """Name the tokens of the customers where you have `customer.administer`, and your own."""
    revoked = None if filters.revoked is None else not filters.revoked
    wanted = filled({"customer": filters.customer, "revoked_at__isnull": revoked})
    return page(request, _visible(request).filter(**wanted), filters, ORDER, token_shape)


@router.post("/tokens", response={201: NewTokenOut})
def create_api_token(request: HttpRequest, payload: TokenIn) -> HttpResponse:
    """Make a token; its text is in this answer and nowhere else, so an Idempotency-Key has no meaning here.

    A role's token takes `customer.administer` there. It can do nothing that you cannot, nor outlast the token by which
    you ask. A token for yourself is made by signing in, not by another token.
    """
    actor = actor_of(request)
    if payload.role:
        require_at(request, Permission.ADMINISTER, payload.customer)
        _refuse_more(actor, payload)
    elif actor.kind != "person":
        raise Forbidden("Sign in to make a token for yourself; a token makes those of roles.", code="not_a_person")
    user = None if payload.role else actor.user_id
    terms = payload.model_dump(include={"name", "customer", "role", "scopes", "expires_at"})
    made = create_token(user_id=user, actor=actor, **terms)
    body = token_shape(made.token) | {"token": made.text}
    return answer(body, 201)


@router.delete("/tokens/{uuid:token}", response=TokenOut)
def revoke_api_token(request: HttpRequest, token: UUID) -> HttpResponse:
    """Take a token back, at once and for good; again changes nothing."""
    row = _visible(request).filter(pk=token).first()
    if row is None:
        raise NotFound("There is no such thing here.")
    actor = actor_of(request)
    if row.role and (missing := lacked(actor, row.role, row.scopes, row.customer_id)):
        raise _beyond(missing)
    return answer(token_shape(revoke_token(row.pk, actor=actor)))


def token_shape(row: ApiToken) -> dict[str, Any]:
    """Return a token as JSON."""
    names = ("uuid", "name", "prefix", "role", "scopes", "expires_at", "revoked_at", "created", "used_at")
    return {name: getattr(row, name) for name in names} | {"customer": row.customer_id, "user": row.user_id}


def _visible(request: HttpRequest) -> "QuerySet[ApiToken]":
    actor = actor_of(request)
    allowed = customers(actor, Permission.ADMINISTER)
    if allowed is None:
        return ApiToken.objects.all()
    own = Q(user_id=actor.user_id) if actor.kind == "person" and actor.user_id is not None else Q(pk=None)
    return ApiToken.objects.filter(Q(customer__in=allowed) | own)


def _refuse_more(actor: Actor, payload: TokenIn) -> None:
    if missing := lacked(actor, payload.role, payload.scopes, payload.customer):
        raise _beyond(missing)
    end = ends_with(actor)
    if end is not None and (payload.expires_at is None or payload.expires_at > end):
        raise Forbidden("A token cannot outlast the one it is made by.", code="beyond_own_end", expires_at=end)


def _beyond(missing: list[Permission]) -> Forbidden:
    return Forbidden("It may do what you may not.", code="beyond_own_permissions", permissions=missing)
