"""Batches over our own API: allocations that were made, how far they are, the result of every row, and undoing them."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from ninja import Query, Router
from pydantic import Field

from bursar.api.auth import actor_of
from bursar.api.idempotency import Reply
from bursar.api.rendering import answer
from bursar.api.v1 import bulk
from bursar.api.v1.allocating import AllocationIn, OfferOptions, offer_of, people_of
from bursar.api.v1.once import KEYED, once
from bursar.api.v1.paging import Paging, filled, page, page_by
from bursar.api.v1.schemas import Moment, Out, PageOf
from bursar.api.v1.uploads import FILE, read_upload
from bursar.assignments import flows, results, services
from bursar.assignments.models import AllocationBatch
from bursar.assignments.models.batches import BatchState
from bursar.assignments.results import RowResult, Shown
from bursar.assignments.services import Allocation
from bursar.kernel.tables import csv_line

router: Final = Router(tags=["batches"])
ORDER: Final = ("-created", "-uuid")
BUDGET: Final = "configuration__subsidy_access_policy__uuid"
COUNTS: Final = ("created", "updated", "unchanged", "twin", "refused")
CSV_COLUMNS: Final = ("line", "outcome", "email", "assignment", "state", "of_line", "code", "message")


class BatchCounts(Out):
    """How many rows came to what, so far."""

    created: int
    updated: int
    unchanged: int
    twin: int
    refused: int


class ProgressOut(Out):
    """Of how many people something has become, of how many."""

    done: int
    total: int


class BatchOut(Out):
    """One allocation. Amounts are cents; `held_cents` is reserved for people who are not assigned yet."""

    uuid: UUID
    customer: UUID
    budget: UUID
    state: BatchState
    content_key: str
    content_title: str
    run_key: str | None
    price_cents: int
    people: int
    rows: BatchCounts
    charged_cents: int
    held_cents: int
    progress: ProgressOut
    created: Moment
    modified: Moment


class BatchPage(PageOf[BatchOut]):
    """A page of allocations."""


class RowOut(Out):
    """What became of one row. The address is the assignment's present one: null where there is none, or it was removed."""

    line: int
    outcome: Literal["created", "updated", "unchanged", "twin", "refused"]
    email: str | None
    assignment: UUID | None
    state: str | None = Field(description="The state of the assignment now.")
    of_line: int | None
    code: str | None
    message: str | None


class RowPage(PageOf[RowOut]):
    """A page of rows of an allocation."""


class BatchFilters(Paging):
    """Which batches."""

    budget: UUID | None = None
    state: BatchState | None = None


class RowFilters(Paging):
    """How many rows of an allocation, and from where."""


@router.get("/batches", response=BatchPage)
def list_batches(request: HttpRequest, filters: Query[BatchFilters]) -> HttpResponse:
    """Name the allocations, newest first. Takes `assignments.allocate`."""
    rows = results.batches(actor_of(request)).filter(**filled({BUDGET: filters.budget, "state": filters.state}))
    return page(request, rows, filters, ORDER, batch_shape)


@router.post("/batches", response={201: BatchOut, 202: BatchOut}, openapi_extra=KEYED)
def create_batch(request: HttpRequest, payload: AllocationIn) -> HttpResponse:
    """Assign a course to people: to all who can get it, or, when a rule or the money says no, to nobody.

    201 when it is done. 202 where a worker fills it: the money is reserved, and the batch tells how far it is.
    """
    offer, people, actor = offer_of(request, payload), people_of(payload), actor_of(request)
    return once(request, offer.budget.customer_id, lambda: flows.allocate_file(offer, people, actor=actor), opened)


@router.post("/batches/file", response={201: BatchOut, 202: BatchOut}, openapi_extra=KEYED | FILE)
def create_batch_from_file(request: HttpRequest, offer: Query[OfferOptions]) -> HttpResponse:
    """Do the same for a file of people, CSV or JSON lines, read as a stream."""
    wanted, actor = offer_of(request, offer), actor_of(request)
    upload = read_upload(request, offer.encoding)
    asked = [b"POST", request.get_full_path().encode(), upload.digest]
    return once(
        request,
        wanted.budget.customer_id,
        lambda: flows.allocate_file(wanted, upload.people, actor=actor),
        opened,
        asked=asked,
    )


