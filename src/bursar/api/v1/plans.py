"""Plans over our own API: what an allocation would do, row by row, and doing exactly that."""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Query, Router
from pydantic import Field

from bursar.api.auth import actor_of
from bursar.api.rendering import answer
from bursar.api.v1.allocating import AllocationIn, OfferOptions, offer_of, people_of
from bursar.api.v1.batches import BatchOut, opened
from bursar.api.v1.once import KEYED, once
from bursar.api.v1.paging import Paging, filled, page, page_by
from bursar.api.v1.schemas import In, Moment, Out, PageOf
from bursar.api.v1.uploads import FILE, read_upload
from bursar.assignments import flows, services
from bursar.assignments.models import AllocationPlan, PlanState
from bursar.assignments.services import Offer
from bursar.assignments.services.plans import PlacedRow
from bursar.people.files import PeopleFile

router: Final = Router(tags=["plans"])
ORDER: Final = ("-created", "-uuid")
DIGEST: Final = "^[0-9a-f]{64}$"


class PlanCounts(Out):
    """How many rows come to what."""

    created: int
    updated: int
    unchanged: int
    twin: int
    refused: int


class PlanOut(Out):
    """What an allocation would do. Amounts are cents; `available_after_cents` is null where the money does not suffice."""

    uuid: UUID
    customer: UUID
    budget: UUID
    state: PlanState
    digest: str = Field(description="Names all of it: send it when you apply the plan.")
    content_key: str
    content_title: str
    run_key: str | None
    price_cents: int
    people: int
    rows: PlanCounts
    charged_cents: int
    available_before_cents: int
    available_after_cents: int | None
    refusal: dict[str, Any] | None = Field(description="Why it was refused for lack of money when it was made.")
    expires_at: Moment = Field(description="When an assignment made when the plan was would expire.")
    expires_reason: str
    applicable_until: Moment
    batch: UUID | None = Field(description="What it became.")
    created: Moment


class PlanPage(PageOf[PlanOut]):
    """A page of plans."""


class PlanRowOut(Out):
    """What would happen to one row of the file."""

    line: int
    outcome: Literal["created", "updated", "unchanged", "twin", "refused"]
    cost_cents: int
    email: str | None
    assignment: UUID | None = Field(description="The assignment that the person has already.")
    was: str | None = Field(description="The state of that assignment.")
    of_line: int | None = Field(description="The row that named the same person first.")
    code: str | None
    message: str | None


class PlanRowPage(PageOf[PlanRowOut]):
    """A page of rows of a plan."""


class ApplyIn(In):
    """The digest of the plan that was looked at."""

    digest: Annotated[str, Field(pattern=DIGEST)]


class PlanFilters(Paging):
    """Which plans."""

    budget: UUID | None = None
    state: PlanState | None = None


class PlanRowFilters(Paging):
    """How many rows of a plan, and from where."""


@router.get("/plans", response=PlanPage)
def list_plans(request: HttpRequest, filters: Query[PlanFilters]) -> HttpResponse:
    """Name the plans, newest first. Takes `assignments.allocate`."""
    wanted = {"configuration__subsidy_access_policy__uuid": filters.budget, "state": filters.state}
    rows = services.plans(actor_of(request)).filter(**filled(wanted))
    return page(request, rows, filters, ORDER, plan_shape)


@router.post("/plans", response={201: PlanOut})
def create_plan(request: HttpRequest, payload: AllocationIn) -> HttpResponse:
    """Find out what an allocation would do; nothing but the plan is written. Takes `assignments.allocate`."""
    return _planned(request, payload, people_of(payload))


@router.post("/plans/file", response={201: PlanOut}, openapi_extra=FILE)
def create_plan_from_file(request: HttpRequest, offer: Query[OfferOptions]) -> HttpResponse:
    """Find out the same for a file of people, CSV or JSON lines."""
    offer_of(request, offer)
    return _planned(request, offer, read_upload(request, offer.encoding).people)


def _planned(request: HttpRequest, wanted: AllocationIn | OfferOptions, people: PeopleFile) -> HttpResponse:
    row = flows.make_plan(offer_of(request, wanted), people, actor=actor_of(request))
    response = answer(plan_shape(row), 201)
    response["Location"] = reverse("v1:get_plan", kwargs={"plan": row.pk})
    return response


@router.get("/plans/{uuid:plan}", response=PlanOut)
def get_plan(request: HttpRequest, plan: UUID) -> HttpResponse:
    """Tell what a plan comes to."""
    row = services.find_plan(plan, actor=actor_of(request))
    return answer(plan_shape(row))


@router.get("/plans/{uuid:plan}/rows", response=PlanRowPage)
def list_plan_rows(request: HttpRequest, plan: UUID, paging: Query[PlanRowFilters]) -> HttpResponse:
    """Name what would happen to every row, in the order of the file; none once the plan is over."""
    row = services.find_plan(plan, actor=actor_of(request))

    def fetch(place: Sequence[Any] | None, limit: int) -> list[PlacedRow]:
        return list(islice(services.placed_rows(row, after=_place(place)), limit))

    return page_by(request, paging, fetch, lambda item: item.place, lambda item: plan_row_shape(item.row))


def _place(place: Sequence[Any] | None) -> tuple[int, int]:
    return (int(place[0]), int(place[1])) if place else (-1, -1)


@router.post("/plans/{uuid:plan}/apply", response={201: BatchOut, 202: BatchOut}, openapi_extra=KEYED)
def apply_plan(request: HttpRequest, plan: UUID, payload: ApplyIn) -> HttpResponse:
    """Do exactly what a plan says, or nothing: `plan_changed` says what would be otherwise now.

    201 when it is done, 202 when a worker fills it: the batch tells how far it is.
    """
    actor = actor_of(request)
    row = services.find_plan(plan, actor=actor)
    customer = row.configuration.enterprise_customer_uuid
    return once(
        request,
        customer,
        lambda: flows.apply_plan(row.pk, digest=payload.digest, actor=actor),
        opened,
    )


@router.delete("/plans/{uuid:plan}", response={204: None})
def delete_plan(request: HttpRequest, plan: UUID) -> HttpResponse:
    """Give up a plan, and forget its people; one that was applied stays as it is."""
    services.discard_plan(plan, actor=actor_of(request))
    return HttpResponse(status=204)


def plan_shape(row: AllocationPlan) -> dict[str, Any]:
    """Return a plan as JSON."""
    offer = Offer.from_json(row.terms["offer"])
    due = offer.expiry(row.created)
    names = ("uuid", "state", "digest", "people", "charged_cents", "refusal", "created")
    shape: dict[str, Any] = {name: getattr(row, name) for name in names}
    counts = {name: getattr(row, f"{name}_count") for name in PlanCounts.model_fields}
    return shape | {
        "customer": offer.customer,
        "budget": offer.budget,
        "content_key": offer.content_key,
        "content_title": offer.title,
        "run_key": offer.run_key,
        "price_cents": offer.price_cents,
        "rows": counts,
        "available_before_cents": row.available_cents,
        "available_after_cents": None if row.refusal else row.available_cents - row.charged_cents,
        "expires_at": due.at,
        "expires_reason": str(due.reason),
        "applicable_until": row.lapses_at,
        "batch": row.batch_uuid,
    }


def plan_row_shape(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a plan as JSON."""
    return {name: row.get(name) for name in PlanRowOut.model_fields}
