"""People over our own API: what a customer knows of somebody, all of it for them to have, and forgetting them."""

from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import AfterValidator, Field

from bursar.api.auth import actor_of
from bursar.api.rendering import answer
from bursar.api.v1.etags import EDITED, edit, single
from bursar.api.v1.paging import Paging, filled, page
from bursar.api.v1.schemas import In, Line, Moment, Out, PageOf
from bursar.api.v1.scope import found
from bursar.assignments import flows
from bursar.people import services
from bursar.people.access import Permission, visible
from bursar.people.addresses import LONGEST_ADDRESS, normal_form
from bursar.people.files import LONGEST_TEXT
from bursar.people.keys import key_of
from bursar.people.models import Person
from bursar.people.suppression import stops_of

router: Final = Router(tags=["people"])
DETAILS: Final = services.DETAILS
ORDER: Final = ("uuid",)
ABSENT: Any = None  # a field that is not sent is not changed

Detail = Annotated[Line, Field(max_length=LONGEST_TEXT)]


class PersonOut(Out):
    """What a customer knows of somebody, by address; blank for what is not known."""

    uuid: UUID
    customer: UUID
    email: str
    name: str
    department: str
    language: str
    time_zone: str
    manager_email: str
    lms_user_id: int | None
    created: Moment
    modified: Moment


class PersonPage(PageOf[PersonOut]):
    """A page of people."""


class WholePersonOut(PersonOut):
    """The same, with why mail to them is stopped."""

    mail_stopped: list[str]


class PersonDetails(In):
    """What changes of a person; blank takes it away, and what is left out stays."""

    name: Detail = Field(ABSENT)
    department: Detail = Field(ABSENT)
    language: Detail = Field(ABSENT, examples=["pt-br"])
    time_zone: Detail = Field(ABSENT, examples=["Europe/Lisbon"])
    manager_email: Detail = Field(ABSENT)


class ExportOut(Out):
    """Everything that is known about one person at a customer."""

    exported_at: Moment
    person: dict[str, Any]
    memberships: list[dict[str, Any]]
    mail_stopped: list[str]
    assignments: list[dict[str, Any]] = Field(description="Each with its history, its actions and its transactions.")
    messages: list[dict[str, Any]]
    waiting: list[dict[str, Any]] = Field(description="In allocations that are still being filled.")
    planned: list[dict[str, Any]] = Field(description="In plans that are open.")


class ErasedOut(Out):
    """That somebody was forgotten."""

    person: UUID
    assignments: int = Field(description="From how many the address was removed.")


def _address(text: str) -> str:
    normal_form(text)
    return text


class PersonFilters(Paging):
    """Which people."""

    customer: UUID | None = None
    email: Annotated[Line, AfterValidator(_address)] | None = Field(
        None, max_length=LONGEST_ADDRESS, description="A whole address, in any spelling."
    )


@router.get("/people", response=PersonPage)
def list_people(request: HttpRequest, filters: Query[PersonFilters]) -> HttpResponse:
    """Name the people who are known, in the order of their ids. Takes `assignments.manage`."""
    wanted = {"customer": filters.customer, "address_key": filters.email and key_of(filters.email)}
    rows = visible(Person.objects.filter(erased_at=None), actor_of(request), Permission.MANAGE)
    return page(request, rows.filter(**filled(wanted)), filters, ORDER, person_shape)


@router.get("/people/{uuid:person}", response=WholePersonOut)
def get_person(request: HttpRequest, person: UUID) -> HttpResponse:
    """Tell what is known of somebody."""
    row = _found(request, person)
    stopped = stops_of(row.customer_id, [row.address_key]).get(row.address_key, ())
    return single(person_shape(row) | {"mail_stopped": sorted(stopped)}, row, DETAILS)


@router.patch("/people/{uuid:person}", response=WholePersonOut, openapi_extra=EDITED)
def edit_person(request: HttpRequest, person: UUID, payload: PersonDetails) -> HttpResponse:
    """Change details of somebody; the address is given with the next allocation."""
    row = _found(request, person)
    changes = payload.model_dump(exclude_unset=True)
    edit(request, row, DETAILS, lambda: services.change_person(row.pk, changes))
    return get_person(request, person)


@router.get("/people/{uuid:person}/export", response=ExportOut)
def export_person(request: HttpRequest, person: UUID) -> HttpResponse:
    """Give everything that is known about one person, for them to have."""
    response = answer(flows.export_person(_found(request, person)))
    response["Content-Disposition"] = f'attachment; filename="person-{person}.json"'
    return response


@router.post("/people/{uuid:person}/erase", response=ErasedOut)
def erase_person(request: HttpRequest, person: UUID) -> HttpResponse:
    """Forget one person at once and for good, accepted assignments included; ids, money and dates stay."""
    row = _found(request, person)
    return answer({"person": row.pk, "assignments": flows.erase_person(row, actor=actor_of(request))})


def _found(request: HttpRequest, key: UUID) -> Person:
    return found(request, Person.objects.filter(erased_at=None), key, Permission.MANAGE)


def person_shape(row: Person) -> dict[str, Any]:
    """Return a person as JSON."""
    names = ("uuid", "email", *DETAILS, "lms_user_id", "created", "modified")
    return {name: getattr(row, name) for name in names} | {"customer": row.customer_id}
