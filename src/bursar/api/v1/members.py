"""Members over our own API: who belongs to a customer and as what; nobody gives a role that is more than their own."""

from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from bursar.api.auth import actor_of
from bursar.api.rendering import answer
from bursar.api.v1.errors import Forbidden
from bursar.api.v1.paging import Paging, filled, page
from bursar.api.v1.schemas import In, Line, Moment, Out, PageOf, QueryFlag
from bursar.api.v1.scope import found, require
from bursar.kernel.errors import NotFound
from bursar.people import services
from bursar.people.access import Permission, lacked
from bursar.people.addresses import LONGEST_ADDRESS
from bursar.people.models import Customer, Membership, Role
from bursar.people.selectors import address_of

router: Final = Router(tags=["members"])


class MemberOut(Out):
    """A role at a customer, of a person known by address or of a user."""

    uuid: UUID
    customer: UUID
    role: Role
    email: str
    pending: bool = Field(description="They have no account yet; the role waits for it.")
    person: UUID | None
    user: int | None
    created: Moment


class MemberPage(PageOf[MemberOut]):
    """A page of members."""


class MemberIn(In):
    """Somebody by address, and what they are to be."""

    email: Annotated[Line, Field(min_length=3, max_length=LONGEST_ADDRESS, examples=["ada@example.org"])]
    role: Annotated[str, Field(json_schema_extra={"enum": Role.values})]


class MemberFilters(Paging):
    """Which members."""

    role: Role | None = None
    pending: QueryFlag | None = None


@router.get("/customers/{uuid:customer}/members", response=MemberPage)
def list_members(request: HttpRequest, customer: UUID, filters: Query[MemberFilters]) -> HttpResponse:
    """Name the members of a customer. Takes `customer.administer`."""
    owner = _customer(request, customer)
    wanted = filled({"role": filters.role, "user__isnull": filters.pending})
    rows = Membership.objects.filter(customer=owner, **wanted).select_related("person", "user")
    return page(request, rows, filters, ("uuid",), member_shape)


@router.post("/customers/{uuid:customer}/members", response={201: MemberOut})
def add_member(request: HttpRequest, customer: UUID, payload: MemberIn) -> HttpResponse:
    """Give somebody a role, at once or as soon as they have an account with this address; again changes nothing."""
    owner = _customer(request, customer)
    _refuse_more(request, payload.role, owner.pk)
    row = services.add_member(owner.pk, payload.email, payload.role, actor=actor_of(request))
    return answer(member_shape(row), 201)


@router.delete("/customers/{uuid:customer}/members/{uuid:member}", response={204: None})
def remove_member(request: HttpRequest, customer: UUID, member: UUID) -> HttpResponse:
    """Take a role away, at once; `last_admin` where nobody would be left to administer. What was assigned stays."""
    owner = _customer(request, customer)
    row = Membership.objects.filter(pk=member, customer=owner).first()
    if row is None:
        raise NotFound("There is no such thing here.")
    _refuse_more(request, row.role, owner.pk)
    services.take_role(row.pk, actor=actor_of(request))
    return HttpResponse(status=204)


def member_shape(row: Membership) -> dict[str, Any]:
    """Return a member as JSON."""
    return {
        "uuid": row.pk,
        "customer": row.customer_id,
        "role": row.role,
        "email": row.person.email if row.person else address_of(row.user),
        "pending": row.pending,
        "person": row.person_id,
        "user": row.user_id,
        "created": row.created,
    }


def _customer(request: HttpRequest, key: UUID) -> Customer:
    row = found(request, Customer.objects.all(), key, customer_field="pk")
    require(request, Permission.ADMINISTER, row.pk)
    return row


def _refuse_more(request: HttpRequest, role: str, customer: UUID) -> None:
    if missing := lacked(actor_of(request), role, (), customer):
        words = f"The role {role} may do what you may not; nobody gives or takes more than they have."
        raise Forbidden(words, code="beyond_own_permissions", permissions=missing)
