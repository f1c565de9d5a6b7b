"""Customers over our own API: what they are called, and how their mails look."""

from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from bursar.api.auth import actor_of
from bursar.api.idempotency import Reply
from bursar.api.v1.etags import EDITED, edit, single
from bursar.api.v1.once import KEYABLE, made, once_if_keyed
from bursar.api.v1.paging import Paging, filled, page
from bursar.api.v1.schemas import In, Line, Moment, Out, PageOf, QueryFlag
from bursar.api.v1.scope import found, require
from bursar.people import services
from bursar.people.access import Permission, visible
from bursar.people.addresses import LONGEST_ADDRESS
from bursar.people.models import Customer
from bursar.people.services import LONGEST_SLUG

router: Final = Router(tags=["customers"])
TERMS: Final = (
    *("slug", "name", "contact_email", "language", "time_zone", "brand_color", "logo_url", "show_price", "active"),
    "modified",
)
OF_OPERATORS: Final = frozenset({"slug", "active"})
ABSENT: Any = None  # a field that is not sent is not changed

Name = Annotated[Line, Field(min_length=1, max_length=255, examples=["Lanternworks"])]
Slug = Annotated[str, Field(max_length=LONGEST_SLUG, pattern="^[a-z0-9]+(?:[-_]+[a-z0-9]+)*$")]
Address = Annotated[Line, Field(max_length=LONGEST_ADDRESS, examples=["training@example.org"])]
Language = Annotated[Line, Field(min_length=2, max_length=16, examples=["en"])]
Zone = Annotated[Line, Field(min_length=1, max_length=64, examples=["Europe/Vienna"])]
Color = Annotated[str, Field(pattern="^#[0-9A-Fa-f]{6}$", examples=["#1f5f5b"])]
Logo = Annotated[Line, Field(max_length=200, examples=["https://example.org/logo.png"])]


class CustomerOut(Out):
    """An organisation that assigns."""

    uuid: UUID
    slug: str
    name: str
    contact_email: str
    language: str
    time_zone: str
    brand_color: str
    logo_url: str
    show_price: bool = Field(description="Whether mails to learners name the price.")
    active: bool
    created: Moment
    modified: Moment


class CustomerPage(PageOf[CustomerOut]):
    """A page of customers."""


class CustomerIn(In):
    """A new customer; the slug is made of the name where none is given."""

    name: Name
    slug: Slug = Field(ABSENT, description="Lower-case letters and digits, joined by hyphens.")
    contact_email: Address = ""
    language: Language = "en"
    time_zone: Zone = "UTC"
    brand_color: Color = "#1f5f5b"
    logo_url: Logo = ""
    show_price: bool = False


class CustomerChange(In):
    """What changes; what is left out stays. `slug` and `active` take `configuration.write`."""

    name: Name = Field(ABSENT)
    slug: Slug = Field(ABSENT)
    contact_email: Address = Field(ABSENT)
    language: Language = Field(ABSENT)
    time_zone: Zone = Field(ABSENT)
    brand_color: Color = Field(ABSENT)
    logo_url: Logo = Field(ABSENT)
    show_price: bool = Field(ABSENT)
    active: bool = Field(ABSENT)


class CustomerFilters(Paging):
    """Which customers."""

    slug: Slug | None = None
    active: QueryFlag | None = None


@router.get("/customers", response=CustomerPage)
def list_customers(request: HttpRequest, filters: Query[CustomerFilters]) -> HttpResponse:
    """Name the customers that you may look at, by slug."""
    rows = visible(Customer.objects.all(), actor_of(request), Permission.READ_CUSTOMER, customer_field="pk")
    wanted = rows.filter(**filled({"slug": filters.slug, "active": filters.active}))
    return page(request, wanted, filters, ("slug",), customer_shape)


@router.post("/customers", response={201: CustomerOut}, openapi_extra=KEYABLE)
def create_customer(request: HttpRequest, payload: CustomerIn) -> HttpResponse:
    """Make a customer. Takes `configuration.write` everywhere; refused (`slug_taken`) where the slug is in use."""
    require(request, Permission.CONFIGURE, None)
    terms = payload.model_dump(exclude_unset=True)
    return once_if_keyed(request, None, lambda: services.create_customer(**terms), _made)


@router.get("/customers/{uuid:customer}", response=CustomerOut)
def get_customer(request: HttpRequest, customer: UUID) -> HttpResponse:
    """Tell what is known of a customer."""
    row = found(request, Customer.objects.all(), customer, customer_field="pk")
    return single(customer_shape(row), row, TERMS)


@router.patch("/customers/{uuid:customer}", response=CustomerOut, openapi_extra=EDITED)
def edit_customer(request: HttpRequest, customer: UUID, payload: CustomerChange) -> HttpResponse:
    """Change a customer's name, contact and the look of its mails. Takes `customer.administer`."""
    row = found(request, Customer.objects.all(), customer, customer_field="pk")
    changes = payload.model_dump(exclude_unset=True)
    require(request, Permission.ADMINISTER, row.pk)
    if OF_OPERATORS & changes.keys():
        require(request, Permission.CONFIGURE, row.pk)
    actor = actor_of(request)
    done = edit(request, row, TERMS, lambda: services.change_customer(row.pk, changes, actor=actor))
    return single(customer_shape(done), done, TERMS)


def customer_shape(row: Customer) -> dict[str, Any]:
    """Return a customer as JSON."""
    return {name: getattr(row, name) for name in ("uuid", *TERMS, "created")}


def _made(row: Customer) -> Reply:
    return made(customer_shape(row), "get_customer", customer=row.pk)
