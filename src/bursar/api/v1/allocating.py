"""What plans and batches are asked for: an offer from a budget, and people as JSON or as a file."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from pydantic import BaseModel, Field

from bursar.api.auth import actor_of
from bursar.api.v1.schemas import Counted, Id, In, Line, Whole
from bursar.api.v1.uploads import too_large
from bursar.assignments.flows import AllocationRequest
from bursar.assignments.flows.allocations import LARGEST_PRICE_CENTS
from bursar.budgets.selectors import find_budget
from bursar.kernel.errors import NotFound
from bursar.people.access import Permission, customers
from bursar.people.files import LONGEST_TEXT, PeopleFile, PersonRow
from bursar.people.records import people_from_records, read_one

LONGEST_KEY = 255
LONGEST_CELL = 1000
MOST_IN_JSON = 100_000

ContentKey = Annotated[Line, Field(min_length=1, max_length=LONGEST_KEY, examples=["DemoX+D101"])]
Cell = Annotated[str, Field(max_length=LONGEST_CELL)]
Detail = Annotated[str, Field(max_length=LONGEST_TEXT)]


class PersonIn(In):
    """Somebody who is to get a course. A fault in it refuses this person, not the request."""

    email: Annotated[Cell, Field(examples=["ada@example.org"])]
    name: Cell | None = None
    department: Cell | None = None
    language: Cell | None = None
    time_zone: Cell | None = None
    manager_email: Cell | None = None


class ReceiverIn(PersonIn):
    """The one whom an assignment is handed to: a fault in it refuses the request."""

    name: Detail | None = None
    department: Detail | None = None
    language: Detail | None = None
    time_zone: Detail | None = None
    manager_email: Detail | None = None


class OfferIn(In):
    """What is assigned: a course or run, from a budget; without a price, the catalog's."""

    budget: Id
    content_key: ContentKey
    run_key: ContentKey | None = Field(None, description="The run of the course that is preferred.")
    price_cents: Annotated[int, Field(ge=0, le=LARGEST_PRICE_CENTS), Whole] | None = None


class AllocationIn(OfferIn):
    """An offer and the people who are to get it; `line` of each is its place here, from 1."""

    people: Annotated[list[PersonIn], Field(min_length=1, max_length=MOST_IN_JSON)]


class OfferOptions(BaseModel):
    """The same offer, in the address, where the body is the file of people."""

    budget: UUID
    content_key: Line = Field(min_length=1, max_length=LONGEST_KEY)
    run_key: Line | None = Field(None, min_length=1, max_length=LONGEST_KEY)
    price_cents: Annotated[int, Field(ge=0, le=LARGEST_PRICE_CENTS), Counted] | None = None
    encoding: Line | None = Field(
        None, max_length=40, description="Of a CSV file that is neither UTF-8 nor says so itself, such as latin-1."
    )


def offer_of(request: HttpRequest, wanted: OfferIn | OfferOptions) -> AllocationRequest:
    """Return what is asked for; raises `NotFound` for a budget that the caller may not spend."""
    allowed = customers(actor_of(request), Permission.ALLOCATE)
    try:
        budget = find_budget(wanted.budget, allowed)
    except NotFound:
        raise NotFound("There is no such budget here.") from None
    return AllocationRequest(budget, wanted.content_key, wanted.run_key, wanted.price_cents)


def person_of(payload: ReceiverIn) -> PersonRow:
    """Return the one person of a JSON body; raises `BadInput` with the code of what is wrong with them."""
    return read_one(payload.model_dump(exclude_none=True))


def people_of(payload: AllocationIn) -> PeopleFile:
    """Return the people of a JSON body; raises `TooLarge`."""
    records: list[dict[str, Any]] = [person.model_dump(exclude_none=True) for person in payload.people]
    with too_large():
        return people_from_records(records)