@router.get("/batches/{uuid:batch}", response=BatchOut)
def get_batch(request: HttpRequest, batch: UUID) -> HttpResponse:
    """Tell how far an allocation is, and what it came to."""
    return _one(results.find_batch(batch, actor=actor_of(request)))


@router.get("/batches/{uuid:batch}/rows", response=RowPage)
def list_batch_rows(request: HttpRequest, batch: UUID, paging: Query[RowFilters]) -> HttpResponse:
    """Name what became of every row, as far as it is done."""
    row = results.find_batch(batch, actor=actor_of(request))

    def fetch(place: Sequence[Any] | None, limit: int) -> list[tuple[RowResult, Shown | None]]:
        after = (int(place[0]), int(place[1])) if place else (-1, -1)
        found = results.page_of_results(row.pk, after=after, limit=limit)
        return list(results.shown_results(found))

    return page_by(request, paging, fetch, lambda item: item[0].place, lambda item: row_shape(*item))


@router.get(
    "/batches/{uuid:batch}/rows.csv",
    response={200: str},
    openapi_extra={"responses": {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}},
)
def download_batch_rows(request: HttpRequest, batch: UUID) -> StreamingHttpResponse:
    """Give all of that as a CSV file, to be laid beside the file that was sent: `line` is the row's first line there."""
    row = results.find_batch(batch, actor=actor_of(request))
    response = StreamingHttpResponse(_csv(row.pk), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="batch-{row.pk}.csv"'
    return response


def _csv(batch: UUID) -> Iterator[str]:
    yield csv_line(CSV_COLUMNS)
    for item, seen in results.shown_results(results.results(batch)):
        shape = row_shape(item, seen)
        yield csv_line([shape[name] for name in CSV_COLUMNS])


@router.post("/batches/{uuid:batch}/undo", response=bulk.ManyOut, openapi_extra=KEYED)
def undo_batch(request: HttpRequest, batch: UUID) -> HttpResponse:
    """Take a whole allocation back while nobody has accepted (else `batch_not_undoable`): all of it or nothing."""
    actor = actor_of(request)
    row = results.find_batch(batch, actor=actor)
    customer = row.configuration.enterprise_customer_uuid
    return once(request, customer, lambda: services.undo_batch(row.pk, actor=actor), bulk.kept)


def opened(done: Any) -> Reply:
    """Return the reply to an allocation, of what its first transaction returns: 202 while a worker has to fill it."""
    key: UUID = done.batch if isinstance(done, Allocation) else done  # type: ignore[assignment]  # kept with results
    row = AllocationBatch.objects.get(pk=key)
    status = 202 if row.state == BatchState.FILLING else 201
    return Reply(status, batch_shape(row), reverse("v1:get_batch", kwargs={"batch": key}))


def _one(row: AllocationBatch) -> HttpResponse:
    return answer(batch_shape(row))


def batch_shape(row: AllocationBatch) -> dict[str, Any]:
    """Return a batch as JSON."""
    offer = row.terms["offer"]
    names = ("uuid", "state", "people", "charged_cents", "created", "modified")
    shape = {name: getattr(row, name) for name in names}
    counts = {name: getattr(row, f"{name}_count") for name in COUNTS}
    far = results.progress_of(row)
    same = ("customer", "budget", "content_key", "run_key", "price_cents")
    return (
        shape
        | {name: offer[name] for name in same}
        | {
            "content_title": offer["title"],
            "rows": counts | {"refused": row.refused_count + row.rejected_count},
            "held_cents": row.hold_cents,
            "progress": {"done": far.done, "total": far.total},
        }
    )


def row_shape(item: RowResult, seen: Shown | None) -> dict[str, Any]:
    """Return the result of a row as JSON."""
    names = ("line", "outcome", "assignment", "of_line", "code", "message")
    shape = {name: getattr(item, name) for name in names}
    return shape | {"email": seen.email if seen else None, "state": seen.state if seen else None}
